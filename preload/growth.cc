// growth.cc - how soon to look at the marks again, and what a look leads to.
#include "preload/growth.h"

#include <algorithm>

#include "preload/callbacks.h"
#include "preload/huge_regions.h"
#include "preload/jemalloc.h"
#include "preload/own_image.h"
#include "preload/process.h"
#include "preload/process_rules.h"
#include "preload/reclaimer_thread.h"
#include "preload/recording.h"
#include "preload/thread_groups.h"
#include "preload/timed_look.h"
#include "reclaim/charge.h"
#include "reclaim/enomem.h"
#include "reclaim/other_members.h"

namespace weir {
namespace {

constexpr std::size_t kLargeBytes = 256 * kKiB;
constexpr std::int64_t kLeastBudget = 128 * static_cast<std::int64_t>(kKiB);
constexpr std::int64_t kMostBudget = 16 * static_cast<std::int64_t>(kMiB);

// The nearer a mark, the sooner the next look; what a container's other members do meanwhile
// is theirs to notice.
std::int64_t next_budget(const Standing& standing) {
  if (standing.marks.high.unlimited() && standing.marks.limit.unlimited()) {
    return kMostBudget;
  }
  if (standing.usage > standing.marks.limit && is_enomem(process().engine.view.container(standing.container))) {
    return 0;  // by the reserve: refused mappings in between must not hide the small blocks
  }
  const Pages to_high = standing.marks.high - standing.usage;
  // All members may grow at once, and each looks for itself.
  const RegistryView& view = process().engine.view;
  const std::uint32_t members = std::max(members_of(view, Subtree::below(view, standing.container)), 1U);
  const auto quarter = static_cast<std::int64_t>(std::min(to_high, Pages::holding(kGiB)).bytes() / 4 / members);
  return std::clamp(quarter, kLeastBudget, kMostBudget);
}

// Proactive reclaim needs no mark, only something to take.
bool worth_proactive(Pages promised) {
  constexpr Pages kLeast = Pages::holding(8 * kMiB);
  Engine& engine = process().engine;
  if (proactive_goal(engine).target == 0) {
    return false;
  }
  // Far from every mark nobody reads what it holds; its faults bound that.
  const Pages held = engine.account.last_reading() + engine.account.faults_since_reading(engine.os);
  return held + promised >= kLeast;
}

// Halfway to a mark the reclaimer and its meter are worth their cost; below, they are not. What
// was taken in large pieces counts as if it were touched: nobody calls us when it is.
bool near_enough_to_arm(const Standing& standing) {
  Process& p = process();
  const Pages mark = std::min(standing.marks.high, standing.marks.limit);
  const Pages promised = Pages::holding(p.large_bytes.load(std::memory_order_relaxed));
  const Pages half{mark.count / 2};
  const Pages quarter{mark.count / 4};
  // Of many members each may be far from the mark by itself; what those hold that came before cannot be reclaimed.
  // Who holds next to nothing need not help.
  const bool is_large = p.engine.account.last_reading() + promised >= Pages::holding(kLargeBytes);
  const bool is_near = standing.usage + promised >= half ||
                       (is_large && !mark.unlimited() && is_promised_beyond(p.engine, standing.container, quarter));
  return recording_is_wanted(p) || (!mark.unlimited() && (is_near || p.engine.free_keeper.is_worth_a_reclaimer())) ||
         worth_proactive(promised);
}

// A group that is at its limit must not be hidden by threads that are not in it, and look in between.
std::atomic<std::int64_t>& budget_here(Process& p) {
  const GroupNumber group = current_group();
  return group == kNoGroup ? p.growth_budget : p.group_budgets[group];
}

bool refuses_growth(const Process& p) {
  const GroupNumber group = current_group();
  return may_refuse_in(p.engine.view, p.engine.account.container()) ||
         (p.engine.groups.has(group) && may_refuse_in(p.engine.view, p.engine.groups.container(group)));
}

// A reclaimer would watch it being touched.
void promise(Process& p, Pages pages) {
  if (p.stage.load(std::memory_order_acquire) == Stage::kAttached &&
      !p.engine.reclaimer_ready.load(std::memory_order_relaxed) && is_own_process()) {
    p.engine.record().promised_pages.fetch_add(pages.count, std::memory_order_relaxed);
  }
}

// Of the process and of the calling thread's group, the one that is nearer to a limit.
Standing nearest_standing(const Process& p, Pages unread) {
  const Standing whole = p.engine.account.standing(unread);
  if (!p.engine.groups.has(current_group())) {
    return whole;
  }
  const Standing group = p.engine.groups.standing(current_group(), Pages::none());
  return group.room < whole.room ? group : whole;
}

}  // namespace

void after_look(const Standing& standing) {
  Process& p = process();
  budget_here(p).store(next_budget(standing), std::memory_order_relaxed);
  if (!p.engine.reclaimer_runs.load(std::memory_order_relaxed) && near_enough_to_arm(standing)) {
    p.thread_wanted.store(true, std::memory_order_relaxed);
  }
  if (standing.above_high > Pages::none() && !p.engine.reclaimer_runs.load(std::memory_order_relaxed)) {
    p.purge_wanted.store(true, std::memory_order_relaxed);
  }
}

void await_meter() {
  Process& p = process();
  const bool starts = p.engine.reclaimer_runs.load(std::memory_order_relaxed) &&
                      !p.engine.reclaimer_ready.load(std::memory_order_acquire);
  if (starts && !inside_weir() && is_own_process()) [[unlikely]] {
    await_reclaimer(p.engine);
  }
}

bool on_growth(std::size_t bytes, bool may_refuse, bool locks_held) {
  Process& p = process();
  if (bytes >= kLargeBytes) {
    p.large_bytes.fetch_add(bytes, std::memory_order_relaxed);
    promise(p, Pages::holding(bytes));
    if (locks_held && bytes >= FreeKeeper::kLeastBytes) {
      p.engine.free_keeper.take(p.engine);
    }
  }
  const auto amount = static_cast<std::int64_t>(std::min(bytes, static_cast<std::size_t>(kGiB)));
  // A group's marks are near when the process' are not: its large pieces are looked at one by one.
  const bool by_group = bytes >= kLargeBytes && current_group() != kNoGroup;
  if (budget_here(p).fetch_sub(amount, std::memory_order_relaxed) > amount && !by_group) [[likely]] {
    return true;
  }
  if (p.stage.load(std::memory_order_acquire) != Stage::kAttached || inside_weir() || !is_own_process()) {
    return true;
  }
  const ClosedScope scope;
  // Another thread has just started the reclaimer: what this one touches now would go unseen.
  await_reclaimer(p.engine);
  note_own_faults();
  if (by_group && !is_sampled(p.engine)) {
    wake_reclaimer(p.engine);  // it polls while the process grows, near its group's marks, too
  }
  constexpr Pages kMostOfSmall{16};
  const Pages whole = Pages::holding(bytes);
  const bool refusable = may_refuse && refuses_growth(p);
  ChargeRequest request{refusable ? whole : std::min(whole, kMostExpected), refusable, current_group()};
  request.may_wait = !locks_held && !is_warning_thread();
  request.is_small = whole <= kMostOfSmall;
  if (refusable) {
    request.freed = freed_by_thread(!locks_held);
  }
  const Verdict verdict = charge(p.engine, request);
  // The look may have gone by the reclaimer's last reading: faults since bound what there is.
  after_look(nearest_standing(p, p.engine.account.faults_since_reading(p.engine.os)));
  return verdict == Verdict::kRoom;
}

void expect_unseen(std::size_t bytes) {
  Process& p = process();
  if (p.engine.reclaimer_runs.load(std::memory_order_relaxed) || inside_weir() ||
      p.stage.load(std::memory_order_acquire) != Stage::kAttached || !is_own_process()) {
    return;
  }
  const std::uint64_t before = p.large_bytes.fetch_add(bytes, std::memory_order_relaxed);
  const bool is_more = before / kLargeBytes != (before + bytes) / kLargeBytes;
  if (is_more && near_enough_to_arm(p.engine.account.standing(Pages::none()))) {
    p.thread_wanted.store(true, std::memory_order_relaxed);
  }
}

void arm_if_near() {
  Process& p = process();
  p.engine.account.refresh(p.engine.os, nullptr);
  if (near_enough_to_arm(p.engine.account.standing(Pages::none()))) {
    p.thread_wanted.store(true, std::memory_order_relaxed);
    watch_by_timer();
  }
}

void on_huge_units(std::size_t units) {
  Process& p = process();
  if (units == 0 || inside_weir() || p.stage.load(std::memory_order_acquire) != Stage::kAttached || !is_own_process()) {
    return;
  }
  const ClosedScope scope;
  charge_piece(p.engine, Pages{units * (kHugeBytes / kPageBytes)}, current_group(), !is_warning_thread());
}

void on_safe_point() {
  Process& p = process();
  if (inside_weir() || p.stage.load(std::memory_order_acquire) == Stage::kPassive) {
    return;
  }
  check_thread_name();
  follow_title(p);
  if (p.let_large_go.load(std::memory_order_relaxed) && is_own_process()) [[unlikely]] {
    const ClosedScope scope;
    p.let_large_go.store(false, std::memory_order_relaxed);
    static_cast<void>(keep_large_blocks(false));
  }
  if (p.thread_wanted.load(std::memory_order_relaxed) && is_own_process()) {
    const ClosedScope scope;
    p.thread_wanted.store(false, std::memory_order_relaxed);
    start_reclaimer_thread();
  }
  if (p.purge_wanted.load(std::memory_order_relaxed) && is_own_process()) {
    const ClosedScope scope;
    p.purge_wanted.store(false, std::memory_order_relaxed);
    if (p.engine.may_open_here()) {
      purge_and_book(p.engine, nullptr);
    }
  }
}

void arm_for_static_memory() {
  Process& p = process();
  p.large_bytes.store(program_static_bytes() + raised_stack_bytes(), std::memory_order_relaxed);
  if (p.large_bytes.load(std::memory_order_relaxed) >= kLargeBytes &&
      near_enough_to_arm(p.engine.account.standing(Pages::none()))) {
    start_reclaimer_thread();
  }
}

}  // namespace weir
