// recording.h - what a recording holds: the memory of one process as its reclaimer saw it, over time.
//
// A file is eight bytes ("weirrec", then the version) and whole records: a type, the length of what follows in three
// bytes, the least significant first, and so many bytes of numbers. Numbers are LEB128 varints; those that may be
// negative are zigzagged. Every record but 'C' begins with the microseconds since the one before.
//
//   C  settings, once, first: version of weir's pages and granules (shifts), pid, flags (kRecorded*), wall clock in ns,
//      range of weir's own image (begin, length), program and container (length, bytes)
//   M  marks: limit, high, low (pages, plus one; 0: none), and the pages that other members are charged
//   P  pages: changes of granules. Each is the signed distance from the end of the one before (granules), a code,
//      masks. Bits 0 and 1 of the code tell what changed in which pages are present (0 nothing, 1 all sixteen, 2 a mask
//      of two bytes follows), bits 2 and 3 in which are paged out (the same, or 3: as those present), bits 4 to 7 how
//      many granules on from here changed alike, less one (15: a number follows, to be added)
//   U  use: of a mapping in which pages were accessed since the last look: signed distance from the one before and
//      length in granules, pages accessed, pages resident
//   D  one look of the reclaimer: flags (kLook*), pages it asked to leave that left, refaults it found, both since the
//      last such record, and its charge in pages
//   B  the file has reached its bound: there is no more
//   E  the end, by exit: how many changes there was no room for
//
// What it can tell: which page was present or out at each scan, so every return of a page that had left, with the time
// of the scan that found it; use of what never left by mapping (256 KiB, cut so), and as often as there was a look.
// What it cannot: which page of a mapping was used, or when between two looks; a page that left and came back between
// two scans; how long a fault took.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/options.h"
#include "core/units.h"

namespace weir {

inline constexpr std::string_view kRecordingMagic{"weirrec\1", 8};
inline constexpr std::size_t kRecordHeaderBytes = 4;
inline constexpr std::size_t kMostRecordBytes = (std::size_t{1} << 24U) - 1;
inline constexpr std::uint64_t kGranulesInAll = std::uint64_t{1} << (47U - kGranuleShift);
inline constexpr std::uint32_t kMostAlike = 65536;  // granules in one change

inline constexpr std::uint64_t kRecordedAdaptive = 1;
inline constexpr std::uint64_t kRecordedBackground = 2;
inline constexpr std::uint64_t kRecordedLoadControl = 4;
inline constexpr std::uint64_t kRecordedThreads = 8;  // more than one of the program, at the start

inline constexpr std::uint64_t kLookWorked = 1;
inline constexpr std::uint64_t kLookDeferred = 2;
inline constexpr std::uint64_t kLookFruitless = 4;

struct RecordedSettings {
  std::uint32_t pid = 0;
  std::uint64_t flags = 0;
  std::uint64_t wall_ns = 0;
  AddressRange own;
  std::string_view program;
  std::string_view container;
};

// Of `length` granules from `first` on, which pages changed in being present, and in being out.
struct RecordedChange {
  Granule first;
  std::uint32_t length = 1;
  std::uint16_t present = 0;
  std::uint16_t out = 0;
};

struct RecordedUse {
  Granule first;
  std::uint64_t length = 0;
  Pages referenced;
  Pages resident;
};

struct RecordedLook {
  std::uint64_t flags = 0;
  Pages evicted;
  Pages came_back;
  Pages charge;
};

}  // namespace weir
