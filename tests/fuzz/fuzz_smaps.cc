// fuzz_smaps.cc - the parser of smaps on arbitrary bytes in arbitrary pieces.
#include <fuzzer/FuzzedDataProvider.h>

#include <array>
#include <vector>

#include "reclaim/smaps.h"
#include "tests/fuzz/fuzz_support.h"

namespace weir::fuzz {
namespace {

constexpr std::size_t kRestBytes = 512;  // of a longer line the parser keeps that much

class Gathered final : public MappingVisitor {
 public:
  void visit(const Mapping& mapping) override {
    require(mapping.range.begin < mapping.range.end, "a mapping is not empty");
    require(mapping.range.end <= kLastAddress, "a mapping is of user memory");
    require((mapping.range.begin | mapping.range.end) % kPageBytes == 0, "a mapping is whole pages");
    all.push_back(mapping);
  }
  std::vector<Mapping> all;
};

bool same(const Mapping& a, const Mapping& b) {
  return a.range == b.range && a.private_anonymous == b.private_anonymous && a.resident == b.resident &&
         a.referenced == b.referenced && a.random == b.random && a.fixed == b.fixed && a.huge == b.huge;
}

// Lines as the kernel writes them, with the fuzzer's bytes where it has figures and words.
std::string any_text(FuzzedDataProvider& data) {
  constexpr std::array kKeys = {"Rss:", "Referenced:", "VmFlags: rr", "VmFlags: ", "Size:", "", "10000-20000 rw-p ",
                                "f"};
  std::string text;
  while (data.remaining_bytes() > 0 && text.size() < 8000) {
    text += data.PickValueInArray(kKeys);
    text += data.ConsumeRandomLengthString(700);
    text += data.ConsumeBool() ? "\n" : "";
  }
  return text;
}

void parse(std::string_view text, FuzzedDataProvider* pieces, Gathered& gathered) {
  SmapsParser parser(gathered);
  while (!text.empty()) {
    const std::size_t most = pieces == nullptr ? text.size() : pieces->ConsumeIntegralInRange<std::size_t>(1, 600);
    const ExactBytes piece(std::string(text.substr(0, most)));
    print_code("parser.take(" + literal(piece.view()) + ");");
    parser.take(piece.view());
    text.remove_prefix(piece.view().size());
  }
  parser.end();
}

bool has_long_line(std::string_view text) {
  std::size_t length = 0;
  for (const char c : text) {
    length = c == '\n' ? 0 : length + 1;
    if (length > kRestBytes) {
      return true;
    }
  }
  return false;
}

void require_same(const Gathered& whole, const Gathered& pieces) {
  require(whole.all.size() == pieces.all.size(), "as many mappings however the text comes");
  for (std::size_t i = 0; i < whole.all.size(); ++i) {
    require(same(whole.all[i], pieces.all[i]), "the same mappings however the text comes");
  }
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace weir::fuzz;
  FuzzedDataProvider data(bytes, size / 2);
  FuzzedDataProvider cuts(bytes + size / 2, size - size / 2);
  const std::string text = any_text(data);
  Gathered whole;
  Gathered pieces;
  parse(text, nullptr, whole);
  parse(text, &cuts, pieces);
  if (!has_long_line(text)) {
    require_same(whole, pieces);
  }
  return 0;
}
