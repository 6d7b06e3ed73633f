// pid_namespace.cc - what two links in /proc say.
#include "core/pid_namespace.h"

#include <string_view>

#include "core/text.h"

namespace weir {
namespace {

// The first number in a link's text; 0: none.
std::uint64_t number_in_link(Os& os, const char* path) {
  char text[64];
  const SysResult bytes = os.read_link(path, text, sizeof(text));
  std::string_view rest(text, bytes.ok() ? static_cast<std::size_t>(bytes.value()) : 0);
  const std::size_t start = rest.find_first_of("0123456789");
  std::uint64_t number = 0;
  for (std::size_t i = start; i < rest.size() && rest[i] >= '0' && rest[i] <= '9'; ++i) {
    number = number * 10 + static_cast<std::uint64_t>(rest[i] - '0');
  }
  return number;
}

}  // namespace

std::uint64_t pid_namespace(Os& os) {
  return number_in_link(os, "/proc/self/ns/pid");  // pid:[4026531836]
}

std::uint64_t pid_namespace_of(Os& os, std::uint32_t pid) {
  TextBuffer<64> path;
  return number_in_link(os, path.add("/proc/").add_number(pid).add("/ns/pid").c_str());
}

bool proc_is_ours(Os& os) {
  return number_in_link(os, "/proc/self") == static_cast<std::uint64_t>(os.pid());
}

}  // namespace weir
