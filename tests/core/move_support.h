// move_support.h - what the tests of moving share: members that move, members that make room, and the books by value.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <string>
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

// The same registry in memory that child processes share, while this lives.
class SharedBooks {
 public:
  explicit SharedBooks(testing::MemoryRegistry& registry) : registry_(registry) {
    memory_ = mmap(nullptr, kRegistryBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(memory_, MAP_FAILED);
    std::memcpy(memory_, static_cast<void*>(registry_.memory.get()), sizeof(Registry));
    registry_.view.adopt(*static_cast<Registry*>(memory_));
  }
  ~SharedBooks() {
    registry_.view.adopt(*registry_.memory);
    munmap(memory_, kRegistryBytes);
  }
  SharedBooks(const SharedBooks&) = delete;
  SharedBooks& operator=(const SharedBooks&) = delete;

 private:
  testing::MemoryRegistry& registry_;
  void* memory_;
};

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
  // A process that moves kPid between "a" and "b" without end, killed after so long.
  void kill_a_mover(useconds_t after_us) {
    const pid_t mover = testing::start_child([this] {
      for (int turn = 0;; ++turn) {
        static_cast<void>(move(kPid, turn % 2 == 0 ? "b" : "a"));
      }
      return 0;
    });
    usleep(after_us);
    kill(mover, SIGKILL);
    ASSERT_EQ(testing::wait_for(mover), 128 + SIGKILL);
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

// The same with thread groups.
class MoveGroupsFixture : public MoveFixture {
 protected:
  // A process of 8 MiB in "a" with the groups io (4 MiB, limit 16 MiB) and bio (2 MiB).
  void set_up(testing::MemoryRegistry& registry) {
    registry.make("a");
    registry.make("a/io", limited(testing::mib(16)));
    registry.make("a/bio");
    registry.make("b", limited(testing::mib(64)));
    ContainerId a;
    ASSERT_TRUE(registry.view.find("a", a));
    process_ = registry.add_member(kPid, a, testing::mib(8));
    io_ = add_group(registry, 0, "io", testing::mib(4));
    bio_ = add_group(registry, 1, "bio", testing::mib(2));
    MemberRecord& record = registry.view.member(process_);
    record.groups_pages.store(testing::mib(6).count);
    registry.os.add_process(kPid, {.resident_pages = testing::mib(14).count});
  }
  static MemberId add_group(testing::MemoryRegistry& registry, std::uint32_t number, const char* name, Pages charge) {
    ContainerId container;
    MemberId owner;
    EXPECT_TRUE(registry.view.find(std::string("a/") + name, container));
    EXPECT_TRUE(registry.view.find_member(kPid, owner));
    const AttachResult attached = registry.view.attach_group(registry.os, owner, number, container);
    registry.view.book(attached.id).set_charge(kPid, charge);
    std::strncpy(registry.view.member(attached.id).group, name, kMaxComponentBytes);
    return attached.id;
  }
  void SetUp() override {
    set_up(registry_);
  }
  MoveResult move_group(std::string_view group, std::string_view destination,
                        MovePolicy policy = MovePolicy::kReserve) {
    return move_member(registry_.os, registry_.view, {kPid, destination, policy, "", group});
  }
  // Every container that lives, and its limit.
  static std::vector<std::string> containers(const RegistryView& view) {
    std::vector<std::string> found;
    for (const ContainerRecord& record : view.raw().containers) {
      if (record.state.load() == ContainerRecord::kLive) {
        found.push_back(std::string(record.name) + " " + std::to_string(record.limit.load()));
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  MemberId process_;
  MemberId io_;
  MemberId bio_;
};

}  // namespace weir
