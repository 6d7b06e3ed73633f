// adopt.cc - from parent to child, for as long as there is a new one.
#include "core/adopt.h"

#include "core/member_status.h"
#include "core/pid_namespace.h"
#include "core/proc.h"
#include "core/tasks.h"

namespace weir {
namespace {

class Adopter final : public ThreadVisitor {
 public:
  Adopter(Os& os, RegistryView& view, MemberId parent, ContainerId container)
      : os_(os), view_(view), parent_(parent), container_(container) {}

  bool visit(int child) override {
    const auto pid = static_cast<std::uint32_t>(child);
    MemberId member;
    if (view_.find_member(pid, member) || !is_without_us(pid) || !view_.adopt(os_, pid, container_, member)) {
      return true;
    }
    const std::uint32_t home = view_.member(parent_).home.load(std::memory_order_relaxed);
    view_.member(member).home.store(home, std::memory_order_relaxed);
    ++adopted_;
    return true;
  }
  [[nodiscard]] std::uint32_t adopted() const {
    return adopted_;
  }

 private:
  // One that has just started may be about to attach itself.
  [[nodiscard]] bool is_without_us(std::uint32_t pid) const {
    constexpr std::uint64_t kYoungNs = 50'000'000;
    ProcessStat stat;
    if (read_process_stat(os_, pid, stat) != 0 || is_over(stat) || os_.now_ns() < stat.start_ns + kYoungNs) {
      return false;
    }
    const OurCode code = our_code_in(os_, pid);
    return code == OurCode::kNotMapped || code == OurCode::kHidden ||
           (code == OurCode::kMapped && is_of_another_namespace(pid));
  }
  // It keeps to the registry of its own PID namespace, if to any.
  [[nodiscard]] bool is_of_another_namespace(std::uint32_t pid) const {
    const std::uint64_t ours = view_.raw().header.pid_namespace.load(std::memory_order_relaxed);
    const std::uint64_t its = ours == 0 ? 0 : pid_namespace_of(os_, pid);
    return its != 0 && its != ours;
  }

  Os& os_;
  RegistryView& view_;
  MemberId parent_;
  ContainerId container_;
  std::uint32_t adopted_ = 0;
};

std::uint32_t adopt_once(Os& os, RegistryView& view, const Subtree& subtree) {
  std::uint32_t adopted = 0;
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const MemberId id{i};
    const BookEntry entry = view.book(id).load();
    if (entry.pid != 0 && subtree.holds(entry.container) &&
        view.member(id).is_group.load(std::memory_order_relaxed) == 0) {
      Adopter adopter(os, view, id, entry.container);
      static_cast<void>(each_child(os, entry.pid, adopter));
      adopted += adopter.adopted();
    }
  }
  return adopted;
}

}  // namespace

std::uint32_t adopt_children(Os& os, RegistryView& view, const Subtree& subtree) {
  constexpr int kMostGenerations = 16;
  std::uint32_t adopted = 0;
  for (int i = 0; i < kMostGenerations; ++i) {
    const std::uint32_t now = adopt_once(os, view, subtree);
    if (now == 0) {
      break;
    }
    adopted += now;
  }
  return adopted;
}

}  // namespace weir
