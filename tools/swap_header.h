// swap_header.h - the first page of a swap area, as mkswap(8) writes it.
#pragma once

#include <cstdint>
#include <string>

namespace weir {

// A new random uuid in its usual form.
std::string new_uuid();
// Writes the header of an area of `bytes` through `fd`. 0 or an errno.
[[nodiscard]] int write_swap_header(int fd, std::uint64_t bytes, const std::string& uuid);
// The uuid in the header of that file or device; empty when there is no swap header.
std::string swap_uuid_of(const std::string& path);

}  // namespace weir
