// private_maps.h - the mappings of this process that may hold anonymous pages, line by line of maps.
//
// Not thread-safe; no allocation: it reads into memory it is given. Safe in signal handlers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/os.h"
#include "core/units.h"

namespace weir {

class PrivateMaps {
 public:
  // Uses `bytes` at `text` for as long as it lives; a line longer than that ends the reading.
  PrivateMaps(Os& os, char* text, std::size_t bytes);
  ~PrivateMaps();
  PrivateMaps(const PrivateMaps&) = delete;
  PrivateMaps& operator=(const PrivateMaps&) = delete;

  // The next private mapping that is more than a reservation. False: no more, or maps cannot be read.
  bool next(AddressRange& out);
  // The next of those that may be written to, and are no file's.
  bool next_anonymous(AddressRange& out);

 private:
  bool next_line(std::string_view& line);
  bool refill();

  Os& os_;
  char* text_;
  std::size_t bytes_;
  int fd_ = -1;
  std::int64_t offset_ = 0;
  std::size_t filled_ = 0;
  std::size_t at_ = 0;
};

}  // namespace weir
