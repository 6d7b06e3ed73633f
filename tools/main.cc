// main.cc - `weir`: global options, then one of the commands.
#include <array>

#include "tools/command.h"
#include "tools/human.h"
#include "tools/say.h"

namespace weir {
namespace {

constexpr std::array kCommands = {
    CommandRow{"run", "[options] -- COMMAND...", "run a command within memory limits", run_main},
    CommandRow{"ls", "[--format text|json]", "list the containers", ls_main},
    CommandRow{"stat", "[NAME] [--format text|json|prometheus]", "show statistics", stat_main},
    CommandRow{"set", "NAME KEY=VALUE...", "change a container while it runs", set_main},
    CommandRow{"reclaim", "NAME (--to SIZE | --by SIZE) [--detach]", "give memory back now", reclaim_main},
    CommandRow{"events", "[NAME] [--follow] [--format text|json]", "show what happened", events_main},
    CommandRow{"notify",
               "NAME (--usage SIZE [--below] [--exec COMMAND] | --pressure TRIGGER) [--count N] [--timeout SECONDS]",
               "tell when usage crosses a size, or of pressure", notify_main},
    CommandRow{"top", "[--interval SECONDS] [--once]", "watch the containers on a screen", top_main},
    CommandRow{"move", "PID[/GROUP] NAME [--policy reserve|lazy|stay] [--dry-run]", "move a running process",
               move_main},
    CommandRow{"kill", "NAME", "kill the members of a container", kill_main},
    CommandRow{"rm", "NAME", "forget an empty container", rm_main},
    CommandRow{"record", "[-o FILE] [options] -- COMMAND...", "run a command, and record for replay", record_main},
    CommandRow{"replay", "FILE [--limit SIZE] [--high MARK] [--low MARK] [--policy NAME] [--json]",
               "what another limit would have done", replay_main},
    CommandRow{"doctor", "[--format text|json]", "say what works on this machine", doctor_main},
    CommandRow{"swap", "add|rm", "make swap available (root)", swap_main},
};

std::string help() {
  std::string out =
      "weir keeps the memory of unmodified programs between marks.\n\n"
      "Usage: weir [--dir DIR] COMMAND ...   (weir COMMAND --help tells more)\n\n";
  for (const CommandRow& row : kCommands) {
    const std::string name = row.name;
    out += "  " + name + std::string(8 - name.size(), ' ') + row.help + "\n";
    out += "          weir " + name + " " + row.synopsis + "\n";
  }
  return out +
         "\nOptions:\n"
         "  --dir DIR   registry directory (default: WEIR_DIR, else the user's own)\n"
         "  --version   print the version\n"
         "  --help      print this\n\n"
         "Example:\n  weir run -m 16M -- sort big.txt\n";
}

// Reads what stands before the command. False: nothing is left to do.
bool read_globals(std::vector<std::string> words, Invocation& call, std::string& command) {
  CLI::App app("", "weir");
  app.prefix_command();
  app.set_help_flag();
  bool wants_help = false;
  bool wants_version = false;
  app.add_flag("-h,--help", wants_help);
  app.add_flag("-V,--version", wants_version);
  call.arguments = std::move(words);
  if (!parse_words(app, call)) {
    return false;
  }
  call.arguments = app.remaining();
  if (wants_help || wants_version) {
    print(wants_help ? help() : "weir " WEIR_VERSION "\n");
    return false;
  }
  if (call.arguments.empty()) {
    refuse("there is no command (weir --help lists them)");
  }
  command = call.arguments.front();
  if (command.starts_with('-')) {
    refuse("unknown option " + shown(command) + " (weir --help)");
  }
  call.arguments.erase(call.arguments.begin());
  return true;
}

int dispatch(std::vector<std::string> words) {
  Invocation call;
  std::string command;
  if (!read_globals(std::move(words), call, command)) {
    return 0;
  }
  return find_command(kCommands, command).main(call);
}

int guarded(std::vector<std::string> words) {
  try {
    return dispatch(std::move(words));
  } catch (const CommandFault& fault) {
    // What was found out before the trouble still belongs on stdout, and first.
    static_cast<void>(finish_output());
    say(fault.what());
    return static_cast<int>(fault.status());
  } catch (const std::exception& error) {
    say(std::string("internal fault: ") + error.what());
    return static_cast<int>(ExitStatus::kFailed);
  }
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  const int status = weir::guarded({argv + 1, argv + argc});
  if (!weir::finish_output()) {
    weir::say("the output could not be written");
    return status == 0 ? 1 : status;
  }
  return status;
}
