// registry.cc - opening and making the registry file, and taking places in it.
#include "core/registry.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>

#include "core/proc.h"
#include "core/text.h"
#include "core/usage.h"

namespace weir {
namespace {

constexpr std::int64_t kLockWaitNs = 1'000'000'000;
constexpr std::int64_t kLockPollNs = 1'000'000;

void sleep_ns(Os& os, std::int64_t ns) {
  FutexWord never{0};
  static_cast<void>(os.futex_wait(never, 0, ns));
}

// An exclusive file lock, given up by the kernel should its holder die.
class FileLock {
 public:
  FileLock(Os& os, int fd) : os_(os), fd_(fd) {
    for (std::int64_t waited = 0; waited < kLockWaitNs; waited += kLockPollNs) {
      held_ = os_.flock(fd_, LOCK_EX | LOCK_NB).ok();
      if (held_) {
        return;
      }
      sleep_ns(os_, kLockPollNs);
    }
  }
  ~FileLock() {
    if (held_) {
      static_cast<void>(os_.flock(fd_, LOCK_UN));
    }
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  [[nodiscard]] bool held() const {
    return held_;
  }

 private:
  Os& os_;
  int fd_;
  bool held_ = false;
};

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

// FNV-1a: short names, no adversary.
std::uint32_t hash_of(std::string_view name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  }
  return hash;
}

bool has_name(const ContainerRecord& record, std::string_view name) {
  return strnlen(record.name, sizeof(record.name)) == name.size() &&
         std::memcmp(record.name, name.data(), name.size()) == 0;
}

std::uint32_t raise_to(Word& high, std::uint32_t wanted) {
  std::uint32_t seen = high.load(std::memory_order_relaxed);
  while (seen < wanted && !high.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel)) {
  }
  return seen;
}

void copy_name(char* out, std::string_view name) {
  std::memcpy(out, name.data(), name.size());
  out[name.size()] = '\0';
}

// The dead of a kill -9 have their places still, and do not count.
bool has_living_member(Os& os, const RegistryView& view, ContainerId id) {
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = view.book(MemberId{i}).load();
    if (entry.pid != 0 && entry.container == id && !member_is_dead(os, view.member(MemberId{i}), entry.pid)) {
      return true;
    }
  }
  return false;
}

void fill_container(Os& os, ContainerRecord& record, const ContainerWish& wish) {
  // Everything but the state word starts anew: the place may have belonged to another name.
  std::memset(static_cast<void*>(reinterpret_cast<char*>(&record) + sizeof(record.state)), 0,
              sizeof(record) - sizeof(record.state));
  copy_name(record.name, wish.name);
  record.named.store(wish.named ? 1 : 0, std::memory_order_relaxed);
  record.oom_policy.store(static_cast<std::uint32_t>(wish.oom.policy), std::memory_order_relaxed);
  record.oom_pause_seconds.store(wish.oom.pause_seconds, std::memory_order_relaxed);
  record.background.store(wish.background ? 1 : 0, std::memory_order_relaxed);
  record.adaptive.store(wish.adaptive ? 1 : 0, std::memory_order_relaxed);
  record.load_control.store(wish.load_control ? 1 : 0, std::memory_order_relaxed);
  record.swap_limit.store(wish.swap_limit.count, std::memory_order_relaxed);
  record.limit.store(wish.marks.limit.count, std::memory_order_relaxed);
  record.high_watermark.store(wish.marks.high.count, std::memory_order_relaxed);
  record.low_watermark.store(wish.marks.low.count, std::memory_order_relaxed);
  record.created_wall_ns.store(os.wall_ns(), std::memory_order_relaxed);
}

