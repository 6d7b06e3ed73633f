// page_out_other.h - paging out of another process, where the kernel lets us: process_madvise takes CAP_SYS_NICE.
#pragma once

#include "core/registry.h"

namespace weir {

// Up to `wanted` pages, going on at address `at` (and, once round, from the first), which is moved along: nothing
// tells from outside what is in use, so all of it takes its turn. What left, by the kernel's count; none where it is
// not allowed. Opens files, and takes 16 KiB of stack. The pages' new place is not in the books yet.
Pages page_out_of(Os& os, std::uint32_t pid, Pages wanted, Counter& at);

}  // namespace weir
