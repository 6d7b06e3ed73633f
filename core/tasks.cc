// tasks.cc - listing /proc/PID/task without a directory stream, which would allocate.
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
  alignas(8) char buffer[2048];
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

}  // namespace weir
