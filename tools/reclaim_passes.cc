// reclaim_passes.cc - pass after pass until the amount is reached or one brings nothing.
#include "tools/reclaim_passes.h"

#include <unistd.h>

#include <algorithm>

#include "core/stats.h"
#include "tools/group_counts.h"
#include "tools/human.h"
#include "tools/interrupt.h"
#include "tools/say.h"

namespace weir {
namespace {

constexpr int kMostPasses = 8;

void add(GivenBack& total, const GivenBack& pass) {
  total.done = total.done + pass.done;
  for (std::size_t i = 0; i < total.stayed.size(); ++i) {
    total.stayed[i] = std::max(total.stayed[i], pass.stayed[i]);
  }
  total.unasked = std::max(total.unasked, pass.unasked);
  total.unasked_usage = std::max(total.unasked_usage, pass.unasked_usage);
}

// Shows how far it came, where somebody watches.
void show_progress(Pages done, Pages wanted) {
  if (::isatty(STDERR_FILENO) != 0) {
    const std::string line = "\rreclaim: " + human_size(std::min(done, wanted)) + " of " + human_size(wanted) + "   ";
    static_cast<void>(::write(STDERR_FILENO, line.data(), line.size()));
  }
}

}  // namespace

Pages usage_now(Session& session, ContainerId id) {
  const Subtree subtree = Subtree::below(session.view(), id);
  refresh_members(session.os(), session.view(), subtree);
  count_groups(session.os(), session.view(), subtree);
  const Pages usage = usage_of(session.view(), subtree);
  note_usage(session.view().container(id), usage);
  return usage;
}

// More than one pass: members give unevenly.
ShrinkOutcome shrink_to(Session& session, ContainerId id, Pages target) {
  ShrinkOutcome outcome;
  outcome.before = outcome.after = usage_now(session, id);
  const Pages wanted = outcome.before - target;
  SpentMembers spent;
  for (int pass = 0; pass < kMostPasses && outcome.after > target; ++pass) {
    const Pages so_far = outcome.given.done;
    const GivenBack given = ask_members(
        session.os(), session.view(), id, outcome.after - target,
        [&](Pages done) {
          show_progress(so_far + done, wanted);
          return interrupted() == 0;
        },
        spent);
    add(outcome.given, given);
    outcome.after = usage_now(session, id);
    if (given.done == Pages::none() || interrupted() != 0) {
      break;
    }
  }
  // Not what left, for some of it comes back at once.
  outcome.given.done = outcome.before - outcome.after;
  if (wanted > Pages::none() && ::isatty(STDERR_FILENO) != 0) {
    static_cast<void>(::write(STDERR_FILENO, "\n", 1));
  }
  return outcome;
}

std::string as_text(std::string_view name, const ShrinkOutcome& outcome) {
  std::string text = harmless(name) + ": " + human_size(outcome.given.done) + " given back, usage " +
                     human_size(outcome.before) + " -> " + human_size(outcome.after) + "\n";
  for (std::uint32_t i = 0; i < kStayReasons; ++i) {
    if (outcome.given.stayed[i] > Pages::none()) {
      text += std::string("  stayed, ") + to_string(static_cast<StayReason>(i)) + ": " +
              human_size(outcome.given.stayed[i]) + "\n";
    }
  }
  if (outcome.given.unasked > 0) {
    text += "  could not be asked (stopped, static, no reclaimer): " + std::to_string(outcome.given.unasked) +
            " members with " + human_size(outcome.given.unasked_usage) + "\n";
  }
  return text;
}

}  // namespace weir
