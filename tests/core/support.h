// support.h - what the core tests share: temporary directories, a registry in plain memory, forked children.
#pragma once

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "core/registry.h"
#include "core/stats.h"
#include "tests/core/fake_os.h"

#if defined(__SANITIZE_THREAD__)
#define WEIR_TEST_TSAN 1
#elif defined(__SANITIZE_ADDRESS__)
#define WEIR_TEST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEIR_TEST_TSAN 1
#elif __has_feature(address_sanitizer)
#define WEIR_TEST_ASAN 1
#endif
#endif

// For tests that fork: ThreadSanitizer knows only threads, and makes each fork cost milliseconds.
#ifdef WEIR_TEST_TSAN
#define WEIR_SKIP_UNDER_TSAN() GTEST_SKIP() << "ThreadSanitizer sees nothing across processes: skipped there"
#else
#define WEIR_SKIP_UNDER_TSAN() static_cast<void>(0)
#endif

namespace weir::testing {

inline constexpr unsigned kNobody = 65534;

// How many children a test may start where it would start `wanted`: AddressSanitizer makes a
// fork some fifty times as dear.
constexpr int children_for(int wanted) {
#ifdef WEIR_TEST_ASAN
  return wanted / 10;
#else
  return wanted;
#endif
}

// A directory of the test's own, 0700, removed with all it holds.
class TempDirectory {
 public:
  TempDirectory() {
    for (const char* pattern : {"/dev/shm/weir-test-XXXXXX", "/tmp/weir-test-XXXXXX"}) {
      path_ = pattern;
      if (mkdtemp(path_.data()) != nullptr) {
        return;
      }
    }
    std::abort();
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  [[nodiscard]] const std::string& path() const {
    return path_;
  }
  [[nodiscard]] std::string operator/(const std::string& name) const {
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

// A registry in the test's own memory, with fake processes and a clock that stands at one hour.
struct MemoryRegistry {
  static constexpr std::uint64_t kStartNs = 3'600'000'000'000;

  FakeOs os;
  std::unique_ptr<Registry> memory = std::make_unique<Registry>();
  RegistryView view;

  MemoryRegistry() {
    memory->header.version.store(kRegistryVersion);
    memory->header.header_bytes.store(sizeof(RegistryHeader));
    memory->header.file_bytes.store(kRegistryBytes);
    memory->header.magic.store(kRegistryMagic);
    view.adopt(*memory);
    os.put_file("", "");  // an adopted registry has no file: this one takes its locks
    os.use_fake_processes();
    os.set_clock(kStartNs);
  }

  ContainerId make(std::string_view name, const Marks& marks = {}, bool named = true) {
    ContainerWish wish;
    wish.name = name;
    wish.named = named;
    wish.marks = marks;
    const ContainerResult made = view.find_or_make(os, wish);
    return made.failure == AttachFailure::kNone ? made.id : ContainerId{UINT32_MAX};
  }
  // A living process in that container, with that charge.
  MemberId add_member(int pid, ContainerId container, Pages charge, FakeProcess process = {}) {
    process.resident_pages = charge.count;
    os.add_process(pid, process);
    const AttachResult attached = view.attach(os, static_cast<std::uint32_t>(pid), container);
    view.book(attached.id).set_charge(static_cast<std::uint32_t>(pid), charge);
    return attached.id;
  }
  // Places that hold anything at all, be it only rubbish.
  [[nodiscard]] int places_taken() const {
    int taken = 0;
    for (const BookWord& book : memory->books) {
      taken += book.load().packed() != 0 ? 1 : 0;
    }
    return taken;
  }
};

// Gathers what a formatter writes.
class StringSink final : public Sink {
 public:
  void put(std::string_view text) override {
    text_.append(text);
  }
  [[nodiscard]] const std::string& text() const {
    return text_;
  }

 private:
  std::string text_;
};

// Forks; the child runs `body` and exits with what it gives (0 to 100).
template <typename Body>
pid_t start_child(const Body& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    _exit(body());
  }
  return pid;
}

// The exit status of a child, or 128 plus the signal that ended it.
inline int wait_for(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) {
    return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Leaves root behind in this process for good. True when it is an ordinary user's by now.
inline bool become_ordinary_user() {
  if (geteuid() != 0) {
    return true;
  }
  return setgroups(0, nullptr) == 0 && setresgid(kNobody, kNobody, kNobody) == 0 &&
         setresuid(kNobody, kNobody, kNobody) == 0;
}

inline Pages mib(std::uint64_t n) {
  return Pages::holding(n * kMiB);
}

}  // namespace weir::testing
