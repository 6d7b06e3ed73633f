// recording_writer.cc - encoding.
#include "reclaim/recording_writer.h"

#include <cstring>

namespace weir {
namespace {

constexpr std::uint16_t kWholeGranule = 0xFFFF;
constexpr std::uint32_t kAlikeInCode = 15;

// How a mask is told: nothing, all, or as it is.
std::uint32_t code_of(std::uint16_t mask) {
  return mask == 0 ? 0 : mask == kWholeGranule ? 1 : 2;
}

}  // namespace

void RecordingWriter::put(std::uint64_t number) {
  for (; number >= 0x80; number >>= 7U) {
    memory_[size_++] = static_cast<char>((number & 0x7FU) | 0x80U);
  }
  memory_[size_++] = static_cast<char>(number);
}

void RecordingWriter::put_signed(std::int64_t number) {
  put((static_cast<std::uint64_t>(number) << 1U) ^ static_cast<std::uint64_t>(number >> 63));
}

void RecordingWriter::put_text(std::string_view text) {
  put(text.size());
  for (const char c : text) {  // not memcpy, which must not be given the nullptr of an empty one
    memory_[size_++] = c;
  }
}

bool RecordingWriter::open(char type, std::uint64_t now_ns, bool go_on) {
  const bool shares =
      go_on && type_ == type && now_ns - opened_ns_ < kOneRecordNs && size_ - start_ < kMostRecordBytes / 2;
  if (capacity_ - size_ < kLargest) {
    return false;
  }
  if (shares) {
    return true;
  }
  close();
  if (capacity_ - size_ < kLargest) {
    return false;
  }
  start_ = size_;
  type_ = type;
  opened_ns_ = now_ns;
  cursor_ = 0;
  size_ += kRecordHeaderBytes;
  const std::uint64_t now_us = now_ns / 1000;
  put(now_us > last_us_ ? now_us - last_us_ : 0);
  last_us_ = now_us > last_us_ ? now_us : last_us_;
  return true;
}

void RecordingWriter::close() {
  if (type_ == 0) {
    return;
  }
  put_pending();
  const std::size_t bytes = size_ - start_ - kRecordHeaderBytes;
  memory_[start_] = type_;
  for (std::size_t i = 0; i < 3; ++i) {
    memory_[start_ + 1 + i] = static_cast<char>(bytes >> (8 * i));
  }
  type_ = 0;
}

void RecordingWriter::begin(const RecordedSettings& settings, std::uint64_t now_ns) {
  std::memcpy(memory_, kRecordingMagic.data(), kRecordingMagic.size());
  size_ = kRecordingMagic.size();
  start_ = size_;
  type_ = 'C';
  size_ += kRecordHeaderBytes;
  last_us_ = now_ns / 1000;
  for (const std::uint64_t number :
       {std::uint64_t{kPageShift}, std::uint64_t{kGranuleShift}, std::uint64_t{settings.pid}, settings.flags,
        settings.wall_ns, std::uint64_t{settings.own.begin}, std::uint64_t{settings.own.bytes()}}) {
    put(number);
  }
  put_text(settings.program);
  put_text(settings.container);
  close();
}

bool RecordingWriter::marks(std::uint64_t now_ns, const Marks& marks, Pages others) {
  if (!open('M', now_ns)) {
    return false;
  }
  for (const Pages mark : {marks.limit, marks.high, marks.low}) {
    put(mark.count + 1);  // none becomes 0
  }
  put(others.count);
  close();
  return true;
}

void RecordingWriter::put_pending() {
  if (type_ != 'P' || pending_.length == 0) {
    return;
  }
  put_signed(static_cast<std::int64_t>(pending_.first.number - cursor_));
  const std::uint32_t present = code_of(pending_.present);
  const std::uint32_t out = pending_.out != 0 && pending_.out == pending_.present ? 3 : code_of(pending_.out);
  const std::uint32_t alike = pending_.length - 1;
  const std::uint32_t in_code = alike < kAlikeInCode ? alike : kAlikeInCode;
  memory_[size_++] = static_cast<char>(present | out << 2U | in_code << 4U);
  if (in_code == kAlikeInCode) {
    put(alike - kAlikeInCode);
  }
  for (const auto& [code, mask] : {std::pair{present, pending_.present}, std::pair{out, pending_.out}}) {
    if (code == 2) {
      memory_[size_++] = static_cast<char>(mask & 0xFFU);
      memory_[size_++] = static_cast<char>(mask >> 8U);
    }
  }
  cursor_ = pending_.first.number + pending_.length;
  pending_.length = 0;
}

bool RecordingWriter::change(std::uint64_t now_ns, const RecordedChange& change) {
  if (!open('P', now_ns, true)) {
    return false;
  }
  if (pending_.length > 0 && pending_.first.number + pending_.length == change.first.number &&
      pending_.present == change.present && pending_.out == change.out &&
      pending_.length + change.length <= kMostAlike) {
    pending_.length += change.length;
    return true;
  }
  put_pending();
  pending_ = change;
  return true;
}

bool RecordingWriter::use(std::uint64_t now_ns, const RecordedUse& use) {
  if (!open('U', now_ns, true)) {
    return false;
  }
  put_signed(static_cast<std::int64_t>(use.first.number - cursor_));
  put(use.length);
  put(use.referenced.count);
  put(use.resident.count);
  cursor_ = use.first.number + use.length;
  return true;
}

bool RecordingWriter::look(std::uint64_t now_ns, const RecordedLook& look) {
  if (!open('D', now_ns)) {
    return false;
  }
  put(look.flags);
  put(look.evicted.count);
  put(look.came_back.count);
  put(look.charge.count);
  close();
  return true;
}

bool RecordingWriter::bound(std::uint64_t now_ns) {
  const bool opened = open('B', now_ns);
  close();
  return opened;
}

bool RecordingWriter::end(std::uint64_t now_ns, std::uint64_t lost) {
  if (!open('E', now_ns)) {
    return false;
  }
  put(lost);
  close();
  return true;
}

std::string_view RecordingWriter::take() {
  close();
  return {memory_, size_};
}

void RecordingWriter::clear() {
  size_ = 0;
}

}  // namespace weir
