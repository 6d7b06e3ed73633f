// wake.cc - the futex in a member's record, and who sleeps on it.
#include "core/wake.h"

#include <climits>

#include "core/member_status.h"
#include "core/usage.h"

namespace weir {

MemberId actor_of(const RegistryView& view, MemberId id, std::uint32_t pid) {
  MemberId process = id;
  const bool is_group = view.member(id).is_group.load(std::memory_order_relaxed) != 0;
  return is_group && view.find_member(pid, process) ? process : id;
}

bool request_pages(MemberRecord& record, Pages wanted) {
  // Looked at first, for these two belong to whoever is asking already.
  if (record.request.load(std::memory_order_acquire) != 0) {
    return false;
  }
  record.reclaim_done.store(0, std::memory_order_relaxed);
  record.reclaim_wanted.store(wanted.count, std::memory_order_relaxed);
  std::uint32_t none = 0;
  return record.request.compare_exchange_strong(none, kRequestReclaim, std::memory_order_acq_rel);
}

bool end_request(MemberRecord& record, std::uint32_t kind) {
  return record.request.compare_exchange_strong(kind, 0, std::memory_order_acq_rel);
}

namespace {

// `put` writes the request, once it is known that somebody can be woken for it. False: not, or it could not.
template <typename Put>
bool ask(Os& os, RegistryView& view, MemberId id, std::uint32_t pid, const Put& put) {
  MemberRecord& record = view.member(id);
  MemberRecord& actor = view.member(actor_of(view, id, pid));
  note_status(os, view, id, pid);
  const bool has_reclaimer = actor.reclaimer_tid.load(std::memory_order_acquire) != 0;
  const std::uint32_t signal = record.dump_signal.load(std::memory_order_acquire);
  // A program may have set the handler back since the record was written.
  if (reach_of(record) != Reach::kItself || (!has_reclaimer && !catches(os, pid, signal)) || !put(record)) {
    return false;
  }
  if (has_reclaimer) {
    wake_reclaimer_of(os, actor);
    return true;
  }
  return os.queue_signal_to(static_cast<int>(pid), static_cast<int>(signal), asked_cookie()).ok();
}

}  // namespace

bool ask_for_pages(Os& os, RegistryView& view, MemberId id, std::uint32_t pid, Pages wanted) {
  return ask(os, view, id, pid, [&](MemberRecord& record) { return request_pages(record, wanted); });
}

bool ask_to_leave(Os& os, RegistryView& view, MemberId id, std::uint32_t pid) {
  constexpr std::int64_t kStepNs = 20'000'000;
  const std::uint64_t end = os.now_ns() + static_cast<std::uint64_t>(kMostAnswerNs);
  Word& request = view.member(id).request;
  const auto put = [&](MemberRecord&) {
    std::uint32_t none = 0;
    return request.compare_exchange_strong(none, kRequestLeave, std::memory_order_acq_rel);
  };
  bool asked = false;
  while (os.now_ns() < end && !member_is_dead(os, view.member(id), pid)) {
    asked = asked || ask(os, view, id, pid, put);
    const std::uint32_t seen = request.load(std::memory_order_acquire);
    if (asked && seen != kRequestLeave) {
      return true;
    }
    static_cast<void>(os.futex_wait(request, seen, kStepNs));
  }
  // Also where it was put and nobody could be woken for it.
  return !end_request(view.member(id), kRequestLeave) && asked;
}

void wake_reclaimer_of(Os& os, MemberRecord& record) {
  record.wake.fetch_add(1, std::memory_order_release);
  static_cast<void>(os.futex_wake(record.wake, INT_MAX));
}

void wake_reclaimers_below(Os& os, const RegistryView& view, ContainerId top) {
  const Subtree subtree = Subtree::below(view, top);
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = view.book(MemberId{i}).load();
    if (entry.pid != 0 && subtree.holds(entry.container)) {
      wake_reclaimer_of(os, view.member(actor_of(view, MemberId{i}, entry.pid)));
    }
  }
}

}  // namespace weir
