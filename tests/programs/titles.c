// titles.c - MIB TITLE...: takes each title in turn, as servers do, and MIB more memory with it; a line of input goes
// on.
//
// The title is written over the arguments and, where it is longer, over the environment. A title with '+' before it is
// taken by a fork child, which goes on from there; its parent waits for it.
#include <sys/wait.h>

#include "program.h"

extern char** environ;

static char* area;
static size_t room;

// As far as the strings follow each other.
static void find_area(int argc, char** argv) {
  char* end = argv[0];
  for (int i = 0; i < argc && argv[i] == end; ++i) {
    end += strlen(end) + 1;
  }
  for (char** variable = environ; *variable == end; ++variable) {
    end += strlen(end) + 1;
  }
  area = argv[0];
  room = (size_t)(end - area);
}

static void set_title(const char* title) {
  memset(area, 0, room);
  snprintf(area, room, "%s", title);
}

// In small pieces: a title is noticed where memory is asked for.
static void take(size_t bytes) {
  const size_t piece = 16384;
  for (size_t taken = 0; taken < bytes; taken += piece) {
    void* memory = malloc(piece);
    require(memory != NULL, "malloc");
    fill(memory, piece, taken);
  }
}

int main(int argc, char** argv) {
  const size_t bytes = number_argument(argc, argv, 1, 8) * MIB;
  char** titles = calloc((size_t)argc, sizeof(char*));
  for (int i = 2; i < argc; ++i) {
    titles[i - 2] = strdup(argv[i]);
  }
  find_area(argc, argv);
  for (char** title = titles; *title != NULL; ++title) {
    const int forks = (*title)[0] == '+';
    if (forks && fork() != 0) {
      int status = 1;
      wait(&status);
      return status != 0;
    }
    set_title(*title + forks);
    take(bytes);
    puts("ready");
    fflush(stdout);
    char line[64];
    if (fgets(line, sizeof(line), stdin) == NULL) {
      break;
    }
  }
  puts("ok");
  return 0;
}
