// moment.h - points in time as people read them, and spans of time as they write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

// Local time of Os::wall_ns(), as 2025-11-21T02:28:11.123+01:00.
std::string timestamp(std::uint64_t wall_ns);

// "2" or "0.5" seconds, from `least` up to a year. Refuses anything else (exit 2) under `name`.
std::chrono::milliseconds read_seconds(std::string_view name, const std::string& text, std::chrono::milliseconds least);

}  // namespace weir
