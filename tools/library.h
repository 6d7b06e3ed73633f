// library.h - where libweir.so is, and how it gets into a program.
#pragma once

#include <string>
#include <string_view>

namespace weir {

// The library beside this very program (../lib, ../lib/x86_64-linux-gnu), else where it was
// installed to. Empty: nowhere.
std::string find_library();

// The value of LD_PRELOAD with the library in front; as it is when the library is in it already.
std::string preload_with(std::string_view library, std::string_view present);

// ld.so splits LD_PRELOAD at colons and blanks: a path with one of them cannot be named there.
bool can_be_preloaded(std::string_view library);

}  // namespace weir
