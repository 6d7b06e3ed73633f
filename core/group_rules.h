// group_rules.h - WEIR_THREADS and WEIR_PROCESSES: who belongs to which container below the process' own.
//
// Threads: `io_thd_*=io:limit=64M,high=48M;#3-8=workers;bio_*=bio`: a pattern for the thread's name
// (`*` and `?`), or the numbers of threads in the order of their creation (the first one after main
// is #1); then the container's name, and what it is to be.
// Processes: `postgres: bench *=client-%p:limit=32M;postgres: *=server`: a pattern for the title, as
// ps shows it; `%p` at the end of the container's name is the pid, so that each has its own.
//
// The first rule that fits counts. Of several that name one container one gives the options, or all the same ones.
//
// Safe before main: no allocation; texts are borrowed from the environment.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/parse.h"

namespace weir {

struct GroupRule {
  std::string_view pattern;  // of the name or title; empty when it goes by number
  std::uint32_t first = 0;   // numbers, both ends included
  std::uint32_t last = 0;
  std::string_view container;  // below the process' own; without the %p
  bool each_its_own = false;   // the pid follows
  Pages limit = Pages::all();
  Mark high;  // value 0: not set
  Mark low;
  OomChoice oom;
  bool has_oom = false;      // it was given
  bool has_options = false;  // any of the four was
};

struct GroupRules {
  static constexpr std::size_t kMost = 16;
  static constexpr std::size_t kMostBytes = 4000;
  std::array<GroupRule, kMost> list{};
  std::size_t count = 0;
};

// Refuses the whole text when any part of it is wrong: half of the rules would be worse than none.
Parsed<GroupRules> parse_thread_rules(std::string_view text);
Parsed<GroupRules> parse_process_rules(std::string_view text);

// The rule for a thread: by its name as the kernel has it (15 bytes), or by its number. For a process:
// by its title; the number is 0. nullptr: none.
const GroupRule* rule_for(const GroupRules& rules, std::string_view name, std::uint32_t number);

}  // namespace weir
