// own_segv.c - a garbage collector's write barrier: pages made read-only, opened again by a SIGSEGV handler.
#include <signal.h>
#include <sys/mman.h>

#include "program.h"

enum { kPage = 4096 };

static char* memory;
static size_t bytes;
static volatile sig_atomic_t opened;

static void on_segv(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)context;
  char* page = (char*)((uintptr_t)info->si_addr & ~(uintptr_t)(kPage - 1));
  require(page >= memory && page < memory + bytes, "a fault inside our mapping");
  require(mprotect(page, kPage, PROT_READ | PROT_WRITE) == 0, "mprotect");
  ++opened;
}

int main(void) {
  bytes = 32 * MIB;
  memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  fill(memory, bytes, 1);
  struct sigaction action = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO};
  require(sigaction(SIGSEGV, &action, NULL) == 0, "sigaction");
  require(mprotect(memory, bytes, PROT_READ) == 0, "mprotect");
  const size_t stride = 64 * kPage;
  for (size_t at = 0; at < bytes; at += stride) {
    memory[at] = (char)word_at(at / 8, 1);
  }
  require((size_t)opened == bytes / stride, "one barrier hit for each page written");
  verify(memory, bytes, 1);
  puts("ok");
  return 0;
}
