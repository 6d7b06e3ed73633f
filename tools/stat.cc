// stat.cc - `weir stat`: the statistics of one container or of all, by the one formatter there is.
#include "tools/command.h"
#include "tools/group_counts.h"
#include "tools/say.h"
#include "tools/session.h"
#include "tools/still.h"

namespace weir {
namespace {

class StdoutSink final : public Sink {
 public:
  void put(std::string_view text) override {
    print(text);
  }
};

// Of all containers, as they are in `still`, whatever their members do meanwhile.
void settle(Session& session, StillRegistry& still, std::vector<Listed>& containers) {
  for (Listed& listed : containers) {
    listed.stats = container_stats(session.os(), still.view(), listed.id, Look::kBooks);
  }
}

void print_all(const RegistryView& view, const std::vector<Listed>& containers, DumpFormat format) {
  StdoutSink out;
  const bool json = format == DumpFormat::kJson;
  print(json ? "[" : "");
  const char* between = "";
  for (const auto& [id, stats] : containers) {
    print(between);
    format_stats(view, id, stats, format, out);
    between = json ? "," : "\n";
  }
  print(json ? "]\n" : "");
}

// HELP and TYPE stand once before the samples of all containers, so these are formatted together.
void print_prometheus(const RegistryView& view, const std::vector<Listed>& containers) {
  std::vector<ContainerId> ids;
  std::vector<ContainerStats> stats;
  for (const Listed& listed : containers) {
    ids.push_back(listed.id);
    stats.push_back(listed.stats);
  }
  StdoutSink out;
  format_prometheus_families(view, ids.data(), stats.data(), ids.size(), out);
}

void print_one(Session& session, std::string_view name, DumpFormat format) {
  const ContainerId id = session.need(name);
  count_groups(session.os(), session.view(), Subtree::below(session.view(), id));
  std::vector<Listed> one{{id, container_stats(session.os(), session.view(), id, Look::kProc)}};
  StillRegistry still(session.view());
  settle(session, still, one);
  StdoutSink out;
  format_stats(still.view(), id, one.front().stats, format, out);
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
  if (!session.open_or_say()) {
    print(format == DumpFormat::kJson ? "[]\n" : "");
    return 0;
  }
  std::vector<Listed> containers = session.list();
  StillRegistry still(session.view());
  settle(session, still, containers);
  if (format != DumpFormat::kPrometheus) {
    print_all(still.view(), containers, format);
  } else if (!containers.empty()) {
    print_prometheus(still.view(), containers);
  }
  return 0;
}

}  // namespace weir
