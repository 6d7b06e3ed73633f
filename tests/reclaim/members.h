// members.h - several members of one container that run or rest, for tests of load control.
#pragma once

#include <vector>

#include "reclaim/load_control.h"
#include "tests/reclaim/machine.h"

namespace weir::testing {

inline constexpr std::uint64_t kMs = 1'000'000;
inline constexpr std::uint64_t kSecond = 1000 * kMs;

// Ourselves with 1000 pages, on two cores; others as the test adds them.
class Members : public Machine {
 public:
  Members() : Machine(kMarks) {
    container_record().load_control.store(1);
    os.set_cores(2);
    os.touch(0, 1000);
    engine.account.refresh(os, nullptr);
    os.set_process_cpu(kSelf, 0);
    run();
  }
  ContainerRecord& container_record() {
    return engine.view.container(container);
  }
  LoadRecord& load() {
    return container_record().load;
  }
  MemberRecord& member(int pid) {
    MemberId id;
    EXPECT_TRUE(engine.view.find_member(static_cast<std::uint32_t>(pid), id));
    return engine.view.member(id);
  }
  MemberRecord& self() {
    return member(kSelf);
  }
  // Another one that grows, and has had its turn for so long.
  MemberRecord& add(int pid, std::uint64_t pages, std::uint64_t turn_for_ns) {
    add_member(pid, pages, 0);
    os.set_process_cpu(pid, 0);
    MemberRecord& record = member(pid);
    record.turn_ns.store(os.now_ns() - turn_for_ns);
    record.active_ns.store(os.now_ns());
    runners.push_back(pid);
    return record;
  }
  void set_charge(int pid, std::uint64_t pages) {
    MemberId id;
    ASSERT_TRUE(engine.view.find_member(static_cast<std::uint32_t>(pid), id));
    engine.view.book(id).set_charge(static_cast<std::uint32_t>(pid), Pages{pages});
  }
  // What happens while somebody sleeps: those that run use their time; then `also`, at each step.
  void run(const std::function<void(int)>& also = nullptr) {
    steps = 0;
    os.interleave(Call::kFutexWait, [this, also] {
      ++steps;
      for (const int pid : runners) {
        os.set_process_cpu(pid, os.process_cpu_ns(pid) + 5 * kMs);
      }
      if (also) {
        also(steps);
      }
    });
  }
  // It is known to thrash, for a while, and that nothing gets done where nobody is held.
  void thrash() {
    load().rate_without.store(1);
    load().window_start_ns.store(os.now_ns());
    load().thrash_until_ns.store(os.now_ns() + 60 * kSecond);
  }
  // A window of 100 ms passes in which so many pages came back, and those that grow go on.
  void window(std::uint64_t refaults) {
    os.advance(100 * kMs);
    load().paging_ns.fetch_add(refaults * 20'000);  // what each costs on zram, with the room made for it
    for (const int pid : runners) {
      member(pid).active_ns.store(os.now_ns());
    }
  }
  std::uint64_t step_back() {
    return engine.load_control.step_back(engine, container);
  }

  std::vector<int> runners;
  int steps = 0;  // sleeps since run()
};

}  // namespace weir::testing
