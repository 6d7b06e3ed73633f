// parse_words_test.cc - policies, switches and signals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "core/parse.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

TEST(ParseOomTest, KnowsTheFourPolicies) {
  EXPECT_EQ(parse_oom("kill").value.policy, OomPolicy::kKill);
  EXPECT_EQ(parse_oom("group").value.policy, OomPolicy::kGroup);
  EXPECT_EQ(parse_oom("enomem").value.policy, OomPolicy::kEnomem);
  const auto pause = parse_oom("pause:30");
  ASSERT_TRUE(pause.ok());
  EXPECT_EQ(pause.value.policy, OomPolicy::kPause);
  EXPECT_EQ(pause.value.pause_seconds, 30U);
}

TEST(ParseOomTest, EveryPolicyInEitherCase) {
  for (const char* text : {"KILL", "Group", "ENOMEM", "PAUSE:5", "Pause:5"}) {
    EXPECT_TRUE(parse_oom(text).ok()) << text;
  }
}

TEST(ParseOomTest, APolicyIsReadBackFromItsName) {
  for (const OomPolicy policy : {OomPolicy::kKill, OomPolicy::kGroup, OomPolicy::kEnomem}) {
    EXPECT_EQ(parse_oom(to_string(policy)).value.policy, policy);
  }
  EXPECT_STREQ(to_string(OomPolicy::kPause), "pause");
  EXPECT_STREQ(to_string(static_cast<OomPolicy>(99)), "unknown");
}

TEST(ParseOomTest, RefusesAnythingElse) {
  const std::vector<std::string> bad = {"",
                                        "0",
                                        "-1",
                                        "killl",
                                        "kill ",
                                        " kill",
                                        "pause",
                                        "pause:",
                                        "pause:0",
                                        "pause:-1",
                                        "pause:1.5",
                                        "pause:1s",
                                        "pause:86401",
                                        "pause: 5",
                                        "pause:99999999999999999999",
                                        "kill,group",
                                        "pause:+5",
                                        "enomem:5",
                                        std::string(10240, 'k'),
                                        "pause:" + std::string(10240, '1')};
  for (const std::string& text : bad) {
    ASSERT_FALSE(parse_oom(text).ok()) << text.substr(0, 60);
    EXPECT_NE(parse_oom(text).reason[0], '\0');
  }
}

TEST(ParseOomTest, APauseLastsADayAtMost) {
  EXPECT_EQ(parse_oom("pause:1").value.pause_seconds, 1U);
  EXPECT_EQ(parse_oom("pause:86400").value.pause_seconds, 86400U);
}

TEST(ParseSwitchTest, KnowsTheUsualWords) {
  for (const char* yes : {"on", "1", "yes", "true", "ON", "Yes", "TRUE"}) {
    ASSERT_TRUE(parse_switch(yes).ok()) << yes;
    EXPECT_TRUE(parse_switch(yes).value) << yes;
  }
  for (const char* no : {"off", "0", "no", "false", "OFF", "No", "False"}) {
    ASSERT_TRUE(parse_switch(no).ok()) << no;
    EXPECT_FALSE(parse_switch(no).value) << no;
  }
}

TEST(ParseSwitchTest, RefusesAnythingElse) {
  for (const std::string& text :
       {std::string(""), std::string("2"), std::string("-1"), std::string("o"), std::string("onn"), std::string(" on"),
        std::string("on "), std::string(10240, '1')}) {
    EXPECT_FALSE(parse_switch(text).ok()) << text.substr(0, 60);
  }
}

TEST(ParseSignalTest, TakesNumbersAndNames) {
  EXPECT_EQ(parse_signal("10").value, SIGUSR1);
  EXPECT_EQ(parse_signal("42").value, 42);
  EXPECT_EQ(parse_signal("USR2").value, SIGUSR2);
  EXPECT_EQ(parse_signal("SIGUSR2").value, SIGUSR2);
  EXPECT_EQ(parse_signal("sigusr2").value, SIGUSR2);
  EXPECT_EQ(parse_signal("WINCH").value, SIGWINCH);
}

TEST(ParseSignalTest, CountsRealTimeSignalsFromEitherEnd) {
  EXPECT_EQ(parse_signal("RTMIN").value, SIGRTMIN);
  EXPECT_EQ(parse_signal("SIGRTMAX").value, SIGRTMAX);
  EXPECT_EQ(parse_signal("RTMIN+3").value, SIGRTMIN + 3);
  EXPECT_EQ(parse_signal("SIGRTMAX-2").value, SIGRTMAX - 2);
  EXPECT_EQ(parse_signal("rtmin+0").value, SIGRTMIN);
  EXPECT_EQ(parse_signal("RTMIN+" + std::to_string(SIGRTMAX - SIGRTMIN)).value, SIGRTMAX);
}

TEST(ParseSignalTest, RefusesWhatIsNoSignal) {
  const std::vector<std::string> bad = {"",
                                        "0",
                                        "-1",
                                        "65",
                                        "1000",
                                        "99999999999999999999",
                                        "10 ",
                                        " 10",
                                        "10x",
                                        "SIG",
                                        "SIGFOO",
                                        "FOO",
                                        "RTMIN+31",
                                        "RTMAX-31",
                                        "RTMIN-1",
                                        "RTMAX+1",
                                        "RTMIN+",
                                        "RTMIN+x",
                                        "RTMIN+ 1",
                                        "RTMIN3",
                                        "RTMIN+99999999999999999999",
                                        std::string(10240, '1'),
                                        std::string(10240, 'S'),
                                        "RTMIN+" + std::string(10240, '0') + "x"};
  for (const std::string& text : bad) {
    EXPECT_FALSE(parse_signal(text).ok()) << text.substr(0, 60);
  }
}

TEST(ParseSignalTest, RefusesTheTwoThatCannotBeHandled) {
  for (const char* text : {"9", "19", "KILL", "SIGKILL", "STOP", "SIGSTOP"}) {
    ASSERT_FALSE(parse_signal(text).ok()) << text;
    EXPECT_THAT(parse_signal(text).reason, HasSubstr("no signal that can be handled"));
  }
}

// libc keeps two for itself, and says EINVAL to whoever wants them.
TEST(ParseSignalTest, AcceptsNoNumberThatTheSystemRefuses) {
  for (int number = 1; number <= 70; ++number) {
    if (parse_signal(std::to_string(number)).ok()) {
      struct sigaction as_it_is = {};
      ASSERT_EQ(sigaction(number, nullptr, &as_it_is), 0) << number;
      EXPECT_EQ(sigaction(number, &as_it_is, nullptr), 0) << number;
    }
  }
}

// A handler for these would take the place of the program's own answer to its own faults.
TEST(ParseSignalTest, RefusesSignalsThatMeanAFault) {
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
    EXPECT_FALSE(parse_signal(std::to_string(number)).ok()) << number;
  }
  for (const char* name : {"SEGV", "SIGBUS", "FPE", "ILL", "TRAP", "ABRT", "SYS"}) {
    EXPECT_FALSE(parse_signal(name).ok()) << name;
  }
}

}  // namespace
}  // namespace weir
