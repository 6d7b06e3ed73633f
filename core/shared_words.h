// shared_words.h - what the records of the registry are made of (layout.h).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weir {

using Counter = std::atomic<std::uint64_t>;
using Word = std::atomic<std::uint32_t>;

// Why a page that was to leave stayed.
enum class StayReason : std::uint32_t { kShared = 0, kLocked = 1, kHuge = 2, kNoSwap = 3, kBusy = 4, kSwapLimit = 5 };
inline constexpr std::uint32_t kStayReasons = 6;
const char* to_string(StayReason reason);

}  // namespace weir
