// registry.h - the file in shared memory that holds every container, member and event of a user.
//
// One per user, made by the first process that needs it; one more for each other PID namespace, since what has pids in
// one means other processes in another (pid_namespaces(7)). Whatever is wrong with it (another
// version, a wrong size, no room, no permission) is an OpenFailure and never a crash: the
// program then runs as if weir were not there.
//
// Safe in signal handlers but for open() and make_container(), which take a file lock for at
// most kLockWaitNs. Any number of threads and processes at once.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/layout.h"
#include "core/options.h"
#include "core/os.h"

namespace weir {

enum class OpenFailure : std::uint32_t {
  kNone = 0,
  kNoDirectory,   // cannot be made, or is not ours alone
  kNoFile,        // cannot be opened or made
  kNoSpace,       // the file system is full
  kWrongVersion,  // made by another build
  kWrongSize,     // truncated or grown by somebody
  kBusy,          // its creator did not finish in time
  kNoMapping,
  kForeignPids,  // /proc tells the pids of another namespace than ours
};
const char* to_string(OpenFailure failure);

// A directory path with room for its longest form.
struct DirectoryPath {
  char text[3200] = {};
};
// WEIR_DIR, else $XDG_RUNTIME_DIR/weir, else /dev/shm/weir-<uid>.
void registry_directory(const Options& options, const char* xdg_runtime_dir, unsigned uid, DirectoryPath& out);

// What a container is to be when this process is the first to name it.
struct ContainerWish {
  std::string_view name;
  bool named = false;
  Marks marks;
  Pages swap_limit = Pages::all();
  OomChoice oom;
  bool background = true;
  bool load_control = true;
  bool adaptive = false;        // the watermarks are defaults, which may move
  std::uint32_t proactive = 0;  // as Options::proactive
  ThrashChoice thrash{};
  bool for_move = false;  // one that may come to nothing (core/move_journal.h)
};

// A member's place: its book entry and its record share the index.
struct MemberId {
  std::uint32_t index = 0;
  constexpr auto operator<=>(const MemberId&) const = default;
};

enum class AttachFailure : std::uint32_t { kNone = 0, kNoContainerPlace, kNoMemberPlace, kLockBusy };

// As the end of a sentence.
const char* to_string(AttachFailure failure);

struct [[nodiscard]] ContainerResult {
  ContainerId id;
  AttachFailure failure = AttachFailure::kNone;
  bool created = false;
};

struct [[nodiscard]] AttachResult {
  MemberId id;
  AttachFailure failure = AttachFailure::kNone;
};

class RegistryView {
 public:
  constexpr RegistryView() = default;

  // Opens the registry in `directory`, making both if `may_create`.
  OpenFailure open(Os& os, const char* directory, bool may_create);
  // Takes memory that already holds a registry: tests, fuzzers.
  void adopt(Registry& registry) {
    registry_ = &registry;
  }
  void close(Os& os);
  [[nodiscard]] bool is_open() const {
    return registry_ != nullptr;
  }
  [[nodiscard]] Registry& raw() const {
    return *registry_;
  }
  // Of its file, whose lock guards the making and forgetting of containers. Of the last that was to be opened, if that
  // failed.
  [[nodiscard]] const char* path() const {
    return path_;
  }

  [[nodiscard]] ContainerRecord& container(ContainerId id) const {
    return registry_->containers[id.index % kMaxContainers];
  }
  [[nodiscard]] MemberRecord& member(MemberId id) const {
    return registry_->members[id.index % kMaxMembers];
  }
  [[nodiscard]] BookWord& book(MemberId id) const {
    return registry_->books[id.index % kMaxMembers];
  }
  [[nodiscard]] std::uint32_t members_high() const;

  // The container of that name, if there is one. Lock-free.
  [[nodiscard]] bool find(std::string_view name, ContainerId& out) const;
  // The container of that name, made with its parents if need be.
  ContainerResult find_or_make(Os& os, const ContainerWish& wish);
  // The same two for who holds the registry's file lock already. Parents are forgotten one by one.
  ContainerResult make_while_locked(Os& os, const ContainerWish& wish) {
    return make_container_locked(os, wish);
  }
  bool remove_while_locked(ContainerId id) {
    return remove_locked(id);
  }
  // Forgets a container without members. False: it has some, or is somebody's parent.
  bool remove(Os& os, ContainerId id);

  // A place for `pid` in that container; a place it already has (exec keeps the pid) is taken
  // over. Dead members' places are freed when no other is left.
  AttachResult attach(Os& os, std::uint32_t pid, ContainerId container);
  // A place for a process that will not take one itself. False: there is none, or it has one by now.
  bool adopt(Os& os, std::uint32_t pid, ContainerId container, MemberId& out);
  // The place that `pid` has, alive or dead. Never that of one of its thread groups.
  bool find_member(std::uint32_t pid, MemberId& out) const;
  // A place for the thread group `number` (below kGroupPlaces) of the process at `owner`.
  AttachResult attach_group(Os& os, MemberId owner, std::uint32_t number, ContainerId container);
  // Frees the place of the group `number` of the process at `owner`.
  void release_group(MemberId owner, std::uint32_t number, std::uint32_t pid) const;
  // Frees the places of all of them.
  void release_groups(MemberId owner, std::uint32_t pid) const;

 private:
  OpenFailure open_file(Os& os, bool may_create, std::uint64_t pid_namespace);
  OpenFailure map_file(Os& os, int fd);
  OpenFailure create_contents(Os& os, int fd, std::uint64_t pid_namespace);
  bool claim_free_place(const BookEntry& entry, MemberId& out, Word* announced = nullptr);
  bool take_place(Os& os, const BookEntry& entry, MemberId& out);
  [[nodiscard]] bool is_place_of_group(MemberId place, std::uint32_t pid) const;
  [[nodiscard]] AttachResult finish_attach(MemberId id, std::uint32_t pid, ContainerId container) const;
  ContainerResult make_container_locked(Os& os, const ContainerWish& wish);
  bool remove_locked(ContainerId id);
  void make_room_locked(Os& os, std::uint32_t parent_plus_one);

  Registry* registry_ = nullptr;
  char path_[3300] = {};
};

// True when the process of that member is gone or a zombie, or another one has its pid by now.
bool member_is_dead(Os& os, const MemberRecord& record, std::uint32_t pid);
// Frees the places of all dead members; gives their number.
std::uint32_t reap_dead(Os& os, RegistryView& view);

}  // namespace weir
