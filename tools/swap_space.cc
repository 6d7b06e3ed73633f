// swap_space.cc - step by step to a working swap area, and back.
#include "tools/swap_space.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "tools/human.h"
#include "tools/say.h"
#include "tools/swap_header.h"
#include "tools/zram.h"

namespace weir {
namespace {

// Before any disk: the kernel gives those without a wish negative priorities.
constexpr int kZramPriority = 100;

[[noreturn]] void fail_at(const std::string& path, const std::string& step, int error) {
  fail(path + ": " + step + ": " + error_text(error));
}

// A step: 0, or an errno that ends it all.
void must(int error, const std::string& path, const std::string& step) {
  if (error != 0) {
    fail_at(path, step, error);
  }
}

int errno_of(int result) {
  return result == 0 ? 0 : errno;
}

std::string name_of(const std::string& path) {
  return std::filesystem::path(path).filename();
}

void write_header_to(const std::string& path, std::uint64_t bytes, const std::string& uuid) {
  // O_EXCL on a block device: nobody else has it mounted or in use.
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_EXCL);
  if (fd < 0) {
    fail_at(path, "cannot be opened", errno);
  }
  const int error = write_swap_header(fd, bytes, uuid);
  ::close(fd);
  must(error, path, "the swap header cannot be written");
}

// Copy on write must be off before the first byte (btrfs); elsewhere the flag is unknown.
void switch_off_copy_on_write(int fd) {
  int flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
    flags |= FS_NOCOW_FL;
    static_cast<void>(::ioctl(fd, FS_IOC_SETFLAGS, &flags));
  }
}

// The header comes first: from then on the file can be known as ours.
void fill_file(int fd, const std::string& path, std::uint64_t bytes, const std::string& uuid) {
  switch_off_copy_on_write(fd);
  must(write_swap_header(fd, bytes, uuid), path, "cannot be written");
  must(::posix_fallocate(fd, 0, static_cast<off_t>(bytes)), path, "no room for " + human_bytes(bytes));
  must(errno_of(::fsync(fd)), path, "cannot be written");
}

// The directory of the default is ours as well; it stays if there is anything else in it.
void remove_default_directory(const std::string& path) {
  if (path == kDefaultSwapFile) {
    ::rmdir(std::filesystem::path(path).parent_path().c_str());
  }
}

void remove_file(const std::string& path) {
  ::unlink(path.c_str());
  remove_default_directory(path);
}

// Runs the steps that make an area; should one fail, takes all back and fails on.
template <typename Steps, typename Undo>
void whole_or_nothing(SwapLedger& ledger, const std::string& uuid, Steps steps, Undo undo) {
  try {
    steps();
  } catch (const CommandFault&) {
    undo();
    ledger.remove(uuid);
    throw;
  }
}

bool is_ours(const SwapEntry& entry) {
  return swap_uuid_of(entry.path) == entry.uuid;
}

// Nothing of it is left, or never came to be.
bool is_gone(const SwapEntry& entry) {
  if (entry.kind == SwapKind::kZram && ZramDevice(name_of(entry.path), false).is_blank()) {
    return true;
  }
  return ::access(entry.path.c_str(), F_OK) != 0;
}

int give_back(const SwapEntry& entry) {
  if (entry.kind == SwapKind::kZram) {
    return ZramDevice(name_of(entry.path), entry.hot_added).release();
  }
  remove_file(entry.path);
  return 0;
}

}  // namespace

std::string add_zram_swap(SwapLedger& ledger, std::uint64_t bytes) {
  const ZramDevice device = ZramDevice::acquire();
  const SwapEntry entry{SwapKind::kZram, device.hot_added(), new_uuid(), device.path()};
  ledger.add(entry);
  std::string algorithm;
  whole_or_nothing(
      ledger, entry.uuid,
      [&] {
        algorithm = device.choose_algorithm();
        must(device.set_size(bytes), entry.path, "cannot be given a size");
        write_header_to(entry.path, bytes, entry.uuid);
        must(errno_of(::swapon(entry.path.c_str(), SWAP_FLAG_PREFER | kZramPriority)), entry.path, "swapon");
      },
      [&] { static_cast<void>(device.release()); });
  return entry.path + ": zram, " + algorithm + ", " + human_bytes(bytes);
}

std::string add_file_swap(SwapLedger& ledger, const std::string& path, std::uint64_t bytes) {
  if (path == kDefaultSwapFile) {
    ::mkdir(std::filesystem::path(path).parent_path().c_str(), 0700);
  }
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    const int error = errno;
    remove_default_directory(path);
    fail_at(path, "cannot be made", error);
  }
  const SwapEntry entry{SwapKind::kFile, false, new_uuid(), path};
  ledger.add(entry);
  whole_or_nothing(
      ledger, entry.uuid,
      [&] {
        fill_file(fd, path, bytes, entry.uuid);
        must(errno_of(::swapon(path.c_str(), 0)), path, "this file system takes no swap file (--path names another)");
      },
      [&] { remove_file(path); });
  ::close(fd);
  return path + ": file, " + human_bytes(bytes);
}

bool remove_swap(SwapLedger& ledger, const SwapEntry& entry) {
  if (!is_gone(entry) && !is_ours(entry)) {
    say(entry.path + " is no longer what weir added: left alone");
    ledger.remove(entry.uuid);
    return true;
  }
  // EINVAL: it is not in use any more; ENOENT: it is gone.
  if (::swapoff(entry.path.c_str()) != 0 && errno != EINVAL && errno != ENOENT) {
    say(entry.path + " stays: swapoff: " + error_text(errno));
    return false;
  }
  if (const int error = give_back(entry); error != 0) {
    say(entry.path + " cannot be given back: " + error_text(error));
    return false;
  }
  ledger.remove(entry.uuid);
  print("removed " + harmless(entry.path) + "\n");
  return true;
}

}  // namespace weir
