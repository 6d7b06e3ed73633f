// registry_open_test.cc - opening the registry file: made once, shared by all, and refused when it is not what it
// should be.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <random>
#include <set>

#include "core/registry.h"
#include "tests/core/support.h"

namespace weir {
namespace {

using testing::TempDirectory;

class RegistryOpenTest : public ::testing::Test {
 protected:
  OpenFailure open(bool may_create = true) {
    view_.close(os_);
    return view_.open(os_, directory_.c_str(), may_create);
  }
  void write_file(const std::string& contents) {
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << contents;
  }
  std::string read_file() {
    std::ifstream in(file_, std::ios::binary | std::ios::ate);
    std::string contents(in ? static_cast<std::size_t>(in.tellg()) : 0, '\0');
    in.seekg(0).read(contents.data(), static_cast<std::streamsize>(contents.size()));
    return contents;
  }
  // A sound registry's bytes, closed again.
  std::string sound_contents() {
    EXPECT_EQ(open(), OpenFailure::kNone);
    view_.close(os_);
    return read_file();
  }
  void TearDown() override {
    view_.close(os_);
    EXPECT_EQ(os_.open_descriptors(), 0) << "a descriptor was left open";
    EXPECT_EQ(os_.open_mappings(), 0) << "a mapping was left behind";
  }

