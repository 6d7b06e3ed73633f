// exposition.cc - reading the text format line by line.
#include "tests/core/exposition.h"

#include <cmath>
#include <cstdlib>
#include <regex>
#include <set>
#include <sstream>

namespace weir::testing {
namespace {

const std::regex kMetricName("[a-zA-Z_:][a-zA-Z0-9_:]*");
const std::regex kLabelName("[a-zA-Z_][a-zA-Z0-9_]*");
const std::regex kNumber(R"([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]Inf|NaN)");

bool is_utf8(const std::string& text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = byte < 0x80 ? 1 : byte >> 5 == 6 ? 2 : byte >> 4 == 14 ? 3 : byte >> 3 == 30 ? 4 : 0;
    if (length == 0 || i + length > text.size()) {
      return false;
    }
    for (std::size_t k = 1; k < length; ++k) {
      if (static_cast<unsigned char>(text[i + k]) >> 6 != 2) {
        return false;
      }
    }
    i += length;
  }
  return true;
}

bool ends_with(const std::string& text, const char* end) {
  return std::string_view(text).ends_with(end);
}

class Reader {
 public:
  Exposition read(const std::string& text) {
    if (text.empty() || text.back() != '\n') {
      fault("the last line does not end");
    }
    if (!is_utf8(text)) {
      fault("not UTF-8");
    }
    std::istringstream lines(text);
    while (std::getline(lines, line_)) {
      read_line();
    }
    check_families();
    return out_;
  }

 private:
  void fault(const std::string& what) {
    out_.faults.push_back(what + ": " + line_);
  }
  void read_line() {
    if (line_.empty()) {
      fault("an empty line");
    } else if (line_.find('\r') != std::string::npos) {
      fault("a carriage return");
    } else if (line_[0] == '#') {
      read_comment();
    } else {
      read_sample();
    }
  }
  void read_comment() {
    std::smatch match;
    static const std::regex kComment("# (HELP|TYPE) (\\S+) (.*)");
    if (!std::regex_match(line_, match, kComment)) {
      fault("a comment that is neither HELP nor TYPE");
      return;
    }
    const std::string name = match[2];
    enter_family(name);
    if (sampled_.contains(name)) {
      fault("HELP or TYPE after a sample");
    }
    auto& texts = match[1] == "HELP" ? out_.helps : out_.types;
    if (!texts.emplace(name, match[3]).second) {
      fault("said twice");
    }
    match[1] == "HELP" ? check_help(match[3]) : check_type(name, match[3]);
  }
  void check_help(const std::string& text) {
    static const std::regex kEscaped(R"(([^\\]|\\\\|\\n)+)");
    if (!std::regex_match(text, kEscaped)) {
      fault("HELP is empty or badly escaped");
    }
  }
  void check_type(const std::string& name, const std::string& type) {
    if (type != "counter" && type != "gauge") {
      fault("a type that is neither counter nor gauge");
    }
    if ((type == "counter") != ends_with(name, "_total")) {
      fault("counters, and only they, end in _total");
    }
    static const std::regex kShortUnit("(^|.*_)(s|[mun]s|sec|[kmgtp]?b|m|h|d)(_.*|$)");
    if (std::regex_match(name, kShortUnit)) {
      fault("a unit that is not spelled out");
    }
    for (const char* reserved : {"_count", "_sum", "_bucket", "_info", "_created"}) {
      if (ends_with(name, reserved)) {
        fault("a reserved ending");
      }
    }
  }
  // A family's lines stand together.
  void enter_family(const std::string& name) {
    if (!std::regex_match(name, kMetricName)) {
      fault("a bad metric name");
    }
    if (name != family_ && !entered_.insert(name).second) {
      fault("a family in two pieces");
    }
    family_ = name;
  }
  void read_sample() {
    ExpositionSample sample;
    const std::size_t end = line_.find_first_of("{ ");
    sample.name = line_.substr(0, end);
    enter_family(sample.name);
    std::size_t at = end == std::string::npos ? line_.size() : end;
    if (at < line_.size() && line_[at] == '{' && !read_labels(at, sample)) {
      fault("bad labels");
      return;
    }
    read_value(at, sample);
    sampled_.insert(sample.name);
    if (!seen_.emplace(sample.name, sample.labels).second) {
      fault("a sample twice");
    }
    out_.samples.push_back(sample);
  }
  // From the '{' to behind the '}'.
  bool read_labels(std::size_t& at, ExpositionSample& sample) {
    for (++at; at < line_.size() && line_[at] != '}';) {
      const std::size_t equals = line_.find("=\"", at);
      if (equals == std::string::npos) {
        return false;
      }
      const std::string label = line_.substr(at, equals - at);
      at = equals + 2;
      std::string value;
      const bool reserved = label.starts_with("__") || label == "le" || label == "quantile";
      if (!std::regex_match(label, kLabelName) || reserved || !read_quoted(at, value) ||
          !sample.labels.emplace(label, value).second) {
        return false;
      }
      if (at < line_.size() && line_[at] == ',') {
        ++at;
      } else if (at >= line_.size() || line_[at] != '}') {
        return false;
      }
    }
    return at < line_.size() && line_[at++] == '}';
  }
  // From behind the opening quote to behind the closing one.
  bool read_quoted(std::size_t& at, std::string& value) {
    for (; at < line_.size() && line_[at] != '"'; ++at) {
      if (line_[at] != '\\') {
        value += line_[at];
        continue;
      }
      ++at;
      const char c = at < line_.size() ? line_[at] : '?';
      if (c != '\\' && c != '"' && c != 'n') {
        return false;
      }
      value += c == 'n' ? '\n' : c;
    }
    return at < line_.size() && line_[at++] == '"';
  }
  void read_value(std::size_t at, ExpositionSample& sample) {
    const std::string value = at < line_.size() && line_[at] == ' ' ? line_.substr(at + 1) : "";
    if (!std::regex_match(value, kNumber)) {
      fault("no value, or more than one");
      return;
    }
    sample.value = std::strtod(value.c_str(), nullptr);
    const bool counter = out_.types.contains(sample.name) && out_.types[sample.name] == "counter";
    if (counter && (!std::isfinite(sample.value) || sample.value < 0)) {
      fault("a counter that is no count");
    }
  }
  void check_families() {
    line_.clear();
    for (const std::string& name : entered_) {
      if (!out_.types.contains(name) || !out_.helps.contains(name)) {
        fault("no HELP or no TYPE for " + name);
      }
    }
  }

  Exposition out_;
  std::string line_;
  std::string family_;
  std::set<std::string> entered_;
  std::set<std::string> sampled_;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen_;
};

}  // namespace

const ExpositionSample* Exposition::only(const std::string& name,
                                         const std::map<std::string, std::string>& labels) const {
  const ExpositionSample* found = nullptr;
  for (const ExpositionSample& sample : samples) {
    bool fits = sample.name == name;
    for (const auto& [label, value] : labels) {
      const auto at = sample.labels.find(label);
      fits = fits && at != sample.labels.end() && at->second == value;
    }
    if (fits && found != nullptr) {
      return nullptr;
    }
    found = fits ? &sample : found;
  }
  return found;
}

Exposition read_exposition(const std::string& text) {
  return Reader().read(text);
}

}  // namespace weir::testing
