// host_memory_test.cc - swap and huge pages as the kernel's files tell them.
#include "core/host_memory.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <string>

#include "core/units.h"
#include "tests/core/fake_os.h"

namespace weir::testing {
namespace {

class HostMemoryTest : public ::testing::Test {
 protected:
  HostMemoryTest() {
    os_.use_fake_processes();
  }
  FakeOs os_;
};

TEST_F(HostMemoryTest, ReadsTheSwapSpace) {
  os_.put_file("/proc/meminfo", "MemTotal:  100 kB\nSwapCached:  7 kB\nSwapTotal:  2048 kB\nSwapFree:  1024 kB\n");
  SwapSpace swap;
  ASSERT_EQ(read_swap_space(os_, swap), 0);
  EXPECT_EQ(swap.total_bytes, 2 * kMiB);
  EXPECT_EQ(swap.free_bytes, kMiB);
  os_.remove_file("/proc/meminfo");
  EXPECT_EQ(read_swap_space(os_, swap), ENOENT);
}

TEST_F(HostMemoryTest, WithoutTheLinesThereIsNone) {
  os_.put_file("/proc/meminfo", "MemTotal:  100 kB\nSwapTotal: 2048");
  SwapSpace swap;
  ASSERT_EQ(read_swap_space(os_, swap), 0);
  EXPECT_EQ(swap.total_bytes, 0U) << "cut short";
  EXPECT_EQ(swap.free_bytes, 0U);
}

// The settings, one for each size that is not "inherit".
class HugePagesTest : public HostMemoryTest {
 protected:
  static std::string file_of(const std::string& size) {
    return "/sys/kernel/mm/transparent_hugepage/" + (size.empty() ? "" : "hugepages-" + size + "/") + "enabled";
  }
  HugePages read(const std::string& all, const std::map<std::string, std::string>& sizes) {
    os_.put_file(file_of(""), all);
    for (const auto& [size, setting] : sizes) {
      os_.put_file(file_of(size), setting);
    }
    return read_huge_pages(os_);
  }
  static constexpr const char* kInherit = "always [inherit] madvise never\n";
  static constexpr const char* kNever = "always inherit madvise [never]\n";
};

TEST_F(HugePagesTest, BeforeSizesHadSettingsThereIsOne) {
  EXPECT_EQ(read("[always] madvise never\n", {}).unasked_kib, 2048U);
  EXPECT_TRUE(read("[always] madvise never\n", {}).on_advice);
  EXPECT_EQ(read("always [madvise] never\n", {}).unasked_kib, 0U);
  EXPECT_TRUE(read("always [madvise] never\n", {}).on_advice);
  EXPECT_FALSE(read("always madvise [never]\n", {}).on_advice);
}

TEST_F(HugePagesTest, WithoutAnySettingThereAreNone) {
  const HugePages huge = read_huge_pages(os_);
  EXPECT_EQ(huge.unasked_kib, 0U);
  EXPECT_FALSE(huge.on_advice);
}

TEST_F(HugePagesTest, ASizeMayGoByTheSettingOfAll) {
  const HugePages huge = read("[always] madvise never\n", {{"2048kB", kInherit}, {"64kB", kNever}});
  EXPECT_EQ(huge.unasked_kib, 2048U);
  EXPECT_TRUE(huge.unasked_by_all);
  EXPECT_TRUE(huge.on_advice);
}

TEST_F(HugePagesTest, ASmallSizeMayComeUnaskedByItself) {
  const HugePages huge =
      read("always [madvise] never\n", {{"2048kB", kInherit}, {"64kB", "[always] inherit madvise never"}});
  EXPECT_EQ(huge.unasked_kib, 64U);
  EXPECT_FALSE(huge.unasked_by_all);
  EXPECT_TRUE(huge.on_advice);
}

TEST_F(HugePagesTest, ThoseOf2MiBMayBeLackingAlone) {
  const HugePages huge = read("[always] madvise never\n", {{"2048kB", kNever}, {"8kB", kInherit}});
  EXPECT_EQ(huge.unasked_kib, 8U);
  EXPECT_FALSE(huge.on_advice);
}

}  // namespace
}  // namespace weir::testing
