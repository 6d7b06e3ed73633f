// pressure_server.cc - a socket, a thread, and a look at totals now and then.
#include "tools/pressure_server.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>
#include <system_error>

#include "core/text.h"
#include "core/usage.h"
#include "tools/say.h"

namespace weir {
namespace {

constexpr int kBusyTurnMs = 200;
constexpr int kCalmTurnMs = 1000;
constexpr std::size_t kMostListeners = 256;
constexpr std::string_view kFilePrefix = "pressure-";
// "some 200000 2000000" and a NUL in base64: what systemd gives its services.
constexpr const char* kDefaultTrigger = "c29tZSAyMDAwMDAgMjAwMDAwMAA=";

bool as_address(const std::string& path, struct sockaddr_un& out) {
  out = {};
  out.sun_family = AF_UNIX;
  if (path.size() >= sizeof(out.sun_path)) {
    errno = ENAMETOOLONG;
    return false;
  }
  std::memcpy(out.sun_path, path.data(), path.size());
  return true;
}

const struct sockaddr* plain(const struct sockaddr_un& address) {
  return reinterpret_cast<const struct sockaddr*>(&address);
}

bool is_served(const std::string& path) {
  struct sockaddr_un address = {};
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return !socket.is_open() || !as_address(path, address) ||
         ::connect(socket.get(), plain(address), sizeof(address)) == 0 || errno != ECONNREFUSED;
}

// What a `weir run` that was killed left behind. One that is being made is young and not served yet.
void sweep(const std::string& directory) {
  constexpr time_t kYoungSeconds = 10;
  DIR* entries = ::opendir(directory.c_str());
  if (entries == nullptr) {
    return;
  }
  while (const struct dirent* entry = ::readdir(entries)) {
    const std::string path = directory + "/" + entry->d_name;
    struct stat file = {};
    if (std::string_view(entry->d_name).starts_with(kFilePrefix) && ::lstat(path.c_str(), &file) == 0 &&
        S_ISSOCK(file.st_mode) && file.st_mtime + kYoungSeconds < ::time(nullptr) && !is_served(path)) {
      ::unlink(path.c_str());
    }
  }
  ::closedir(entries);
}

// A thread that no signal is delivered to: they are the supervisor's.
template <typename Body>
std::thread quiet_thread(const Body& body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  try {
    thread = std::thread(body);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  } catch (const std::system_error& error) {  // no thread to be had: the caller sees it
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = error.code().value();
  }
  return thread;
}

// A line of PSI; its readers look at its coming only, so nothing depends on what it says.
void add_line(Text& text, const char* kind, const Pressure& pressure) {
  text.add(kind);
  for (std::size_t i = 0; i < kPressureWindows; ++i) {
    const std::uint32_t average = pressure.avg[i];
    text.add_char(' ').add(pressure_window_name(i)).add_char('=').add_number(average / 100).add_char('.');
    text.add_number(average / 10 % 10).add_number(average % 10);
  }
  text.add(" total=").add_number(pressure.total_us).add_char('\n');
}

}  // namespace

bool PressureServer::listen() {
  struct sockaddr_un address = {};
  door_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  stop_ = Descriptor(::eventfd(0, EFD_CLOEXEC));
  const std::string path = std::string(session_.directory()) + "/" + std::string(kFilePrefix) +
                           std::to_string(::getpid()) + "-" + std::to_string(session_.os().now_ns());
  if (!door_.is_open() || !stop_.is_open() || !as_address(path, address) ||
      ::bind(door_.get(), plain(address), sizeof(address)) != 0) {
    return false;
  }
  path_ = path;
  return ::listen(door_.get(), SOMAXCONN) == 0;
}

void PressureServer::start() {
  if (std::getenv("MEMORY_PRESSURE_WATCH") != nullptr) {
    return;
  }
  sweep(session_.directory());
  if (listen()) {
    thread_ = quiet_thread([this] { run(); });
  }
  if (!thread_.joinable()) {
    say("no pressure file for programs that honour MEMORY_PRESSURE_WATCH: " + error_text(errno));
    stop();
    return;
  }
  ::setenv("MEMORY_PRESSURE_WATCH", path_.c_str(), 1);
  ::setenv("MEMORY_PRESSURE_WRITE", kDefaultTrigger, 0);
}

void PressureServer::stop() {
  if (thread_.joinable()) {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  if (!path_.empty()) {
    ::unlink(path_.c_str());
    path_.clear();
  }
  listeners_.clear();
  door_.reset();
  stop_.reset();
}

void PressureServer::run() {
  while (wait() >= 0) {
    admit();
    std::erase_if(listeners_, [](Listener& listener) { return !hear(listener); });
    look();
  }
}

// Sleeps until something comes or it is time to look. Negative: the end.
int PressureServer::wait() {
  std::vector<struct pollfd> watched = {{stop_.get(), POLLIN, 0}, {door_.get(), POLLIN, 0}};
  for (const Listener& listener : listeners_) {
    watched.push_back({listener.socket.get(), POLLIN, 0});
  }
  const int turn = calm_ ? kCalmTurnMs : kBusyTurnMs;
  const int ready = ::poll(watched.data(), watched.size(), listeners_.empty() ? -1 : turn);
  return (ready < 0 && errno != EINTR) || watched.front().revents != 0 ? -1 : ready;
}

// Too many, or no descriptor left: from then on a connect is refused, which programs take for no
// pressure file, and never waits.
void PressureServer::admit() {
  while (door_.is_open()) {
    Listener listener;
    listener.socket = Descriptor(::accept4(door_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!listener.socket.is_open()) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        door_.reset();
      }
      return;
    }
    struct ucred peer = {};
    socklen_t bytes = sizeof(peer);
    if (listeners_.size() < kMostListeners &&
        ::getsockopt(listener.socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0) {
      listener.pid = static_cast<std::uint32_t>(peer.pid);
      listeners_.push_back(std::move(listener));
    }
  }
}

// Takes what it wrote: a trigger, or nothing we know. False: it went away.
bool PressureServer::hear(Listener& listener) {
  char text[256];
  const ssize_t bytes = ::recv(listener.socket.get(), text, sizeof(text), MSG_DONTWAIT);
  if (bytes > 0) {
    static_cast<void>(parse_trigger({text, static_cast<std::size_t>(bytes)}, listener.trigger));
  }
  return bytes > 0 || (bytes < 0 && (errno == EAGAIN || errno == EINTR));
}

// Where it is by now; one that has ended, and left its socket to a child, stays where it was.
void PressureServer::place(Listener& listener) const {
  MemberId member;
  if (session_.view().find_member(listener.pid, member)) {
    const BookEntry entry = session_.view().book(member).load();
    if (entry.pid == listener.pid) {
      listener.container = entry.container;
      listener.placed = true;
    }
  }
}

// Stalls of its container, or of the one above it that stalled most: a parent's limit is its own, too.
std::uint64_t PressureServer::growth(const Listener& listener, std::uint64_t now_ns) {
  std::uint64_t most = 0;
  for (const ContainerId at : Upwards(session_.view(), listener.container)) {
    const ContainerRecord& record = session_.view().container(at);
    const bool full = listener.trigger.full;
    StallHistory& history = histories_[{at.index, full}];
    history.note(now_ns, (full ? record.full : record.some).total_ns.load(std::memory_order_relaxed));
    most = std::max(most, history.grown(listener.trigger.window_ns));
  }
  return most;
}

void PressureServer::tell(Listener& listener, std::uint64_t now_ns) {
  ContainerRecord& record = session_.view().container(listener.container);
  TextBuffer<128> line;
  const bool full = listener.trigger.full;
  add_line(line, full ? "full" : "some", pressure_at(full ? record.full : record.some, now_ns));
  const std::string_view text = line.view();
  // One that does not read has pressure to read of already.
  static_cast<void>(::send(listener.socket.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  listener.told_ns = now_ns;
}

void PressureServer::look() {
  const std::uint64_t now = session_.os().now_ns();
  calm_ = true;
  for (Listener& listener : listeners_) {
    place(listener);
    const std::uint64_t grown = listener.placed ? growth(listener, now) : 0;
    calm_ = calm_ && grown == 0;
    if (grown >= listener.trigger.threshold_ns && now - listener.told_ns >= listener.trigger.window_ns) {
      tell(listener, now);
    }
  }
  if (listeners_.empty()) {
    histories_.clear();
  }
}

}  // namespace weir
