// move_support.h - what the tests of moving share: members that move, members that make room, and the books by value.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/events.h"
#include "core/move.h"
#include "tests/core/support.h"

namespace weir {

inline constexpr std::uint32_t kPid = 100;
inline constexpr std::uint32_t kOther = 200;

inline Marks limited(Pages limit) {
  return {limit, limit, limit};
}

class MoveFixture : public ::testing::Test {
 protected:
  Pages usage(std::string_view name) {
    return usage_of(registry_.view, at(name));
  }
  ContainerId at(std::string_view name) {
    ContainerId id{UINT32_MAX};
    EXPECT_TRUE(registry_.view.find(name, id)) << name;
    return id;
  }
  MemberId add(std::uint32_t pid, std::string_view container, Pages charge, testing::FakeProcess process = {}) {
    return registry_.add_member(static_cast<int>(pid), at(container), charge, std::move(process));
  }
  // A member whose reclaimer can be asked.
  MemberRecord& add_answering(std::uint32_t pid, std::string_view container, Pages charge,
                              testing::FakeProcess process = {}) {
    MemberRecord& record = registry_.view.member(add(pid, container, charge, std::move(process)));
    record.reclaimer_tid.store(pid);
    return record;
  }
  // The reclaimer of that member gives back what it is asked for, but no more than `most`.
  void serve(std::uint32_t pid, Pages most = Pages::all()) {
    MemberId member;
    ASSERT_TRUE(registry_.view.find_member(pid, member));
    MemberRecord& record = registry_.view.member(member);
    if (record.request.load() != kRequestReclaim) {
      return;
    }
    const Pages done = std::min(most, Pages{record.reclaim_wanted.load()});
    const Pages left = registry_.view.book(member).load().charge - done;
    registry_.os.add_process(static_cast<int>(pid), {.resident_pages = left.count});
    registry_.view.book(member).set_charge(pid, left);
    record.reclaim_done.store(done.count);
    record.request.store(0);
  }
  MoveResult move(std::uint32_t pid, std::string_view destination, MovePolicy policy = MovePolicy::kReserve) {
    return move_member(registry_.os, registry_.view, {pid, destination, policy, ""});
  }
  MovePlan plan(MemberId member, std::string_view destination) {
    MoveParts parts;
    parts.add({member, registry_.view.book(member).load(), at(destination), false});
    return plan_move(registry_.view, parts, at(destination));
  }
  std::vector<std::uint64_t> books() {
    std::vector<std::uint64_t> words;
    for (const BookWord& book : registry_.view.raw().books) {
      words.push_back(book.load().packed());
    }
    return words;
  }
  std::vector<Event> moves() {
    std::vector<Event> found;
    std::uint64_t next = 0;
    std::uint64_t missed = 0;
    for (Event event; read_event(registry_.view, next, event, missed);) {
      if (event.kind == EventKind::kMove) {
        found.push_back(event);
      }
    }
    return found;
  }

  testing::MemoryRegistry registry_;
};

}  // namespace weir
