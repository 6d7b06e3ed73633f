// swap.cc - `weir swap add` and `weir swap rm`: somewhere for cold memory to go.
#include <unistd.h>
#include <csignal>

#include <array>
#include <filesystem>

#include "tools/command.h"
#include "tools/human.h"
#include "tools/say.h"
#include "tools/swap_space.h"

namespace weir {
namespace {

void need_root(const char* command, const std::vector<std::string>& arguments) {
  if (::geteuid() == 0) {
    return;
  }
  std::string words;
  for (const std::string& argument : arguments) {
    words += " " + harmless(argument);
  }
  fail(std::string("only root may change swap: sudo weir swap ") + command + words);
}

// A Ctrl-C between two steps would leave the first one behind.
void hold_signals() {
  sigset_t held;
  sigemptyset(&held);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    sigaddset(&held, signal);
  }
  sigprocmask(SIG_BLOCK, &held, nullptr);
}

std::uint64_t read_size(const std::string& text) {
  const auto size = parse_size(text);
  if (!size.ok()) {
    refuse_value("--size", text, size.reason);
  }
  if (size.value < kMiB) {
    refuse_value("--size", text, "is below 1M");
  }
  return size.value / kPageBytes * kPageBytes;
}

struct AddWords {
  std::string size = "4G";
  std::string type;
  std::string path;
};

std::string read_path(const AddWords& words) {
  if (words.type == "zram") {
    refuse_value("--path", words.path, "goes with --type file only");
  }
  if (words.path.empty() || words.path.find('\n') != std::string::npos) {
    refuse_value("--path", words.path, "is no path");
  }
  std::error_code error;
  return std::filesystem::absolute(words.path, error);
}

// zram first, for it needs no disk; a file where there is no zram.
std::string add_any(SwapLedger& ledger, std::uint64_t bytes) {
  try {
    return add_zram_swap(ledger, bytes);
  } catch (const CommandFault& fault) {
    say(std::string(fault.what()) + ": trying a file");
  }
  return add_file_swap(ledger, kDefaultSwapFile, bytes);
}

int add_main(Invocation& call) {
  const std::vector<std::string> arguments = call.arguments;
  CLI::App app("Adds swap: compressed memory (zram), or a file.", "weir swap add");
  app.footer("Example:\n  sudo weir swap add --size 2G --type file --path /var/swap.weir");
  AddWords words;
  app.add_option("--size", words.size, "How much (default 4G)")->type_name("SIZE");
  const CLI::Option* typed = app.add_option("--type", words.type, "zram or file (default: zram, else a file)");
  const CLI::Option* placed =
      app.add_option("--path", words.path, std::string("Where the file is to be (default ") + kDefaultSwapFile + ")");
  if (!parse_words(app, call)) {
    return 0;
  }
  const std::uint64_t bytes = read_size(words.size);
  if (typed->count() > 0 && words.type != "zram" && words.type != "file") {
    refuse_value("--type", words.type, "is no type of swap (zram, file)");
  }
  const std::string path = placed->count() > 0 ? read_path(words) : "";
  need_root("add", arguments);
  hold_signals();
  SwapLedger ledger;
  if (words.type == "file" || !path.empty()) {
    print("added " + harmless(add_file_swap(ledger, path.empty() ? kDefaultSwapFile : path, bytes)) + "\n");
  } else {
    print("added " + (words.type == "zram" ? add_zram_swap(ledger, bytes) : add_any(ledger, bytes)) + "\n");
  }
  return 0;
}

int remove_main(Invocation& call) {
  CLI::App app("Takes away the swap that `weir swap add` added, and no other.", "weir swap rm");
  app.footer("Example:\n  sudo weir swap rm");
  if (!parse_words(app, call)) {
    return 0;
  }
  need_root("rm", {});
  hold_signals();
  SwapLedger ledger;
  const std::vector<SwapEntry> entries = ledger.entries();
  if (entries.empty()) {
    say("there is no swap that weir added");
  }
  bool done = true;
  for (const SwapEntry& entry : entries) {
    done = remove_swap(ledger, entry) && done;
  }
  return static_cast<int>(done ? ExitStatus::kDone : ExitStatus::kFailed);
}

constexpr std::array kCommands = {
    CommandRow{"add", "[--size SIZE] [--type zram|file] [--path FILE]", "add swap", add_main},
    CommandRow{"rm", "", "take away what was added", remove_main},
};

}  // namespace

int swap_main(Invocation& call) {
  const std::string what = call.arguments.empty() ? "" : call.arguments.front();
  if (what == "--help" || what == "-h") {
    for (const CommandRow& row : kCommands) {
      print(std::string("weir swap ") + row.name + " " + row.synopsis + "   " + row.help + "\n");
    }
    print("\nExample:\n  sudo weir swap add --size 2G\n");
    return 0;
  }
  if (what.empty()) {
    refuse("swap needs one of: add, rm");
  }
  call.arguments.erase(call.arguments.begin());
  return find_command(kCommands, what).main(call);
}

}  // namespace weir
