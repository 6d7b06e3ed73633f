"""Proactive reclaim: with no limit near, what a program does not use leaves, and what it uses stays."""

import subprocess
import time
import unittest

import harness
import sampler
from harness import MIB

SIZE = 64
HOT = SIZE // 4 * MIB
COLD = SIZE * MIB - HOT


class ProactiveTest(harness.WeirTest):
    def start_cold_part(self, *options, program="cold_part"):
        words = [harness.COMMAND, "run", "-n", "test", *options, "--", harness.program(program), str(SIZE)]
        process = self.start(words, self.plain_env(WEIR_DIR=self.directory), stdin=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"full\n")
        return process

    def end_cold_part(self, process):
        """It finds every byte as it was."""
        out, err = process.communicate(b"", timeout=harness.TIMEOUT)
        self.assertEqual((process.returncode, out, err), (0, b"ok\n", b""))

    def wait_for(self, condition, seconds=150):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            stat = self.stat()
            if condition(stat):
                return stat
            time.sleep(0.5)
        self.fail(f"never came: {self.stat()}")

    def test_what_is_not_used_leaves_and_what_is_used_stays(self):
        self.need_swap()
        process = self.start_cold_part("--proactive", "1")
        stat = self.wait_for(lambda stat: stat["usage"] < HOT + COLD // 2)
        self.assertEqual((stat["proactive"], stat["limit"], stat["failcnt"]), (1.0, None, 0))
        self.assertGreaterEqual(stat["proactive_evicted"], COLD // 2 - 4 * MIB)
        self.assertLess(stat["refault"] * 4096, HOT // 4, "the hot part hardly ever left")
        self.assertEqual(stat["members"][0]["comm"], "cold_part")
        anonymous = sampler.rss_anon(stat["members"][0]["pid"])
        self.assertLess(anonymous, HOT + COLD // 2 + 4 * MIB, "and the kernel says so, too")
        self.end_cold_part(process)

    def test_a_program_that_grew_by_small_objects_is_noticed_too(self):
        self.need_swap()
        process = self.start_cold_part("--proactive", "1", program="cold_objects")
        self.wait_for(lambda stat: stat["usage"] < HOT + COLD // 2)
        self.end_cold_part(process)

    def test_it_is_switched_off_while_it_runs(self):
        self.need_swap()
        process = self.start_cold_part("--proactive", "5")
        self.wait_for(lambda stat: stat["proactive_evicted"] > 4 * MIB)
        self.assertEqual(self.weir("set", "test", "proactive=off").status, 0)
        time.sleep(2)  # a turn that had begun ends
        before = self.stat()
        self.assertIsNone(before["proactive"])
        time.sleep(5)
        self.assertEqual(self.stat()["proactive_evicted"], before["proactive_evicted"])
        self.assertEqual(self.weir("set", "test", "proactive=5").status, 0)
        self.wait_for(lambda stat: stat["proactive_evicted"] > before["proactive_evicted"])
        self.end_cold_part(process)

    def test_without_it_nothing_is_started(self):
        process = self.start_cold_part()
        time.sleep(2)
        stat = self.stat()
        self.assertEqual((stat["proactive"], stat["proactive_evicted"], stat["meter"]), (None, 0, "off"))
        self.assertEqual([member["wakeups"] for member in stat["members"]], [0] * len(stat["members"]))
        self.end_cold_part(process)

    def test_a_bad_target_is_named_and_ignored(self):
        result = self.run_weir([harness.program("cold_part"), "16"], proactive="1000", log="warn")
        self.assertEqual((result.status, result.out), (0, b"full\nok\n"))
        self.assertIn(b"WEIR_PROACTIVE='1000' is no pressure", result.err)
        refused = self.weir("run", "--proactive", "often", "--", "true")
        self.assertEqual(refused.status, 2)
        self.assertIn(b"often", refused.err)


if __name__ == "__main__":
    unittest.main()
