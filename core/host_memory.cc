// host_memory.cc - reading /proc/meminfo, and the setting for huge pages.
#include "core/host_memory.h"

#include <string_view>
#include <utility>

#include "core/small_file.h"
#include "core/text.h"
#include "core/units.h"

namespace weir {
namespace {

constexpr std::uint32_t kLargestKib = 2048;
constexpr std::uint32_t kSmallestKib = 8;

enum class Setting { kNone, kNever, kAdvised, kAlways, kInherited };

// The word in brackets.
Setting read_setting(Os& os, const char* path) {
  char text[96];
  const long length = read_small_file(os, path, text, sizeof(text));
  const std::string_view words(text, length > 0 ? static_cast<std::size_t>(length) : 0);
  constexpr std::pair<std::string_view, Setting> kSettings[] = {{"[always]", Setting::kAlways},
                                                                {"[madvise]", Setting::kAdvised},
                                                                {"[inherit]", Setting::kInherited},
                                                                {"[never]", Setting::kNever}};
  for (const auto& [word, setting] : kSettings) {
    if (words.find(word) != std::string_view::npos) {
      return setting;
    }
  }
  return Setting::kNone;
}

Setting read_setting_of(Os& os, std::uint32_t kib) {
  TextBuffer<96> path;
  path.add("/sys/kernel/mm/transparent_hugepage/hugepages-").add_number(kib).add("kB/enabled");
  return read_setting(os, path.c_str());
}

bool comes_on_advice(Setting setting) {
  return setting == Setting::kAlways || setting == Setting::kAdvised;
}

}  // namespace

int read_swap_space(Os& os, SwapSpace& out) {
  char buffer[1536];  // they stand in its first 500 bytes; alternate stacks are small
  const long length = read_small_file(os, "/proc/meminfo", buffer, sizeof(buffer));
  if (length < 0) {
    return static_cast<int>(-length);
  }
  const std::string_view text(buffer, static_cast<std::size_t>(length));
  out.total_bytes = keyed_number(text, "\nSwapTotal:") * kKiB;
  out.free_bytes = keyed_number(text, "\nSwapFree:") * kKiB;
  return 0;
}

HugePages read_huge_pages(Os& os) {
  const Setting all = read_setting(os, "/sys/kernel/mm/transparent_hugepage/enabled");
  if (read_setting_of(os, kLargestKib) == Setting::kNone) {  // before Linux 6.8
    return {all == Setting::kAlways ? kLargestKib : 0, true, comes_on_advice(all)};
  }
  HugePages found;
  for (std::uint32_t kib = kLargestKib; kib >= kSmallestKib; kib /= 2) {
    const Setting own = read_setting_of(os, kib);
    const bool by_all = own == Setting::kInherited;
    const Setting setting = by_all ? all : own;
    if (setting == Setting::kAlways && found.unasked_kib == 0) {
      found.unasked_kib = kib;
      found.unasked_by_all = by_all;
    }
    if (kib == kLargestKib) {
      found.on_advice = comes_on_advice(setting);
    }
  }
  return found;
}

}  // namespace weir
