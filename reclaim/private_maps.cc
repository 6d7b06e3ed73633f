// private_maps.cc - /proc/thread-self/maps, read in pieces.
#include "reclaim/private_maps.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weir {
namespace {

// "start-end rights offset device inode".
struct Mapping {
  AddressRange range;
  bool counts = false;  // private, and not a mere reservation of address space
  bool is_anonymous = false;
};

bool parse(std::string_view line, Mapping& out) {
  const char* end = line.data() + line.size();
  const auto first = std::from_chars(line.data(), end, out.range.begin, 16);
  if (first.ec != std::errc{} || first.ptr >= end) {
    return false;
  }
  const auto second = std::from_chars(first.ptr + 1, end, out.range.end, 16);
  if (second.ec != std::errc{} || second.ptr + 4 >= end) {
    return false;
  }
  const std::string_view rights(second.ptr + 1, 4);
  out.counts = rights[3] == 'p' && rights != "---p";
  std::string_view rest(second.ptr + 5, static_cast<std::size_t>(end - second.ptr - 5));
  for (int field = 0; field < 2; ++field) {  // the offset, the device
    rest.remove_prefix(std::min(rest.find(' ', 1), rest.size()));
  }
  const bool has_file = rest.size() < 2 || rest[1] != '0';
  out.is_anonymous = out.counts && rights[1] == 'w' && !has_file;
  return true;
}

}  // namespace

PrivateMaps::PrivateMaps(Os& os, char* text, std::size_t bytes) : os_(os), text_(text), bytes_(bytes) {
  const SysResult fd = os_.open("/proc/thread-self/maps", O_RDONLY, 0);
  fd_ = fd.ok() ? static_cast<int>(fd.value()) : -1;
}

PrivateMaps::~PrivateMaps() {
  if (fd_ >= 0) {
    static_cast<void>(os_.close(fd_));
  }
}

bool PrivateMaps::next(AddressRange& out) {
  std::string_view line;
  while (next_line(line)) {
    if (Mapping mapping; parse(line, mapping) && mapping.counts) {
      out = mapping.range;
      return true;
    }
  }
  return false;
}

bool PrivateMaps::next_anonymous(AddressRange& out) {
  std::string_view line;
  while (next_line(line)) {
    if (Mapping mapping; parse(line, mapping) && mapping.is_anonymous) {
      out = mapping.range;
      return true;
    }
  }
  return false;
}

bool PrivateMaps::next_line(std::string_view& line) {
  const char* newline = static_cast<const char*>(std::memchr(text_ + at_, '\n', filled_ - at_));
  if (newline == nullptr) {
    if (!refill()) {
      return false;
    }
    newline = static_cast<const char*>(std::memchr(text_, '\n', filled_));
    if (newline == nullptr) {
      return false;
    }
  }
  line = {text_ + at_, static_cast<std::size_t>(newline - (text_ + at_))};
  at_ += line.size() + 1;
  return true;
}

bool PrivateMaps::refill() {
  std::memmove(text_, text_ + at_, filled_ - at_);
  filled_ -= at_;
  at_ = 0;
  if (fd_ < 0) {
    return false;
  }
  const SysResult got = os_.pread(fd_, text_ + filled_, bytes_ - filled_, offset_);
  if (!got.ok() || got.value() == 0) {
    return false;
  }
  offset_ += got.value();
  filled_ += static_cast<std::size_t>(got.value());
  return true;
}

}  // namespace weir
