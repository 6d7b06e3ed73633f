// grow_malloc.c - grows by many small allocations, touches all, and reads all back.
#include "program.h"

enum { kPiece = 64 * 1024 };

int main(int argc, char** argv) {
  const size_t pieces = number_argument(argc, argv, 1, 48) * MIB / kPiece;
  void** held = malloc(pieces * sizeof(void*));
  require(held != NULL, "malloc of the table");
  for (size_t i = 0; i < pieces; ++i) {
    held[i] = malloc(kPiece);
    require(held[i] != NULL, "malloc");
    fill(held[i], kPiece, i);
  }
  for (size_t i = 0; i < pieces; ++i) {
    verify(held[i], kPiece, i);
    free(held[i]);
  }
  puts("ok");
  return 0;
}
