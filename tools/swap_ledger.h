// swap_ledger.h - what swap weir added to this machine since it was started, so that it takes
// away that and nothing else.
#pragma once

#include <string>
#include <vector>

namespace weir {

enum class SwapKind { kZram, kFile };

struct SwapEntry {
  SwapKind kind = SwapKind::kFile;
  bool hot_added = false;  // a zram device that was not there before
  std::string uuid;        // stands in the swap header as well
  std::string path;
};

// /run/weir-swap: one line each, locked for as long as the object lives. Root only; fails
// (exit 1) when it cannot be opened.
class SwapLedger {
 public:
  SwapLedger();
  ~SwapLedger();
  SwapLedger(const SwapLedger&) = delete;
  SwapLedger& operator=(const SwapLedger&) = delete;

  [[nodiscard]] const std::vector<SwapEntry>& entries() const {
    return entries_;
  }
  void add(const SwapEntry& entry);
  void remove(const std::string& uuid);

 private:
  void load();
  void save() const;

  int fd_ = -1;
  std::vector<SwapEntry> entries_;
};

}  // namespace weir
