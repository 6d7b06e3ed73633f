// stat.cc - `weir stat`: the statistics of one container or of all, by the one formatter there is.
#include "tools/command.h"
#include "tools/group_counts.h"
#include "tools/say.h"
#include "tools/session.h"

namespace weir {
namespace {

class StdoutSink final : public Sink {
 public:
  void put(std::string_view text) override {
    print(text);
  }
};

void print_all(Session& session, const std::vector<Listed>& containers, DumpFormat format) {
  StdoutSink out;
  const bool json = format == DumpFormat::kJson;
  print(json ? "[" : "");
  const char* between = "";
  for (const auto& [id, stats] : containers) {
    print(between);
    format_stats(session.view(), id, stats, format, out);
    between = json ? "," : "\n";
  }
  print(json ? "]\n" : "");
}

// HELP and TYPE stand once before the samples of all containers, so these are formatted together.
void print_prometheus(Session& session, const std::vector<Listed>& containers) {
  if (containers.empty()) {
    return;
  }
  std::vector<ContainerId> ids;
  std::vector<ContainerStats> stats;
  for (const Listed& listed : containers) {
    ids.push_back(listed.id);
    stats.push_back(listed.stats);
  }
  StdoutSink out;
  format_prometheus_families(session.view(), ids.data(), stats.data(), ids.size(), out);
}

void print_one(Session& session, std::string_view name, DumpFormat format) {
  const ContainerId id = session.need(name);
  count_groups(session.os(), session.view(), Subtree::below(session.view(), id));
  StdoutSink out;
  format_stats(session.view(), id, container_stats(session.os(), session.view(), id, Look::kProc), format, out);
}

}  // namespace

int stat_main(Invocation& call) {
  CLI::App app("Shows the statistics of one container, or of all.", "weir stat");
  app.footer("Example:\n  weir stat build --format json");
  std::string name;
  std::string format_text = "text";
  const CLI::Option* named = app.add_option("NAME", name, "Container; without it, all of them");
  add_format(app, format_text, "text (default), json or prometheus");
  if (!parse_words(app, call)) {
    return 0;
  }
  const DumpFormat format = read_format(format_text, true);
  Session session(call.directory);
  if (named->count() > 0) {
    print_one(session, read_name(name), format);
    return 0;
  }
  const std::vector<Listed> containers = session.open_or_say() ? session.list() : std::vector<Listed>{};
  if (format == DumpFormat::kPrometheus) {
    print_prometheus(session, containers);
  } else {
    print_all(session, containers, format);
  }
  return 0;
}

}  // namespace weir
