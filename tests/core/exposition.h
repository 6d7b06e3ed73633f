// exposition.h - a strict reader of Prometheus' text format, written from its description and from nothing of ours.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace weir::testing {

struct ExpositionSample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct Exposition {
  std::map<std::string, std::string> types;
  std::map<std::string, std::string> helps;
  std::vector<ExpositionSample> samples;
  std::vector<std::string> faults;  // empty: the text keeps every rule

  // The one sample with that name and these labels at least; nullptr when there is none, or more.
  [[nodiscard]] const ExpositionSample* only(const std::string& name,
                                             const std::map<std::string, std::string>& labels = {}) const;
};

// Reads text format 0.0.4, and asks more of it than readers must: HELP and TYPE for each family,
// once and before its samples; families in one piece; no sample twice; counters that end in
// _total and gauges that do not; only the three escapes; values that parse; valid UTF-8.
Exposition read_exposition(const std::string& text);

}  // namespace weir::testing
