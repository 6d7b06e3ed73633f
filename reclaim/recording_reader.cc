// recording_reader.cc - decoding, with every number checked.
#include "reclaim/recording_reader.h"

namespace weir {
namespace {

constexpr const char* kMalformed = "is damaged: a record holds what no recording can";
constexpr std::uint64_t kMostUs = std::uint64_t{1} << 53U;  // 285 years
constexpr std::uint64_t kMostPages = std::uint64_t{1} << 40U;

// The numbers of one record. After the first that is missing or too large all are 0.
class Numbers {
 public:
  explicit Numbers(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t next(std::uint64_t most = UINT64_MAX) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      const std::uint64_t bits = byte & 0x7FU;
      value |= bits << shift;
      if ((byte & 0x80U) == 0) {
        const bool fits = shift < 63 || bits <= 1;
        bad_ = bad_ || !fits || value > most;
        return bad_ ? 0 : value;
      }
    }
    bad_ = true;
    return 0;
  }
  std::int64_t next_signed() {
    const std::uint64_t value = next();
    return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
  }
  std::uint8_t byte() {
    if (rest_.empty()) {
      bad_ = true;
      return 0;
    }
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::string_view text(std::size_t most) {
    const std::size_t length = next(most);
    bad_ = bad_ || length > rest_.size();
    const std::string_view value = rest_.substr(0, bad_ ? 0 : length);
    rest_.remove_prefix(value.size());
    return value;
  }
  // A stretch of granules that lies in the address space.
  bool granules(std::uint64_t cursor, std::int64_t distance, std::uint64_t length) {
    const std::uint64_t first = cursor + static_cast<std::uint64_t>(distance);
    bad_ = bad_ || first >= kGranulesInAll || length == 0 || length > kGranulesInAll - first;
    return !bad_;
  }
  [[nodiscard]] bool empty() const {
    return rest_.empty();
  }
  [[nodiscard]] bool bad() const {
    return bad_;
  }
  // All was there, and nothing more.
  [[nodiscard]] bool done() const {
    return !bad_ && rest_.empty();
  }

 private:
  std::string_view rest_;
  bool bad_ = false;
};

class Reader {
 public:
  explicit Reader(RecordingVisitor& visitor) : visitor_(visitor) {}

  const char* record(char type, std::string_view bytes) {
    if (ended_) {
      return "is damaged: it goes on after its end";
    }
    if ((type == 'C') == begun_) {
      return "is damaged: its settings do not come first, and once";
    }
    begun_ = true;
    Numbers numbers(bytes);
    if (type == 'C') {
      return settings(numbers);
    }
    us_ += numbers.next(kMostUs);
    if (us_ > kMostUs || numbers.bad()) {
      return kMalformed;
    }
    return body(type, numbers) ? nullptr : kMalformed;
  }

 private:
  const char* settings(Numbers& numbers) {
    const std::uint64_t page_shift = numbers.next();
    const std::uint64_t granule_shift = numbers.next();
    RecordedSettings settings;
    settings.pid = static_cast<std::uint32_t>(numbers.next(UINT32_MAX));
    settings.flags = numbers.next();
    settings.wall_ns = numbers.next();
    settings.own.begin = numbers.next(kGranulesInAll << kGranuleShift);
    settings.own.end = settings.own.begin + numbers.next(kGranulesInAll << kGranuleShift);
    settings.program = numbers.text(255);
    settings.container = numbers.text(kMaxNameBytes);
    if (!numbers.done()) {
      return kMalformed;
    }
    if (page_shift != kPageShift || granule_shift != kGranuleShift) {
      return "was made with pages or granules of another size";
    }
    visitor_.on_settings(settings);
    return nullptr;
  }

  bool body(char type, Numbers& numbers) {
    switch (type) {
      case 'M':
        return marks(numbers);
      case 'P':
        return changes(numbers);
      case 'U':
        return uses(numbers);
      case 'D':
        return look(numbers);
      case 'B':
        visitor_.on_bound(us_);
        ended_ = true;
        return numbers.done();
      case 'E':
        return end(numbers);
      default:
        return false;
    }
  }

  bool marks(Numbers& numbers) {
    Marks marks;
    for (Pages* mark : {&marks.limit, &marks.high, &marks.low}) {
      mark->count = numbers.next(kMostPages) - 1;
    }
    const Pages others{numbers.next(kMostPages)};
    if (!numbers.done() || !marks.ordered()) {
      return false;
    }
    visitor_.on_marks(us_, marks, others);
    return true;
  }

