// move_parts.h - which entries of the books a move is about, and the containers they go to.
//
// A thread group is one entry. A process is its own and those of its thread groups that are in
// containers below the process' by name: these go along, to containers of the same name below the
// destination, which are made like those they come from. Groups that were moved elsewhere stay there,
// and so does what was left behind.
#pragma once

#include <array>
#include <string_view>

#include "core/registry.h"

namespace weir {

struct MovePart {
  MemberId member;
  BookEntry entry;
  ContainerId destination;  // as long as it is missing: what is there of those above it
  bool missing = false;
};

// The process' own entry is the last one: with it the move is done.
struct MoveParts {
  std::array<MovePart, kGroupPlaces + 1> list{};
  std::size_t count = 0;

  void add(const MovePart& part) {
    list[count++ % list.size()] = part;
  }
  [[nodiscard]] const MovePart* begin() const {
    return list.data();
  }
  [[nodiscard]] const MovePart* end() const {
    return list.data() + count;
  }
  [[nodiscard]] Pages charge() const;
  [[nodiscard]] bool any_missing() const;
};

// The entry of the group of that name, of the process at `owner`. False: it has none.
bool find_group(const RegistryView& view, MemberId owner, std::string_view name, MemberId& out);

// The parts of a process whose entry is `own`. False: a group's container would have a name that is none.
bool parts_of_process(const RegistryView& view, MemberId owner, const BookEntry& own, ContainerId destination,
                      MoveParts& out);

// What the process left behind when it was moved before. False: nothing.
bool find_left_behind(const RegistryView& view, MemberId owner, std::uint32_t pid, BookEntry& out);

// Makes what is missing, for a move that has begun (core/move_journal.h), under the registry's file lock. False: it
// could not; what was made until then is forgotten with the move.
bool make_missing(Os& os, RegistryView& view, const MoveParts& parts, ContainerId source, ContainerId destination);

}  // namespace weir