void start_member(Os& os, MemberRecord& record) {
  record.swap_pages.store(0, std::memory_order_relaxed);
  record.swap_promised.store(0, std::memory_order_relaxed);
  record.leaving_pages.store(0, std::memory_order_relaxed);
  record.shared_pages.store(0, std::memory_order_relaxed);
  record.unevictable_pages.store(0, std::memory_order_relaxed);
  record.dump_signal.store(0, std::memory_order_relaxed);
  record.home.store(0, std::memory_order_relaxed);
  record.meter.store(0, std::memory_order_relaxed);
  record.reclaimer_tid.store(0, std::memory_order_relaxed);
  record.request.store(0, std::memory_order_relaxed);
  record.uid.store(os.effective_uid(), std::memory_order_relaxed);
  record.wakeups.store(0, std::memory_order_relaxed);
  for (Word& pages : record.heat) {
    pages.store(0, std::memory_order_relaxed);
  }
  record.active_ns.store(0, std::memory_order_relaxed);
  record.held_since_ns.store(0, std::memory_order_relaxed);
  record.immune_until_ns.store(0, std::memory_order_relaxed);
  record.held_ns.store(0, std::memory_order_relaxed);
  record.cpu_seen_ns.store(0, std::memory_order_relaxed);
  record.cpu_seen_at_ns.store(0, std::memory_order_relaxed);
  record.turn_ns.store(os.now_ns(), std::memory_order_relaxed);
  std::memset(record.comm, 0, sizeof(record.comm));
  record.attached_ns.store(os.now_ns(), std::memory_order_release);
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
  Text path(path_, sizeof(path_));
  path.add(directory).add("/registry");
  return open_file(os, path.c_str(), may_create);
}