  TempDirectory top_;
  std::string directory_ = top_ / "weir";
  std::string file_ = directory_ + "/registry";
  testing::FakeOs os_;
  RegistryView view_;
};

TEST_F(RegistryOpenTest, EachPidNamespaceHasAFileOfItsOwn) {
  const std::string pid = std::to_string(os_.pid());
  os_.put_link("/proc/self", pid);
  os_.put_link("/proc/self/ns/pid", "pid:[4026531836]");
  ASSERT_EQ(open(), OpenFailure::kNone);
  EXPECT_STREQ(view_.path(), file_.c_str());
  os_.put_link("/proc/self/ns/pid", "pid:[4026532180]");
  EXPECT_EQ(open(false), OpenFailure::kNoFile) << "who looks makes none";
  EXPECT_STREQ(view_.path(), (file_ + "-4026532180").c_str());
  ASSERT_EQ(open(), OpenFailure::kNone);
  ContainerWish wish;
  wish.name = "inner";
  EXPECT_TRUE(view_.find_or_make(os_, wish).created);
  os_.put_link("/proc/self/ns/pid", "pid:[4026531836]");
  ASSERT_EQ(open(), OpenFailure::kNone);
  ContainerId id;
  EXPECT_FALSE(view_.find("inner", id));
}

TEST_F(RegistryOpenTest, WithoutProcTheFirstFileIsForAll) {
  os_.put_link("/proc/self", std::to_string(os_.pid()));
  os_.put_link("/proc/self/ns/pid", "pid:[4026531836]");
  ASSERT_EQ(open(), OpenFailure::kNone);
  os_.put_link("/proc/self/ns/pid", "");
  ASSERT_EQ(open(), OpenFailure::kNone);
  EXPECT_STREQ(view_.path(), file_.c_str());
}

TEST_F(RegistryOpenTest, WhereProcTellsOtherPidsNothingIsOpened) {
  os_.put_link("/proc/self", std::to_string(os_.pid() + 1));
  os_.put_link("/proc/self/ns/pid", "pid:[4026532180]");
  EXPECT_EQ(open(), OpenFailure::kForeignPids) << "to make the first one";
  os_.put_link("/proc/self/ns/pid", "");
  ASSERT_EQ(open(), OpenFailure::kNone);
  view_.raw().header.pid_namespace.store(4026531836);
  os_.put_link("/proc/self/ns/pid", "pid:[4026532180]");
  EXPECT_EQ(open(), OpenFailure::kForeignPids) << "or one of its own";
  EXPECT_FALSE(view_.is_open());
}

TEST_F(RegistryOpenTest, MakesDirectoryAndFileForTheirOwnerAlone) {
  ASSERT_EQ(open(), OpenFailure::kNone);
  EXPECT_TRUE(view_.is_open());
  struct stat st = {};
  ASSERT_EQ(stat(directory_.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0700U);
  ASSERT_EQ(stat(file_.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600U);
  EXPECT_EQ(st.st_size, static_cast<off_t>(kRegistryBytes));
}

// Every page must be there: a full file system has to say so at once and not by SIGBUS later.
TEST_F(RegistryOpenTest, TheFileHasNoHoles) {
  ASSERT_EQ(open(), OpenFailure::kNone);
  struct stat st = {};
  ASSERT_EQ(stat(file_.c_str(), &st), 0);
  EXPECT_GE(st.st_blocks * 512, st.st_size);
}

TEST_F(RegistryOpenTest, KeepsNoDescriptorOpen) {
  ASSERT_EQ(open(), OpenFailure::kNone);
  EXPECT_EQ(os_.open_descriptors(), 0);
  EXPECT_EQ(os_.open_mappings(), 1);
}

TEST_F(RegistryOpenTest, TheSecondToOpenSeesWhatTheFirstWrote) {
  ASSERT_EQ(open(), OpenFailure::kNone);
  RegistryView second;
  ASSERT_EQ(second.open(os_, directory_.c_str(), true), OpenFailure::kNone);
  ASSERT_NE(&second.raw(), &view_.raw());
  ASSERT_TRUE(view_.book(MemberId{5}).claim({77, ContainerId{3}, Pages{9}}));
  EXPECT_EQ(second.book(MemberId{5}).load().pid, 77U);
  second.close(os_);
  EXPECT_FALSE(second.is_open());
}

TEST_F(RegistryOpenTest, ContentsOutliveTheirWriter) {
  ASSERT_EQ(open(), OpenFailure::kNone);
  ContainerWish wish;
  wish.name = "kept";
  wish.named = true;
  const ContainerResult made = view_.find_or_make(os_, wish);
  ASSERT_EQ(open(), OpenFailure::kNone);
  ContainerId found;
  ASSERT_TRUE(view_.find("kept", found));
  EXPECT_EQ(found, made.id);
}

TEST_F(RegistryOpenTest, ALookerMakesNothing) {
  EXPECT_EQ(open(false), OpenFailure::kNoDirectory);
  EXPECT_NE(access(directory_.c_str(), F_OK), 0);
  ASSERT_EQ(mkdir(directory_.c_str(), 0700), 0);
  EXPECT_EQ(open(false), OpenFailure::kNoFile);
  EXPECT_NE(access(file_.c_str(), F_OK), 0);
  ASSERT_EQ(open(true), OpenFailure::kNone);
  EXPECT_EQ(open(false), OpenFailure::kNone);
}

TEST_F(RegistryOpenTest, AnotherVersionIsRefusedAndLeftAlone) {
  std::string contents = sound_contents();
  const std::uint32_t other = kRegistryVersion + 1;
  contents.replace(offsetof(RegistryHeader, version), sizeof(other), reinterpret_cast<const char*>(&other),
                   sizeof(other));
  write_file(contents);
  EXPECT_EQ(open(), OpenFailure::kWrongVersion);
  EXPECT_FALSE(view_.is_open());
  EXPECT_TRUE(read_file() == contents);
}

TEST_F(RegistryOpenTest, AnotherVersionIsRecognisedWhateverItsSize) {
  std::string contents = sound_contents().substr(0, 4096);
  const std::uint32_t other = kRegistryVersion + 1;
  contents.replace(offsetof(RegistryHeader, version), sizeof(other), reinterpret_cast<const char*>(&other),
                   sizeof(other));
  write_file(contents);
  EXPECT_EQ(open(), OpenFailure::kWrongVersion);
}

TEST_F(RegistryOpenTest, ATruncatedOrGrownFileIsRefusedAndLeftAlone) {
  const std::string contents = sound_contents();
  for (const std::size_t size : {std::size_t{4096}, kRegistryBytes / 2, kRegistryBytes - 4096, kRegistryBytes - 1,
                                 kRegistryBytes + 1, kRegistryBytes + 4096, 2 * kRegistryBytes}) {
    std::string wrong = contents;
    wrong.resize(size);
    write_file(wrong);
    EXPECT_EQ(open(), OpenFailure::kWrongSize) << size;
    EXPECT_FALSE(view_.is_open());
    EXPECT_TRUE(read_file() == wrong) << size;
  }
}

TEST_F(RegistryOpenTest, AFewBytesAreNoRegistry) {
  ASSERT_EQ(mkdir(directory_.c_str(), 0700), 0);
  for (const std::size_t size : {std::size_t{1}, sizeof(RegistryHeader) - 1}) {
    write_file(std::string(size, 'x'));
    EXPECT_NE(open(), OpenFailure::kNone) << size;
    EXPECT_FALSE(view_.is_open());
    EXPECT_TRUE(read_file() == std::string(size, 'x'));
  }
}

// The same version, but compiled to other sizes.
TEST_F(RegistryOpenTest, AHeaderOfOtherSizesIsRefused) {
  const std::string contents = sound_contents();
  for (const std::size_t offset : {offsetof(RegistryHeader, header_bytes), offsetof(RegistryHeader, file_bytes)}) {
    std::string wrong = contents;
    wrong[offset] = static_cast<char>(wrong[offset] + 8);
    write_file(wrong);
    EXPECT_EQ(open(), OpenFailure::kWrongSize) << offset;
    EXPECT_FALSE(view_.is_open());
  }
}

TEST_F(RegistryOpenTest, RandomBytesAreRefusedAndLeftAlone) {
  sound_contents();
  std::mt19937_64 random(20071126);
  for (const std::size_t size : {std::size_t{100}, std::size_t{8192}, kRegistryBytes}) {
    std::string noise(size, '\0');
    for (char& c : noise) {
      c = static_cast<char>(random());
    }
    write_file(noise);
    EXPECT_NE(open(), OpenFailure::kNone);
    EXPECT_FALSE(view_.is_open());
    EXPECT_TRUE(read_file() == noise);
  }
}

// The creator was killed before, during and after it allocated the file.
TEST_F(RegistryOpenTest, AnUnfinishedFileIsFinishedByTheNext) {
  sound_contents();
  for (const std::size_t size : {std::size_t{0}, std::size_t{4096}, kRegistryBytes / 4096 / 2 * 4096, kRegistryBytes}) {
    write_file(std::string(size, '\0'));
    EXPECT_EQ(open(false), OpenFailure::kBusy) << "a looker must leave it to a maker; size " << size;
    ASSERT_EQ(open(), OpenFailure::kNone) << size;
    view_.close(os_);
    EXPECT_EQ(read_file().size(), kRegistryBytes) << size;
    EXPECT_EQ(open(false), OpenFailure::kNone) << size;
  }
}

// The creator was killed between the header's fields and its magic.
TEST_F(RegistryOpenTest, AHeaderWithoutMagicIsFinishedByTheNext) {
  std::string contents = sound_contents();
  contents.replace(offsetof(RegistryHeader, magic), sizeof(std::uint64_t), sizeof(std::uint64_t), '\0');
  write_file(contents);
  ASSERT_EQ(open(), OpenFailure::kNone);
  EXPECT_EQ(view_.raw().header.magic.load(), kRegistryMagic);
}

TEST_F(RegistryOpenTest, NothingButAFileCanBeTheRegistry) {
  ASSERT_EQ(mkdir(directory_.c_str(), 0700), 0);
  ASSERT_EQ(mkdir(file_.c_str(), 0700), 0);
  EXPECT_EQ(open(), OpenFailure::kNoFile);
  ASSERT_EQ(rmdir(file_.c_str()), 0);
  ASSERT_EQ(mkfifo(file_.c_str(), 0600), 0);
  EXPECT_NE(open(), OpenFailure::kNone);
  EXPECT_FALSE(view_.is_open());
}

TEST_F(RegistryOpenTest, ALinkIsNotFollowed) {
  sound_contents();
  const std::string elsewhere = top_ / "elsewhere";
  ASSERT_EQ(rename(file_.c_str(), elsewhere.c_str()), 0);
  ASSERT_EQ(symlink(elsewhere.c_str(), file_.c_str()), 0);
  EXPECT_EQ(open(), OpenFailure::kNoFile);
}

TEST(OpenFailureTest, EveryFailureHasWordsOfItsOwn) {
  std::set<std::string> words;
  for (std::uint32_t i = 0; i <= static_cast<std::uint32_t>(OpenFailure::kNoMapping); ++i) {
    words.insert(to_string(static_cast<OpenFailure>(i)));
  }
  EXPECT_EQ(words.size(), static_cast<std::size_t>(OpenFailure::kNoMapping) + 1);
  EXPECT_FALSE(words.contains("unknown"));
}

}  // namespace
}  // namespace weir
