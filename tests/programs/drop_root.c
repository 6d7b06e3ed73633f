// drop_root.c - a threaded program grows and gives root away: every task of the process has the new user afterwards.
#include <dirent.h>
#include <pthread.h>

#include "program.h"

enum { kNobody = 65534 };

static pthread_barrier_t dropped;

static void* wait_there(void* unused) {
  pthread_barrier_wait(&dropped);
  return unused;
}

static void check_tasks(void) {
  char path[300];
  DIR* tasks = opendir("/proc/self/task");
  require(tasks != NULL, "opendir");
  for (struct dirent* entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
    if (entry->d_name[0] != '.') {
      snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
      require(status_number(path, "Uid:") == kNobody, "a task with the new user");
    }
  }
  closedir(tasks);
}

int main(void) {
  if (getuid() != 0) {
    puts("needs root");
    return 77;
  }
  pthread_t thread;
  pthread_barrier_init(&dropped, NULL, 2);
  require(pthread_create(&thread, NULL, wait_there, NULL) == 0, "pthread_create");
  char* memory = malloc(48 * MIB);
  fill(memory, 48 * MIB, 1);
  require(setgid(kNobody) == 0 && setuid(kNobody) == 0, "setuid");
  check_tasks();
  pthread_barrier_wait(&dropped);
  pthread_join(thread, NULL);
  require(setuid(0) != 0, "no way back");
  verify(memory, 48 * MIB, 1);
  fill(memory, 48 * MIB, 2);
  verify(memory, 48 * MIB, 2);
  puts("ok");
  return 0;
}
