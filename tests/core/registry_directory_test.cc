// registry_directory_test.cc - where the registry lives: WEIR_DIR, else the user's runtime directory, else /dev/shm.
#include <gtest/gtest.h>

#include <string>

#include "core/registry.h"

namespace weir {
namespace {

std::string directory_for(std::string_view weir_dir, const char* xdg, unsigned uid) {
  Options options;
  options.directory = weir_dir;
  DirectoryPath path;
  registry_directory(options, xdg, uid, path);
  return path.text;
}

TEST(RegistryDirectoryTest, TheOptionGoesFirst) {
  EXPECT_EQ(directory_for("/srv/w", "/run/user/1000", 1000), "/srv/w");
}

TEST(RegistryDirectoryTest, ThenTheRuntimeDirectory) {
  EXPECT_EQ(directory_for("", "/run/user/1000", 1000), "/run/user/1000/weir");
}

TEST(RegistryDirectoryTest, ThenSharedMemoryByUser) {
  EXPECT_EQ(directory_for("", nullptr, 1000), "/dev/shm/weir-1000");
  EXPECT_EQ(directory_for("", nullptr, 0), "/dev/shm/weir-0");
  EXPECT_EQ(directory_for("", nullptr, 4294967294U), "/dev/shm/weir-4294967294");
}

TEST(RegistryDirectoryTest, ARuntimeDirectoryThatIsNoPathIsIgnored) {
  EXPECT_EQ(directory_for("", "", 7), "/dev/shm/weir-7");
  EXPECT_EQ(directory_for("", "relative/run", 7), "/dev/shm/weir-7");
}

TEST(RegistryDirectoryTest, TheLongestAcceptedOptionFits) {
  const std::string longest = "/" + std::string(2999, 'd');
  EXPECT_EQ(directory_for(longest, nullptr, 7), longest);
}

// A path cut short is another path: better none of it.
TEST(RegistryDirectoryTest, ARuntimeDirectoryTooLongIsNotCutShort) {
  for (const std::size_t size : {3100U, 3194U, 3195U, 3200U, 5000U, 10240U}) {
    const std::string longer = "/" + std::string(size, 'd');
    const std::string found = directory_for("", longer.c_str(), 7);
    EXPECT_TRUE(found == longer + "/weir" || found == "/dev/shm/weir-7") << size;
  }
}

}  // namespace
}  // namespace weir
