// recording_reader.h - a recording, record by record, from bytes that may be anybody's.
//
// Nothing is believed: lengths, numbers and the order of records are checked, so that whoever visits gets granules of
// the address space, counts that fit, and settings before anything else. No allocation; no errors but its result.
#pragma once

#include "reclaim/recording.h"

namespace weir {

// Told of what a recording holds, in order. Times are microseconds since its start.
class RecordingVisitor {
 public:
  virtual void on_settings(const RecordedSettings& settings) = 0;
  virtual void on_marks(std::uint64_t us, const Marks& marks, Pages others) = 0;
  virtual void on_change(std::uint64_t us, const RecordedChange& change) = 0;
  virtual void on_use(std::uint64_t us, const RecordedUse& use) = 0;
  virtual void on_look(std::uint64_t us, const RecordedLook& look) = 0;
  // The file had reached its bound.
  virtual void on_bound(std::uint64_t us) = 0;
  virtual void on_end(std::uint64_t us, std::uint64_t lost) = 0;

 protected:
  ~RecordingVisitor() = default;
};

// Why a recording cannot be read, as words for "FILE ...": nullptr when it can. `at` is the byte of the record that is
// wrong.
struct RecordingFault {
  const char* reason = nullptr;
  std::size_t at = 0;
};

// Visits all of it. What comes before a fault was visited.
[[nodiscard]] RecordingFault read_recording(std::string_view bytes, RecordingVisitor& visitor);

}  // namespace weir
