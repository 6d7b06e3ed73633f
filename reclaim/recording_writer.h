// recording_writer.h - records into memory it is given: numbers, changes that are alike as one, whole records only.
//
// What there is no room for is refused, and leaves what was written whole. Not thread-safe; safe in signal handlers.
#pragma once

#include "reclaim/recording.h"

namespace weir {

class RecordingWriter {
 public:
  constexpr RecordingWriter() = default;
  constexpr RecordingWriter(char* memory, std::size_t bytes) : memory_(memory), capacity_(bytes) {}

  // The file's first bytes. Time counts from `now_ns` on.
  void begin(const RecordedSettings& settings, std::uint64_t now_ns);
  // False: no room. `others` is what other members are charged.
  bool marks(std::uint64_t now_ns, const Marks& marks, Pages others);
  bool change(std::uint64_t now_ns, const RecordedChange& change);
  bool use(std::uint64_t now_ns, const RecordedUse& use);
  bool look(std::uint64_t now_ns, const RecordedLook& look);
  bool bound(std::uint64_t now_ns);
  bool end(std::uint64_t now_ns, std::uint64_t lost);

  // The whole records so far; the one at work is closed first.
  [[nodiscard]] std::string_view take();
  // They were written somewhere: their room is free again.
  void clear();
  [[nodiscard]] std::size_t size() const {
    return size_;
  }

 private:
  static constexpr std::size_t kLargest = 64;             // bytes of any single entry, with the one that is pending
  static constexpr std::uint64_t kOneRecordNs = 500'000;  // entries of so long share a time

  [[nodiscard]] bool open(char type, std::uint64_t now_ns, bool go_on = false);
  void close();
  void put(std::uint64_t number);
  void put_signed(std::int64_t number);
  void put_text(std::string_view text);
  void put_pending();

  char* memory_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  std::size_t start_ = 0;  // of the record at work
  char type_ = 0;          // of it; 0: none
  std::uint64_t opened_ns_ = 0;
  std::uint64_t last_us_ = 0;
  std::uint64_t cursor_ = 0;  // granule after the last entry's
  RecordedChange pending_{{0}, 0, 0, 0};
};

}  // namespace weir
