// thread_rules.h - WEIR_THREADS: which threads belong to which container below the process' own.
//
// `io_thd_*=io:limit=64M,high=48M;#3-8=workers;bio_*=bio`: a pattern for the thread's name (`*` and
// `?`), or the numbers of threads in the order of their creation (the first one after main is #1);
// then the container's name, below the process' own, and what it is to be. The first rule that fits
// counts. Several rules may name one container: its options are those of the first that gives any.
//
// Safe before main: no allocation; texts are borrowed from the environment.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/parse.h"

namespace weir {

struct ThreadRule {
  std::string_view pattern;  // of the name; empty when it goes by number
  std::uint32_t first = 0;   // numbers, both ends included
  std::uint32_t last = 0;
  std::string_view container;  // below the process' own
  Pages limit = Pages::all();
  Mark high;  // value 0: not set
  Mark low;
  OomChoice oom;
  bool has_oom = false;      // it was given
  bool has_options = false;  // any of the four was
};

struct ThreadRules {
  static constexpr std::size_t kMost = 16;
  static constexpr std::size_t kMostBytes = 4000;
  std::array<ThreadRule, kMost> list{};
  std::size_t count = 0;
};

// Refuses the whole text when any part of it is wrong: half of the rules would be worse than none.
Parsed<ThreadRules> parse_thread_rules(std::string_view text);

// The rule for a thread: by its name as the kernel has it (15 bytes), or by its number. nullptr: none.
const ThreadRule* rule_for(const ThreadRules& rules, std::string_view name, std::uint32_t number);

}  // namespace weir
