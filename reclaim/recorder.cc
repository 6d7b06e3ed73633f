// recorder.cc - from scans to changes, from changes to the file.
#include "reclaim/recorder.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/text.h"
#include "reclaim/engine.h"

namespace weir {
namespace {

constexpr std::int64_t kLockWaitNs = 1'000'000;

}  // namespace

void Recorder::settle(Granule granule, std::uint16_t seen, std::uint16_t covered, bool swapped, bool paged_out) {
  if (granule.number >= kGranulesInAll) {
    return;
  }
  PageMasks* masks = seen != 0 ? pages_.find_or_make(*os_, granule) : pages_.find(granule);
  if (masks == nullptr) {
    lost_ += seen != 0 ? 1 : 0;
    return;
  }
  const PageMasks now = swapped ? masks->after_swap_scan(seen, covered) : masks->after_scan(seen, covered, paged_out);
  const auto present = static_cast<std::uint16_t>(now.present ^ masks->present);
  const auto out = static_cast<std::uint16_t>(now.out ^ masks->out);
  if (present == 0 && out == 0) {
    masks->unsure = now.unsure;
    return;
  }
  if (writer_.change(os_->now_ns(), {granule, 1, present, out})) {
    *masks = now;
  } else {
    ++lost_;
  }
}

bool Recorder::make_buffers() {
  if (buffer_ == nullptr) {
    const MapResult mapped = os_->map_anonymous(kBufferBytes);
    buffer_ = mapped.ok() ? static_cast<char*>(mapped.address) : nullptr;
  }
  return buffer_ != nullptr;
}

// A new file for each program of a pid: what a pid before it left is kept.
int Recorder::create(std::string_view path, std::uint32_t pid) {
  constexpr std::uint64_t kMostTries = 100;
  SysResult fd(-EEXIST);
  for (std::uint64_t n = 1; fd.error() == EEXIST && n < kMostTries; ++n) {
    TextBuffer<3300> name;
    name.add(path).add_char('.').add_number(pid);
    if (n > 1) {
      name.add_char('.').add_number(n);
    }
    fd = os_->open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, 0600);
  }
  fd_ = fd.ok() ? static_cast<int>(fd.value()) : -1;
  return fd.error();
}

int Recorder::open(Engine& engine, std::string_view path, std::uint64_t most_bytes) {
  os_ = &engine.os;
  if (!make_buffers()) {
    return ENOMEM;
  }
  if (const int error = create(path, engine.account.pid()); error != 0) {
    return error;
  }
  const ContainerRecord& container = engine.container();
  const auto flag = [](bool set, std::uint64_t bit) { return set ? bit : 0; };
  RecordedSettings settings;
  settings.pid = engine.account.pid();
  settings.flags = flag(container.adaptive.load() != 0, kRecordedAdaptive) |
                   flag(container.background.load() != 0, kRecordedBackground) |
                   flag(container.load_control.load() != 0, kRecordedLoadControl) |
                   flag(engine.many_threads.load(), kRecordedThreads);
  settings.wall_ns = os_->wall_ns();
  settings.own = engine.own;
  settings.program = {engine.record().comm, strnlen(engine.record().comm, kCommBytes)};
  settings.container = {container.name, strnlen(container.name, kMaxNameBytes)};
  start_afresh(engine);
  writer_ = RecordingWriter(buffer_, kBufferBytes);
  writer_.begin(settings, os_->now_ns());
  most_bytes_ = most_bytes;
  on_.store(true, std::memory_order_release);
  listen(engine);
  return 0;
}

void Recorder::listen(Engine& engine) {
  engine.scan_buffer.listener = &background_tap_;
  engine.direct_buffer.listener = &direct_tap_;
  engine.evidence.set_listener(this);
}

void Recorder::saw_use(AddressRange range, Pages resident, Pages referenced) {
  if (!is_on() || referenced == Pages::none()) {
    return;
  }
  const ReclaimGuard guard(*os_, lock_, kLockWaitNs);
  const Granule first = Granule::holding(range.begin);
  const Granule end = Granule::holding(range.end + kGranuleBytes - 1);
  if (guard.held() && end.number <= kGranulesInAll) {
    writer_.use(os_->now_ns(), {first, end.number - first.number, referenced, resident});
  }
}

bool Recorder::holds(Granule granule) const {
  const PageMasks* masks = pages_.find(granule);
  return masks != nullptr && masks->present != 0;
}

void Recorder::note_marks(const Marks& marks, Pages others) {
  const ReclaimGuard guard(*os_, lock_, kLockWaitNs);
  if (guard.held() && marks.ordered() && writer_.marks(os_->now_ns(), marks, others)) {
    marks_ = marks;
    others_ = others;
    has_marks_ = true;
  }
}

void Recorder::note_look(std::uint64_t flags, Pages evicted, Pages came_back, Pages charge) {
  const ReclaimGuard guard(*os_, lock_, kLockWaitNs);
  if (guard.held() &&
      writer_.look(os_->now_ns(), {flags, evicted - Pages{evicted_}, came_back - Pages{came_back_}, charge})) {
    evicted_ = evicted.count;
    came_back_ = came_back.count;
  }
}

// Whole records, at most up to the bound. False: the file is at its end.
bool Recorder::write_out() {
  std::string_view records = writer_.take();
  const bool fits = written_ + records.size() <= most_bytes_;
  if (!fits) {
    writer_.clear();
    static_cast<void>(writer_.bound(os_->now_ns()));
    records = writer_.take();
    met_bound_ = true;
  }
  while (!records.empty()) {
    const SysResult wrote = os_->write(fd_, records.data(), records.size());
    if (!wrote.ok() && wrote.error() != EINTR) {
      write_error_ = wrote.error();
      return false;  // a full disk: what stands there ends in the midst of a record, and will be told as such
    }
    const auto bytes = static_cast<std::size_t>(wrote.ok() ? wrote.value() : 0);
    written_ += bytes;
    records.remove_prefix(bytes);
  }
  writer_.clear();
  return fits;
}

void Recorder::close() {
  on_.store(false, std::memory_order_release);
  static_cast<void>(os_->close(fd_));
  fd_ = -1;
}

void Recorder::flush() {
  const ReclaimGuard guard(*os_, lock_, kLockWaitNs);
  if (guard.held() && is_on() && !write_out()) {
    close();
  }
}

void Recorder::end() {
  const ReclaimGuard guard(*os_, lock_, kLockWaitNs);
  if (!guard.held() || !is_on()) {
    return;
  }
  if (write_out()) {
    static_cast<void>(writer_.end(os_->now_ns(), lost_));
    static_cast<void>(write_out());
  }
  close();
}

void Recorder::forget(Engine& engine) {
  on_.store(false, std::memory_order_relaxed);
  lock_.reset();
  engine.scan_buffer.listener = nullptr;
  engine.direct_buffer.listener = nullptr;
  engine.evidence.set_listener(nullptr);
  fd_ = -1;
  start_afresh(engine);
}

// A new file knows nothing of the one before it, which may have been of another process.
void Recorder::start_afresh(const Engine& engine) {
  if (os_ != nullptr) {
    pages_.forget(*os_);
  }
  written_ = 0;
  lost_ = 0;
  has_marks_ = false;
  met_bound_ = false;
  write_error_ = 0;
  evicted_ = engine.evicted.load(std::memory_order_relaxed);
  came_back_ = engine.came_back.load(std::memory_order_relaxed);
}

}  // namespace weir
