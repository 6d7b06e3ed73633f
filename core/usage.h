// usage.h - a container's usage: the sum of the book entries of its members and of those below it.
//
// Nothing is stored, so nothing can drift. A sum over 1000 entries reads 8 KiB.
// Safe in signal handlers; lock-free; any number of readers and writers.
#pragma once

#include <iterator>

#include "core/registry.h"

namespace weir {

// Which containers count towards one: itself and all below it.
class Subtree {
 public:
  [[nodiscard]] bool holds(ContainerId id) const {
    return ((bits_[id.index / 64 % kWords] >> (id.index % 64)) & 1) != 0;
  }
  // Asks every container for its parents. A loop of parents (a damaged file) ends all the same.
  static Subtree below(const RegistryView& view, ContainerId top);

 private:
  static constexpr std::size_t kWords = kMaxContainers / 64;
  std::uint64_t bits_[kWords] = {};
};

Pages usage_of(const RegistryView& view, ContainerId id);
// What is on its way out of the subtree at this moment, in the hands of members other than `me`.
Pages leaving_of(const RegistryView& view, const Subtree& subtree, MemberId me);
Pages usage_of(const RegistryView& view, const Subtree& subtree);
// What the members below say would not leave.
Pages unevictable_of(const RegistryView& view, const Subtree& subtree);
// What they have taken in large pieces since they were last read: some of it may have been touched by now.
Pages promised_of(const RegistryView& view, const Subtree& subtree);
// What they have paged out or are about to.
Pages swap_usage_of(const RegistryView& view, const Subtree& subtree);
// What of a process' anonymous memory it is charged itself: not what it shares with its parent
// since a fork, and not what its thread groups are charged.
Pages own_share(const MemberRecord& record, Pages anonymous);
std::uint32_t members_of(const RegistryView& view, ContainerId id);
std::uint32_t members_of(const RegistryView& view, const Subtree& subtree);

// Notes a usage in the container's peak and, above its limit, in overshoot_peak.
void note_usage(ContainerRecord& container, Pages usage);

// The parent of a container; false for a root.
bool parent_of(const RegistryView& view, ContainerId id, ContainerId& out);

// A container and all above it, from below: for (const ContainerId at : Upwards(view, id)). Never more than there may
// be, whatever stands in the registry.
class Upwards {
 public:
  class Step {
   public:
    Step(const RegistryView& view, ContainerId at) : view_(view), at_(at) {}
    ContainerId operator*() const {
      return at_;
    }
    Step& operator++() {
      left_ = parent_of(view_, at_, at_) ? left_ - 1 : 0;
      return *this;
    }
    bool operator==(std::default_sentinel_t) const {
      return left_ == 0;
    }

   private:
    const RegistryView& view_;
    ContainerId at_;
    int left_ = kMaxContainerDepth + 1;
  };

  Upwards(const RegistryView& view, ContainerId id) : view_(view), id_(id) {}
  [[nodiscard]] Step begin() const {
    return {view_, id_};
  }
  [[nodiscard]] static std::default_sentinel_t end() {
    return {};
  }

 private:
  const RegistryView& view_;
  ContainerId id_;
};

// What reclaim for the sake of `ancestor` may take from `id` and below: usage beyond the minimum
// of `id` and of every container between the two. All of it when they are the same.
Pages beyond_minimum(const RegistryView& view, ContainerId id, ContainerId ancestor);

// The marks as they stand, in pages.
Marks marks_of(const ContainerRecord& container);
// How long it may thrash, and what follows.
ThrashChoice thrash_of(const ContainerRecord& container);
void set_thrash(ContainerRecord& container, const ThrashChoice& choice);
// Sets them all, or nothing: EINVAL unless low <= high <= limit. 0 on success.
[[nodiscard]] int set_marks(ContainerRecord& container, const Marks& marks);

}  // namespace weir
