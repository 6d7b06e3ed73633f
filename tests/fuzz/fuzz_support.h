// fuzz_support.h - what the fuzz targets share: demands that hold for every input, and bytes without a NUL behind them.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace weir::fuzz {

// What must be true whatever the input; the fuzzer keeps an input that breaks it.
inline void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "not true: %s\n", what);
    std::abort();
  }
}

// A copy with nothing behind its last byte, so that reading further is seen.
class ExactBytes {
 public:
  explicit ExactBytes(const std::string& bytes) : size_(bytes.size()), copy_(new char[bytes.size()]) {
    std::memcpy(copy_.get(), bytes.data(), size_);
  }
  [[nodiscard]] std::string_view view() const {
    return {copy_.get(), size_};
  }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> copy_;
};

// With FUZZ_PRINT set, each operation of an input is written as the code that a unit test would use.
inline void print_code(const std::string& code) {
  static const bool wanted = std::getenv("FUZZ_PRINT") != nullptr;
  if (wanted) {
    std::fprintf(stderr, "  %s\n", code.c_str());
  }
}

// Bytes as a C++ string literal.
inline std::string literal(std::string_view bytes) {
  std::string out = "std::string_view(\"";
  for (const char c : bytes) {
    char escaped[8];
    std::snprintf(escaped, sizeof(escaped), "\\%03o", static_cast<unsigned char>(c));
    out += escaped;
  }
  return out + "\", " + std::to_string(bytes.size()) + ")";
}

}  // namespace weir::fuzz
