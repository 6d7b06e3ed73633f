// smaps.cc - line by line.
#include "reclaim/smaps.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace weir {
namespace {

// The number after the blanks behind a key, in kB.
Pages pages_of(std::string_view value) {
  const std::size_t at = value.find_first_not_of(' ');
  std::uint64_t kib = 0;
  if (at != std::string_view::npos) {
    std::from_chars(value.data() + at, value.data() + value.size(), kib);
  }
  return Pages{kib * kKiB / kPageBytes};
}

bool starts(std::string_view line, std::string_view key, std::string_view& value) {
  if (line.substr(0, key.size()) != key) {
    return false;
  }
  value = line.substr(key.size());
  return true;
}

// The n-th word of a line, counted from 0; empty when there is none.
std::string_view word(std::string_view line, int n) {
  for (std::size_t at = 0; at < line.size();) {
    at = std::min(line.find_first_not_of(' ', at), line.size());
    const std::size_t end = std::min(line.find(' ', at), line.size());
    if (n-- == 0) {
      return line.substr(at, end - at);
    }
    at = end;
  }
  return {};
}

}  // namespace

void SmapsParser::begin_mapping(std::string_view line) {
  end();
  mapping_ = {};
  const char* const stop = line.data() + line.size();
  const auto begin = std::from_chars(line.data(), stop, mapping_.range.begin, 16);
  if (begin.ec != std::errc{} || begin.ptr == stop || *begin.ptr != '-') {
    return;
  }
  const auto finish = std::from_chars(begin.ptr + 1, stop, mapping_.range.end, 16);
  any_ = finish.ec == std::errc{} && mapping_.range.begin < mapping_.range.end && mapping_.range.end <= kLastAddress &&
         mapping_.range.begin % kPageBytes == 0 && mapping_.range.end % kPageBytes == 0;
  mapping_.private_anonymous = word(line, 1) == "rw-p" && word(line, 4) == "0";
}

void SmapsParser::take_flags(std::string_view flags) {
  for (int n = 0;; ++n) {
    const std::string_view flag = word(flags, n);
    if (flag.empty()) {
      return;
    }
    mapping_.random = mapping_.random || flag == "rr";
    mapping_.huge = mapping_.huge || flag == "hg";
    for (const std::string_view fixed : {"lo", "gd", "io", "pf", "ht", "sr", "dc"}) {
      mapping_.fixed = mapping_.fixed || flag == fixed;
    }
  }
}

void SmapsParser::take_line(std::string_view line) {
  if (line.empty()) {
    return;
  }
  const char first = line[0];
  if ((first >= '0' && first <= '9') || (first >= 'a' && first <= 'f')) {
    begin_mapping(line);
    return;
  }
  std::string_view value;
  if (starts(line, "Rss:", value)) {
    mapping_.resident = pages_of(value);
  } else if (starts(line, "Referenced:", value)) {
    mapping_.referenced = pages_of(value);
  } else if (starts(line, "VmFlags:", value)) {
    take_flags(value);
  }
}

void SmapsParser::take(std::string_view text) {
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    const std::string_view piece = text.substr(0, newline);
    if (newline != std::string_view::npos && rest_bytes_ == 0) {
      take_line(piece);
    } else {
      const std::size_t fits = std::min(piece.size(), sizeof(rest_) - rest_bytes_);
      std::memcpy(rest_ + rest_bytes_, piece.data(), fits);
      rest_bytes_ += fits;
      if (newline == std::string_view::npos) {
        return;
      }
      take_line({rest_, rest_bytes_});
      rest_bytes_ = 0;
    }
    text.remove_prefix(newline + 1);
  }
}

void SmapsParser::end() {
  if (any_) {
    visitor_.visit(mapping_);
  }
  any_ = false;
}

int SmapsFile::open(Os& os) {
  const SysResult fd = os.open("/proc/thread-self/smaps", O_RDONLY, 0);
  fd_ = fd.ok() ? static_cast<int>(fd.value()) : -1;
  return fd.error();
}

int SmapsFile::read(Os& os, char* buffer, std::size_t bytes, MappingVisitor& visitor) const {
  if (fd_ < 0) {
    return EBADF;
  }
  SmapsParser parser(visitor);
  for (std::int64_t offset = 0;;) {
    const SysResult got = os.pread(fd_, buffer, bytes, offset);
    if (!got.ok()) {
      return got.error();
    }
    if (got.value() == 0) {
      parser.end();
      return 0;
    }
    parser.take({buffer, static_cast<std::size_t>(got.value())});
    offset += got.value();
  }
}

}  // namespace weir
