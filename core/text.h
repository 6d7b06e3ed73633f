// text.h - a bounded text builder for places where printf and malloc are forbidden.
//
// Cuts off silently at its end: a report that is too long loses its tail, never its process.
// Safe in signal handlers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

// Writes into memory it is given; keeps no NUL of its own until c_str() is asked for.
class Text {
 public:
  constexpr Text(char* memory, std::size_t bytes) : memory_(memory), capacity_(bytes) {}

  Text& add(std::string_view text) {
    for (const char c : text) {
      add_char(c);
    }
    return *this;
  }
  Text& add_char(char c) {
    if (size_ + 1 < capacity_) {
      memory_[size_++] = c;
    }
    return *this;
  }
  Text& add_number(std::uint64_t value) {
    char digits[20];
    std::size_t n = 0;
    do {
      digits[n++] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    while (n > 0) {
      add_char(digits[--n]);
    }
    return *this;
  }
  // `value` padded with spaces on the left to `width`.
  Text& add_padded(std::uint64_t value, std::size_t width) {
    std::size_t digits = 1;
    for (std::uint64_t rest = value; rest >= 10; rest /= 10) {
      ++digits;
    }
    return add_spaces(width > digits ? width - digits : 0).add_number(value);
  }
  Text& add_spaces(std::size_t n) {
    for (; n > 0; --n) {
      add_char(' ');
    }
    return *this;
  }

  [[nodiscard]] std::string_view view() const {
    return {memory_, size_};
  }
  [[nodiscard]] const char* c_str() {
    memory_[size_] = '\0';
    return memory_;
  }
  [[nodiscard]] bool full() const {
    return size_ + 1 >= capacity_;
  }
  void clear() {
    size_ = 0;
  }

 private:
  char* memory_;
  std::size_t capacity_;
  std::size_t size_ = 0;
};

// A Text with its own memory.
template <std::size_t N>
class TextBuffer : public Text {
 public:
  constexpr TextBuffer() : Text(storage_, N) {}
  TextBuffer(const TextBuffer&) = delete;
  TextBuffer& operator=(const TextBuffer&) = delete;

 private:
  char storage_[N] = {};
};

}  // namespace weir
