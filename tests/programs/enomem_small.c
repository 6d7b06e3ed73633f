// enomem_small.c - small objects only, until one is refused: no kill, and what was taken is whole.
#include "program.h"

typedef struct Node {
  struct Node* next;
  uint64_t number;
  char rest[240];
} Node;

int main(void) {
  Node* all = NULL;
  uint64_t count = 0;
  for (; count < 4 * MIB; ++count) {
    errno = 0;
    Node* node = malloc(sizeof(Node));
    if (node == NULL) {
      break;
    }
    node->next = all;
    node->number = count;
    memset(node->rest, (int)(count % 251), sizeof(node->rest));
    all = node;
  }
  require(errno == ENOMEM, "the small one that does not fit is refused");
  for (uint64_t left = count; all != NULL; --left) {
    Node* next = all->next;
    require(all->number == left - 1 && all->rest[100] == (char)((left - 1) % 251), "its content");
    free(all);
    all = next;
  }
  require(malloc(MIB) != NULL, "what was freed can be had again");
  puts("refused and went on");
  return 0;
}
