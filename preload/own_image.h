// own_image.h - what can be learnt from this process' own image without a system call.
#pragma once

#include "core/units.h"

namespace weir {

// The writable static memory of libweir.so, which reclaim must leave alone.
AddressRange own_image();

// The writable static memory (.data and .bss) of the program itself, in bytes.
std::size_t program_static_bytes();

// By how much the main stack may grow beyond the usual 8 MiB, in bytes, 1 GiB at most.
std::size_t raised_stack_bytes();

// True when the process' malloc is ours. A program that brings its own may call mmap with its
// allocator's locks held, and pthread_create would then wait for itself. Not signal-safe.
bool malloc_is_ours();

// Chromium's and Electron's children count their threads before they lock themselves in; an
// argument "--type=..." gives them away. They run without our thread. The constructor notes the
// arguments: to read them from /proc later would borrow a descriptor number from the program.
void note_arguments(int argc, const char* const* argv);
bool is_sandbox_child();

}  // namespace weir
