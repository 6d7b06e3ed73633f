// top_screen.h - the terminal as `weir top` uses it: all of it, and as it was afterwards.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace weir {

enum class TopKey { kNone, kQuit, kLeft, kRight, kUp, kDown };

// What stands on the screen: `lines` from its second line on, the first of them as a title that
// always stays.
struct TopFrame {
  std::string status;
  std::vector<std::string> lines;
  std::vector<double> bars;   // for the lines after the title; below 0: none
  std::string marked;         // the word of the title that is marked
  std::size_t first_row = 0;  // rows above it are scrolled away
};

// Takes the terminal on stdin and stdout over, until it is destroyed. One at a time. The signals
// that end a program are held meanwhile and told by ended_by().
class TopScreen {
 public:
  // Fails (exit 1) where the terminal is of a kind nobody knows.
  TopScreen();
  ~TopScreen();
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;

  void draw(const TopFrame& frame);
  // A key, or kNone after that time, or sooner when the screen must be drawn anew.
  TopKey wait(std::chrono::milliseconds most);
  // The signal that came and ends us, or 0.
  [[nodiscard]] int ended_by() const {
    return ended_by_;
  }

 private:
  struct Terminal;
  std::unique_ptr<Terminal> terminal_;
  int ended_by_ = 0;
};

}  // namespace weir
