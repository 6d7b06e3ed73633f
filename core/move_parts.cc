// move_parts.cc - names below one container and the same below another.
#include "core/move_parts.h"

#include <algorithm>
#include <cstring>

#include "core/text.h"
#include "core/usage.h"

namespace weir {
namespace {

using NameBuffer = TextBuffer<2 * kMaxNameBytes + 2>;

std::string_view name_of(const RegistryView& view, ContainerId id) {
  const ContainerRecord& record = view.container(id);
  return {record.name, strnlen(record.name, kMaxNameBytes)};
}

// "/io/disk" for a container "a/io/disk" below "a"; empty when it is not below.
std::string_view rest_below(std::string_view name, std::string_view top) {
  const bool below = name.size() > top.size() && name.substr(0, top.size()) == top && name[top.size()] == '/';
  return below ? name.substr(top.size()) : std::string_view();
}

bool is_left_behind(const RegistryView& view, MemberId owner, MemberId member) {
  return view.member(owner).groups[kLeftBehind].load(std::memory_order_acquire) == member.index + 1;
}

template <typename Visit>
void each_group(const RegistryView& view, MemberId owner, std::uint32_t pid, const Visit& visit) {
  for (const Word& group : view.member(owner).groups) {
    const std::uint32_t place = group.load(std::memory_order_acquire);
    if (place == 0 || place > kMaxMembers || place - 1 == owner.index) {
      continue;
    }
    const MemberId member{place - 1};
    const BookEntry entry = view.book(member).load();
    if (entry.pid == pid && view.member(member).is_group.load(std::memory_order_relaxed) != 0) {
      visit(member, entry);
    }
  }
}

// The container of that name, or the nearest above it that is there.
ContainerId nearest(const RegistryView& view, std::string_view name, ContainerId top, bool& missing) {
  ContainerId found = top;
  missing = !view.find(name, found);
  for (std::size_t slash = name.rfind('/'); missing && slash != std::string_view::npos; slash = name.rfind('/')) {
    name = name.substr(0, slash);
    if (view.find(name, found)) {
      break;
    }
  }
  return found;
}

ContainerWish wish_like(const RegistryView& view, ContainerId model, std::string_view name) {
  const ContainerRecord& record = view.container(model);
  ContainerWish wish;
  wish.name = name;
  wish.named = record.named.load(std::memory_order_relaxed) != 0;
  wish.marks = marks_of(record);
  wish.swap_limit = Pages{record.swap_limit.load(std::memory_order_relaxed)};
  wish.oom.policy = static_cast<OomPolicy>(record.oom_policy.load(std::memory_order_relaxed));
  wish.oom.pause_seconds = record.oom_pause_seconds.load(std::memory_order_relaxed);
  wish.background = record.background.load(std::memory_order_relaxed) != 0;
  wish.load_control = record.load_control.load(std::memory_order_relaxed) != 0;
  wish.thrash = thrash_of(record);
  wish.adaptive = record.adaptive.load(std::memory_order_relaxed) != 0;
  wish.for_move = true;
  return wish;
}

}  // namespace

Pages MoveParts::charge() const {
  Pages sum;
  for (const MovePart& part : *this) {
    sum = sum + part.entry.charge;
  }
  return sum;
}

bool MoveParts::any_missing() const {
  return std::any_of(begin(), end(), [](const MovePart& part) { return part.missing; });
}

bool find_group(const RegistryView& view, MemberId owner, std::string_view name, MemberId& out) {
  bool found = false;
  each_group(view, owner, view.book(owner).load().pid, [&](MemberId member, const BookEntry&) {
    const MemberRecord& record = view.member(member);
    if (!found && std::string_view(record.group, strnlen(record.group, sizeof(record.group))) == name) {
      out = member;
      found = true;
    }
  });
  return found;
}

bool find_left_behind(const RegistryView& view, MemberId owner, std::uint32_t pid, BookEntry& out) {
  bool found = false;
  each_group(view, owner, pid, [&](MemberId member, const BookEntry& entry) {
    if (is_left_behind(view, owner, member)) {
      out = entry;
      found = true;
    }
  });
  return found;
}

bool parts_of_process(const RegistryView& view, MemberId owner, const BookEntry& own, ContainerId destination,
                      MoveParts& out) {
  bool named = true;
  each_group(view, owner, own.pid, [&](MemberId member, const BookEntry& entry) {
    const std::string_view rest = rest_below(name_of(view, entry.container), name_of(view, own.container));
    if (rest.empty() || is_left_behind(view, owner, member)) {
      return;
    }
    NameBuffer name;
    name.add(name_of(view, destination)).add(rest);
    named = named && parse_name(name.view()).ok();
    bool missing = false;
    const ContainerId at = nearest(view, name.view(), destination, missing);
    out.add({member, entry, at, missing});
  });
  out.add({owner, own, destination, false});
  return named;
}

bool make_missing(Os& os, RegistryView& view, const MoveParts& parts, ContainerId source, ContainerId destination) {
  for (const MovePart& part : parts) {
    if (!part.missing) {
      continue;
    }
    const std::string_view rest = rest_below(name_of(view, part.entry.container), name_of(view, source));
    NameBuffer name;
    name.add(name_of(view, destination)).add(rest);
    if (rest.empty() || view.make_while_locked(os, wish_like(view, part.entry.container, name.view())).failure !=
                            AttachFailure::kNone) {
      return false;
    }
  }
  return true;
}

}  // namespace weir
