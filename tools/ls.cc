// ls.cc - `weir ls`: every container in one line.
#include <nlohmann/json.hpp>

#include "tools/command.h"
#include "tools/human.h"
#include "tools/say.h"
#include "tools/session.h"

namespace weir {
namespace {

nlohmann::ordered_json bytes_or_null(Pages pages) {
  return pages.unlimited() ? nlohmann::ordered_json() : nlohmann::ordered_json(pages.bytes());
}

std::string as_json(const std::vector<Listed>& containers) {
  auto out = nlohmann::ordered_json::array();
  for (const auto& [id, stats] : containers) {
    out.push_back({{"container", stats.name},
                   {"usage", stats.usage.bytes()},
                   {"limit", bytes_or_null(stats.marks.limit)},
                   {"high_watermark", bytes_or_null(stats.marks.high)},
                   {"low_watermark", bytes_or_null(stats.marks.low)},
                   {"peak", stats.peak.bytes()},
                   {"failcnt", stats.failcnt},
                   {"members", stats.members}});
  }
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string as_table(const std::vector<Listed>& containers) {
  Table table;
  table.add_row({"CONTAINER", "USAGE", "LIMIT", "HIGH", "LOW", "PEAK", "FAILCNT", "MEMBERS"});
  for (const auto& [id, stats] : containers) {
    table.add_row({harmless(stats.name), human_size(stats.usage), human_size(stats.marks.limit),
                   human_size(stats.marks.high), human_size(stats.marks.low), human_size(stats.peak),
                   std::to_string(stats.failcnt), std::to_string(stats.members)});
  }
  return table.text();
}

}  // namespace

int ls_main(Invocation& call) {
  CLI::App app("Lists the containers.", "weir ls");
  app.footer("Example:\n  weir ls --format json");
  std::string format = "text";
  add_format(app, format, "text (default) or json");
  if (!parse_words(app, call)) {
    return 0;
  }
  const bool json = read_format(format, false) == DumpFormat::kJson;
  Session session(call.directory);
  const std::vector<Listed> containers = session.open_or_say() ? session.list() : std::vector<Listed>{};
  print(json ? as_json(containers) : as_table(containers));
  return 0;
}

}  // namespace weir
