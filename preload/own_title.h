// own_title.h - this process' title: its arguments, or what it has written over them since.
//
// Read from our own memory, where ps has it from by way of the kernel: no descriptor, no system call.
// What PR_SET_MM_ARG_START (root only) puts elsewhere is not seen.
#pragma once

#include <cstddef>
#include <string_view>

namespace weir {

inline constexpr std::size_t kTitleBytes = 256;

// In the constructor, where titles matter. Keeps where the strings lie, not the pointers to them.
void note_title_area(int argc, const char* const* argv, const char* const* envp);

// Arguments joined by blanks, cut to kTitleBytes; empty when there are none. Safe in signal handlers.
std::string_view read_title(char (&out)[kTitleBytes]);

}  // namespace weir
