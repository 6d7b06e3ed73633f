// thread_groups.c - MIB HOW THREADS...: threads named after the arguments each take MIB MiB, sum it up, and wait.
//
// HOW is small (blocks of 1 KiB), large (one malloc) or map (mmap). A name with '!' behind is given by another thread,
// one with '+' makes a second thread that names itself nothing. Prints a line when all hold their memory, then waits
// for the end of its input, and prints the sums.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { MAX_THREADS = 64 };

static size_t bytes;
static char how;
static pthread_barrier_t held;
static pthread_barrier_t done;

struct worker {
  pthread_t thread;
  const char* name;
  unsigned long sum;
  int failed;
};

static unsigned long fill(unsigned char* memory, size_t length, unsigned seed) {
  unsigned long sum = 0;
  for (size_t i = 0; i < length; i += 256) {
    memory[i] = (unsigned char)(seed + i / 256);
    sum += memory[i];
  }
  return sum;
}

static unsigned long sum_of(const unsigned char* memory, size_t length) {
  unsigned long sum = 0;
  for (size_t i = 0; i < length; i += 256) {
    sum += memory[i];
  }
  return sum;
}

static void* work(void* argument) {
  struct worker* self = argument;
  const size_t name_length = strcspn(self->name, "!+");
  char name[16];
  snprintf(name, sizeof name, "%.*s", (int)name_length, self->name);
  if (self->name[name_length] != '!') {
    prctl(PR_SET_NAME, name);
  } else {
    while (strncmp(name, "?", 1) != 0) {  // until somebody named us
      char now[16];
      pthread_getname_np(pthread_self(), now, sizeof now);
      if (strcmp(now, name) == 0)
        break;
      usleep(1000);
    }
  }
  const size_t block = how == 's' ? 1024 : bytes;
  const size_t count = bytes / block;
  unsigned char** blocks = malloc(count * sizeof *blocks);
  unsigned long before = 0;
  for (size_t i = 0; i < count && !self->failed; ++i) {
    blocks[i] =
        how == 'm' ? mmap(NULL, block, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : malloc(block);
    self->failed = blocks[i] == NULL || blocks[i] == MAP_FAILED;
    if (!self->failed)
      before += fill(blocks[i], block, (unsigned)i);
  }
  pthread_barrier_wait(&held);
  pthread_barrier_wait(&done);
  unsigned long after = 0;
  for (size_t i = 0; i < count && !self->failed; ++i)
    after += sum_of(blocks[i], block);
  self->sum = after;
  if (!self->failed && after != before)
    self->failed = 2;
  return NULL;
}

int main(int argc, char** argv) {
  static struct worker workers[MAX_THREADS];
  const unsigned count = argc > 3 ? (unsigned)(argc - 3) : 0;
  if (count == 0 || count > MAX_THREADS)
    return 2;
  bytes = (size_t)atoi(argv[1]) << 20;
  how = argv[2][0];
  pthread_barrier_init(&held, NULL, count + 1);
  pthread_barrier_init(&done, NULL, count + 1);
  for (unsigned i = 0; i < count; ++i) {
    workers[i].name = argv[3 + i];
    if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
      return 1;
    const size_t length = strcspn(workers[i].name, "!");
    if (workers[i].name[length] == '!') {
      char name[16];
      snprintf(name, sizeof name, "%.*s", (int)length, workers[i].name);
      pthread_setname_np(workers[i].thread, name);
    }
  }
  pthread_barrier_wait(&held);
  printf("ready\n");
  fflush(stdout);
  while (getchar() != EOF) {
  }
  pthread_barrier_wait(&done);
  int status = 0;
  for (unsigned i = 0; i < count; ++i) {
    pthread_join(workers[i].thread, NULL);
    printf("%s %s\n", workers[i].name, workers[i].failed == 0 ? "right" : workers[i].failed == 1 ? "refused" : "WRONG");
    status = workers[i].failed == 2 ? 1 : status;
  }
  return status;
}
