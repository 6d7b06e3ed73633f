// attach.cc - what the constructor does: a few system calls, and no more.
#include "preload/attach.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstring>

#include "core/events.h"
#include "core/text.h"
#include "preload/log.h"
#include "preload/oom_report.h"
#include "preload/own_image.h"
#include "preload/signals.h"

namespace weir {
namespace {

void complain(Process& p, const Complaints& complaints) {
  for (std::size_t i = 0; i < complaints.count; ++i) {
    const Complaint& bad = complaints.list[i];
    TextBuffer<256> line;
    line.add(bad.variable).add("='").add(bad.value.substr(0, 60)).add("' ").add(bad.reason);
    const EventNote note{
        EventKind::kBadOption, p.engine.account.container(), p.pid.load(std::memory_order_relaxed), {}, line.view()};
    if (p.engine.view.is_open() && !was_posted_of_late(p.engine.view, note)) {
      post_event(p.engine.os, p.engine.view, note);
    }
    log_line(LogLevel::kWarn, line.view());
  }
}

// A program may write its title over its environment (redis, postgres): what was said there is
// kept, as far as there is room.
constinit char kept[16384] = {};
constinit std::size_t kept_bytes = 0;

const char* get_variable(const char* name) {
  const char* value = getenv(name);
  const std::size_t room = sizeof(kept) - kept_bytes;
  if (value == nullptr || strnlen(value, room) >= room) {
    return value;
  }
  char* const copy = kept + kept_bytes;
  const std::size_t bytes = std::strlen(value) + 1;
  std::memcpy(copy, value, bytes);
  kept_bytes += bytes;
  return copy;
}

void go_on_without(AttachFailure failure) {
  TextBuffer<128> line;
  line.add("going on without weir: ").add(to_string(failure));
  log_line(LogLevel::kWarn, line.view());
}

// Without a name: the place this pid had before an exec, else the parent's container.
bool inherited_container(Process& p, ContainerId& out) {
  const auto pid = p.pid.load(std::memory_order_relaxed);
  MemberId member;
  for (const std::uint32_t candidate : {pid, static_cast<std::uint32_t>(getppid())}) {
    if (candidate != 0 && p.engine.view.find_member(candidate, member) &&
        !member_is_dead(p.engine.os, p.engine.view.member(member), candidate)) {
      out = p.engine.view.book(member).load().container;
      p.home.store(p.engine.view.member(member).home.load(std::memory_order_relaxed), std::memory_order_relaxed);
      return true;
    }
  }
  return false;
}

// With a name: who was moved away from the container of that name stays where he was moved to,
// and so do his children, although their environment still names it.
bool moved_container(Process& p, ContainerId& out) {
  const auto pid = p.pid.load(std::memory_order_relaxed);
  RegistryView& view = p.engine.view;
  ContainerId named;
  MemberId member;
  for (const std::uint32_t candidate : {pid, static_cast<std::uint32_t>(getppid())}) {
    if (candidate == 0 || !view.find(p.options.container, named) || !view.find_member(candidate, member) ||
        member_is_dead(p.engine.os, view.member(member), candidate)) {
      continue;
    }
    out = view.book(member).load().container;
    if (view.member(member).home.load(std::memory_order_relaxed) == named.index + 1) {
      p.home.store(named.index + 1, std::memory_order_relaxed);
      return out != named;
    }
  }
  return false;
}

// True when the environment asks for marks of its own, so that a container is worth making.
bool find_container(Process& p, ContainerId& out, Complaints& complaints) {
  const Options& options = p.options;
  if (options.container.empty() ? inherited_container(p, out) : moved_container(p, out)) {
    return true;
  }
  TextBuffer<32> own_name;
  own_name.add("pid-").add_number(p.pid.load(std::memory_order_relaxed));
  ContainerWish wish;
  wish.named = !options.container.empty();
  wish.name = wish.named ? options.container : own_name.view();
  wish.marks = marks_of(options);
  wish.swap_limit = options.swap_limit;
  wish.oom = options.oom;
  wish.background = options.background;
  wish.adaptive = options.marks_may_move();
  wish.load_control = options.load_control;
  wish.proactive = options.proactive;
  wish.thrash = options.thrash;
  const ContainerResult result = p.engine.view.find_or_make(p.engine.os, wish);
  if (result.failure != AttachFailure::kNone) {
    go_on_without(result.failure);
    return false;
  }
  out = result.id;
  p.home.store(out.index + 1, std::memory_order_relaxed);
  if (result.created) {
    check_shares(options, get_variable, complaints);
    post_event(p.engine.os, p.engine.view,
               {EventKind::kCreated,
                out,
                p.pid.load(std::memory_order_relaxed),
                {wish.marks.limit.unlimited() ? 0 : wish.marks.limit.bytes(), 0},
                "created"});
  }
  return true;
}

void read_name(MemberRecord& record) {
  const char* name = program_invocation_short_name;
  const std::size_t length = strnlen(name, kCommBytes - 1);
  std::memcpy(record.comm, name, length);
  record.comm[length] = '\0';
}

}  // namespace

bool attach_member(Process& p, ContainerId container) {
  const auto pid = p.pid.load(std::memory_order_relaxed);
  const AttachResult attached = p.engine.view.attach(p.engine.os, pid, container);
  if (attached.failure != AttachFailure::kNone) {
    go_on_without(attached.failure);
    return false;
  }
  p.engine.account.bind(p.engine.view, attached.id, pid);
  MemberRecord& record = p.engine.view.member(attached.id);
  read_name(record);
  record.home.store(p.home.load(std::memory_order_relaxed), std::memory_order_relaxed);
  record.dump_signal.store(static_cast<std::uint32_t>(installed_dump_signal()), std::memory_order_release);
  return true;
}

bool attach_process(Process& p) {
  Complaints complaints;
  p.options = read_options(get_variable, complaints);
  if (!p.options.any) {
    return false;
  }
  p.engine.reclaimer_barred.store(p.options.threadless, std::memory_order_relaxed);
  p.engine.own = own_image();
  p.engine.oom_report = &program_oom_report();
  p.engine.signal_waits = signal_waits;
  DirectoryPath directory;
  registry_directory(p.options, getenv("XDG_RUNTIME_DIR"), p.engine.os.effective_uid(), directory);
  guard_registry();
  const OpenFailure failure = p.engine.view.open(p.engine.os, directory.text, true);
  if (failure != OpenFailure::kNone) {
    TextBuffer<512> line;
    line.add("going on without weir: ").add(to_string(failure)).add(" (").add(directory.text).add(")");
    log_line(LogLevel::kWarn, line.view());
    complain(p, complaints);
    return false;
  }
  ContainerId container;
  const bool attached = find_container(p, container, complaints) && attach_member(p, container);
  complain(p, complaints);
  if (attached && is_logged(LogLevel::kInfo)) {
    TextBuffer<320> line;
    line.add("charged to ").add(p.engine.container().name);
    log_line(LogLevel::kInfo, line.view());
  }
  return attached;
}

}  // namespace weir
