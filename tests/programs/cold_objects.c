// cold_objects.c - a list of small objects, of which only the newest are used until input ends; then all must be there.
#include <poll.h>

#include "program.h"

struct Object {
  struct Object* older;
  size_t words[127];
};

static void verify_list(const struct Object* object, size_t count) {
  for (; object != NULL && count > 0; object = object->older, --count) {
    verify(object->words, sizeof(object->words), (size_t)object);
  }
}

int main(int argc, char** argv) {
  const size_t count = number_argument(argc, argv, 1, 64) * 1024;
  struct Object* newest = NULL;
  for (size_t i = 0; i < count; ++i) {
    struct Object* const object = malloc(sizeof(*object));
    require(object != NULL, "malloc");
    object->older = newest;
    fill(object->words, sizeof(object->words), (size_t)object);
    newest = object;
  }
  puts("full");
  fflush(stdout);
  struct pollfd input = {STDIN_FILENO, POLLIN, 0};
  while (poll(&input, 1, 20) == 0) {
    verify_list(newest, count / 4);
  }
  verify_list(newest, count);
  puts("ok");
  return 0;
}
