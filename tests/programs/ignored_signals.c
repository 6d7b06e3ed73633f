// ignored_signals.c - grows while another thread sends it signals that it ignores, as fast as it can.
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "program.h"

static volatile int over;
static pthread_t grows;

static void* send(void* nothing) {
  while (!over) {
    pthread_kill(grows, SIGWINCH);  // ignored by default
    pthread_kill(grows, SIGUSR1);   // and by wish
  }
  return nothing;
}

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 48) * MIB;
  pthread_t sender;
  grows = pthread_self();
  signal(SIGUSR1, SIG_IGN);
  require(pthread_create(&sender, NULL, send, NULL) == 0, "pthread_create");
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  fill(memory, bytes, 1);
  verify(memory, bytes, 1);
  over = 1;
  pthread_join(sender, NULL);
  puts("ok");
  return 0;
}
