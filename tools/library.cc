// library.cc - looking for libweir.so.
#include "tools/library.h"

#include <unistd.h>

#include <array>
#include <filesystem>

namespace weir {
namespace {

constexpr std::string_view kSeparators = ": ";

bool holds(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const std::size_t end = list.find_first_of(kSeparators);
    if (list.substr(0, end) == wanted) {
      return true;
    }
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
  }
  return false;
}

}  // namespace

std::string find_library() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path prefix = self.parent_path().parent_path();
  const std::array<std::filesystem::path, 3> places = {prefix / "lib", prefix / "lib/x86_64-linux-gnu",
                                                       WEIR_INSTALL_LIBDIR};
  for (const std::filesystem::path& place : places) {
    std::string path = place / "libweir.so";
    if (::access(path.c_str(), R_OK) == 0) {
      return path;
    }
  }
  return {};
}

std::string preload_with(std::string_view library, std::string_view present) {
  if (holds(present, library)) {
    return std::string(present);
  }
  std::string out(library);
  if (!present.empty()) {
    out.append(":").append(present);
  }
  return out;
}

bool can_be_preloaded(std::string_view library) {
  return library.find_first_of(kSeparators) == std::string_view::npos;
}

}  // namespace weir
