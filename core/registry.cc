// registry.cc - opening and making the file, with every failure a value.
#include "core/registry.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "core/file_lock.h"
#include "core/pid_namespace.h"
#include "core/text.h"

namespace weir {
namespace {

// A directory that is ours and closed to others. A looker (may_create false) may be root.
bool directory_is_safe(Os& os, const char* directory, bool may_create) {
  struct stat st = {};
  if (!os.lstat(directory, &st).ok() || !S_ISDIR(st.st_mode)) {
    return false;
  }
  if (!may_create) {
    return true;
  }
  return st.st_uid == os.effective_uid() && (st.st_mode & 077) == 0;
}

// What a file with that header and size is. kBusy: a registry that was never finished; some
// file systems let an allocation that is killed leave part of its size behind.
OpenFailure compare_header(const RegistryHeader& header, off_t size) {
  const std::uint64_t magic = header.magic.load(std::memory_order_relaxed);
  if (magic == 0) {
    return size <= static_cast<off_t>(kRegistryBytes) ? OpenFailure::kBusy : OpenFailure::kWrongSize;
  }
  if (magic != kRegistryMagic || header.version.load(std::memory_order_relaxed) != kRegistryVersion) {
    return OpenFailure::kWrongVersion;
  }
  const bool same_build = header.header_bytes.load(std::memory_order_relaxed) == sizeof(RegistryHeader) &&
                          header.file_bytes.load(std::memory_order_relaxed) == kRegistryBytes;
  return same_build && size == static_cast<off_t>(kRegistryBytes) ? OpenFailure::kNone : OpenFailure::kWrongSize;
}

bool is_of_another(const RegistryHeader& header, std::uint64_t pid_namespace) {
  const std::uint64_t of_creator = header.pid_namespace.load(std::memory_order_relaxed);
  return of_creator != 0 && pid_namespace != 0 && of_creator != pid_namespace;
}

}  // namespace

void registry_directory(const Options& options, const char* xdg_runtime_dir, unsigned uid, DirectoryPath& out) {
  Text text(out.text, sizeof(out.text));
  if (!options.directory.empty()) {
    text.add(options.directory);
  } else if (xdg_runtime_dir != nullptr && xdg_runtime_dir[0] == '/' &&
             std::strlen(xdg_runtime_dir) + sizeof("/weir") <= sizeof(out.text)) {
    text.add(xdg_runtime_dir).add("/weir");
  } else {
    text.add("/dev/shm/weir-").add_number(uid);
  }
  static_cast<void>(text.c_str());
}

OpenFailure RegistryView::open(Os& os, const char* directory, bool may_create) {
  if (!directory_is_safe(os, directory, may_create)) {
    // Made only when it is missing: every exec comes through here. Somebody else may have been
    // faster: what counts is the second look.
    if (may_create) {
      static_cast<void>(os.mkdir(directory, 0700));
    }
    if (!may_create || !directory_is_safe(os, directory, may_create)) {
      return OpenFailure::kNoDirectory;
    }
  }
  const std::uint64_t here = pid_namespace(os);
  Text path(path_, sizeof(path_));
  static_cast<void>(path.add(directory).add("/registry").c_str());
  const OpenFailure failure = open_file(os, may_create, here);
  if (failure != OpenFailure::kNone || !is_of_another(registry_->header, here)) {
    return failure;
  }
  close(os);
  if (!proc_is_ours(os)) {
    return OpenFailure::kForeignPids;
  }
  static_cast<void>(path.add_char('-').add_number(here).c_str());
  return open_file(os, may_create, here);
}

OpenFailure RegistryView::open_file(Os& os, bool may_create, std::uint64_t pid_namespace) {
  const SysResult fd = os.open(path_, O_RDWR | O_NOFOLLOW | (may_create ? O_CREAT : 0), 0600);
  if (!fd.ok()) {
    return fd.error() == ENOSPC ? OpenFailure::kNoSpace : OpenFailure::kNoFile;
  }
  const int descriptor = static_cast<int>(fd.value());
  OpenFailure failure = map_file(os, descriptor);
  if (failure == OpenFailure::kBusy && may_create) {
    failure = create_contents(os, descriptor, pid_namespace);
  }
  static_cast<void>(os.close(descriptor));
  return failure;
}

// kBusy: the file is empty or unfinished, which only the holder of the lock may mend.
OpenFailure RegistryView::map_file(Os& os, int fd) {
  struct stat st = {};
  if (!os.fstat(fd, &st).ok()) {
    return OpenFailure::kNoFile;
  }
  if (st.st_size == 0) {
    return OpenFailure::kBusy;
  }
  if (st.st_size < static_cast<off_t>(sizeof(RegistryHeader))) {
    return OpenFailure::kWrongSize;
  }
  // The header is read as a file first: a mapping past the end of a short file would be a SIGBUS.
  RegistryHeader header = {};
  if (os.pread(fd, &header, sizeof(header), 0).value() != static_cast<long>(sizeof(header))) {
    return OpenFailure::kNoFile;
  }
  if (const OpenFailure unlike = compare_header(header, st.st_size); unlike != OpenFailure::kNone) {
    return unlike;
  }
  const MapResult mapped = os.map_shared(fd, kRegistryBytes);
  if (!mapped.ok()) {
    return OpenFailure::kNoMapping;
  }
  registry_ = static_cast<Registry*>(mapped.address);
  if (registry_->header.magic.load(std::memory_order_acquire) == kRegistryMagic) {
    return OpenFailure::kNone;
  }
  close(os);
  return OpenFailure::kBusy;
}

OpenFailure RegistryView::create_contents(Os& os, int fd, std::uint64_t pid_namespace) {
  if (pid_namespace != 0 && !proc_is_ours(os)) {
    return OpenFailure::kForeignPids;
  }
  const FileLock lock(os, fd);
  if (!lock.held()) {
    return OpenFailure::kBusy;
  }
  if (const OpenFailure again = map_file(os, fd); again != OpenFailure::kBusy) {
    return again;  // somebody else finished it while we waited
  }
  if (const SysResult space = os.allocate(fd, static_cast<std::int64_t>(kRegistryBytes)); !space.ok()) {
    return space.error() == ENOSPC || space.error() == EDQUOT ? OpenFailure::kNoSpace : OpenFailure::kNoFile;
  }
  const MapResult mapped = os.map_shared(fd, kRegistryBytes);
  if (!mapped.ok()) {
    return OpenFailure::kNoMapping;
  }
  registry_ = static_cast<Registry*>(mapped.address);
  RegistryHeader& header = registry_->header;
  header.version.store(kRegistryVersion, std::memory_order_relaxed);
  header.header_bytes.store(sizeof(RegistryHeader), std::memory_order_relaxed);
  header.file_bytes.store(kRegistryBytes, std::memory_order_relaxed);
  header.pid_namespace.store(pid_namespace, std::memory_order_relaxed);
  header.magic.store(kRegistryMagic, std::memory_order_release);
  return OpenFailure::kNone;
}

void RegistryView::close(Os& os) {
  if (registry_ != nullptr) {
    static_cast<void>(os.unmap(registry_, kRegistryBytes));
    registry_ = nullptr;
  }
}

const char* to_string(OpenFailure failure) {
  switch (failure) {
    case OpenFailure::kNone:
      return "no failure";
    case OpenFailure::kNoDirectory:
      return "the directory cannot be made, or is not this user's alone";
    case OpenFailure::kNoFile:
      return "the registry file cannot be opened";
    case OpenFailure::kNoSpace:
      return "the file system has no room for the registry";
    case OpenFailure::kWrongVersion:
      return "the registry was made by another version of weir: remove it when nothing of that version runs any more";
    case OpenFailure::kWrongSize:
      return "the registry file has the wrong size";
    case OpenFailure::kBusy:
      return "the registry is unfinished";
    case OpenFailure::kNoMapping:
      return "the registry cannot be mapped";
    case OpenFailure::kForeignPids:
      return "/proc is that of another PID namespace (unshare --mount-proc mounts one)";
  }
  return "unknown";
}

const char* to_string(AttachFailure failure) {
  switch (failure) {
    case AttachFailure::kNone:
      return "no failure";
    case AttachFailure::kNoContainerPlace:
      return "there is no place for a container in the registry";
    case AttachFailure::kNoMemberPlace:
      return "there is no place for a member in the registry";
    case AttachFailure::kLockBusy:
      return "somebody holds the registry's lock and does not give it back";
  }
  return "unknown";
}

}  // namespace weir
