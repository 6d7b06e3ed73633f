// own_title.cc - the rules of /proc/PID/cmdline, over our own memory.
#include "preload/own_title.h"

#include <algorithm>
#include <cstring>

namespace weir {
namespace {

struct TitleArea {
  const char* begin = nullptr;
  const char* arguments_end = nullptr;
  const char* end = nullptr;  // a title may go on over the environment
};
constinit TitleArea area;

// The end of the last string, as long as one follows the other.
const char* end_of(const char* const* strings, const char* from) {
  for (; *strings != nullptr && *strings == from; ++strings) {
    from += std::strlen(from) + 1;
  }
  return from;
}

}  // namespace

void note_title_area(int argc, const char* const* argv, const char* const* envp) {
  if (argc > 0 && argv[0] != nullptr) {
    area.begin = argv[0];
    area.arguments_end = end_of(argv, argv[0]);
    area.end = end_of(envp, area.arguments_end);
  }
}

// Source: fs/proc/base.c, get_mm_cmdline(): where the arguments' last byte is no NUL, a title was
// written that goes on to its first NUL.
std::string_view read_title(char (&out)[kTitleBytes]) {
  if (area.begin == nullptr) {
    return {};
  }
  const bool overwritten = area.arguments_end[-1] != '\0';
  const char* const end = overwritten ? area.end : area.arguments_end;
  std::size_t length = std::min(static_cast<std::size_t>(end - area.begin), sizeof(out));
  std::memcpy(out, area.begin, length);
  if (overwritten) {
    length = strnlen(out, length);
  }
  std::replace(out, out + length, '\0', ' ');
  while (length > 0 && out[length - 1] == ' ') {
    --length;
  }
  return {out, length};
}

}  // namespace weir
