// small_file.h - a file of /proc or /sys in one read, and the lines with a key in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/os.h"

namespace weir {

// Opens, reads once and closes. The length of the text, ended by a 0, or a negative errno. Safe in signal handlers.
long read_small_file(Os& os, const char* path, char* buffer, std::size_t bytes);

// What stands in the line that starts with `key`, as in "\nVmSwap:    12 kB\n", blanks before it left out. The
// text must hold it from newline to newline: a program may have named itself after a key. Empty when there is none.
std::string_view keyed_text(std::string_view text, std::string_view key);
// The number there; 0 when there is none.
std::uint64_t keyed_number(std::string_view text, std::string_view key);

}  // namespace weir
