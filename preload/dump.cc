// dump.cc - opening the target and writing the formatted statistics to it.
#include "preload/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <algorithm>
#include <new>

#include "core/events.h"
#include "core/stats.h"
#include "core/text.h"
#include "preload/log.h"
#include "preload/process.h"
#include "reclaim/reclaim_lock.h"

namespace weir {
namespace {

constexpr int kStderr = 2;
constexpr std::int64_t kLockWaitNs = 100'000'000;

// Not on the stack, which may be an alternate one of 8 KiB.
constinit ReclaimLock scratch_lock;
constinit char scratch_path[3400] = {};
constinit char scratch_text[16384] = {};
alignas(ContainerStats) constinit char scratch_stats[sizeof(ContainerStats)] = {};

// Gathers first: a process that ends while its statistics are being formatted is not to leave
// behind a file it has emptied. The file is opened when there is something to write.
class FileSink final : public Sink {
 public:
  explicit FileSink(int fd) : fd_(fd) {}
  explicit FileSink(const char* path) : path_(path) {}
  void put(std::string_view text) override {
    while (!text.empty()) {
      const std::size_t fits = std::min(text.size(), sizeof(scratch_text) - filled_);
      memcpy(scratch_text + filled_, text.data(), fits);
      filled_ += fits;
      text.remove_prefix(fits);
      if (filled_ == sizeof(scratch_text)) {
        write_out();
      }
    }
  }
  void finish() {
    write_out();
    if (path_ != nullptr && fd_ >= 0) {
      static_cast<void>(raw_os().close(fd_));
    }
  }
  [[nodiscard]] bool is_open() const {
    return fd_ >= 0;
  }
  // The errno value of what failed, 0 for nothing.
  [[nodiscard]] int error() const {
    return error_;
  }

 private:
  void write_out() {
    if (fd_ < 0 && error_ == 0) {
      keep_error(raw_os().open(path_, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644), fd_);
    }
    std::string_view text(scratch_text, filled_);
    while (!text.empty() && error_ == 0) {
      int wrote = 0;
      keep_error(raw_os().write(fd_, text.data(), text.size()), wrote);
      error_ = error_ == EINTR ? 0 : error_;
      text.remove_prefix(static_cast<std::size_t>(wrote));
    }
    filled_ = 0;
  }
  void keep_error(const SysResult& result, int& value) {
    error_ = result.ok() ? 0 : result.error();
    value = result.ok() ? static_cast<int>(result.value()) : value;
  }

  const char* path_ = nullptr;
  int fd_ = -1;
  std::size_t filled_ = 0;
  int error_ = 0;
};

// "%p" becomes the pid, "%c" the container's name with '/' as '-'.
void expand(std::string_view pattern, std::string_view container, std::uint32_t pid, Text& out) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (pattern[i] == '%' && next == 'p') {
      out.add_number(pid);
      ++i;
    } else if (pattern[i] == '%' && next == 'c') {
      for (const char c : container) {
        out.add_char(c == '/' ? '-' : c);
      }
      ++i;
    } else if (pattern[i] == '%' && next == '%') {
      out.add_char('%');
      ++i;
    } else {
      out.add_char(pattern[i]);
    }
  }
}

void dump_path(Text& out) {
  Process& p = process();
  const char* name = p.engine.container().name;
  expand(p.options.dump_file, {name, strnlen(name, kMaxNameBytes)}, p.pid.load(std::memory_order_relaxed), out);
}

}  // namespace

bool dump_goes_to_stderr() {
  const std::string_view file = process().options.dump_file;
  return file.empty() || file == "stderr";
}

int append_to_dump(std::string_view ending) {
  const ReclaimGuard guard(raw_os(), scratch_lock, kLockWaitNs);
  if (!guard.held()) {
    return -1;
  }
  Text path(scratch_path, sizeof(scratch_path));
  dump_path(path);
  path.add(ending);
  const SysResult fd =
      raw_os().open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644);
  return fd.ok() ? static_cast<int>(fd.value()) : -1;
}

void forget_dump() {
  scratch_lock.reset();
}

void write_dump(Look look) {
  Process& p = process();
  const ReclaimGuard guard(p.engine.os, scratch_lock, kLockWaitNs);
  if (!guard.held()) {
    return;  // another thread is at it
  }
  const ContainerId id = p.engine.account.container();
  const ContainerStats& stats =
      *new (scratch_stats) ContainerStats(container_stats(p.engine.os, p.engine.view, id, look));
  if (dump_goes_to_stderr()) {
    FileSink sink(kStderr);
    format_stats(p.engine.view, id, stats, p.options.dump_format, sink);
    sink.finish();
    return;
  }
  Text path(scratch_path, sizeof(scratch_path));
  dump_path(path);
  FileSink sink(path.c_str());
  format_stats(p.engine.view, id, stats, p.options.dump_format, sink);
  sink.finish();
  TextBuffer<256> told;
  if (sink.is_open()) {
    told.add(sink.error() == 0 ? "statistics written to " : "statistics cut short writing ");
    told.add(path.view().substr(0, 90));
  } else {
    told.add("cannot open the dump file ").add(path.view().substr(0, 80)).add(": errno ");
    told.add_number(static_cast<std::uint64_t>(sink.error()));
  }
  post_event(p.engine.os, p.engine.view,
             {EventKind::kDump, id, p.pid.load(std::memory_order_relaxed), {}, told.view()});
}

}  // namespace weir
