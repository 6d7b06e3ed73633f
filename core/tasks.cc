// tasks.cc - listing /proc/PID/task without a directory stream, which would allocate, and children thread by thread.
#include "core/tasks.h"

#include <fcntl.h>

#include "core/text.h"

namespace weir {
namespace {

struct Entry {  // linux_dirent64
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t length;
  std::uint8_t type;
  char name[];
};

int number_of(const char* name) {
  int value = 0;
  for (; *name >= '0' && *name <= '9'; ++name) {
    value = value * 10 + (*name - '0');
  }
  return value;
}

}  // namespace

int each_thread(Os& os, std::uint32_t pid, ThreadVisitor& visitor) {
  TextBuffer<64> path;
  path.add("/proc/").add_number(pid).add("/task");
  const SysResult fd = os.open(path.c_str(), O_RDONLY | O_DIRECTORY, 0);
  if (!fd.ok()) {
    return fd.error();
  }
  alignas(8) char buffer[640];  // alternate stacks are small
  bool go_on = true;
  while (go_on) {
    const SysResult got = os.list(static_cast<int>(fd.value()), buffer, sizeof(buffer));
    if (!got.ok() || got.value() == 0) {
      break;
    }
    for (long at = 0; at < got.value() && go_on;) {
      const auto* entry = reinterpret_cast<const Entry*>(buffer + at);
      at += entry->length;
      const int tid = number_of(entry->name);
      go_on = tid == 0 || visitor.visit(tid);
    }
  }
  static_cast<void>(os.close(static_cast<int>(fd.value())));
  return 0;
}

namespace {

// Numbers with blanks between them, in pieces of any size.
class Numbers {
 public:
  explicit Numbers(ThreadVisitor& visitor) : visitor_(visitor) {}
  // False: the visitor has had enough.
  bool take(const char* text, std::size_t bytes) {
    bool go_on = true;
    for (std::size_t i = 0; i < bytes && go_on; ++i) {
      if (text[i] >= '0' && text[i] <= '9') {
        value_ = value_ * 10 + (text[i] - '0');
      } else {
        go_on = end();
      }
    }
    return go_on;
  }
  bool end() {
    const int value = value_;
    value_ = 0;
    return value == 0 || visitor_.visit(value);
  }

 private:
  ThreadVisitor& visitor_;
  int value_ = 0;
};

// Each thread has children of its own.
class ChildrenOfThreads final : public ThreadVisitor {
 public:
  ChildrenOfThreads(Os& os, std::uint32_t pid, ThreadVisitor& visitor) : os_(os), pid_(pid), visitor_(visitor) {}
  bool visit(int tid) override {
    TextBuffer<64> path;
    path.add("/proc/").add_number(pid_).add("/task/").add_number(static_cast<std::uint64_t>(tid)).add("/children");
    const SysResult fd = os_.open(path.c_str(), O_RDONLY, 0);
    if (!fd.ok()) {
      error_ = fd.error();
      return true;
    }
    const bool go_on = read(static_cast<int>(fd.value()));
    static_cast<void>(os_.close(static_cast<int>(fd.value())));
    return go_on;
  }
  [[nodiscard]] int error() const {
    return error_;
  }

 private:
  bool read(int fd) {
    char buffer[256];
    Numbers numbers(visitor_);
    std::int64_t at = 0;
    for (SysResult got(1); got.ok() && got.value() > 0; at += got.ok() ? got.value() : 0) {
      got = os_.pread(fd, buffer, sizeof(buffer), at);
      if (got.ok() && !numbers.take(buffer, static_cast<std::size_t>(got.value()))) {
        return false;
      }
    }
    return numbers.end();
  }

  Os& os_;
  std::uint32_t pid_;
  ThreadVisitor& visitor_;
  int error_ = 0;
};

}  // namespace

int each_child(Os& os, std::uint32_t pid, ThreadVisitor& visitor) {
  ChildrenOfThreads threads(os, pid, visitor);
  const int error = each_thread(os, pid, threads);
  return error != 0 ? error : threads.error();
}

}  // namespace weir
