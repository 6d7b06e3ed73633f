// fuzz_site.cc - arbitrary code before a program counter: nothing beyond it is read, and no number made up.
#include <algorithm>
#include <array>
#include <vector>

#include "core/syscall_site.h"
#include "tests/fuzz/fuzz_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> code(data, data + size);
  code.insert(code.end(), {0x0f, 0x05});
  const long number = weir::syscall_number(code.data(), code.size());
  const auto low = static_cast<std::uint8_t>(number & 0xff);
  const std::array<std::uint8_t, 2> loads = {0xb8, low};
  const std::array<std::uint8_t, 2> clears = {0x31, 0xc0};
  const std::array<std::uint8_t, 2> clears_too = {0x33, 0xc0};
  const auto holds = [&](const auto& bytes) {
    return std::search(code.begin(), code.end(), bytes.begin(), bytes.end()) != code.end();
  };
  weir::fuzz::require(number == -1 || holds(loads) || (number == 0 && (holds(clears) || holds(clears_too))),
                      "a number is one that the code loads");
  return 0;
}