OpenFailure RegistryView::open_file(Os& os, const char* path, bool may_create) {
  const SysResult fd = os.open(path, O_RDWR | O_NOFOLLOW | (may_create ? O_CREAT : 0), 0600);
  if (!fd.ok()) {
    return fd.error() == ENOSPC ? OpenFailure::kNoSpace : OpenFailure::kNoFile;
  }
  const int descriptor = static_cast<int>(fd.value());
  OpenFailure failure = map_file(os, descriptor);
  if (failure == OpenFailure::kBusy && may_create) {
    failure = create_contents(os, descriptor);
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

OpenFailure RegistryView::create_contents(Os& os, int fd) {
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
  header.magic.store(kRegistryMagic, std::memory_order_release);
  return OpenFailure::kNone;
}

void RegistryView::close(Os& os) {
  if (registry_ != nullptr) {
    static_cast<void>(os.unmap(registry_, kRegistryBytes));
    registry_ = nullptr;
  }
}

std::uint32_t RegistryView::members_high() const {
  const std::uint32_t high = registry_->header.members_high.load(std::memory_order_acquire);
  return high < kMaxMembers ? high : kMaxMembers;
}

// Places are found from the name's hash on, as in an open-addressed table, so that a thousand
// containers cost what one costs. A removed name leaves kRemoved, which does not end a search.
bool RegistryView::find(std::string_view name, ContainerId& out) const {
  const std::uint32_t start = hash_of(name);
  for (std::uint32_t step = 0; step < kMaxContainers; ++step) {
    const ContainerId id{(start + step) % kMaxContainers};
    const ContainerRecord& record = container(id);
    const std::uint32_t state = record.state.load(std::memory_order_acquire);
    if (state == ContainerRecord::kFree) {
      return false;
    }
    if (state == ContainerRecord::kLive && has_name(record, name)) {
      out = id;
      return true;
    }
  }
  return false;
}

ContainerResult RegistryView::find_or_make(Os& os, const ContainerWish& wish) {
  if (!parse_name(wish.name).ok()) {
    return {{}, AttachFailure::kNoContainerPlace, false};  // there is none for such a name
  }
  ContainerId found;
  const bool is_there = find(wish.name, found);
  // An unnamed one that lost its last member is over: its name was a pid that is used again.
  if (is_there && (wish.named || has_living_member(os, *this, found))) {
    return {found, AttachFailure::kNone, false};
  }
  const SysResult fd = os.open(path_, O_RDWR | O_NOFOLLOW, 0);
  if (!fd.ok()) {
    return {{}, AttachFailure::kLockBusy, false};
  }
  ContainerResult result;
  {
    const FileLock lock(os, static_cast<int>(fd.value()));
    result = lock.held() ? make_container_locked(os, wish) : ContainerResult{{}, AttachFailure::kLockBusy, false};
  }
  static_cast<void>(os.close(static_cast<int>(fd.value())));
  return result;
}

ContainerResult RegistryView::make_container_locked(Os& os, const ContainerWish& wish) {
  ContainerId existing;
  if (find(wish.name, existing)) {
    if (wish.named || has_living_member(os, *this, existing)) {
      return {existing, AttachFailure::kNone, false};
    }
    reap_dead(os, *this);
    fill_container(os, container(existing), wish);
    return {existing, AttachFailure::kNone, true};
  }
  std::uint32_t parent_plus_one = 0;
  if (const std::size_t slash = wish.name.rfind('/'); slash != std::string_view::npos) {
    const ContainerWish parent_wish{wish.name.substr(0, slash), true, Marks{}, Pages::all(), OomChoice{}, true};
    const ContainerResult parent = make_container_locked(os, parent_wish);
    if (parent.failure != AttachFailure::kNone) {
      return parent;
    }
    parent_plus_one = parent.id.index + 1;
  }
  for (int attempt = 0; attempt < 2; ++attempt) {
    const std::uint32_t start = hash_of(wish.name);
    for (std::uint32_t step = 0; step < kMaxContainers; ++step) {
      const ContainerId id{(start + step) % kMaxContainers};
      ContainerRecord& record = container(id);
      if (record.state.load(std::memory_order_acquire) != ContainerRecord::kLive) {
        fill_container(os, record, wish);
        registry_->parents[id.index].store(parent_plus_one, std::memory_order_relaxed);
        registry_->header.nested.fetch_add(parent_plus_one != 0 ? 1 : 0, std::memory_order_release);
        record.state.store(ContainerRecord::kLive, std::memory_order_release);
        return {id, AttachFailure::kNone, true};
      }
    }
    make_room_locked(os, parent_plus_one);
  }
  return {{}, AttachFailure::kNoContainerPlace, false};
}

bool RegistryView::remove_locked(ContainerId id) {
  ContainerRecord& record = container(id);
  if (record.state.load(std::memory_order_acquire) != ContainerRecord::kLive || members_of(*this, id) > 0) {
    return false;
  }
  for (std::uint32_t i = 0; i < kMaxContainers; ++i) {
    // One that is not live may have been cut short in its removal, its parent still noted.
    if (registry_->parents[i].load(std::memory_order_relaxed) == id.index + 1 &&
        registry_->containers[i].state.load(std::memory_order_relaxed) == ContainerRecord::kLive) {
      return false;
    }
  }
  record.state.store(ContainerRecord::kRemoved, std::memory_order_release);
  registry_->parents[id.index].store(0, std::memory_order_relaxed);
  // Before a free place, removed ones end a search as well as it does.
  for (std::uint32_t i = id.index;; i = (i + kMaxContainers - 1) % kMaxContainers) {
    const ContainerRecord& next = registry_->containers[(i + 1) % kMaxContainers];
    Word& state = registry_->containers[i].state;
    if (next.state.load(std::memory_order_relaxed) != ContainerRecord::kFree ||
        state.load(std::memory_order_relaxed) != ContainerRecord::kRemoved) {
      return true;
    }
    state.store(ContainerRecord::kFree, std::memory_order_release);
  }
}

bool RegistryView::remove(Os& os, ContainerId id) {
  const SysResult fd = os.open(path_, O_RDWR | O_NOFOLLOW, 0);
  if (!fd.ok()) {
    return false;
  }
  bool removed = false;
  {
    const FileLock lock(os, static_cast<int>(fd.value()));
    reap_dead(os, *this);
    removed = lock.held() && remove_locked(id);
  }
  static_cast<void>(os.close(static_cast<int>(fd.value())));
  return removed;
}

// Unnamed containers without members go first; only then named empty ones, whose statistics
// somebody may still want. The parent of the one that needs room has no child yet, and stays.
void RegistryView::make_room_locked(Os& os, std::uint32_t parent_plus_one) {
  reap_dead(os, *this);
  std::uint32_t freed = 0;
  for (const bool named : {false, true}) {
    for (std::uint32_t i = 0; i < kMaxContainers && (freed == 0 || !named); ++i) {
      const bool is_named = registry_->containers[i].named.load(std::memory_order_relaxed) != 0;
      if (is_named == named && i + 1 != parent_plus_one && remove_locked(ContainerId{i})) {
        ++freed;
      }
    }
  }
}

bool RegistryView::claim_free_place(const BookEntry& entry, MemberId& out) {
  for (std::uint32_t i = 0; i < kMaxMembers; ++i) {
    if (registry_->books[i].load().pid == 0) {
      // Before the place is taken: one taken by a process killed right then must be within reach.
      raise_to(registry_->header.members_high, i + 1);
      if (registry_->books[i].claim(entry)) {
        out = MemberId{i};
        return true;
      }
    }
  }
  return false;
}

bool RegistryView::find_member(std::uint32_t pid, MemberId& out) const {
  const std::uint32_t high = members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    if (registry_->books[i].load().pid == pid) {
      out = MemberId{i};
      return true;
    }
  }
  return false;
}

bool RegistryView::take_place(Os& os, const BookEntry& entry, MemberId& out) {
  if (find_member(entry.pid, out)) {
    for (BookEntry old = book(out).load(); old.pid == entry.pid; old = book(out).load()) {
      if (book(out).replace(old, entry)) {
        return true;
      }
    }
  }
  if (claim_free_place(entry, out)) {
    return true;
  }
  reap_dead(os, *this);
  return claim_free_place(entry, out);
}

// Until the record is stamped it tells of the place's last owner, and whoever looks for the dead
// just then would take the new one for it. Its verdict falls with the entry it judged: the entry
// is changed after the stamp, and if it could not be, all starts again.
AttachResult RegistryView::attach(Os& os, std::uint32_t pid, ContainerId container_id) {
  constexpr int kAttempts = 8;
  const BookEntry unstamped{pid, container_id, Pages{1}};
  const BookEntry stamped{pid, container_id, Pages::none()};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    MemberId id;
    if (!take_place(os, unstamped, id)) {
      break;
    }
    start_member(os, member(id));
    if (!book(id).replace(unstamped, stamped)) {
      continue;
    }
    if (container(container_id).state.load(std::memory_order_acquire) != ContainerRecord::kLive) {
      book(id).release(pid);  // removed since the caller found it
      return {{}, AttachFailure::kNoContainerPlace};
    }
    return {id, AttachFailure::kNone};
  }
  return {{}, AttachFailure::kNoMemberPlace};
}

