// member_status.cc - a state, two handlers and a sum.
#include "core/member_status.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include "core/events.h"
#include "core/proc.h"
#include "core/text.h"
#include "core/wake.h"

namespace weir {
namespace {

bool is_signal(std::uint32_t signal) {
  constexpr std::uint32_t kSignals = 64;
  return signal >= 1 && signal <= kSignals;
}

bool lacks(const ProcessStatus& status, std::uint32_t signal) {
  return status.tells_caught && is_signal(signal) && ((status.caught >> (signal - 1)) & 1) == 0;
}

// Looks for the name in the text of maps.
OurCode find_name(Os& os, int fd, std::string_view name) {
  char buffer[1024];
  std::size_t kept = 0;  // the end of a piece may be the beginning of a name
  std::int64_t at = 0;
  for (SysResult got(1); got.ok() && got.value() > 0; at += got.ok() ? got.value() : 0) {
    got = os.pread(fd, buffer + kept, sizeof(buffer) - kept, at);
    const std::string_view text(buffer, kept + static_cast<std::size_t>(got.ok() ? got.value() : 0));
    if (text.find(name) != std::string_view::npos) {
      return OurCode::kMapped;
    }
    kept = std::min(text.size(), name.size());
    std::memmove(buffer, text.data() + text.size() - kept, kept);
  }
  return at > 0 ? OurCode::kNotMapped : OurCode::kGone;
}

// Its first thread takes signals itself, in sigtimedwait, sigwait or sigwaitinfo: for so long it blocks none of them,
// as far as its status tells. Where /proc/PID/syscall must not be read, not.
bool waits_for_signals(Os& os, std::uint32_t pid) {
  constexpr std::string_view kTimedWait = "128 ";  // SYS_rt_sigtimedwait
  char text[kTimedWait.size() + 1] = {};
  return read_process_file(os, pid, "syscall", text, sizeof(text)) > 0 && kTimedWait == text;
}

// An exec sets handlers back, and so may a program: without ours we look closer.
bool is_alien(Os& os, std::uint32_t pid, const MemberRecord& actor, const ProcessStatus& status) {
  if (actor.adopted.load(std::memory_order_acquire) != 0) {
    return true;
  }
  const bool had_reclaimer = actor.reclaimer_tid.load(std::memory_order_acquire) != 0;
  const std::uint32_t ours = had_reclaimer ? SIGTRAP : actor.dump_signal.load(std::memory_order_acquire);
  return lacks(status, ours) && our_code_in(os, pid) == OurCode::kNotMapped;
}

Reach reach_by(Os& os, std::uint32_t pid, const MemberRecord& actor, const ProcessStatus& status) {
  if (is_alien(os, pid, actor, status)) {
    return Reach::kAlien;
  }
  return status.state == 'T' || status.state == 't' ? Reach::kStopped : Reach::kItself;
}

void tell(Os& os, const RegistryView& view, const BookEntry& entry, Reach reach) {
  constexpr Pages kWorthTelling{256};
  if (entry.charge >= kWorthTelling) {
    TextBuffer<128> text;
    text.add(reach == Reach::kStopped ? "stopped" : "runs a program without weir");
    text.add(": cannot give memory back by itself");
    post_event(os, view, {EventKind::kMute, entry.container, entry.pid, {entry.charge.bytes(), 0}, text.view()});
  }
}

// After a fork each page in swap is there once, and VmSwap counts it for everybody: a swap limit would be met, and
// somebody killed for it, with swap to spare. Who did not fork does not pay for telling.
void recount_swap_elsewhere(Os& os, std::uint32_t pid, MemberRecord& record, Pages swapped) {
  constexpr std::uint64_t kLeastPauseNs = 100'000'000;
  constexpr std::uint64_t kMostShare = 50;
  const std::uint64_t start = os.now_ns();
  Pages share;
  if (start < record.swap_due_ns.load(std::memory_order_relaxed) || read_swap_share(os, pid, share) != 0) {
    return;
  }
  const std::uint64_t end = os.now_ns();
  record.swap_due_ns.store(end + std::max(kLeastPauseNs, kMostShare * (end - start)), std::memory_order_relaxed);
  record.swap_elsewhere.store((swapped - share).count, std::memory_order_relaxed);
  record.swap_is_shared.store(share < swapped ? 1 : 0, std::memory_order_relaxed);
}

Pages share_of_swap(Os& os, std::uint32_t pid, MemberRecord& record, Pages swapped) {
  if (swapped > Pages::none() && record.swap_is_shared.load(std::memory_order_relaxed) != 0) {
    recount_swap_elsewhere(os, pid, record, swapped);
  }
  return swapped - Pages{record.swap_elsewhere.load(std::memory_order_relaxed)};
}

}  // namespace

bool catches(Os& os, std::uint32_t pid, std::uint32_t signal) {
  ProcessStatus status;
  return is_signal(signal) && read_process_status(os, pid, status) == 0 && status.tells_caught &&
         !lacks(status, signal) && ((status.blocked >> (signal - 1)) & 1) == 0 && !waits_for_signals(os, pid);
}

OurCode our_code_in(Os& os, std::uint32_t pid) {
  TextBuffer<64> path;
  path.add("/proc/").add_number(pid).add("/maps");
  const SysResult fd = os.open(path.c_str(), O_RDONLY, 0);
  if (!fd.ok()) {
    return fd.error() == EACCES || fd.error() == EPERM ? OurCode::kHidden : OurCode::kGone;
  }
  const OurCode found = find_name(os, static_cast<int>(fd.value()), "libweir.so");
  static_cast<void>(os.close(static_cast<int>(fd.value())));
  return found;
}

void note_status(Os& os, RegistryView& view, MemberId id, std::uint32_t pid) {
  MemberRecord& record = view.member(id);
  ProcessStatus status;
  if (read_process_status(os, pid, status) != 0) {
    return;
  }
  const Reach reach = reach_by(os, pid, view.member(actor_of(view, id, pid)), status);
  const auto before =
      static_cast<Reach>(record.reach.exchange(static_cast<std::uint32_t>(reach), std::memory_order_relaxed));
  if (reach != before && reach != Reach::kItself) {
    tell(os, view, view.book(id).load(), reach);
  }
  if (record.is_group.load(std::memory_order_relaxed) == 0) {
    const Pages groups{record.groups_swapped.load(std::memory_order_relaxed)};
    const Pages share = share_of_swap(os, pid, record, status.swapped);
    record.swap_pages.store((share - groups).count, std::memory_order_relaxed);
  }
}

const char* to_string(Reach reach) {
  switch (reach) {
    case Reach::kItself:
      return "itself";
    case Reach::kStopped:
      return "stopped";
    case Reach::kAlien:
      return "alien";
  }
  return "unknown";
}

}  // namespace weir
