// usage.cc - summing the books, and the marks of a container.
#include "core/usage.h"

#include <algorithm>
#include <cerrno>

namespace weir {
namespace {

void raise_to(Counter& counter, std::uint64_t value) {
  std::uint64_t seen = counter.load(std::memory_order_relaxed);
  while (seen < value && !counter.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

}  // namespace

bool parent_of(const RegistryView& view, ContainerId id, ContainerId& out) {
  const std::uint32_t parent = view.raw().parents[id.index % kMaxContainers].load(std::memory_order_relaxed);
  if (parent == 0 || parent > kMaxContainers) {
    return false;
  }
  out = ContainerId{parent - 1};
  return true;
}

Subtree Subtree::below(const RegistryView& view, ContainerId top) {
  Subtree tree;
  tree.bits_[top.index / 64 % kWords] |= std::uint64_t{1} << (top.index % 64);
  if (view.raw().header.nested.load(std::memory_order_acquire) == 0) {
    return tree;
  }
  for (std::uint32_t i = 0; i < kMaxContainers; ++i) {
    for (const ContainerId at : Upwards(view, ContainerId{i})) {
      if (at == top) {
        tree.bits_[i / 64] |= std::uint64_t{1} << (i % 64);
        break;
      }
    }
  }
  return tree;
}

namespace {

// Sums what `amount` gives for each member of the subtree.
template <typename Amount>
Pages sum_of(const RegistryView& view, const Subtree& subtree, Amount amount) {
  Pages sum;
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = view.book(MemberId{i}).load();
    if (entry.pid != 0 && subtree.holds(entry.container)) {
      sum = sum + amount(entry, view.member(MemberId{i}));
    }
  }
  return sum;
}

}  // namespace

Pages usage_of(const RegistryView& view, const Subtree& subtree) {
  return sum_of(view, subtree, [](const BookEntry& entry, const MemberRecord&) { return entry.charge; });
}

Pages unevictable_of(const RegistryView& view, const Subtree& subtree) {
  return sum_of(view, subtree, [](const BookEntry& entry, const MemberRecord& member) {
    const Pages stays{member.unevictable_pages.load(std::memory_order_relaxed)};
    return std::min(stays, entry.charge);
  });
}

Pages swap_usage_of(const RegistryView& view, const Subtree& subtree) {
  return sum_of(view, subtree, [](const BookEntry&, const MemberRecord& member) {
    return Pages{member.swap_pages.load(std::memory_order_relaxed)} +
           Pages{member.swap_promised.load(std::memory_order_seq_cst)};
  });
}

Pages promised_of(const RegistryView& view, const Subtree& subtree) {
  return sum_of(view, subtree, [](const BookEntry&, const MemberRecord& member) {
    return Pages{member.promised_pages.load(std::memory_order_relaxed)};
  });
}

Pages leaving_of(const RegistryView& view, const Subtree& subtree, MemberId me) {
  const MemberRecord* mine = &view.member(me);
  return sum_of(view, subtree, [mine](const BookEntry& entry, const MemberRecord& member) {
    const Pages leaving{&member == mine ? 0 : member.leaving_pages.load(std::memory_order_relaxed)};
    return std::min(leaving, entry.charge);
  });
}

Pages usage_of(const RegistryView& view, ContainerId id) {
  return usage_of(view, Subtree::below(view, id));
}

Pages own_share(const MemberRecord& record, Pages anonymous) {
  return anonymous - Pages{record.shared_pages.load(std::memory_order_relaxed)} -
         Pages{record.groups_pages.load(std::memory_order_relaxed)};
}

namespace {

template <typename Holds>
std::uint32_t count_members(const RegistryView& view, Holds holds) {
  std::uint32_t members = 0;
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = view.book(MemberId{i}).load();
    members += entry.pid != 0 && holds(entry.container) ? 1 : 0;
  }
  return members;
}

}  // namespace

std::uint32_t members_of(const RegistryView& view, ContainerId id) {
  return count_members(view, [id](ContainerId its) { return its == id; });
}

std::uint32_t members_of(const RegistryView& view, const Subtree& subtree) {
  return count_members(view, [&subtree](ContainerId its) { return subtree.holds(its); });
}

void note_usage(ContainerRecord& container, Pages usage) {
  raise_to(container.peak, usage.count);
  const Pages limit{container.limit.load(std::memory_order_relaxed)};
  if (usage > limit) {
    raise_to(container.overshoot_peak, (usage - limit).count);
  }
}

Pages beyond_minimum(const RegistryView& view, ContainerId id, ContainerId ancestor) {
  Pages most = Pages::all();
  for (const ContainerId at : Upwards(view, id)) {
    if (at == ancestor) {
      break;
    }
    const Pages minimum{view.container(at).minimum.load(std::memory_order_relaxed)};
    if (minimum > Pages::none()) {
      most = std::min(most, usage_of(view, at) - minimum);
    }
  }
  return most;
}

Marks marks_of(const ContainerRecord& container) {
  return {Pages{container.limit.load(std::memory_order_relaxed)},
          Pages{container.high_watermark.load(std::memory_order_relaxed)},
          Pages{container.low_watermark.load(std::memory_order_relaxed)}};
}

ThrashChoice thrash_of(const ContainerRecord& container) {
  return {container.thrash_seconds.load(std::memory_order_relaxed),
          container.thrash_is_oom.load(std::memory_order_relaxed) != 0};
}

void set_thrash(ContainerRecord& container, const ThrashChoice& choice) {
  container.thrash_seconds.store(choice.seconds, std::memory_order_relaxed);
  container.thrash_is_oom.store(choice.is_oom ? 1 : 0, std::memory_order_relaxed);
}

int set_marks(ContainerRecord& container, const Marks& marks) {
  if (!marks.ordered()) {
    return EINVAL;
  }
  container.limit.store(marks.limit.count, std::memory_order_relaxed);
  container.high_watermark.store(marks.high.count, std::memory_order_relaxed);
  container.low_watermark.store(marks.low.count, std::memory_order_relaxed);
  container.generation.fetch_add(1, std::memory_order_release);
  return 0;
}

}  // namespace weir