bool member_is_dead(Os& os, const MemberRecord& record, std::uint32_t pid) {
  ProcessStat stat;
  const int error = read_process_stat(os, pid, stat);
  if (error == ENOENT || error == ESRCH) {
    return true;
  }
  // Its memory is gone, whenever its parent may look. With threads left, only the first one went.
  if (error == 0 && (stat.state == 'Z' || stat.state == 'X') && stat.threads <= 1) {
    return true;
  }
  // Ticks are coarse: a process that seems to have started just after the attach may be the
  // one that attached.
  constexpr std::uint64_t kTickNs = 10'000'000;
  return error == 0 && stat.start_ns > record.attached_ns.load(std::memory_order_acquire) + 2 * kTickNs;
}

std::uint32_t reap_dead(Os& os, RegistryView& view) {
  std::uint32_t reaped = 0;
  const std::uint32_t high = view.members_high();
  for (std::uint32_t i = 0; i < high; ++i) {
    const BookEntry entry = view.book(MemberId{i}).load();
    if (entry.pid != 0 && member_is_dead(os, view.member(MemberId{i}), entry.pid) &&
        view.book(MemberId{i}).replace(entry, BookEntry{})) {
      ++reaped;
    }
  }
  return reaped;
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
      return "the registry was made by another version of weir";
    case OpenFailure::kWrongSize:
      return "the registry file has the wrong size";
    case OpenFailure::kBusy:
      return "the registry is unfinished";
    case OpenFailure::kNoMapping:
      return "the registry cannot be mapped";
  }
  return "unknown";
}

}  // namespace weir
