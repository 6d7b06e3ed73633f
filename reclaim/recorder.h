// recorder.h - writes down what the policy of one process sees, for `weir replay` (recording.h says in which form).
//
// Scans are listened to, whoever makes them; what the reclaimer adds for the sake of the recording alone (record_turn)
// is a look at all pages in 20 ms at most, at those in swap in 100 ms, and at what was used, each for a twentieth of
// the time. A thread that grows only ever copies into memory: the file is the reclaimer's, in its own descriptor
// table. What there is no room for in the buffer comes with the next scan, for it was not noted as known.
//
// Costs nothing but a pointer that is null where nobody asked for a recording.
#pragma once

#include <atomic>

#include "core/os.h"
#include "reclaim/page_table_copy.h"
#include "reclaim/pagemap.h"
#include "reclaim/reclaim_lock.h"
#include "reclaim/recording_writer.h"
#include "reclaim/scan_listener.h"
#include "reclaim/use_evidence.h"

namespace weir {

struct Engine;
struct LookResult;
class Recorder;

// One for each buffer that scans go through, so that two scans at once are told apart.
class ScanTap final : public ScanListener {
 public:
  constexpr explicit ScanTap(Recorder& recorder) : recorder_(recorder) {}
  void scan_begins(AddressRange range, bool swapped) override;
  void scan_found(AddressRange run) override;
  void scan_ends(std::uintptr_t end) override;
  void paged_out(AddressRange range) override {
    paged_out_ = range;
  }

 private:
  // Pages of a granule that the scan covers.
  [[nodiscard]] std::uint16_t covered(Granule granule) const;
  void settle_before(Granule end);

  Recorder& recorder_;
  AddressRange range_;
  AddressRange paged_out_;
  Granule at_{0};  // the granule at work; those before it are settled
  std::uint16_t mask_ = 0;
  bool swapped_ = false;
  bool ignored_ = true;  // nothing is recorded, or a part of this scan was missed
};

class Recorder final : public UseListener {
 public:
  static constexpr std::size_t kBufferBytes = kMiB;
  static constexpr std::uint64_t kMostBytes = 64 * kMiB;

  constexpr Recorder() = default;

  // Begins `path`.PID, a new file. 0 or an errno. The reclaimer's, as all below but for the taps.
  int open(Engine& engine, std::string_view path, std::uint64_t most_bytes = kMostBytes);
  [[nodiscard]] bool is_on() const {
    return on_.load(std::memory_order_acquire);
  }
  // Listens to the engine's scans from now on.
  void listen(Engine& engine);
  void note_marks(const Marks& marks, Pages others);
  void note_look(std::uint64_t flags, Pages evicted, Pages came_back, Pages charge);
  // Writes out what there is. The file that has met its bound is closed.
  void flush();
  // The last record; then the file is closed.
  void end();
  // In a fork child: the file is the parent's.
  void forget(Engine& engine);
  [[nodiscard]] bool met_bound() const {
    return met_bound_;
  }
  // The errno of the write that failed and ended it; 0: none has.
  [[nodiscard]] int write_error() const {
    return write_error_;
  }

  void saw_use(AddressRange range, Pages resident, Pages referenced) override;
  [[nodiscard]] bool holds(Granule granule) const override;

 private:
  friend class ScanTap;
  friend void record_turn(Engine& engine, const LookResult& result);

  // Both with the lock.
  void settle(Granule granule, std::uint16_t seen, std::uint16_t covered, bool swapped, bool paged_out);
  bool make_buffers();
  void start_afresh(const Engine& engine);
  int create(std::string_view path, std::uint32_t pid);
  bool write_out();
  void close();

  Os* os_ = nullptr;
  std::atomic<bool> on_{false};
  ReclaimLock lock_;
  RecordingWriter writer_;
  char* buffer_ = nullptr;
  PageTableCopy pages_;
  std::uint64_t lost_ = 0;
  ScanTap background_tap_{*this};
  ScanTap direct_tap_{*this};

  int fd_ = -1;
  std::uint64_t written_ = 0;
  std::uint64_t most_bytes_ = kMostBytes;
  bool met_bound_ = false;
  int write_error_ = 0;
  // record_turn's.
  std::uint64_t flushed_ns_ = 0;
  std::uint64_t looked_ns_ = 0;
  std::uint64_t look_took_ns_ = 0;
  std::uint64_t use_took_ns_ = 0;
  std::uint64_t swap_looked_ns_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t came_back_ = 0;
  Marks marks_;
  Pages others_;
  bool has_marks_ = false;
};

// One turn of the reclaimer is over: marks, what it did, and a look at all pages where that is due.
void record_turn(Engine& engine, const LookResult& result);

// How long the reclaimer may sleep while it records.
inline constexpr std::int64_t kRecordingTurnNs = 20'000'000;

}  // namespace weir
