// thread_groups.cc - which thread is where: joining, leaving, and what its beginning and its name decide.
#include "preload/thread_groups.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cstring>

#include "core/raw_syscall.h"
#include "preload/jemalloc.h"
#include "preload/named_groups.h"
#include "preload/process.h"
#include "preload/reclaimer_thread.h"

namespace weir {
namespace {

// What a thread knows of itself.
struct Self {
  GroupNumber group;
  GroupNumber group_of_parent;  // in a fork child, until it is joined again
  std::uint32_t number;         // of creation; 0 is the first thread
  std::uint32_t safe_points;
  std::uint32_t renames;  // of all threads, when it last looked at its name
  std::uint64_t faults;
  unsigned arena_before;  // of the first group it joined
  bool has_arena_before;
  bool chose;  // by weir_enter_group() or weir_leave_group(): rules wait for another name
  char name[kThreadNameBytes];
};
[[gnu::tls_model("initial-exec")]] constinit thread_local Self self = {kNoGroup, kNoGroup, 0,     0,     0,
                                                                       0,        0,        false, false, {}};

constinit std::atomic<bool> wanted{false};
constinit std::atomic<std::uint32_t> last_number{0};
constinit std::atomic<std::uint32_t> renames{0};  // by other threads

std::uint64_t own_faults() {
  struct rusage usage = {};
  raw_syscall(SYS_getrusage, RUSAGE_THREAD, sys_arg(&usage));
  return static_cast<std::uint64_t>(usage.ru_minflt) + static_cast<std::uint64_t>(usage.ru_majflt);
}

bool thread_is_gone(std::uint32_t tid) {
  return raw_syscall(SYS_tgkill, raw_os().pid(), static_cast<long>(tid), 0) == -ESRCH;
}

// Threads that ended without a word leave their numbers to who comes next.
void show_thread(MemberRecord& record, std::uint32_t tid) {
  for (Word& place : record.tids) {
    std::uint32_t seen = place.load(std::memory_order_relaxed);
    if ((seen == 0 || thread_is_gone(seen)) && place.compare_exchange_strong(seen, tid, std::memory_order_relaxed)) {
      return;
    }
  }
}

void hide_thread(MemberRecord& record, std::uint32_t tid) {
  for (Word& place : record.tids) {
    std::uint32_t seen = tid;
    place.compare_exchange_strong(seen, 0, std::memory_order_relaxed);
  }
}

// The calling thread leaves its group's books; what it has stays where it is.
void quit_group(Process& p) {
  if (p.engine.groups.has(self.group)) {
    note_own_faults();
    hide_thread(p.engine.groups.record(self.group), static_cast<std::uint32_t>(raw_os().tid()));
  }
  self.group = kNoGroup;
}

bool join_group(Process& p, GroupNumber number) {
  if (number == self.group) {
    return true;
  }
  if (!is_made(p, number)) {
    return false;
  }
  quit_group(p);
  self.group_of_parent = kNoGroup;
  unsigned before = 0;
  if (!use_arena(arena_of(number), before)) {
    return false;
  }
  if (!self.has_arena_before) {
    self.arena_before = before;
    self.has_arena_before = true;
  }
  self.faults = own_faults();
  self.group = number;
  show_thread(p.engine.groups.record(number), static_cast<std::uint32_t>(raw_os().tid()));
  return true;
}

// That a thread or a process made by the calling thread begins in.
GroupNumber inherited_group() {
  return self.group != kNoGroup ? self.group : self.group_of_parent;
}

void join_group_of_parent() {
  if (inside_weir() || !is_own_process()) {
    return;
  }
  const GroupNumber number = self.group_of_parent;
  self.group_of_parent = kNoGroup;
  const ClosedScope scope;
  static_cast<void>(join_group(process(), number));
}

}  // namespace

void start_thread_groups(Process& p) {
  name_groups(p);
  allow_thread_groups();
}

void forget_thread_groups(Process& p) {
  wanted.store(false, std::memory_order_release);
  self.group_of_parent = inherited_group();
  self.group = kNoGroup;
  self.number = 0;
  self.safe_points = 0;
  last_number.store(0, std::memory_order_relaxed);
  p.engine.groups.forget_all();
  p.engine.groups.owners().forget(p.engine.os);
  forget_made_groups();
}

void allow_thread_groups() {
  wanted.store(any_group_is_named(), std::memory_order_release);
}

bool thread_groups_wanted() {
  return wanted.load(std::memory_order_acquire) && process().stage.load(std::memory_order_acquire) != Stage::kPassive;
}

GroupNumber current_group() {
  return self.group;
}

void note_own_faults() {
  if (self.group == kNoGroup || !thread_groups_wanted() || !process().engine.groups.has(self.group)) {
    return;
  }
  const std::uint64_t faults = own_faults();
  Engine& engine = process().engine;
  engine.groups.note_faults(self.group, faults - self.faults);
  self.faults = faults;
  if (engine.groups.wants_scan(self.group)) {
    wake_reclaimer(engine);
  }
}

void apply_thread_rules() {
  Process& p = process();
  if (!thread_groups_wanted() || inside_weir() || !is_own_process()) {
    return;
  }
  const ClosedScope scope;
  raw_syscall(SYS_prctl, PR_GET_NAME, sys_arg(self.name));
  const std::string_view name(self.name, strnlen(self.name, sizeof(self.name)));
  const GroupRule* rule = rule_for(p.options.threads, name, self.number);
  if (rule != nullptr) {
    const GroupNumber number = number_of(rule->container);
    static_cast<void>(number != kNoGroup && join_group(p, number));
  }
}

// A name may be given by a raw system call, or by another thread: looked at now and then, often
// while the thread is young.
void note_foreign_rename() {
  renames.fetch_add(1, std::memory_order_release);
}

void check_thread_name() {
  constexpr std::uint32_t kYoung = 8;
  constexpr std::uint32_t kSeldom = 16;
  if (!thread_groups_wanted()) {
    return;
  }
  if (self.group_of_parent != kNoGroup) [[unlikely]] {
    join_group_of_parent();
  }
  const std::uint32_t seen = renames.load(std::memory_order_acquire);
  if (++self.safe_points > kYoung && self.safe_points % kSeldom != 0 && seen == self.renames) {
    return;
  }
  self.renames = seen;
  char name[kThreadNameBytes] = {};
  raw_syscall(SYS_prctl, PR_GET_NAME, sys_arg(name));
  const bool is_renamed = std::memcmp(name, self.name, sizeof(name)) != 0;
  if (is_renamed || (self.safe_points <= kYoung && !self.chose)) {
    self.chose = false;
    apply_thread_rules();
  }
}

struct ThreadStart {
  void* (*start)(void*);
  thrd_start_t c11_start;  // or this one
  void* argument;
  GroupNumber group;
  std::uint32_t number;
};

ThreadStart* wrap_thread(void* (*start)(void*), thrd_start_t c11_start, void* argument) {
  if (!thread_groups_wanted()) {
    return nullptr;
  }
  auto* wrapped = static_cast<ThreadStart*>(malloc(sizeof(ThreadStart)));
  if (wrapped != nullptr) {
    *wrapped = {start, c11_start, argument, inherited_group(), last_number.fetch_add(1, std::memory_order_relaxed) + 1};
  }
  return wrapped;
}

namespace {

ThreadStart begin_wrapped(void* wrapped) {
  const ThreadStart begin = *static_cast<const ThreadStart*>(wrapped);
  free(wrapped);
  self.number = begin.number;
  if (begin.group != kNoGroup && thread_groups_wanted()) {
    const ClosedScope scope;
    static_cast<void>(join_group(process(), begin.group));
  }
  apply_thread_rules();
  return begin;
}

void end_wrapped() {
  if (thread_groups_wanted()) {
    const ClosedScope scope;
    quit_group(process());
  }
}

}  // namespace

void* run_wrapped_thread(void* wrapped) {
  const ThreadStart begin = begin_wrapped(wrapped);
  void* const result = begin.start(begin.argument);
  end_wrapped();
  return result;
}

int run_wrapped_c11_thread(void* wrapped) {
  const ThreadStart begin = begin_wrapped(wrapped);
  const int result = begin.c11_start(begin.argument);
  end_wrapped();
  return result;
}

void discard_wrapped_thread(ThreadStart* wrapped) {
  std::uint32_t number = wrapped->number;  // goes to the next one, unless somebody has had that already
  last_number.compare_exchange_strong(number, number - 1, std::memory_order_relaxed);
  free(wrapped);
}

// Its rules are not asked again until it has another name than now.
static void note_choice() {
  raw_syscall(SYS_prctl, PR_GET_NAME, sys_arg(self.name));
  self.chose = true;
}

int enter_group(const char* name) {
  Process& p = process();
  if (p.stage.load(std::memory_order_acquire) != Stage::kAttached || !is_own_process()) {
    return ENOTSUP;
  }
  const GroupNumber number = name == nullptr ? kNoGroup : number_of(name);
  if (number == kNoGroup) {
    return ENOENT;
  }
  const ClosedScope scope;
  note_choice();
  return join_group(p, number) ? 0 : EAGAIN;
}

int leave_group() {
  note_choice();
  if (inherited_group() == kNoGroup) {
    return 0;
  }
  const ClosedScope scope;
  quit_group(process());
  self.group_of_parent = kNoGroup;
  unsigned before = 0;
  return self.has_arena_before && !use_arena(self.arena_before, before) ? EAGAIN : 0;
}

}  // namespace weir
