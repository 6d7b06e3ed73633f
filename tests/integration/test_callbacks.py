"""test_callbacks - weir.h's callbacks: pressure, and the warning before a kill with its grace and its reserve."""

import signal
import time
import unittest

import harness
from harness import MIB

GRACE_MS = 500
# From the end of the grace to the kill: a few looks, on a machine that has other work.
PATIENCE = 3


class CallbacksTest(harness.WeirTest):
    def warned(self, mode, grace=GRACE_MS, name="w", **variables):
        """Runs it to its end: its status, when it was warned, what else it said, and when it ended."""
        env = self.weir_env(32 * MIB, name, **variables)
        process = self.start([harness.program("warned"), mode, str(grace)], env)
        out, err = process.communicate(timeout=harness.TIMEOUT)
        ended = time.monotonic()
        lines = out.decode().splitlines()
        if "cannot lock" in lines:
            self.skipTest("needs the right to lock 40 MiB (root)")
        self.assertEqual(err, b"")
        told = [line.split() for line in lines if line.startswith("warned")]
        self.assertTrue(all(int(words[1]) == grace for words in told), lines)
        return process.returncode, [float(words[2]) for words in told], lines[len(told):], ended

    def assert_killed_in_time(self, mode, **variables):
        status, told, rest, ended = self.warned(mode, **variables)
        self.assertEqual((status, rest), (-signal.SIGKILL, []))
        self.assertEqual(len(told), 1, "once, then it dies")
        self.note(f"{mode}: killed {ended - told[0]:.3f} s after the warning, grace {GRACE_MS / 1000} s")
        self.assertGreaterEqual(ended - told[0], GRACE_MS / 1000 - 0.02, "not before its grace is over")
        self.assertLess(ended - told[0], GRACE_MS / 1000 + PATIENCE)
        self.assertEqual([event["kind"] for event in self.events() if event["kind"] in ("warned", "oom_kill")],
                         ["warned", "oom_kill"])
        reserve = 2 * MIB
        self.assertLessEqual(self.stat("w")["overshoot_peak"], reserve + harness.PERF_ALLOWANCE)

    def test_alone_nothing_happens(self):
        self.assertEqual(self.run_plain([harness.program("warned"), "free", "100"]).same(), (0, b"alone\n", b""))
        self.assertEqual(self.run_plain([harness.program("pressed"), "1", "1"]).same(), (0, b"alone\n", b""))

    def test_a_cache_that_is_given_back_rescues_the_process(self):
        for policy in ("kill", "group", "pause:1"):
            status, told, rest, _ = self.warned("free", name=f"w-{policy[:5]}", oom=policy)
            self.assertEqual((status, rest), (0, ["went through"]), policy)
            self.assertEqual(len(told), 1)
        self.assertEqual(self.events("oom_kill"), [])
        self.assertEqual(len(self.events("warned")), 3)

    def test_who_does_nothing_is_killed_when_the_grace_is_over(self):
        self.assert_killed_in_time("nothing")

    def test_who_never_returns_from_the_callback_too(self):
        self.assert_killed_in_time("hang")

    def test_and_who_grows_no_more_but_stays_above_the_limit(self):
        self.assert_killed_in_time("quiet")

    def test_under_the_fallback_meter_too(self):
        self.assert_killed_in_time("nothing", meter="fallback")

    def test_who_was_not_asked_is_killed_at_once(self):
        result = self.run_weir([harness.program("hold_locked"), "40"], 32 * MIB, container="w")
        if result.status == harness.CANNOT:
            self.skipTest("needs the right to lock memory")
        self.assertEqual(result.status, -signal.SIGKILL)
        self.assertEqual(self.events("warned"), [])

    def test_a_callback_that_hangs_holds_up_its_neighbours_no_longer_than_its_grace(self):
        env = self.weir_env(32 * MIB, "w")
        hung = self.start([harness.program("warned"), "hang", str(GRACE_MS)], env)
        if not hung.stdout.readline().startswith(b"warned"):
            self.skipTest("needs the right to lock 40 MiB (root)")
        started = time.monotonic()
        neighbour = self.start([harness.program("hold_locked"), "8"], env)
        out, err = neighbour.communicate(timeout=harness.TIMEOUT)
        self.assertEqual((neighbour.returncode, out, err), (0, b"held all\n", b""), "the larger one dies")
        self.note(f"the neighbour took {time.monotonic() - started:.2f} s")
        self.assertLess(time.monotonic() - started, GRACE_MS / 1000 + PATIENCE)
        hung.communicate(timeout=harness.TIMEOUT)
        self.assertEqual(hung.returncode, -signal.SIGKILL)

    def test_pressure_is_told_once_a_window(self):
        self.need_swap()
        result = self.run_weir([harness.program("pressed"), "48", "12"], 24 * MIB, container="p")
        self.assertEqual((result.status, result.err), (0, b""))
        words = result.out.split()
        self.note(result.out.decode().strip() + f" in {result.seconds:.1f} s, stalled {self.stat('p')['allocstall_us']} us")
        self.assertGreater(int(words[1]), 0)
        self.assertLessEqual(int(words[1]), result.seconds / 0.5 + 1)
        self.assertGreaterEqual(int(words[3]), 20000)

    def test_without_pressure_nothing_is_told(self):
        result = self.run_weir([harness.program("pressed"), "4", "10"], 64 * MIB, container="p")
        self.assertEqual(result.same(), (0, b"told 0 longest 0\n", b""))

    def test_nothing_to_register_with(self):
        env = self.weir_env(64 * MIB, "p", threadless="1")
        result = self.run_with(env, [harness.program("pressed"), "1", "1"])
        self.assertEqual(result.status, 1)
        self.assertIn(b"FAILED: registered", result.err)


if __name__ == "__main__":
    unittest.main()
