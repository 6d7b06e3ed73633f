// swap_space.h - making and unmaking swap: a zram device or a file, with a header of ours.
//
// Each step that fails takes back those before it. Root only.
#pragma once

#include <cstdint>
#include <string>

#include "tools/swap_ledger.h"

namespace weir {

// Compressed memory as swap. Gives the device and what it is, for people. Fails (exit 1).
std::string add_zram_swap(SwapLedger& ledger, std::uint64_t bytes);
// A file as swap; refuses a path that is taken.
std::string add_file_swap(SwapLedger& ledger, const std::string& path, std::uint64_t bytes);

// Takes one away, if it is still what was added; what is not is left alone, and said so.
// False: the kernel could not empty it, and it stays.
[[nodiscard]] bool remove_swap(SwapLedger& ledger, const SwapEntry& entry);

inline constexpr const char* kDefaultSwapFile = "/var/lib/weir/swapfile";

}  // namespace weir
