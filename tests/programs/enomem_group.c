// enomem_group.c - thread "io" takes small blocks until it is refused, while the first thread allocates and frees.
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "program.h"

static atomic_int refused;
static size_t most;

static void* take(void* unused) {
  enum { kBlock = 1000 };
  prctl(PR_SET_NAME, "io");
  char* last = NULL;
  for (size_t taken = 0; taken < most; taken += kBlock) {
    char* block = malloc(kBlock);
    if (block == NULL) {
      atomic_store(&refused, 1);
      break;
    }
    memset(block, 1, kBlock);
    memcpy(block, &last, sizeof(last));
    last = block;
  }
  while (last != NULL) {
    char* before;
    memcpy(&before, last, sizeof(before));
    free(last);
    last = before;
  }
  return unused;
}

int main(int argc, char** argv) {
  most = number_argument(argc, argv, 1, 8) * MIB;
  pthread_t thread;
  require(pthread_create(&thread, NULL, take, NULL) == 0, "pthread_create");
  for (int turn = 0; turn < 4000 && !atomic_load(&refused); ++turn) {
    char* piece = malloc(200000);
    require(piece != NULL, "malloc beside");
    memset(piece, 2, 200000);
    free(piece);
    usleep(500);
  }
  pthread_join(thread, NULL);
  puts(atomic_load(&refused) ? "refused" : "ok");
  return 0;
}
