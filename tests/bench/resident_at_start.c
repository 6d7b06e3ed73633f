// resident_at_start.c - prints its own Rss and Anonymous, in KiB, as the kernel counts them when main begins.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
  static char text[4096];
  // Neither stdio nor malloc before the file is read: they would count themselves.
  const int rollup = open("/proc/self/smaps_rollup", O_RDONLY);
  if (rollup < 0 || read(rollup, text, sizeof(text) - 1) <= 0) {
    return 1;
  }
  const char* resident = strstr(text, "Rss:");
  const char* anonymous = strstr(text, "Anonymous:");
  if (resident == NULL || anonymous == NULL) {
    return 1;
  }
  printf("%ld %ld\n", strtol(resident + 4, NULL, 10), strtol(anonymous + 10, NULL, 10));
  return 0;
}
