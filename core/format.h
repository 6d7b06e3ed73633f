// format.h - what the three forms of statistics share: pieces of text, units, special values.
//
// Our own writer, although tools have nlohmann-json: the same lines are written inside
// unmodified programs, where no allocation is allowed, and two writers would drift apart.
// Tests read the result back with nlohmann-json and an exposition parser.
#pragma once

#include "core/proc.h"
#include "core/stats.h"
#include "core/text.h"

namespace weir {

// Gathers small pieces so that the sink sees few writes.
class Piece {
 public:
  explicit Piece(Sink& out) : out_(out) {}
  ~Piece() {
    out_.put(text_.view());
  }
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;
  Text* operator->() {
    return &text_;
  }
  // A key of the text format, and blanks up to the column of values, one at least.
  Text& key(std::string_view name) {
    constexpr std::size_t kColumn = 22;
    return text_.add(name).add_spaces(name.size() < kColumn ? kColumn - name.size() : 1);
  }
  // A comm may hold any byte: control bytes would be obeyed by a terminal or add lines, and
  // neither JSON nor Prometheus wants bytes that may not be UTF-8.
  Piece& harmless(std::string_view value) {
    for (const char c : value) {
      text_.add_char(static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e ? '?' : c);
    }
    return *this;
  }
  // Quoted for JSON, which serves Prometheus' label rules too: both know \" and \\.
  Piece& quoted(std::string_view value) {
    text_.add_char('"');
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        text_.add_char('\\');
      }
      harmless({&c, 1});
    }
    text_.add_char('"');
    return *this;
  }

 private:
  Sink& out_;
  TextBuffer<1024> text_;
};

// What the table holds (pages, ns, a count) in the unit of its key (bytes, us, a count).
std::uint64_t in_unit(const StatRow& row, std::uint64_t raw);
bool is_unlimited(const StatRow& row, std::uint64_t raw);
// Hundredths of a percent as "1.25".
void add_percent(Text& text, std::uint32_t hundredths);
// "kill", or "pause:30".
void add_oom(Text& text, const OomChoice& choice);
// "off", "30" or "30:oom".
void add_thrash(Text& text, const ThrashChoice& choice);

// The names of a group's threads that live still, each through `name(Piece&, text, first)`.
template <typename Name>
void each_thread_name(const MemberStats& member, Sink& out, Name name) {
  bool first = true;
  for (const std::uint32_t tid : member.tids) {
    char text[kThreadNameBytes];
    if (tid != 0 && read_thread_name(raw_os(), member.pid, tid, text) == 0) {
      Piece piece(out);
      name(piece, text, first);
      first = false;
    }
  }
}

void format_text(const RegistryView& view, ContainerId id, const ContainerStats& stats, Sink& out);
void format_json(const RegistryView& view, ContainerId id, const ContainerStats& stats, Sink& out);

}  // namespace weir
