// own_userfaultfd.c - a program that fills its own missing pages by userfaultfd, as virtual machine monitors do.
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "program.h"

enum { kPage = 4096 };

static int faults;
static size_t bytes;
static char* memory;

static void* serve(void* unused) {
  static char page[kPage];
  for (size_t served = 0; served < bytes / kPage; ++served) {
    struct uffd_msg message;
    require(read(faults, &message, sizeof(message)) == (ssize_t)sizeof(message), "read of a fault");
    const uint64_t at = message.arg.pagefault.address & ~(uint64_t)(kPage - 1);
    fill(page, kPage, (at - (uintptr_t)memory) / kPage);
    struct uffdio_copy copy = {.dst = at, .src = (uintptr_t)page, .len = kPage};
    require(ioctl(faults, UFFDIO_COPY, &copy) == 0, "UFFDIO_COPY");
  }
  return unused;
}

int main(void) {
  bytes = 32 * MIB;
  memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
  struct uffdio_api api = {.api = UFFD_API};
  if (faults < 0 || ioctl(faults, UFFDIO_API, &api) != 0) {
    puts("no userfaultfd");
    return 77;
  }
  struct uffdio_register range = {{(uintptr_t)memory, bytes}, UFFDIO_REGISTER_MODE_MISSING, 0};
  require(ioctl(faults, UFFDIO_REGISTER, &range) == 0, "UFFDIO_REGISTER");
  pthread_t server;
  require(pthread_create(&server, NULL, serve, NULL) == 0, "pthread_create");
  for (size_t page = 0; page < bytes / kPage; ++page) {
    verify(memory + page * kPage, kPage, page);
  }
  for (size_t page = 0; page < bytes / kPage; ++page) {
    verify(memory + page * kPage, kPage, page);
  }
  pthread_join(server, NULL);
  puts("ok");
  return 0;
}
