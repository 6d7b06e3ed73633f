// left_behind.cc - granules change their owner, at once and back one by one.
#include "reclaim/left_behind.h"

#include <algorithm>
#include <cstring>

#include "core/move.h"
#include "core/wake.h"

namespace weir {
namespace {

constexpr auto kGroup = static_cast<GroupNumber>(kLeftBehind);
// A mover that has asked moves the process within that time, or does not move it.
constexpr std::uint64_t kMoverNs = 2 * static_cast<std::uint64_t>(kMoveWaitNs);
constexpr std::uint64_t kPauseNs = 1'000'000'000;

class Adopter final : public RunVisitor {
 public:
  Adopter(Os& os, OwnerMap& owners, std::uint8_t owner) : os_(os), owners_(owners), owner_(owner) {}
  bool visit(const PageRun& run) override {
    owners_.adopt(os_, run.range, owner_);
    return true;
  }

 private:
  Os& os_;
  OwnerMap& owners_;
  std::uint8_t owner_;
};

// Notes which granules of a leaf hold anything.
class UsedGranules final : public RunVisitor {
 public:
  explicit UsedGranules(AddressRange leaf) : first_(Granule::holding(leaf.begin).number) {}
  bool visit(const PageRun& run) override {
    const std::uint64_t end = Granule::holding(run.range.end - 1).number + 1;
    for (std::uint64_t at = Granule::holding(run.range.begin).number; at < end; ++at) {
      used_[(at - first_) / 64 % std::size(used_)] |= std::uint64_t{1} << (at - first_) % 64;
    }
    return true;
  }
  [[nodiscard]] bool holds(std::uint64_t granule) const {
    return (used_[(granule - first_) / 64 % std::size(used_)] >> (granule - first_) % 64 & 1U) != 0;
  }

 private:
  std::uint64_t first_;
  std::uint64_t used_[OwnerMap::kGranulesOfLeaf / 64] = {};
};

int scan_both(Os& os, Pagemap& pagemap, AddressRange range, RunVisitor& visitor) {
  const AddressRange within{std::max(range.begin, kWholeAddressSpace.begin),
                            std::min(range.end, kWholeAddressSpace.end)};
  const int error = pagemap.scan(os, within, visitor, PageKind::kPresent);
  return error != 0 ? error : pagemap.scan(os, within, visitor, PageKind::kSwapped);
}

bool take_place(Engine& engine) {
  ThreadGroups& groups = engine.groups;
  if (groups.has(kGroup)) {
    return groups.container(kGroup) == engine.account.container();
  }
  if (!groups.add(engine.os, engine.view, engine.account, kGroup, engine.account.container())) {
    return false;
  }
  MemberRecord& record = groups.record(kGroup);
  std::memcpy(record.comm, engine.record().comm, sizeof(record.comm));
  std::strcpy(record.group, kLeftBehindName);
  return true;
}

void release_empty(Engine& engine) {
  OwnerMap& owners = engine.groups.owners();
  const std::uint8_t mark = engine.groups.owner_mark(kGroup);
  for (AddressRange leaf = owners.next_leaf(0); leaf.begin < leaf.end; leaf = owners.next_leaf(leaf.end)) {
    UsedGranules used(leaf);
    if (scan_both(engine.os, engine.pagemap, leaf, used) != 0) {
      return;
    }
    for (Granule at = Granule::holding(leaf.begin); at.range().begin < leaf.end; ++at.number) {
      if (!used.holds(at.number)) {
        owners.release(at.range(), mark);
      }
    }
  }
}

// Not counted for a moment rather than twice: the peak would keep that, and somebody else die of it.
void take_back(Engine& engine) {
  engine.groups.disown(kGroup);
  engine.view.release_group(engine.account.member(), kLeftBehind, engine.account.pid());
  static_cast<void>(engine.groups.scan(engine.os, engine.pagemap));
  engine.account.refresh(engine.os, &engine.statm);
}

bool is_empty(const Engine& engine) {
  return engine.groups.held(kGroup) == Pages::none() &&
         engine.groups.record(kGroup).swap_pages.load(std::memory_order_relaxed) == 0;
}

}  // namespace

void serve_leave_request(Engine& engine, Pagemap& pagemap) {
  engine.mover_until_ns.store(engine.os.now_ns() + kMoverNs, std::memory_order_relaxed);
  if (take_place(engine)) {
    Adopter adopter(engine.os, engine.groups.owners(), engine.groups.owner_mark(kGroup));
    static_cast<void>(scan_both(engine.os, pagemap, kWholeAddressSpace, adopter));
    static_cast<void>(engine.groups.scan(engine.os, pagemap));
    engine.account.refresh(engine.os, engine.statm.is_open() ? &engine.statm : nullptr);
  }
  if (end_request(engine.record(), kRequestLeave)) {
    static_cast<void>(engine.os.futex_wake(engine.record().request, INT32_MAX));
  }
}

void settle_left_behind(Engine& engine) {
  const std::uint64_t now = engine.os.now_ns();
  if (!engine.groups.has(kGroup)) {
    return;
  }
  const bool is_here = engine.groups.container(kGroup) == engine.account.container();
  const bool is_back = is_here && now >= engine.mover_until_ns.load(std::memory_order_relaxed);
  if (!is_back && (is_here || now < engine.left_behind_due_ns.load(std::memory_order_relaxed))) {
    return;
  }
  engine.left_behind_due_ns.store(now + kPauseNs, std::memory_order_relaxed);
  if (!is_back) {
    release_empty(engine);
  }
  if (is_back || is_empty(engine)) {
    take_back(engine);
  }
}

}  // namespace weir
