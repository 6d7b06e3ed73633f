"""test_balance - weir notify --pressure, and the example daemon that lives by it: limits go where the pressure is."""

import json
import os
import subprocess
import sys
import time
import unittest

import harness
from harness import MIB

EXAMPLE = os.path.join(harness.HERE, "../../tools/examples/weir-balance")
MARGIN = 4 * MIB
FLOOR = 8 * MIB


class BalanceTest(harness.WeirTest):
    def setUp(self):
        super().setUp()
        self.need_swap()
        self.env = self.plain_env(WEIR_DIR=self.directory)

    def start_busy(self, name, limit, mib):
        walk = [harness.program("walk_again"), str(mib), "1000000"]
        return self.start([harness.COMMAND, "run", "-n", name, "-m", limit, "--", *walk], self.env)

    def start_idle(self, name, limit, mib):
        return self.start_ready([harness.COMMAND, "run", "-n", name, "-m", limit, "--",
                                 harness.program("hold"), str(mib)], self.env)

    def test_pressure_comes_as_lines(self):
        self.start_busy("x", "16M", 32)
        time.sleep(0.3)
        result = self.weir("notify", "x", "--pressure", "some 20000 500000", "--count", "3", "--timeout", "60",
                           "--format", "json")
        self.assertEqual((result.status, result.err), (0, b""))
        lines = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual([(line["container"], line["pressure"], line["window_us"]) for line in lines],
                         [("x", "some", 500000)] * 3)
        self.assertTrue(all(line["stalled_us"] >= 20000 for line in lines), lines)
        for one, two in zip(lines, lines[1:]):
            self.assertGreaterEqual(two["time_us"] - one["time_us"], 500000 - 1000, "once a window")

    def test_no_pressure_no_line(self):
        self.start_idle("x", "64M", 8)
        result = self.weir("notify", "x", "--pressure", "some 20000 500000", "--timeout", "2")
        self.assertEqual((result.status, result.out), (1, b""))
        self.assertIn(b"pressure of 'x' was not seen within 2 s", result.err)

    def test_wrong_requests(self):
        self.start_idle("x", "64M", 8)
        for words in (["--pressure", "some"], ["--pressure", "some 1 1"], ["--pressure", "none 20000 500000"],
                      ["--pressure", "some 20000 500000", "--usage", "1M"],
                      ["--pressure", "some 20000 500000", "--below"]):
            self.assertEqual(self.weir("notify", "x", *words).status, 2, words)

    def test_the_example_gives_the_limit_to_who_is_under_pressure(self):
        self.start_busy("busy", "24M", 48)
        self.start_idle("idle", "96M", 8)
        balancer = self.start([sys.executable, EXAMPLE, "busy", "idle", "--weir", harness.COMMAND, "--margin",
                               str(MARGIN), "--floor", str(FLOOR)], self.env, stdout=subprocess.PIPE)
        sum_of_limits = 120 * MIB
        deadline = time.monotonic() + 90
        busy = {"limit": 0}
        while busy["limit"] < 56 * MIB:
            self.assertLess(time.monotonic(), deadline, f"busy has {busy['limit'] // MIB} MiB")
            self.assertIsNone(balancer.poll(), "it goes on")
            time.sleep(0.2)
            # Two looks at a moving pair: what is given is taken first, so a sum can only be seen as less, or, when the
            # step falls between the looks, as one step more.
            idle, busy = self.stat("idle"), self.stat("busy")
            self.assertLessEqual(idle["limit"] + busy["limit"], sum_of_limits + 8 * MIB)
            for one in (idle, busy):
                self.assertLessEqual(one["low_watermark"], one["high_watermark"])
                self.assertLessEqual(one["high_watermark"], one["limit"])
            self.assertGreaterEqual(idle["limit"], max(idle["usage"] + MARGIN, FLOOR) - MIB)
        started = 56 * MIB
        time.sleep(6)  # what it needs fits: no more pressure, no more steps
        idle, busy = self.stat("idle"), self.stat("busy")
        self.note(f"busy {busy['limit'] // MIB} MiB, idle {idle['limit'] // MIB} MiB, "
                  f"{90 - (deadline - time.monotonic()):.0f} s")
        self.assertEqual(idle["limit"] + busy["limit"], sum_of_limits, "nothing got lost")
        self.assertGreaterEqual(busy["limit"], started)
        self.assertGreaterEqual(idle["limit"], idle["usage"] + MARGIN)
        self.assertEqual(self.finish_quietly(balancer), b"")

    def finish_quietly(self, process):
        process.terminate()
        _, err = process.communicate(timeout=30)
        return err


if __name__ == "__main__":
    unittest.main()
