// session.cc - finding the registry directory, and telling "nothing runs" from "broken".
#include "tools/session.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "core/move_journal.h"
#include "tools/command.h"
#include "tools/group_counts.h"
#include "tools/registry_guard.h"
#include "tools/say.h"

namespace weir {

Session::Session(const std::optional<std::string>& directory) : os_(raw_os()) {
  Options options;
  if (directory) {
    apply_option(options, "WEIR_DIR", "--dir", *directory);
  } else if (const char* variable = std::getenv("WEIR_DIR"); variable != nullptr) {
    apply_option(options, "WEIR_DIR", "WEIR_DIR", variable);
  }
  directory_named_ = !options.directory.empty();
  registry_directory(options, std::getenv("XDG_RUNTIME_DIR"), os_.effective_uid(), directory_);
}

Session::~Session() {
  view_.close(os_);
}

std::string Session::registry_path() const {
  const std::string opened = view_.path();
  return opened.empty() ? std::string(directory_.text) + "/registry" : opened;
}

std::optional<FileId> Session::file_now() const {
  struct stat found = {};
  if (::stat(registry_path().c_str(), &found) != 0) {
    return std::nullopt;
  }
  return FileId(found.st_dev, found.st_ino);
}

bool Session::registry_exists() const {
  if (file_now() || errno == EACCES) {
    return true;
  }
  if (errno != ENOENT) {
    fail(std::string(directory_.text) + ": " + error_text(errno));
  }
  return false;
}

bool Session::is_current() const {
  return file_now().value_or(opened_) == opened_;
}

// The default lies in a directory everybody may write: one that somebody else put there could
// name any process as a member, for `weir kill` to end.
void Session::check_owner() const {
  struct stat found = {};
  if (!directory_named_ && ::lstat(directory_.text, &found) == 0 && found.st_uid != ::geteuid()) {
    fail(std::string(directory_.text) + " belongs to another user (name it with --dir to look all the same)");
  }
}

bool Session::open() {
  if (!registry_exists()) {
    return false;
  }
  check_owner();
  // A creator at work is done in a moment; one that was killed leaves an empty file for the next.
  constexpr int kTries = 20;
  constexpr useconds_t kPauseUs = 5000;
  OpenFailure failure = OpenFailure::kBusy;
  for (int i = 0; i < kTries && failure == OpenFailure::kBusy; ++i) {
    failure = view_.open(os_, directory_.text, false);
    if (failure == OpenFailure::kBusy) {
      ::usleep(kPauseUs);
    }
  }
  if (failure == OpenFailure::kNoFile && !registry_exists()) {
    return false;  // that of our PID namespace
  }
  if (failure != OpenFailure::kNone && failure != OpenFailure::kBusy) {
    fail(std::string(directory_.text) + ": " + to_string(failure));
  }
  if (failure == OpenFailure::kNone) {
    opened_ = file_now().value_or(FileId{});
    guard_registry(view_.raw(), OnLoss::kFail);
    settle_cut_move(os_, view_);
  }
  return failure == OpenFailure::kNone;
}

bool Session::open_newer() {
  if (view_.is_open() && is_current()) {
    return false;
  }
  view_.close(os_);
  return open();
}

bool Session::open_or_say() {
  if (open()) {
    return true;
  }
  say(std::string("nothing is running under weir (no registry in ") + directory_.text + ")");
  return false;
}

OpenFailure Session::open_or_create() {
  const OpenFailure failure = view_.open(os_, directory_.text, true);
  if (failure == OpenFailure::kNone) {
    guard_registry(view_.raw(), OnLoss::kGoOn);
  }
  return failure;
}

bool Session::is_gone(ContainerId id) const {
  return view_.container(id).named.load(std::memory_order_relaxed) == 0 && members_of(view_, id) == 0;
}

bool Session::is_kept(ContainerId id) const {
  return registry_exists() && is_current() && !is_gone(id);
}

bool Session::find(std::string_view name, ContainerId& out) {
  if (!view_.find(name, out)) {
    return false;
  }
  refresh_members(os_, view_, Subtree::below(view_, out));
  return !is_gone(out);
}

ContainerId Session::need(std::string_view name) {
  ContainerId id;
  if (!open() || !find(name, id)) {
    fail("there is no container " + shown(name) + " (weir ls lists them)");
  }
  return id;
}

std::vector<Listed> Session::list() {
  std::vector<ContainerId> ids;
  for (std::uint32_t i = 0; i < kMaxContainers; ++i) {
    if (view_.container(ContainerId{i}).state.load(std::memory_order_acquire) == ContainerRecord::kLive) {
      ids.push_back(ContainerId{i});
    }
  }
  // A look at a root takes in every member below it: one reading of /proc each, however deep.
  for (const ContainerId id : ids) {
    if (ContainerId parent; !parent_of(view_, id, parent)) {
      count_groups(os_, view_, Subtree::below(view_, id));
      static_cast<void>(container_stats(os_, view_, id, Look::kProc));
    }
  }
  std::vector<Listed> out;
  for (const ContainerId id : ids) {
    if (!is_gone(id)) {
      note_usage(view_.container(id), usage_of(view_, id));
      out.push_back({id, container_stats(os_, view_, id, Look::kBooks)});
    }
  }
  std::sort(out.begin(), out.end(), [](const Listed& a, const Listed& b) {
    return std::string_view(a.stats.name) < std::string_view(b.stats.name);
  });
  return out;
}

}  // namespace weir
