// fake_os_impl.h - the longer methods of FakeOs, inline so that any test may have it by including one header.
#pragma once

namespace weir::testing {

inline int FakeOs::begin(Call call) {
  Plan& plan = at(call);
  ++plan.count;
  if (plan.before && !interleaving_) {
    interleaving_ = true;
    plan.before();
    interleaving_ = false;
  }
  if (plan.error == 0 || plan.times == 0) {
    return 0;
  }
  if (plan.after > 0) {
    --plan.after;
    return 0;
  }
  plan.times -= plan.times > 0 ? 1 : 0;
  return plan.error;
}

inline SysResult FakeOs::open(const char* path, int flags, unsigned mode) {
  if (const int error = begin(Call::kOpen); error != 0) {
    return SysResult(-error);
  }
  if (const auto file = files_.find(path); file != files_.end()) {
    opened_[next_descriptor_] = file->second;
    ++open_descriptors_;
    return SysResult(next_descriptor_++);
  }
  if (fake_proc_ && (std::strncmp(path, "/proc/", 6) == 0 || std::strncmp(path, "/sys/", 5) == 0)) {
    return SysResult(-ENOENT);
  }
  const SysResult real = raw_os().open(path, flags, mode);
  open_descriptors_ += real.ok() ? 1 : 0;
  return real;
}

inline SysResult FakeOs::close(int fd) {
  if (const int error = begin(Call::kClose); error != 0) {
    return SysResult(-error);
  }
  const SysResult done = is_fake(fd) ? SysResult(opened_.erase(fd) == 1 ? 0 : -EBADF) : raw_os().close(fd);
  open_descriptors_ -= done.ok() ? 1 : 0;
  return done;
}

inline SysResult FakeOs::pread(int fd, void* buffer, std::size_t bytes, std::int64_t offset) {
  if (const int error = begin(Call::kPread); error != 0) {
    return SysResult(-error);
  }
  if (!is_fake(fd)) {
    return raw_os().pread(fd, buffer, bytes, offset);
  }
  const auto file = opened_.find(fd);
  if (file == opened_.end()) {
    return SysResult(-EBADF);
  }
  const std::string rest = static_cast<std::size_t>(offset) < file->second.size()
                               ? file->second.substr(static_cast<std::size_t>(offset))
                               : "";
  const std::size_t got = rest.size() < bytes ? rest.size() : bytes;
  std::memcpy(buffer, rest.data(), got);
  return SysResult(static_cast<long>(got));
}

// With a fake clock a sleep takes no time: it moves the clock to its end.
inline SysResult FakeOs::futex_wait(FutexWord& word, std::uint32_t expected, std::int64_t timeout_ns) {
  if (const int error = begin(Call::kFutexWait); error != 0) {
    return SysResult(-error);
  }
  if (!clock_ns_) {
    return raw_os().futex_wait(word, expected, timeout_ns);
  }
  if (word.load() != expected) {
    return SysResult(-EAGAIN);
  }
  if (timeout_ns < 0) {
    return SysResult(-EINTR);  // nobody else is there to wake us
  }
  advance(static_cast<std::uint64_t>(timeout_ns));
  return SysResult(-ETIMEDOUT);
}

inline MapResult FakeOs::map_shared(int fd, std::size_t bytes) {
  return counted_map(Call::kMapShared, [&] { return raw_os().map_shared(fd, bytes); });
}

inline MapResult FakeOs::map_anonymous(std::size_t bytes) {
  return counted_map(Call::kMapAnonymous, [&] { return raw_os().map_anonymous(bytes); });
}

inline SysResult FakeOs::unmap(void* address, std::size_t bytes) {
  const SysResult done = plain(Call::kUnmap, [&] { return raw_os().unmap(address, bytes); });
  open_mappings_ -= done.ok() ? 1 : 0;
  return done;
}

inline void FakeOs::yield() {
  static_cast<void>(begin(Call::kYield));
  if (clock_ns_) {
    advance(1000);
  } else {
    raw_os().yield();
  }
}

inline std::uint64_t FakeOs::now_ns() {
  static_cast<void>(begin(Call::kNow));
  return clock_ns_ ? *clock_ns_ : raw_os().now_ns();
}

inline void FakeOs::add_process(int pid, const FakeProcess& process) {
  const std::string number = std::to_string(pid);
  const std::string threads = std::to_string(process.threads);
  // Fields 1 to 22 of proc(5), the only ones anybody here reads, and a few of those behind.
  put_file(proc_path(pid, "stat"), number + " (" + process.comm + ") " + process.state +
                                       " 1 1 1 0 -1 4194560 100 0 7 0 " + std::to_string(process.user_ticks) +
                                       " 1 0 0 20 0 " + threads + " 0 " + std::to_string(process.start_ticks) +
                                       " 1000000 500 18446744073709551615\n");
  put_file(proc_path(pid, "statm"), std::to_string(process.resident_pages * 4) + " " +
                                        std::to_string(process.resident_pages) + " " +
                                        std::to_string(process.shared_pages) + " 1 0 50 0\n");
  put_file(proc_path(pid, "status"), "Name:\t" + process.comm + "\nUmask:\t0022\nState:\t" + process.state +
                                         " (fake)\nPid:\t" + number + "\nTracerPid:\t0\nVmHWM:\t" +
                                         std::to_string(process.resident_pages * 4) + " kB\nVmPTE:\t 40 kB\nVmSwap:\t" +
                                         std::to_string(process.swap_kib) + " kB\nThreads:\t" + threads + "\n" +
                                         (process.caught.empty() ? "" : "SigCgt:\t" + process.caught + "\n"));
  put_file(proc_path(pid, "oom_score_adj"), "0\n");
}

}  // namespace weir::testing
