// move_journal.cc - noted, swapped, ended; or put back from the note.
#include "core/move_journal.h"

#include <fcntl.h>

#include <algorithm>

#include "core/events.h"
#include "core/file_lock.h"

namespace weir {
namespace {

constexpr std::int64_t kLookerWaitNs = 100'000'000;

MoveJournal& journal_of(const RegistryView& view) {
  return view.raw().move;
}

std::uint32_t noted_parts(const MoveJournal& journal) {
  return std::min<std::uint32_t>(journal.parts.load(std::memory_order_acquire), kGroupPlaces + 1);
}

void note_parts(MoveJournal& journal, const MoveParts& parts) {
  std::uint32_t count = 0;
  for (const MovePart& part : parts) {
    MoveJournal::Part& noted = journal.list[count++];
    noted.place.store(part.member.index, std::memory_order_relaxed);
    noted.pid.store(part.entry.pid, std::memory_order_relaxed);
    noted.from.store(part.entry.container.index, std::memory_order_relaxed);
    noted.to.store(part.destination.index, std::memory_order_relaxed);
  }
  journal.parts.store(count, std::memory_order_release);
}

// As long as it is at most `most`.
bool swap_container(BookWord& book, BookEntry seen, ContainerId destination, Pages most, Pages& moved) {
  const BookEntry first = seen;
  for (; seen.pid == first.pid && seen.container == first.container && seen.charge <= most; seen = book.load()) {
    if (book.replace(seen, {seen.pid, destination, seen.charge})) {
      moved = seen.charge;
      return true;
    }
  }
  return false;
}

BookEntry entry_of(const RegistryView& view, const MoveJournal::Part& part) {
  return view.book(MemberId{part.place.load(std::memory_order_relaxed)}).load();
}

bool is_swapped(const BookEntry& entry, const MoveJournal::Part& part) {
  return entry.pid == part.pid.load(std::memory_order_relaxed) &&
         entry.container.index == part.to.load(std::memory_order_relaxed);
}

void swap_back(const RegistryView& view, MoveJournal& journal) {
  for (std::uint32_t i = noted_parts(journal); i > 0; --i) {
    const MoveJournal::Part& part = journal.list[i - 1];
    const ContainerId from{part.from.load(std::memory_order_relaxed) % kMaxContainers};
    Pages charge;
    if (const BookEntry entry = entry_of(view, part); is_swapped(entry, part)) {
      swap_container(view.book(MemberId{part.place.load(std::memory_order_relaxed)}), entry, from, Pages::all(),
                     charge);
    }
  }
  journal.parts.store(0, std::memory_order_release);
}

template <typename Visit>
void each_made(const RegistryView& view, const Visit& visit) {
  for (std::uint32_t i = 0; i < kMaxContainers; ++i) {
    const ContainerRecord& record = view.container(ContainerId{i});
    if (record.made_by_move.load(std::memory_order_relaxed) != 0 &&
        record.state.load(std::memory_order_acquire) == ContainerRecord::kLive) {
      visit(ContainerId{i});
    }
  }
}

}  // namespace

void begin_move(const RegistryView& view) {
  journal_of(view).under_way.store(1, std::memory_order_release);
}

bool swap_parts(const RegistryView& view, const MoveParts& parts, Pages spare, Pages& moved) {
  MoveJournal& journal = journal_of(view);
  note_parts(journal, parts);
  Pages sum;
  for (const MovePart& part : parts) {
    Pages charge;
    const Pages most = spare.unlimited() ? spare : part.entry.charge + spare;
    if (!swap_container(view.book(part.member), part.entry, part.destination, most, charge)) {
      swap_back(view, journal);
      return false;
    }
    spare = spare.unlimited() ? spare : spare - (charge - part.entry.charge);
    sum = sum + charge;
  }
  moved = sum;
  return true;
}

void end_move(const RegistryView& view) {
  MoveJournal& journal = journal_of(view);
  each_made(view, [&](ContainerId id) { view.container(id).made_by_move.store(0, std::memory_order_relaxed); });
  journal.parts.store(0, std::memory_order_relaxed);
  journal.under_way.store(0, std::memory_order_release);
}

void take_back_move(RegistryView& view) {
  MoveJournal& journal = journal_of(view);
  if (journal.under_way.load(std::memory_order_acquire) == 0) {
    return;
  }
  swap_back(view, journal);
  // Those below first: a parent is not forgotten before them.
  for (bool any = true; any;) {
    any = false;
    each_made(view, [&](ContainerId id) { any = view.remove_while_locked(id) || any; });
  }
  end_move(view);  // who has a member by now stays
}

void settle_move(Os& os, RegistryView& view) {
  MoveJournal& journal = journal_of(view);
  if (journal.under_way.load(std::memory_order_acquire) == 0) [[likely]] {
    return;
  }
  const std::uint32_t parts = noted_parts(journal);
  const MoveJournal::Part& last = journal.list[parts > 0 ? parts - 1 : 0];
  const BookEntry entry = entry_of(view, last);
  const bool done = parts > 0 && is_swapped(entry, last);
  if (done) {
    end_move(view);
  } else {
    take_back_move(view);
  }
  if (parts > 0) {
    post_event(
        os, view,
        {EventKind::kMove,
         entry.container,
         last.pid.load(std::memory_order_relaxed),
         {},
         done ? "the move was done when its mover was killed" : "its mover was killed: the move was taken back"});
  }
}

void settle_cut_move(Os& os, RegistryView& view) {
  if (journal_of(view).under_way.load(std::memory_order_acquire) == 0) [[likely]] {
    return;
  }
  const SysResult fd = os.open(view.path(), O_RDWR | O_NOFOLLOW, 0);
  if (!fd.ok()) {
    return;
  }
  {
    const FileLock lock(os, static_cast<int>(fd.value()), kLookerWaitNs);
    if (lock.held()) {
      settle_move(os, view);
    }
  }
  static_cast<void>(os.close(static_cast<int>(fd.value())));
}

}  // namespace weir
