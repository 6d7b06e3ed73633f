// replay_files.cc - what /proc says in a replay: texts as the kernel would write them of the recorded memory.
#include <bit>
#include <charconv>
#include <string_view>

#include "tools/replay_os.h"

namespace weir {
namespace {

constexpr std::uint64_t kSharedPages = 100;
constexpr std::uint64_t kSwapKib = std::uint64_t{1} << 30U;  // 1 TiB: no recording fills it
constexpr std::size_t kLargestMapping = 16 * kMiB / kGranuleBytes;

std::string hex(std::uintptr_t value) {
  char digits[17];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value, 16);
  return {digits, end.ptr};
}

// One mapping as smaps tells it, as far as reclaim/smaps.cc reads it.
std::string mapping_text(std::uint64_t first, std::uint64_t end, std::uint64_t present, std::uint64_t used,
                         bool random) {
  const auto kib = [](std::uint64_t pages) { return std::to_string(pages * kPageBytes / kKiB) + " kB\n"; };
  return hex(first << kGranuleShift) + "-" + hex(end << kGranuleShift) +
         " rw-p 00000000 00:00 0 \nRss: " + kib(present) + "Referenced: " + kib(used) + "VmFlags: rd wr mr mw me ac" +
         (random ? " rr\n" : "\n");
}

}  // namespace

std::string ReplayOs::process_file(int pid, const std::string& file) const {
  const bool is_self = pid == kSelf;
  if ((is_self && dead_) || (!is_self && (pid != kOthers || others_ < 0))) {
    return "";
  }
  const std::uint64_t resident = is_self ? memory_.present().count : static_cast<std::uint64_t>(others_);
  const std::uint64_t swapped = is_self ? memory_.out().count * kPageBytes / kKiB : 0;
  const std::string number = std::to_string(pid);
  if (file == "statm") {
    return "1000000 " + std::to_string(resident + kSharedPages) + " " + std::to_string(kSharedPages) + " 1 0 50 0\n";
  }
  if (file == "stat") {
    return number + " (replay) S 1 1 1 0 -1 4194560 100 0 7 0 1 1 0 0 20 0 1 0 1 1000000 500 0\n";
  }
  if (file == "status") {
    return "Name:\treplay\nPid:\t" + number + "\nTracerPid:\t0\nVmHWM:\t0 kB\nVmPTE:\t0 kB\nVmSwap:\t" +
           std::to_string(swapped) + " kB\nThreads:\t1\n";
  }
  return file == "oom_score_adj" ? "0\n" : "";
}

// Mappings: granules with nothing between them, of one kind.
std::string ReplayOs::smaps() const {
  std::string text;
  const auto& places = memory_.places();
  for (auto at = places.begin(); at != places.end();) {
    const std::uint64_t first = at->first;
    const bool random = at->second.random;
    std::uint64_t present = 0;
    std::uint64_t used = 0;
    std::uint64_t end = first;
    for (; at != places.end() && at->first == end && at->second.random == random && end - first < kLargestMapping;
         ++at, ++end) {
      present += static_cast<std::uint64_t>(std::popcount(at->second.present));
      const auto referenced = static_cast<std::uint16_t>(at->second.present & at->second.referenced);
      used += static_cast<std::uint64_t>(std::popcount(referenced));
    }
    text += mapping_text(first, end, present, used, random);
  }
  return text;
}

std::string ReplayOs::text_of(const std::string& path) const {
  constexpr std::string_view kProc = "/proc/";
  if (path == "/proc/meminfo") {
    return "MemTotal: 1000000 kB\nSwapTotal: " + std::to_string(kSwapKib) +
           " kB\nSwapFree: " + std::to_string(kSwapKib - memory_.out().count * kPageBytes / kKiB) + " kB\n";
  }
  if (path == "/proc/thread-self/smaps") {
    return smaps();
  }
  const std::size_t slash = path.find('/', kProc.size());
  if (!path.starts_with(kProc) || slash == std::string::npos) {
    return "";
  }
  const std::string who = path.substr(kProc.size(), slash - kProc.size());
  int pid = kSelf;
  if (who != "thread-self") {
    std::from_chars(who.data(), who.data() + who.size(), pid);
  }
  return process_file(pid, path.substr(slash + 1));
}

}  // namespace weir
