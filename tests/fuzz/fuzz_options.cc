// fuzz_options.cc - every parser, and the whole option table, on arbitrary bytes.
#include <fuzzer/FuzzedDataProvider.h>

#include <array>
#include <map>

#include "core/options.h"
#include "core/parse.h"
#include "core/registry.h"
#include "tests/fuzz/fuzz_support.h"

namespace weir::fuzz {
namespace {

template <typename T>
void require_answer(const Parsed<T>& parsed) {
  require(parsed.ok() || parsed.reason[0] != '\0', "a refusal has a reason");
}

void parse_everything(std::string_view text) {
  print_code("parse_everything(" + literal(text) + ");");
  const auto size = parse_size(text);
  require_answer(size);
  require(!size.ok() || size.value > 0, "a size is more than nothing");
  const auto limit = parse_limit(text);
  require_answer(limit);
  require(!limit.ok() || limit.value >= Pages::holding(kMiB), "a limit is 1 MiB at least");
  const auto mark = parse_mark(text);
  require_answer(mark);
  require(!mark.ok() || mark.value.value > 0, "a mark is more than nothing");
  const auto name = parse_name(text);
  require_answer(name);
  require(!name.ok() || (name.value == text && text.size() <= kMaxNameBytes), "a name is taken as it is");
  require(!name.ok() || text.find("//") == std::string_view::npos, "a name has no empty part");
  require_answer(parse_oom(text));
  require_answer(parse_switch(text));
  const auto signal = parse_signal(text);
  require_answer(signal);
  require(!signal.ok() || (signal.value > 0 && signal.value <= 64), "a signal is one");
}

std::map<std::string, std::string>& environment() {
  static std::map<std::string, std::string> variables;
  return variables;
}

const char* get_variable(const char* name) {
  const auto found = environment().find(name);
  return found == environment().end() ? nullptr : found->second.c_str();
}

void require_complaints_name_what_was_set(const Complaints& complaints) {
  for (std::size_t i = 0; i < complaints.count; ++i) {
    const Complaint& complaint = complaints.list[i];
    const char* value = get_variable(complaint.variable);
    require(value != nullptr && complaint.value == value, "a complaint is about a variable that is set");
    require(complaint.reason[0] != '\0', "a complaint has a reason");
  }
}

void read_whole_table(FuzzedDataProvider& data) {
  environment().clear();
  std::size_t count = 0;
  const OptionRow* rows = option_rows(&count);
  for (std::size_t i = 0; i < count; ++i) {
    if (data.ConsumeBool()) {
      environment()[rows[i].variable] = data.ConsumeRandomLengthString(5000);
      print_code(std::string("setenv(\"") + rows[i].variable + "\", " + literal(environment()[rows[i].variable]) +
                 ");");
    }
  }
  Complaints complaints;
  const Options options = read_options(get_variable, complaints);
  require_complaints_name_what_was_set(complaints);
  require(marks_of(options).ordered(), "low <= high <= limit");
  require(options.any == !environment().empty(), "any: something was set");
  DirectoryPath path;
  registry_directory(options, data.ConsumeBool() ? "/run/user/1" : nullptr, 1, path);
  require(path.text[0] == '/', "the registry's directory is absolute");
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  FuzzedDataProvider data(bytes, size);
  const weir::fuzz::ExactBytes text(data.ConsumeRandomLengthString(12000));
  weir::fuzz::parse_everything(text.view());
  weir::fuzz::read_whole_table(data);
  return 0;
}
