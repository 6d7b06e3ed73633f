// group_rules.cc - the grammar of WEIR_THREADS and WEIR_PROCESSES.
#include "core/group_rules.h"

#include <charconv>

#include "core/member_record.h"
#include "core/text.h"

namespace weir {
namespace {

// Cuts off what stands before `mark` (all of it, when there is none) and gives it.
std::string_view cut(std::string_view& rest, char mark) {
  const std::size_t at = rest.find(mark);
  const std::string_view piece = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
  return piece;
}

bool read_number(std::string_view text, std::uint32_t& out) {
  const auto done = std::from_chars(text.data(), text.data() + text.size(), out);
  return done.ec == std::errc{} && done.ptr == text.data() + text.size() && out > 0;
}

enum class Kind { kThreads, kProcesses };

const char* read_who(GroupRule& rule, std::string_view text, Kind kind) {
  if (text.empty()) {
    return kind == Kind::kThreads ? "has a rule without a thread name" : "has a rule without a title";
  }
  if (text[0] != '#' || kind == Kind::kProcesses) {
    rule.pattern = text;
    return nullptr;
  }
  std::string_view last = text.substr(1);
  const std::string_view first = cut(last, '-');
  const bool is_range = text.find('-') != std::string_view::npos;
  if (!read_number(first, rule.first) || (is_range && !read_number(last, rule.last))) {
    return "has a thread number that is none (#3 or #3-8, counted from 1)";
  }
  rule.last = is_range ? rule.last : rule.first;
  return rule.last < rule.first ? "has a range of threads that ends before it begins" : nullptr;
}

enum class Option { kLimit, kHigh, kLow, kOom, kUnknown };

Option option_of(std::string_view key) {
  if (key == "limit") {
    return Option::kLimit;
  }
  if (key == "high" || key == "high_watermark") {
    return Option::kHigh;
  }
  if (key == "low" || key == "low_watermark") {
    return Option::kLow;
  }
  return key == "oom" ? Option::kOom : Option::kUnknown;
}

// `given`: a bit for each option that the rule has had.
const char* read_option(GroupRule& rule, std::string_view text, unsigned& given) {
  std::string_view value = text;
  const Option option = option_of(cut(value, '='));
  const unsigned bit = 1U << static_cast<unsigned>(option);
  if (option != Option::kUnknown && (given & bit) != 0) {
    return "has an option that is given twice";
  }
  given |= bit;
  switch (option) {
    case Option::kLimit:
      return assign(rule.limit, parse_limit(value));
    case Option::kHigh:
      return assign(rule.high, parse_mark(value));
    case Option::kLow:
      return assign(rule.low, parse_mark(value));
    case Option::kOom:
      rule.has_oom = true;
      return assign(rule.oom, parse_oom(value));
    case Option::kUnknown:
      break;
  }
  return "has an unknown option (limit, high, low, oom)";
}

const char* check_marks(const GroupRule& rule) {
  if (rule.limit.unlimited() && (rule.high.is_percent || rule.low.is_percent)) {
    return "has a watermark that is a share of a limit, and no limit";
  }
  const Pages high = rule.high.value != 0 ? rule.high.against(rule.limit) : rule.limit;
  const Pages low = rule.low.value != 0 ? rule.low.against(rule.limit) : Pages::none();
  if (rule.high.value != 0 && high > rule.limit) {
    return "has a high watermark above its limit";
  }
  return low > high ? "has a low watermark above the high one" : nullptr;
}

const char* read_container(GroupRule& rule, std::string_view text, Kind kind) {
  constexpr std::string_view kPid = "%p";
  constexpr std::string_view kLongestPid = "4194304";
  rule.each_its_own = kind == Kind::kProcesses && text.ends_with(kPid);
  rule.container = rule.each_its_own ? text.substr(0, text.size() - kPid.size()) : text;
  TextBuffer<kMaxNameBytes + 2> whole;
  whole.add(rule.container).add(rule.each_its_own ? kLongestPid : "");
  if (kind == Kind::kThreads && rule.container == kLeftBehindName) {
    return "has the container name 'left', which stands for what a process left behind when it moved";
  }
  return parse_name(whole.view()).ok() ? nullptr : "has a container name that is none";
}

// `options`: their text, if there are any.
const char* read_rule(GroupRule& rule, std::string_view text, Kind kind, std::string_view& options) {
  // A title may have colons, a name has none: the first '=' ends the one, the next ':' the other.
  std::string_view rest = text;
  if (rest.find('=') == std::string_view::npos) {
    return "lacks a '=' and the container behind it";
  }
  if (const char* reason = read_who(rule, cut(rest, '='), kind); reason != nullptr) {
    return reason;
  }
  if (const char* reason = read_container(rule, cut(rest, ':'), kind); reason != nullptr) {
    return reason;
  }
  if (text.ends_with(':') || text.ends_with(',')) {
    return "ends where an option should stand";
  }
  options = rest;
  for (unsigned given = 0; !rest.empty();) {
    rule.has_options = true;
    if (const char* reason = read_option(rule, cut(rest, ','), given); reason != nullptr) {
      return reason;
    }
  }
  return check_marks(rule);
}

bool fits(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t from = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') {
    ++p;
  }
  return p == pattern.size();
}

struct Reading {
  GroupRules rules;
  std::array<std::string_view, GroupRules::kMost> options;
};

// Of two that give one container different options, which would count? Who wrote them cannot mean both.
bool contradicts_one_before(const Reading& read) {
  const std::size_t last = read.rules.count;
  const GroupRule& rule = read.rules.list[last];
  for (std::size_t i = 0; i < last; ++i) {
    const GroupRule& before = read.rules.list[i];
    if (rule.has_options && before.has_options && rule.container == before.container &&
        rule.each_its_own == before.each_its_own && read.options[i] != read.options[last]) {
      return true;
    }
  }
  return false;
}

const char* add_rule(Reading& read, std::string_view piece, Kind kind) {
  const std::size_t count = read.rules.count;
  if (count == GroupRules::kMost) {
    return "has more than 16 rules";
  }
  if (const char* reason = read_rule(read.rules.list[count], piece, kind, read.options[count]); reason != nullptr) {
    return reason;
  }
  if (contradicts_one_before(read)) {
    return "has two rules that give one container different options";
  }
  ++read.rules.count;
  return nullptr;
}

Parsed<GroupRules> parse_rules(std::string_view text, Kind kind) {
  if (text.empty()) {
    return Parsed<GroupRules>::refused("is empty");
  }
  if (text.size() > GroupRules::kMostBytes) {
    return Parsed<GroupRules>::refused("is longer than 4000 bytes");
  }
  Reading read;
  while (!text.empty()) {
    const std::string_view piece = cut(text, ';');
    if (piece.empty()) {
      continue;  // a closing ';'
    }
    if (const char* reason = add_rule(read, piece, kind); reason != nullptr) {
      return Parsed<GroupRules>::refused(reason);
    }
  }
  if (read.rules.count == 0) {
    return Parsed<GroupRules>::refused("has no rule");
  }
  return {read.rules, nullptr};
}

}  // namespace

Parsed<GroupRules> parse_thread_rules(std::string_view text) {
  return parse_rules(text, Kind::kThreads);
}

Parsed<GroupRules> parse_process_rules(std::string_view text) {
  return parse_rules(text, Kind::kProcesses);
}

const GroupRule* rule_for(const GroupRules& rules, std::string_view name, std::uint32_t number) {
  for (std::size_t i = 0; i < rules.count; ++i) {
    const GroupRule& rule = rules.list[i];
    const bool by_number = rule.pattern.empty() && number >= rule.first && number <= rule.last;
    if (by_number || (!rule.pattern.empty() && fits(rule.pattern, name))) {
      return &rule;
    }
  }
  return nullptr;
}

}  // namespace weir
