// dump.cc - opening the target and writing the formatted statistics to it.
#include "preload/dump.h"

#include <fcntl.h>
#include <string.h>

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
alignas(ContainerStats) constinit char scratch_stats[sizeof(ContainerStats)] = {};

class FileSink final : public Sink {
 public:
  explicit FileSink(int fd) : fd_(fd) {}
  void put(std::string_view text) override {
    while (!text.empty() && !failed_) {
      const SysResult wrote = raw_os().write(fd_, text.data(), text.size());
      failed_ = !wrote.ok() && wrote.error() != EINTR;
      text.remove_prefix(wrote.ok() ? static_cast<std::size_t>(wrote.value()) : 0);
    }
  }
  [[nodiscard]] bool failed() const {
    return failed_;
  }

 private:
  int fd_;
  bool failed_ = false;
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
    return;
  }
  Text path(scratch_path, sizeof(scratch_path));
  dump_path(path);
  const SysResult fd = p.engine.os.open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, 0644);
  TextBuffer<256> told;
  if (fd.ok()) {
    FileSink sink(static_cast<int>(fd.value()));
    format_stats(p.engine.view, id, stats, p.options.dump_format, sink);
    static_cast<void>(p.engine.os.close(static_cast<int>(fd.value())));
    told.add(sink.failed() ? "statistics cut short writing " : "statistics written to ").add(path.view().substr(0, 90));
  } else {
    told.add("cannot open the dump file ").add(path.view().substr(0, 80)).add(": errno ");
    told.add_number(static_cast<std::uint64_t>(fd.error()));
  }
  post_event(p.engine.os, p.engine.view,
             {EventKind::kDump, id, p.pid.load(std::memory_order_relaxed), {}, told.view()});
}

}  // namespace weir
