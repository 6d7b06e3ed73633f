// session.h - the registry as the command opens it, and the containers it finds there.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/registry.h"
#include "core/stats.h"

namespace weir {

// Device and inode.
using FileId = std::pair<dev_t, ino_t>;

// A container with its figures of this moment.
struct Listed {
  ContainerId id;
  ContainerStats stats;
};

class Session {
 public:
  // `directory`: the value of --dir; without one it is WEIR_DIR, and then the default. Refuses a
  // bad one (exit 2).
  explicit Session(const std::optional<std::string>& directory);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // To look: false when there is no registry yet; fails (exit 1) when there is a broken one.
  [[nodiscard]] bool open();
  // To go on looking: opens what has come, and what has come in place of what is open. True: another one
  // than before.
  [[nodiscard]] bool open_newer();
  // To look: as open(), and says so on stderr when nothing runs.
  [[nodiscard]] bool open_or_say();
  // To run something: makes the registry when there is none. Why not, or kNone.
  [[nodiscard]] OpenFailure open_or_create();

  [[nodiscard]] const char* directory() const {
    return directory_.text;
  }
  [[nodiscard]] std::string registry_path() const;
  [[nodiscard]] RegistryView& view() {
    return view_;
  }
  [[nodiscard]] Os& os() const {
    return os_;
  }

  // A container that is there; an unnamed one that lost its last member is not.
  [[nodiscard]] bool find(std::string_view name, ContainerId& out);
  // The same, or fails (exit 1).
  ContainerId need(std::string_view name);
  // Still there: an unnamed container ends with its last member, and all of them with the registry's file.
  [[nodiscard]] bool is_kept(ContainerId id) const;
  // Every container there is, by name, after a fresh look at all members.
  std::vector<Listed> list();

 private:
  [[nodiscard]] bool is_gone(ContainerId id) const;
  // The file that is in the directory now; none, and errno says why.
  [[nodiscard]] std::optional<FileId> file_now() const;
  [[nodiscard]] bool registry_exists() const;
  // The file in the directory is the one that is open, or none is there.
  [[nodiscard]] bool is_current() const;
  void check_owner() const;

  Os& os_;
  RegistryView view_;
  DirectoryPath directory_;
  bool directory_named_ = false;
  FileId opened_{};  // the registry's
};

}  // namespace weir
