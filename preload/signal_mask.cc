// signal_mask.cc - one bit that is ours, and what the program thinks of it.
#include "preload/signal_mask.h"

#include <atomic>
#include <cstdint>
#include <cstring>

#include "preload/process.h"
#include "preload/real.h"

namespace weir {
namespace {

constexpr std::uint64_t kTrap = std::uint64_t{1} << (SIGTRAP - 1);

enum class TrapState : unsigned char { kAsCreator, kOpen, kBlocked };
[[gnu::tls_model("initial-exec")]] constinit thread_local TrapState trap_state = TrapState::kAsCreator;
constinit std::atomic<bool> creator_blocks{false};
constinit std::atomic<bool> held_back{false};

bool is_blocked() {
  return trap_state == TrapState::kAsCreator ? creator_blocks.load(std::memory_order_relaxed)
                                             : trap_state == TrapState::kBlocked;
}

void note_blocked(bool blocked) {
  trap_state = blocked ? TrapState::kBlocked : TrapState::kOpen;
  if (!blocked && held_back.exchange(false, std::memory_order_relaxed)) {
    static_cast<void>(raw_os().tgkill(raw_os().pid(), raw_os().tid(), SIGTRAP));
  }
}

std::uint64_t bits_of(const sigset_t& set) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &set, sizeof(bits));
  return bits;
}

void set_bits(sigset_t& set, std::uint64_t bits) {
  std::memcpy(&set, &bits, sizeof(bits));
}

bool blocks_after(int how, bool before, bool named) {
  return how == SIG_SETMASK ? named : how == SIG_BLOCK ? before || named : before && !named;
}

}  // namespace

long change_mask(int how, const sigset_t* set, sigset_t* old) {
  if (process().stage.load(std::memory_order_acquire) == Stage::kIdle) {
    return real_sigmask(how, set, old);
  }
  const bool before = is_blocked();
  const std::uint64_t named = set != nullptr ? bits_of(*set) : 0;  // before `old`, which may be the same
  const bool after = set != nullptr ? blocks_after(how, before, (named & kTrap) != 0) : before;
  if (after != before && !is_own_process()) {
    return real_sigmask(how, set, old);  // a vfork child's mask is its own, and this memory is not
  }
  sigset_t wanted = {};
  set_bits(wanted, how == SIG_UNBLOCK ? named : named & ~kTrap);
  const long error = real_sigmask(how, set != nullptr ? &wanted : nullptr, old);
  if (error == 0 && old != nullptr && before) {
    set_bits(*old, bits_of(*old) | kTrap);
  }
  if (error == 0 && set != nullptr) {
    note_blocked(after);
  }
  return error;
}

void pass_on_mask() {
  creator_blocks.store(is_blocked(), std::memory_order_relaxed);
}

bool hold_back_trap() {
  if (!is_blocked()) {
    return false;
  }
  held_back.store(true, std::memory_order_relaxed);
  return true;
}

void open_trap_here() {
  sigset_t trap;
  sigset_t before;
  sigemptyset(&trap);
  sigaddset(&trap, SIGTRAP);
  if (real_sigmask(SIG_UNBLOCK, &trap, &before) == 0 && (bits_of(before) & kTrap) != 0) {
    trap_state = TrapState::kBlocked;
  }
}

}  // namespace weir
