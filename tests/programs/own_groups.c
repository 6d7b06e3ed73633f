// own_groups.c - GROUP MIB: joins GROUP by weir.h where libweir.so is there, takes MIB MiB, leaves, takes as much
// again.
//
// Says "alone" and ends well where it is not there. Else prints what each call gave, then "ready", and waits for the
// end of its input.
#include "preload/weir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
  if (argc != 3)
    return 2;
  if (weir_enter_group == NULL || weir_leave_group == NULL || weir_read_figures == NULL) {
    printf("alone\n");
    return 0;
  }
  const size_t bytes = (size_t)atoi(argv[2]) << 20;
  struct weir_figures inside = {0};
  struct weir_figures outside = {0};
  const int entered = weir_enter_group(argv[1]);
  char* first = malloc(bytes);
  memset(first, 1, bytes);
  const int read = weir_read_figures(&inside);
  const int left = weir_leave_group();
  char* second = malloc(bytes);
  memset(second, 2, bytes);
  const int again = weir_read_figures(&outside);
  printf("ready\n");
  fflush(stdout);
  while (getchar() != EOF) {
  }
  printf("%d %d %d %d limits %llu %llu sum %d\n", entered, read, left, again, (unsigned long long)inside.limit,
         (unsigned long long)outside.limit, first[bytes - 1] + second[bytes - 1]);
  return 0;
}
