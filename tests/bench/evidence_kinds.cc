// evidence_kinds.cc - userfaultfd, MADV_PAGEOUT, and weir's own passes over smaps.
#include "tests/bench/evidence_kinds.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/os.h"
#include "reclaim/pagemap_abi.h"
#include "reclaim/use_evidence.h"

namespace weir {
namespace {

constexpr std::uint64_t kIsWritten = 1 << 1;
constexpr std::uint64_t kProtectMatching = 1 << 0;
constexpr std::uint64_t kFeatureWpAsync = 1 << 15;
constexpr std::uint64_t kFeatureWpUnpopulated = 1 << 13;

// Pages of the program, out of a scan for `category`; `flags` as PAGEMAP_SCAN takes them.
template <typename Visit>
void scan(int pagemap, const AddressRange& range, std::uint64_t category, std::uint64_t flags, Visit visit) {
  std::vector<ScanRegion> regions(kPages);
  ScanArgument argument = {};
  argument.size = sizeof(argument);
  argument.flags = flags;
  argument.start = range.begin;
  argument.end = range.end;
  argument.vec = reinterpret_cast<std::uint64_t>(regions.data());
  argument.vec_len = regions.size();
  argument.category_mask = category;
  argument.return_mask = category;
  const long found = ioctl(pagemap, kPagemapScan, &argument);
  for (long i = 0; i < found; ++i) {
    const ScanRegion& region = regions[static_cast<std::size_t>(i)];
    for (std::uint64_t at = region.start; at < region.end; at += kPageBytes) {
      visit((at - range.begin) / kPageBytes);
    }
  }
}

class ByAge final : public Evidence {
 public:
  bool begin(Program&) override {
    return true;
  }
  void pass(Program&, Scores&) override {}
};

class ByOracle final : public Evidence {
 public:
  bool begin(Program&) override {
    return true;
  }
  void pass(Program& program, Scores& scores) override {
    for (const std::size_t page : program.hot_pages()) {
      scores[page / kInGranule] += 1;
    }
  }
};

// Write protection by userfaultfd, lifted by the kernel itself at the first write.
class ByWrites final : public Evidence {
 public:
  ~ByWrites() override {
    close(fault_fd_);
    close(pagemap_);
  }
  bool begin(Program& program) override {
    fault_fd_ = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
    pagemap_ = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    struct uffdio_api api = {};
    api.api = UFFD_API;
    api.features = kFeatureWpAsync | kFeatureWpUnpopulated;
    struct uffdio_register wanted = {};
    wanted.range = {program.range().begin, kBytes};
    wanted.mode = UFFDIO_REGISTER_MODE_WP;
    return ioctl(fault_fd_, UFFDIO_API, &api) == 0 && ioctl(fault_fd_, UFFDIO_REGISTER, &wanted) == 0;
  }
  void pass(Program& program, Scores& scores) override {
    scan(pagemap_, program.range(), kIsWritten, kProtectMatching,
         [&scores](std::size_t page) { scores[page / kInGranule] += 1; });
  }

 private:
  int fault_fd_ = -1;
  int pagemap_ = -1;
};

// Two pages of each granule leave first; those that are back by the next pass speak for the others.
class ByCanaries final : public Evidence {
 public:
  ~ByCanaries() override {
    close(pagemap_);
  }
  bool begin(Program&) override {
    pagemap_ = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    return pagemap_ >= 0;
  }
  void pass(Program& program, Scores& scores) override {
    if (!out_.empty()) {
      scan(pagemap_, program.range(), kIsPresent, 0,
           [&](std::size_t page) { scores[page / kInGranule] += out_[page]; });
    }
    out_.assign(kPages, 0);
    for (std::size_t granule = 0; granule < kGranules; ++granule) {
      for (std::size_t i = 0; i < 2; ++i) {
        const std::size_t page = granule * kInGranule + (turn_ + i * kInGranule / 2) % kInGranule;
        madvise(program.address(page), kPageBytes, MADV_PAGEOUT);
        out_[page] = kInGranule / 2;
      }
    }
    ++turn_;
  }

 private:
  std::vector<char> out_;  // how many pages each of them speaks for
  std::size_t turn_ = 0;
  int pagemap_ = -1;
};

// The accessed bits, as weir reads and clears them.
class ByReferences final : public Evidence, UseListener {
 public:
  bool begin(Program& program) override {
    program_ = program.range();
    evidence_.set_listener(this);
    return evidence_.open(raw_os()) == 0;
  }
  void pass(Program&, Scores& scores) override {
    scores_ = &scores;
    static_cast<void>(evidence_.pass(raw_os(), *shared_, UseEvidence::For::kListener));
  }

 private:
  void saw_use(AddressRange range, Pages resident, Pages referenced) override {
    const std::uintptr_t end = std::min(range.end, program_.end);
    for (std::uintptr_t at = std::max(range.begin, program_.begin); at < end; at += kInGranule * kPageBytes) {
      (*scores_)[(at - program_.begin) / kPageBytes / kInGranule] +=
          static_cast<double>(referenced.count * kInGranule) / static_cast<double>(std::max(resident.count, 1UL));
    }
  }
  [[nodiscard]] bool holds(Granule granule) const override {
    return granule.range().begin >= program_.begin && granule.range().end <= program_.end;
  }

  AddressRange program_{};
  std::unique_ptr<SharedRanking> shared_ = std::make_unique<SharedRanking>();
  UseEvidence evidence_;
  Scores* scores_ = nullptr;
};

}  // namespace

std::unique_ptr<Evidence> by_age() {
  return std::make_unique<ByAge>();
}
std::unique_ptr<Evidence> by_writes() {
  return std::make_unique<ByWrites>();
}
std::unique_ptr<Evidence> by_canaries() {
  return std::make_unique<ByCanaries>();
}
std::unique_ptr<Evidence> by_oracle() {
  return std::make_unique<ByOracle>();
}
std::unique_ptr<Evidence> by_references() {
  return std::make_unique<ByReferences>();
}

}  // namespace weir
