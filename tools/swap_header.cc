// swap_header.cc - the layout of union swap_header (include/linux/swap.h), version 1.
#include "tools/swap_header.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/units.h"
#include "tools/files.h"

namespace weir {
namespace {

constexpr std::size_t kUuidBytes = 16;
constexpr std::size_t kSignatureBytes = 10;
constexpr std::array<char, kSignatureBytes + 1> kSignature = {"SWAPSPACE2"};

struct SwapHeader {
  std::array<char, 1024> boot;
  std::uint32_t version;
  std::uint32_t last_page;
  std::uint32_t bad_pages;
  std::array<std::uint8_t, kUuidBytes> uuid;
  std::array<char, 16> label;
  std::array<char, kPageBytes - 1024 - 12 - kUuidBytes - 16 - kSignatureBytes> padding;
  std::array<char, kSignatureBytes> signature;
};
static_assert(sizeof(SwapHeader) == kPageBytes);

unsigned digit_of(char c) {
  return static_cast<unsigned>(c >= 'a' ? c - 'a' + 10 : c - '0');
}

// Dashes stand after bytes 4, 6, 8 and 10.
std::string text_of(const std::array<std::uint8_t, kUuidBytes>& uuid) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < kUuidBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      out += '-';
    }
    out += kDigits[uuid.at(i) >> 4U];
    out += kDigits[uuid.at(i) & 15U];
  }
  return out;
}

std::array<std::uint8_t, kUuidBytes> bytes_of(const std::string& uuid) {
  std::array<std::uint8_t, kUuidBytes> out{};
  std::size_t digits = 0;
  for (const char c : uuid) {
    if (c != '-' && digits < 2 * kUuidBytes) {
      std::uint8_t& byte = out.at(digits / 2);
      byte = static_cast<std::uint8_t>(static_cast<unsigned>(byte) << 4U | digit_of(c));
      ++digits;
    }
  }
  return out;
}

}  // namespace

std::string new_uuid() {
  std::string out;
  static_cast<void>(read_text("/proc/sys/kernel/random/uuid", out));
  return out;
}

int write_swap_header(int fd, std::uint64_t bytes, const std::string& uuid) {
  SwapHeader header = {};
  header.version = 1;
  // The kernel counts in 32 bits; more of the area than that is not used.
  const std::uint64_t last = bytes / kPageBytes - 1;
  header.last_page = static_cast<std::uint32_t>(last < UINT32_MAX ? last : UINT32_MAX - 1);
  header.uuid = bytes_of(uuid);
  std::memcpy(header.label.data(), "weir", sizeof("weir"));
  std::memcpy(header.signature.data(), kSignature.data(), kSignatureBytes);
  if (::pwrite(fd, &header, sizeof(header), 0) != static_cast<ssize_t>(sizeof(header))) {
    return errno == 0 ? EIO : errno;
  }
  return ::fsync(fd) == 0 ? 0 : errno;
}

std::string swap_uuid_of(const std::string& path) {
  SwapHeader header = {};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    return {};
  }
  const ssize_t got = ::pread(fd, &header, sizeof(header), 0);
  ::close(fd);
  const bool is_swap = got == static_cast<ssize_t>(sizeof(header)) &&
                       std::memcmp(header.signature.data(), kSignature.data(), kSignatureBytes) == 0;
  return is_swap ? text_of(header.uuid) : std::string{};
}

}  // namespace weir
