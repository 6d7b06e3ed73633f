// smaps.h - smaps of this process as mappings: what is resident of each, and what of that was used.
//
// The one place where the kernel tells an unprivileged process of reads: `Referenced` counts the
// pages whose accessed bit is set (fs/proc/task_mmu.c: smaps_pte_entry). Text, some 4 us a mapping.
//
// Not thread-safe; no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/os.h"
#include "core/units.h"

namespace weir {

struct Mapping {
  AddressRange range;
  bool private_anonymous = false;  // rw-p, and of no file
  Pages resident;
  Pages referenced;
  bool random = false;  // MADV_RANDOM (rr)
  bool fixed = false;   // locked, a growing stack, a device, huge pages by file: leave alone
  bool huge = false;    // MADV_HUGEPAGE (hg)
};

class MappingVisitor {
 public:
  virtual void visit(const Mapping& mapping) = 0;

 protected:
  ~MappingVisitor() = default;
};

// Takes the text in pieces of any size; a line may come in two.
inline constexpr std::uintptr_t kLastAddress = 0x7fff'ffff'f000ULL;

class SmapsParser {
 public:
  explicit SmapsParser(MappingVisitor& visitor) : visitor_(visitor) {}
  void take(std::string_view text);
  // The last mapping is whole now.
  void end();

 private:
  void take_line(std::string_view line);
  void begin_mapping(std::string_view line);
  void take_flags(std::string_view flags);

  MappingVisitor& visitor_;
  Mapping mapping_;
  bool any_ = false;
  char rest_[512] = {};  // the beginning of a line; what is longer is cut off (a path)
  std::size_t rest_bytes_ = 0;
};

// The calling process' smaps: kept open by the thread that has its own descriptor table, for a moment by others.
class SmapsFile {
 public:
  // 0 or an errno.
  int open(Os& os);
  void close(Os& os) {
    static_cast<void>(os.close(fd_));
    fd_ = -1;
  }
  void forget() {
    fd_ = -1;
  }
  // Visits every mapping, in order of address. `buffer` is for the text. 0 or an errno.
  int read(Os& os, char* buffer, std::size_t bytes, MappingVisitor& visitor) const;

 private:
  int fd_ = -1;
};

}  // namespace weir
