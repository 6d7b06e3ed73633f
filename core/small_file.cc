// small_file.cc - one read is enough for what the kernel tells in a few lines.
#include "core/small_file.h"

#include <fcntl.h>

#include <charconv>

namespace weir {

long read_small_file(Os& os, const char* path, char* buffer, std::size_t bytes) {
  const SysResult fd = os.open(path, O_RDONLY, 0);
  if (!fd.ok()) {
    return -fd.error();
  }
  const SysResult got = os.pread(static_cast<int>(fd.value()), buffer, bytes - 1, 0);
  static_cast<void>(os.close(static_cast<int>(fd.value())));
  if (!got.ok()) {
    return -got.error();
  }
  buffer[got.value()] = '\0';
  return got.value();
}

std::string_view keyed_text(std::string_view text, std::string_view key) {
  const std::size_t line = text.find(key);
  const std::string_view rest = line == std::string_view::npos ? "" : text.substr(line + key.size());
  const std::size_t end = rest.find('\n');
  const std::size_t begin = rest.find_first_not_of(" \t");
  return end != std::string_view::npos && begin < end ? rest.substr(begin, end - begin) : "";
}

std::uint64_t keyed_number(std::string_view text, std::string_view key) {
  const std::string_view found = keyed_text(text, key);
  std::uint64_t value = 0;
  std::from_chars(found.data(), found.data() + found.size(), value);
  return value;
}

}  // namespace weir
