// grow_reserved.c - memory that comes otherwise than by malloc or a plain mmap: reserved, committed, by sbrk, of a
// file.
#include <sys/mman.h>
#include <sys/syscall.h>

#include "program.h"

static const int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
static const int kWrite = PROT_READ | PROT_WRITE;

static char* committed(size_t bytes, size_t step) {
  char* memory = mmap(NULL, bytes, PROT_NONE, kPrivate | MAP_NORESERVE, -1, 0);
  for (size_t at = 0; memory != MAP_FAILED && at < bytes; at += step) {
    require(mprotect(memory + at, step, kWrite) == 0, "mprotect");
    fill(memory + at, step, 1);
  }
  return memory;
}

// All of it before any is touched, each piece too small to be looked at.
static char* committed_ahead(size_t bytes, size_t step) {
  char* memory = mmap(NULL, bytes, PROT_NONE, kPrivate | MAP_NORESERVE, -1, 0);
  for (size_t at = 0; memory != MAP_FAILED && at < bytes; at += step) {
    require(mprotect(memory + at, step, kWrite) == 0, "mprotect");
  }
  return memory;
}

static char* of_file(size_t bytes) {
  FILE* file = tmpfile();
  require(file != NULL && ftruncate(fileno(file), (off_t)bytes) == 0, "a file");
  return mmap(NULL, bytes, kWrite, MAP_PRIVATE, fileno(file), 0);
}

static char* by_syscall(size_t bytes) {
  char* memory = (char*)syscall(SYS_mmap, NULL, bytes, PROT_NONE, kPrivate, -1, (off_t)0);
  require(syscall(SYS_mprotect, memory, bytes, kWrite) == 0, "mprotect by syscall");
  errno = 0;
  require(syscall(SYS_mmap, NULL, (size_t)0, kWrite, kPrivate, -1, (off_t)0) == -1 && errno == EINVAL, "its errors");
  return memory;
}

static char* by_way(const char* way, size_t bytes) {
  if (strcmp(way, "noreserve") == 0) {
    return mmap(NULL, bytes, kWrite, kPrivate | MAP_NORESERVE, -1, 0);
  }
  if (strcmp(way, "commit") == 0) {
    return committed(bytes, bytes);
  }
  if (strcmp(way, "commit_by_steps") == 0) {
    return committed(bytes, 64 * 1024);
  }
  if (strcmp(way, "commit_ahead") == 0) {
    return committed_ahead(bytes, 64 * 1024);
  }
  if (strcmp(way, "sbrk") == 0) {
    return sbrk((intptr_t)bytes);
  }
  if (strcmp(way, "brk") == 0) {
    char* const end = sbrk(0);
    return brk(end + bytes) == 0 ? end : MAP_FAILED;
  }
  return strcmp(way, "file") == 0 ? of_file(bytes) : by_syscall(bytes);
}

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 48) * MIB;
  char* memory = by_way(argc > 2 ? argv[2] : "noreserve", bytes);
  require(memory != MAP_FAILED, "memory");
  fill(memory, bytes, 1);
  verify(memory, bytes, 1);
  puts("ok");
  return 0;
}
