// pressure_server.h - tells programs that ask for it when their container is under memory pressure.
//
// systemd's protocol (https://systemd.io/MEMORY_PRESSURE): MEMORY_PRESSURE_WATCH names a file, a FIFO or
// a socket; the program writes what MEMORY_PRESSURE_WRITE holds (base64 of a PSI trigger), and takes
// whatever becomes readable for pressure. A socket in the registry directory is served here: unlike
// a FIFO it tells every process that listens, each by the trigger it wrote and for the container it
// is in, and when `weir run` was killed a connect is refused at once, where opening a FIFO would wait.
//
// Served by a thread of `weir run`, which sleeps for ever while nobody listens. It reads the totals
// in shared memory: five times a second under pressure, else once. A listener that does not read, or
// went away, is nobody's trouble.
#pragma once

#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/pressure_trigger.h"
#include "tools/descriptor.h"
#include "tools/session.h"

namespace weir {

class PressureServer {
 public:
  explicit PressureServer(Session& session) : session_(session) {}
  ~PressureServer() {
    stop();
  }
  PressureServer(const PressureServer&) = delete;
  PressureServer& operator=(const PressureServer&) = delete;

  // Makes the socket and names it in our environment, for the command to inherit. Nothing happens
  // where the variable is set already; where it cannot be done, that is said.
  void start();
  // The socket goes. Before the end by a signal, too.
  void stop();

 private:
  struct Listener {
    Descriptor socket;
    std::uint32_t pid = 0;
    PressureTrigger trigger;
    ContainerId container;
    bool placed = false;  // `container` is known
    std::uint64_t told_ns = 0;
  };

  [[nodiscard]] bool listen();
  void run();
  [[nodiscard]] int wait();
  void admit();
  [[nodiscard]] static bool hear(Listener& listener);
  void look();
  void place(Listener& listener) const;
  [[nodiscard]] std::uint64_t growth(const Listener& listener, std::uint64_t now_ns);
  void tell(Listener& listener, std::uint64_t now_ns);

  Session& session_;
  std::string path_;
  Descriptor door_;
  Descriptor stop_;
  std::thread thread_;
  std::vector<Listener> listeners_;
  // By container, of `some` or `full`.
  std::map<std::pair<std::uint32_t, bool>, StallHistory> histories_;
  bool calm_ = true;
};

}  // namespace weir
