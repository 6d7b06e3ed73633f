// swap_ledger.cc - the lines of /run/weir-swap: kind, uuid, "hot" or "kept", path.
#include "tools/swap_ledger.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

#include "tools/files.h"
#include "tools/say.h"

namespace weir {
namespace {

constexpr const char* kPath = "/run/weir-swap";

// The last one out removes the file, maybe while we waited for its lock.
bool is_still_there(int fd) {
  struct stat held = {};
  struct stat named = {};
  return ::fstat(fd, &held) == 0 && ::stat(kPath, &named) == 0 && held.st_ino == named.st_ino;
}

int open_locked() {
  for (;;) {
    const int fd = ::open(kPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || (::flock(fd, LOCK_EX) == 0 && is_still_there(fd))) {
      return fd;
    }
    ::close(fd);
  }
}

}  // namespace

SwapLedger::SwapLedger() : fd_(open_locked()) {
  if (fd_ < 0) {
    fail(std::string(kPath) + ": " + error_text(errno));
  }
  load();
}

SwapLedger::~SwapLedger() {
  if (entries_.empty()) {
    ::unlink(kPath);
  }
  ::close(fd_);
}

void SwapLedger::load() {
  std::string text;
  static_cast<void>(read_text(kPath, text));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string kind;
    std::string origin;
    SwapEntry entry;
    if (words >> kind >> entry.uuid >> origin && std::getline(words >> std::ws, entry.path)) {
      entry.kind = kind == "zram" ? SwapKind::kZram : SwapKind::kFile;
      entry.hot_added = origin == "hot";
      entries_.push_back(entry);
    }
  }
}

void SwapLedger::save() const {
  std::string text;
  for (const SwapEntry& entry : entries_) {
    text += std::string(entry.kind == SwapKind::kZram ? "zram " : "file ") + entry.uuid +
            (entry.hot_added ? " hot " : " kept ") + entry.path + "\n";
  }
  if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    fail(std::string(kPath) + " cannot be written: " + error_text(errno));
  }
}

void SwapLedger::add(const SwapEntry& entry) {
  entries_.push_back(entry);
  save();
}

void SwapLedger::remove(const std::string& uuid) {
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(), [&](const SwapEntry& e) { return e.uuid == uuid; }),
                 entries_.end());
  save();
}

}  // namespace weir
