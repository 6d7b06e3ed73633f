// move_stay.cc - one request to the process, and what the books say afterwards.
#include "tools/move_stay.h"

#include "core/wake.h"
#include "tools/command.h"
#include "tools/human.h"
#include "tools/say.h"

namespace weir {
namespace {

// The place of a member that was looked at a moment ago.
MemberId place_of(Session& session, std::uint32_t pid) {
  MemberId member;
  if (!session.view().find_member(pid, member)) {
    fail(process_text(pid) + " has ended");
  }
  return member;
}

}  // namespace

std::string process_text(std::uint32_t pid) {
  return "process " + std::to_string(pid);
}

void check_may_leave(Session& session, std::uint32_t pid) {
  const MemberId member = place_of(session, pid);
  BookEntry left;
  if (!find_left_behind(session.view(), member, pid, left) ||
      left.container == session.view().book(member).load().container) {
    return;
  }
  const std::string where = harmless(session.view().container(left.container).name);
  throw CommandFault(ExitStatus::kBusy, process_text(pid) + " has " + human_size(left.charge) + " left behind in " +
                                            where + " already; move " + std::to_string(pid) + "/" + kLeftBehindName +
                                            " first; nothing was changed (EBUSY)");
}

Pages leave_behind(Session& session, std::uint32_t pid) {
  const MemberId member = place_of(session, pid);
  BookEntry left;
  if (!ask_to_leave(session.os(), session.view(), member, pid) ||
      !find_left_behind(session.view(), member, pid, left)) {
    throw CommandFault(ExitStatus::kBusy,
                       process_text(pid) +
                           " cannot be asked to leave its usage behind (stopped, no longer runs libweir.so, or a fork "
                           "child before its exec); nothing was changed (EBUSY)");
  }
  return left.charge;
}

}  // namespace weir