  static std::uint16_t mask(Numbers& numbers, std::uint32_t code) {
    if (code != 2) {
      return code == 1 ? 0xFFFF : 0;
    }
    const std::uint32_t low = numbers.byte();
    return static_cast<std::uint16_t>(low | static_cast<std::uint32_t>(numbers.byte()) << 8U);
  }

  bool changes(Numbers& numbers) {
    for (std::uint64_t cursor = 0; !numbers.empty();) {
      const std::int64_t distance = numbers.next_signed();
      const std::uint32_t code = numbers.byte();
      const std::uint32_t present = code & 3U;
      const std::uint32_t out = (code >> 2U) & 3U;
      RecordedChange change;
      change.length = (code >> 4U) + 1;
      change.length += change.length == 16 ? static_cast<std::uint32_t>(numbers.next(kMostAlike - 16)) : 0;
      change.present = mask(numbers, present);
      change.out = out == 3 ? change.present : mask(numbers, out);
      if (present == 3 || !numbers.granules(cursor, distance, change.length)) {
        return false;
      }
      change.first = Granule{cursor + static_cast<std::uint64_t>(distance)};
      cursor = change.first.number + change.length;
      visitor_.on_change(us_, change);
    }
    return !numbers.bad();
  }

  bool uses(Numbers& numbers) {
    for (std::uint64_t cursor = 0; !numbers.empty();) {
      const std::int64_t distance = numbers.next_signed();
      RecordedUse use;
      use.length = numbers.next(kGranulesInAll);
      use.referenced = Pages{numbers.next(kMostPages)};
      use.resident = Pages{numbers.next(kMostPages)};
      if (!numbers.granules(cursor, distance, use.length)) {
        return false;
      }
      use.first = Granule{cursor + static_cast<std::uint64_t>(distance)};
      cursor = use.first.number + use.length;
      visitor_.on_use(us_, use);
    }
    return !numbers.bad();
  }

  bool look(Numbers& numbers) {
    RecordedLook look;
    look.flags = numbers.next();
    look.evicted = Pages{numbers.next(kMostPages)};
    look.came_back = Pages{numbers.next(kMostPages)};
    look.charge = Pages{numbers.next(kMostPages)};
    if (numbers.done()) {
      visitor_.on_look(us_, look);
    }
    return numbers.done();
  }

  bool end(Numbers& numbers) {
    const std::uint64_t lost = numbers.next();
    if (numbers.done()) {
      visitor_.on_end(us_, lost);
    }
    ended_ = true;
    return numbers.done();
  }

  RecordingVisitor& visitor_;
  std::uint64_t us_ = 0;
  bool begun_ = false;
  bool ended_ = false;
};

}  // namespace

RecordingFault read_recording(std::string_view bytes, RecordingVisitor& visitor) {
  constexpr std::size_t kNameBytes = 7;
  if (bytes.substr(0, kNameBytes) != kRecordingMagic.substr(0, kNameBytes)) {
    return {"is not a recording", 0};
  }
  if (bytes.size() < kRecordingMagic.size()) {
    return {"is cut short", 0};
  }
  if (bytes.substr(0, kRecordingMagic.size()) != kRecordingMagic) {
    return {"is a recording of another version", kNameBytes};
  }
  Reader reader(visitor);
  std::size_t at = kRecordingMagic.size();
  if (bytes.size() == at) {
    return {"is cut short", at};
  }
  while (at < bytes.size()) {
    const std::string_view rest = bytes.substr(at);
    std::size_t length = 0;
    for (std::size_t i = 0; i < 3 && rest.size() >= kRecordHeaderBytes; ++i) {
      length |= static_cast<std::size_t>(static_cast<unsigned char>(rest[1 + i])) << (8 * i);
    }
    if (rest.size() < kRecordHeaderBytes || rest.size() - kRecordHeaderBytes < length) {
      return {"is cut short", at};
    }
    if (const char* reason = reader.record(rest[0], rest.substr(kRecordHeaderBytes, length)); reason != nullptr) {
      return {reason, at};
    }
    at += kRecordHeaderBytes + length;
  }
  return {};
}

}  // namespace weir
