// replay_recording.h - a recording as the steps of its program, in order of time.
//
// A scan tells what changed since the one before, not when: what it found is spread evenly over the time between the
// two, in order of address, and so is use between two looks at it. Addresses are moved, a GiB at a time and in order,
// to where neither the replaying process nor chance has a say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/options.h"
#include "reclaim/recording.h"

namespace weir {

struct ReplayStep {
  enum class Kind : std::uint8_t { kChange, kUse, kMarks };

  std::uint64_t ns = 0;  // since the start
  Granule first;
  std::uint32_t length = 0;  // granules; of kMarks: which of ReplayRecording::marks
  Kind kind = Kind::kChange;
  std::uint16_t present = 0;  // kChange
  std::uint16_t out = 0;
  std::uint32_t referenced = 0;  // kUse: pages
  std::uint32_t resident = 0;
};

struct RecordedMarks {
  std::uint64_t ns = 0;
  Marks marks;
  Pages others;
};

// What the recorded process counted itself, and what its own scans say.
struct RecordedCounts {
  Pages evicted;
  Pages came_back;
  Pages peak;
  std::uint64_t passes = 0;
  std::uint64_t over_high_ns = 0;
};

struct ReplayRecording {
  std::uint32_t pid = 0;
  std::uint64_t flags = 0;
  std::uint64_t wall_ns = 0;
  std::string program;
  std::string container;
  AddressRange own;
  bool complete = false;   // it ends where the program did
  bool met_bound = false;  // it ends where the file was full
  std::uint64_t lost = 0;  // changes that came late
  std::uint64_t length_ns = 0;
  std::vector<ReplayStep> steps;
  std::vector<RecordedMarks> marks;
  RecordedCounts counts;
};

// Decodes the bytes of a file. Refuses (exit 2) what is no recording, under `name`.
ReplayRecording decode_recording(const std::string& name, std::string_view bytes);
// The same of a file. Fails (exit 2) when it cannot be read.
ReplayRecording load_recording(const std::string& path, std::size_t& bytes);

}  // namespace weir
