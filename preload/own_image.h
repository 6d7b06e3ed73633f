// own_image.h - what can be learnt from this process' own image without a system call.
#pragma once

#include "core/units.h"

namespace weir {

// The writable static memory of libweir.so, which reclaim must leave alone.
AddressRange own_image();

// Chromium's and Electron's children count their threads before they lock themselves in; an
// argument "--type=..." gives them away. They run without our thread.
bool is_sandbox_child();

}  // namespace weir
