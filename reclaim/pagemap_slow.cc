// pagemap_slow.cc - without PAGEMAP_SCAN: the words of pages one after the other, or mincore.
#include <algorithm>

#include "reclaim/pagemap.h"
#include "reclaim/pagemap_abi.h"
#include "reclaim/private_maps.h"

namespace weir {
namespace {

// The runs of one mapping, piece by piece: one that goes on in the next piece is one run. False: that is enough.
bool visit_resident(const unsigned char* pages, AddressRange piece, PageRun& run, RunVisitor& visitor) {
  for (std::uintptr_t at = piece.begin; at < piece.end; at += kPageBytes) {
    if ((pages[(at - piece.begin) >> kPageShift] & 1U) == 0) {
      continue;
    }
    if (run.range.end == at) {
      run.range.end = at + kPageBytes;
      continue;
    }
    if (run.range.end != 0 && !visitor.visit(run)) {
      return false;
    }
    run.range = {at, at + kPageBytes};
  }
  return true;
}

}  // namespace

int Pagemap::scan_by_reading(Os& os, AddressRange range, RunVisitor& visitor, PageKind kind) {
  PrivateMaps maps(os, buffer_.bytes, kScanHalf);
  AddressRange mapping;
  bool go_on = true;
  while (go_on && maps.next(mapping) && mapping.begin < range.end) {
    const AddressRange part{std::max(mapping.begin, range.begin), std::min(mapping.end, range.end)};
    if (part.begin >= part.end) {
      continue;
    }
    if (const int error = read_mapping(os, part, visitor, kind, go_on); error != 0) {
      return error;
    }
  }
  return 0;
}

int Pagemap::read_mapping(Os& os, AddressRange mapping, RunVisitor& visitor, PageKind kind, bool& go_on) {
  const std::uint64_t* words = words_of(buffer_.bytes);
  PageRun run;
  std::uintptr_t address = mapping.begin;
  while (go_on && address < mapping.end) {
    const std::size_t wanted = std::min(kScanWords, (mapping.end - address) >> kPageShift);
    const auto offset = static_cast<std::int64_t>(address >> kPageShift) * 8;
    const SysResult got = os.pread(fd_, words_of(buffer_.bytes), wanted * 8, offset);
    if (!got.ok() || got.value() < 8) {
      return got.error();
    }
    const auto count = static_cast<std::size_t>(got.value()) / 8;
    for (std::size_t i = 0; i < count && go_on; ++i, address += kPageBytes) {
      const bool counts = kind == PageKind::kSwapped ? (words[i] & kWordSwapped) != 0
                                                     : (words[i] & (kWordPresent | kWordFile)) == kWordPresent;
      if (counts && run.range.end == address) {
        run.range.end = address + kPageBytes;
        continue;
      }
      if (run.range.end != 0) {
        go_on = visitor.visit(run);
        run = {};
      }
      if (counts) {
        run.range = {address, address + kPageBytes};
      }
    }
  }
  if (go_on && run.range.end != 0) {
    go_on = visitor.visit(run);
  }
  return 0;
}

int Pagemap::scan_by_mincore(Os& os, AddressRange range, RunVisitor& visitor) {
  auto* pages = reinterpret_cast<unsigned char*>(buffer_.bytes + kScanHalf);
  PrivateMaps maps(os, buffer_.bytes, kScanHalf);
  AddressRange mapping;
  while (maps.next_anonymous(mapping) && mapping.begin < range.end) {
    const AddressRange part{std::max(mapping.begin, range.begin), std::min(mapping.end, range.end)};
    PageRun run;
    for (AddressRange piece{part.begin, part.begin}; piece.begin < part.end; piece.begin = piece.end) {
      piece.end = std::min(part.end, piece.begin + kScanHalf * kPageBytes);
      const bool is_there = os.mincore(piece.begin, piece.end - piece.begin, pages).ok();  // unmapped meanwhile
      if (is_there && !visit_resident(pages, piece, run, visitor)) {
        return 0;
      }
    }
    if (run.range.end != 0 && !visitor.visit(run)) {
      return 0;
    }
  }
  return 0;
}

}  // namespace weir
