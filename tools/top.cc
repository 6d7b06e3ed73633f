// top.cc - `weir top`: the containers and what happens to them, on a screen that follows.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "tools/command.h"
#include "tools/moment.h"
#include "tools/say.h"
#include "tools/session.h"
#include "tools/supervisor.h"
#include "tools/top_rows.h"
#include "tools/top_screen.h"

namespace weir {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Every look reads three files a member: more of them than this would be a load of its own.
constexpr milliseconds kLeastInterval{100};

// Rates need two looks. A table of nothing needs none.
void print_once(Session& session, milliseconds interval) {
  TopLooks looks;
  std::vector<TopRow> rows;
  if (session.view().is_open() && !looks.look(session).empty()) {
    std::this_thread::sleep_for(interval);
    rows = looks.look(session);
  }
  sort_rows(rows, kTopByUsage);
  for (const std::string& line : top_lines(rows, kMaxNameBytes)) {
    print(line + "\n");
  }
}

// What the user chose to see.
struct Choice {
  std::size_t column = kTopByUsage;
  std::size_t first_row = 0;
};

void apply_key(TopKey key, std::size_t rows, Choice& choice) {
  const std::size_t columns = top_columns().size();
  if (key == TopKey::kLeft || key == TopKey::kRight) {
    choice.column = (choice.column + (key == TopKey::kRight ? 1 : columns - 1)) % columns;
  } else if (key == TopKey::kUp && choice.first_row > 0) {
    --choice.first_row;
  } else if (key == TopKey::kDown) {
    ++choice.first_row;
  }
  choice.first_row = std::min(choice.first_row, rows == 0 ? 0 : rows - 1);
}

TopFrame frame_of(std::vector<TopRow>& rows, const Choice& choice) {
  constexpr std::size_t kWidestName = 32;
  sort_rows(rows, choice.column);
  TopFrame frame;
  frame.status = "weir: " + std::to_string(rows.size()) + (rows.size() == 1 ? " container" : " containers") +
                 "    q: quit   arrows, s: sort, scroll";
  frame.lines = top_lines(rows, kWidestName);
  for (const TopRow& row : rows) {
    frame.bars.push_back(row.share().value_or(-1));
  }
  frame.marked = top_columns()[choice.column].title;
  frame.first_row = choice.first_row;
  return frame;
}

// Shows until q or a signal; gives the signal, or 0.
int follow(Session& session, milliseconds interval) {
  TopScreen screen;
  TopLooks looks;
  Choice choice;
  std::vector<TopRow> rows = looks.look(session);
  auto due = steady_clock::now() + interval;
  for (;;) {
    screen.draw(frame_of(rows, choice));
    const auto left = std::chrono::ceil<milliseconds>(due - steady_clock::now());
    const TopKey key = screen.wait(left);
    if (key == TopKey::kQuit) {
      return screen.ended_by();
    }
    if (steady_clock::now() >= due) {
      rows = looks.look(session);
      due = steady_clock::now() + interval;
    }
    apply_key(key, rows.size(), choice);
  }
}

}  // namespace

int top_main(Invocation& call) {
  CLI::App app("Shows the containers and what happens to them, as it happens.", "weir top");
  app.footer(
      "Keys: q quits; s and the arrows left and right sort by another column, up and down scroll.\n\n"
      "Example:\n  weir top --interval 0.5");
  std::string interval_text = "1";
  bool once = false;
  app.add_option("--interval", interval_text, "Time between two looks (default 1)")->type_name("SECONDS");
  app.add_flag("--once", once, "Print one table after one interval, as without a terminal");
  if (!parse_words(app, call)) {
    return 0;
  }
  const milliseconds interval = read_seconds("--interval", interval_text, kLeastInterval);
  Session session(call.directory);
  const bool open = session.open_or_say();
  if (once || !open || ::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) {
    print_once(session, interval);
    return 0;
  }
  const int signal = follow(session, interval);
  return signal == 0 ? 0 : end_like(Ending{.pid = 0, .exec_error = 0, .wait_status = signal});
}

}  // namespace weir
