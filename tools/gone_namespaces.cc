// gone_namespaces.cc - which namespaces processes are in, and which registries have none.
#include "tools/gone_namespaces.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/pid_namespace.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

std::optional<std::uint64_t> number_between(std::string_view text, std::string_view start, std::string_view finish) {
  std::uint64_t number = 0;
  if (!text.starts_with(start) || !text.ends_with(finish)) {
    return std::nullopt;
  }
  const char* const end = text.data() + text.size() - finish.size();
  const auto [rest, error] = std::from_chars(text.data() + start.size(), end, number);
  return error == std::errc{} && rest == end ? std::optional(number) : std::nullopt;
}

struct NamespaceFile {
  fs::path path;
  std::uint64_t name_space;
};

std::vector<NamespaceFile> files_in(const char* directory) {
  std::vector<NamespaceFile> found;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (const auto name_space = number_between(at->path().filename().native(), "registry-", "")) {
      found.push_back({at->path(), *name_space});
    }
  }
  return found;
}

// In one below ours: it has a pid in each (proc_pid_status(5)).
bool is_nested(const fs::path& process) {
  std::ifstream status(process / "status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("NSpid:")) {
      return std::count(line.begin(), line.end(), '\t') > 1;
    }
  }
  return false;
}

// Of this user's processes; of all for root. Nothing where one of them must not be looked at and may be in another.
std::optional<std::set<std::uint64_t>> living_namespaces() {
  std::set<std::uint64_t> living;
  std::error_code error;
  for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    struct stat owner = {};
    if (!number_between(at->path().filename().native(), "", "") || ::stat(at->path().c_str(), &owner) != 0 ||
        (::geteuid() != 0 && owner.st_uid != ::geteuid())) {
      continue;
    }
    std::error_code unread;  // none to read: it has ended
    const fs::path link = fs::read_symlink(at->path() / "ns/pid", unread);
    if (unread == std::errc::permission_denied && is_nested(at->path())) {
      return std::nullopt;
    }
    if (const auto its = number_between(link.native(), "pid:[", "]")) {
      living.insert(*its);
    }
  }
  return error ? std::nullopt : std::optional(living);
}

// /proc shows the processes of our namespace and of those below it: the others' registries are here, too, where ours
// is not the first.
bool sees_all(Session& session) {
  const std::uint64_t ours = pid_namespace(session.os());
  return session.view().is_open() && ours != 0 &&
         session.view().raw().header.pid_namespace.load(std::memory_order_relaxed) == ours &&
         fs::path(session.registry_path()).filename() == "registry";
}

}  // namespace

void remove_gone_namespaces(Session& session) {
  const std::vector<NamespaceFile> files = files_in(session.directory());
  if (files.empty() || !sees_all(session)) {
    return;
  }
  const auto living = living_namespaces();
  for (const NamespaceFile& file : files) {
    if (living && living->count(file.name_space) == 0) {
      std::error_code ignored;
      fs::remove(file.path, ignored);
    }
  }
}

}  // namespace weir
