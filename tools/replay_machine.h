// replay_machine.h - one run of the policy over a recording: the engine itself, on a kernel of our own.
//
// The engine, its ranking, watermarks and evidence are the ones that libweir.so runs: nothing of them is imitated. The
// program is the recording's steps; after so many faults as the fault meter would count, it calls charge() as a
// sample does. The reclaimer looks when it is woken, and the program goes on while it works. One thread, no chance:
// the same recording and plan give the same figures.
//
// Left out: readahead, thread groups (their memory counts as the process'), purges, the time a fault takes, and
// threads of the program (it reclaims in place at the limit, as a program with one thread does).
#pragma once

#include <memory>

#include "reclaim/background.h"
#include "reclaim/engine.h"
#include "tools/replay_os.h"
#include "tools/replay_recording.h"

namespace weir {

struct ReplayPlan {
  Marks marks;
  bool adaptive = false;
  bool follows_marks = false;  // marks that were set by hand in the recording are set in the replay
  bool background = true;
  bool evidence = true;  // looks for evidence of use
};

struct ReplayOutcome {
  Pages evicted;
  std::uint64_t refaults = 0;
  Pages peak;  // of the process
  std::uint64_t over_high_ns = 0;
  std::uint64_t passes = 0;
  std::uint64_t failcnt = 0;
  std::uint64_t oom_kills = 0;
  Marks marks;  // as they stood at the end
};

class ReplayMachine final : private ReplayHost {
 public:
  ReplayMachine(const ReplayRecording& recording, const ReplayPlan& plan);
  ReplayOutcome run();

 private:
  static constexpr std::uint64_t kNever = UINT64_MAX;

  void prepare_container();
  void set_others(Pages pages);
  void program_until(std::uint64_t ns);
  void apply(const ReplayStep& step);
  void change(const ReplayStep& step);
  void use(const ReplayStep& step);
  void follow(const RecordedMarks& marks);
  void touch(ReplayPlace& place, std::uint16_t page);
  void run_reclaimer();
  [[nodiscard]] bool over_high() const;

  void worked_until(std::uint64_t now_ns) override;
  void program_waits() override;
  void reclaimer_woken(const FutexWord& word) override;
  void time_passes(std::uint64_t from_ns, std::uint64_t to_ns) override;
  void killed(int pid) override;

  const ReplayRecording& recording_;
  ReplayPlan plan_;
  ReplayMemory memory_;
  ReplayOs os_{memory_, *this};
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Engine> engine_;
  GrowthWatch watch_;
  ContainerId container_{7};
  MemberId others_id_;
  Pages others_;
  std::size_t next_step_ = 0;
  std::uint64_t look_at_ns_ = kNever;
  std::uint64_t faults_to_sample_;
  bool fine_ = false;
  bool in_program_ = false;
  bool in_look_ = false;
  bool dead_ = false;
  std::uint64_t over_high_ns_ = 0;
};

}  // namespace weir
