// colder_members.cc - who of a container's members should give back before us.
#include "core/member_status.h"
#include "core/wake.h"
#include "reclaim/load_control.h"
#include "reclaim/peers.h"

namespace weir {
namespace {

constexpr Pages kLeastGift{512};
constexpr std::size_t kMostGivers = 8;

// The coldest class of which a member holds enough to be worth waking it.
int coldest_class(const MemberRecord& record) {
  std::uint32_t pages = 0;
  for (std::uint32_t i = 0; i < kHeatClasses; ++i) {
    pages += record.heat[i].load(std::memory_order_relaxed);
    if (pages >= kLeastGift.count) {
      return static_cast<int>(i);
    }
  }
  return static_cast<int>(kHeatClasses);
}

}  // namespace

bool colder_members_give(Engine& engine, ContainerId id) {
  MemberId givers[kMostGivers];
  std::size_t count = 0;
  int coldest = coldest_class(engine.record());
  if (engine.record().held_since_ns.load(std::memory_order_relaxed) != 0) {
    return false;
  }
  each_that_counts(engine, id, [&](const BookEntry& entry, MemberRecord& record, MemberId member) {
    const Pages stays{record.unevictable_pages.load(std::memory_order_relaxed)};
    const bool idle = has_been_idle(engine.os, entry, record);
    if (member == engine.account.member() || entry.charge - stays < kLeastGift ||
        record.reclaimer_tid.load(std::memory_order_acquire) == 0 || reach_of(record) != Reach::kItself) {
      return;
    }
    const bool rests = idle || record.held_since_ns.load(std::memory_order_relaxed) != 0;
    const int its_class = rests ? -1 : coldest_class(record);
    if (its_class < coldest) {
      coldest = its_class;
      count = 0;
    }
    if (its_class == coldest && its_class < coldest_class(engine.record()) && count < kMostGivers) {
      givers[count++] = member;
    }
  });
  for (std::size_t i = 0; i < count; ++i) {
    wake_reclaimer_of(engine.os, engine.view.member(givers[i]));
  }
  return count > 0;
}

}  // namespace weir
