"""Shrinking on demand, swap limits, minimum protection, and where the report of an OOM kill goes."""

import json
import os
import pty
import signal
import time
import unittest

import harness
import sampler
from harness import MIB

BUSY = 16


class ReclaimTest(harness.WeirTest):
    def setUp(self):
        super().setUp()
        self.need_swap()

    def hold(self, mib, limit=256 * MIB, **variables):
        return self.start_ready([harness.program("hold"), str(mib)], self.weir_env(limit, **variables))

    def reclaim(self, *words):
        result = self.weir("reclaim", "test", "--format", "json", *words)
        return result.status, json.loads(result.out) if result.out else None

    def test_down_to_an_amount(self):
        process = self.hold(40)
        before = self.stat()["usage"]
        self.assertGreater(before, 40 * MIB)
        status, answer = self.reclaim("--to", "10M")
        self.assertEqual(status, 0, answer)
        self.assertLessEqual(answer["usage"], 10 * MIB + 64 * 1024)
        self.assertGreaterEqual(answer["given_back"], before - answer["usage"] - MIB)
        self.assertLessEqual(self.stat()["usage"], 10 * MIB + 64 * 1024)
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def test_no_more_than_a_granule_beyond_it(self):
        process = self.hold(60)
        for wish in (50, 37, 21):
            status, answer = self.reclaim("--to", f"{wish}M")
            self.assertEqual(status, 0, answer)
            self.assertGreaterEqual(answer["usage"], wish * MIB - 256 * 1024 - 128 * 1024, answer)  # and the kernel's count
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def test_by_an_amount(self):
        process = self.hold(40)
        before = self.stat()["usage"]
        status, answer = self.reclaim("--by", "5M")
        self.assertEqual(status, 0, answer)
        self.assertLessEqual(answer["usage"], before - 5 * MIB + 64 * 1024)
        self.assertGreater(answer["usage"], before - 9 * MIB, "not much more than was asked for")
        self.assertEqual(self.finish(process).status, 0)

    def test_an_interrupted_command_takes_its_wish_back(self):
        process = self.hold(400, limit=2048 * MIB)
        before = self.stat()["usage"]
        command = self.start([harness.COMMAND, "reclaim", "test", "--to", "1M"], self.plain_env(WEIR_DIR=self.directory))
        while self.stat()["usage"] > before - 8 * MIB and command.poll() is None:
            time.sleep(0.001)
        command.send_signal(signal.SIGINT)
        command.communicate(timeout=harness.TIMEOUT)
        if command.returncode == 0:
            self.skipTest("it was over before the signal")
        self.assertEqual(command.returncode, 128 + signal.SIGINT)
        event, = self.events("reclaim")
        self.assertIn("interrupted", str(event))
        usage = self.stat()["usage"]
        time.sleep(0.5)
        self.assertGreater(self.stat()["usage"], usage - 4 * MIB, "nobody goes on")
        self.assertEqual(self.finish(process).status, 0)

    def test_a_member_without_a_reclaimer_gives_back_too(self):
        """Far from its marks a program runs no thread of ours: the dump signal asks it."""
        process = self.hold(24, limit=4096 * MIB)
        self.assertEqual(self.stat()["meter"], "off")
        status, answer = self.reclaim("--to", "4M")
        self.assertEqual(status, 0, answer)
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def test_several_members_give_their_shares(self):
        processes = [self.hold(20) for _ in range(3)]
        status, answer = self.reclaim("--to", "20M")
        self.assertEqual(status, 0, answer)
        for process in processes:
            self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def locked(self):
        """24 MiB, and all that Python needs besides."""
        self.need_root()
        command = [self.need_program("python3"), "-c", "import ctypes,sys\nm=bytearray(b'x'*(24<<20))\n"
                   "ctypes.CDLL(None).mlockall(3)\nprint('ready',flush=True)\nsys.stdin.read()\nprint('ok')"]
        return self.start_ready(command, self.weir_env(256 * MIB))

    def test_locked_memory_stays_and_the_reason_is_told(self):
        locked = self.locked()
        status, answer = self.reclaim("--to", "1M")
        self.assertEqual(status, BUSY)
        self.assertGreater(answer["usage"], 24 * MIB)
        self.assertGreater(answer["stayed"]["locked"], 0, answer)
        self.assertEqual(self.finish(locked).status, 0)

    def test_what_comes_back_at_once_is_not_given_back(self):
        """What is locked counts once, and the memory of the code that asks, which leaves and comes back, not at all."""
        process = self.locked()
        for _ in range(2):
            status, answer = self.reclaim("--to", "1M")
            self.assertEqual(status, BUSY)
            self.assertLess(answer["given_back"], 2 * MIB, answer)
            self.assertGreater(answer["stayed"]["locked"], 23 * MIB, answer)
            self.assertLessEqual(sum(answer["stayed"].values()), answer["usage"] + MIB, answer)
        self.assertEqual(self.finish(process).status, 0)

    def test_who_cannot_give_leaves_it_to_the_others(self):
        locked, free = self.locked(), self.hold(24)
        status, answer = self.reclaim("--by", "20M")
        self.assertEqual(status, 0, answer)
        for process in (locked, free):
            self.assertEqual(self.finish(process).status, 0)

    def test_a_lowered_limit_holds_who_only_walks_through_what_it_has(self):
        """Far from its marks it ran neither a reclaimer nor a meter, and it never asks for memory again."""
        self.need_swap()
        process = self.start_ready([harness.program("walk_slowly"), "48"], self.weir_env(1024 * MIB))
        self.assertEqual(self.weir("set", "test", "limit=16M").status, 0)
        usages = []
        for _ in range(20):
            time.sleep(0.1)
            usages.append(self.stat()["usage"])
        self.note(f"usage afterwards {[usage // MIB for usage in usages]}")
        self.assertLess(sorted(usages)[len(usages) // 2], 28 * MIB)
        self.assertGreater(self.stat()["failcnt"], 0)
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def test_a_lower_limit_brings_usage_down_and_tells_how_far(self):
        process = self.hold(40)
        result = self.weir("set", "test", "limit=16M")
        self.assertEqual((result.status, result.err), (0, b""))
        self.assertRegex(result.out, rb"^test: 2[0-9.]+M given back, usage 4[0-9.]+M -> 1[0-9.]+M\n")
        self.assertLessEqual(self.stat()["usage"], 16 * MIB + 64 * 1024)
        raised = self.weir("set", "test", "limit=64M")
        self.assertEqual(raised.same(), (0, b"", b""), "nothing is above that one")
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def test_a_limit_that_cannot_be_met_stands_and_is_told(self):
        self.need_root()
        command = [self.need_program("python3"), "-c", "import ctypes,sys\nm=bytearray(b'x'*(24<<20))\n"
                   "ctypes.CDLL(None).mlockall(3)\nprint('ready',flush=True)\nsys.stdin.read()\nprint('ok')"]
        locked = self.start_ready(command, self.weir_env(256 * MIB))
        result = self.weir("set", "test", "limit=8M")
        self.assertEqual(result.status, 0)
        self.assertIn(b"stayed, locked", result.out)
        self.assertIn(b"above its new limit of 8M", result.err)
        self.assertEqual(self.stat()["limit"], 8 * MIB)
        self.assertEqual(self.weir("set", "test", "limit=256M").status, 0)
        self.assertEqual(self.finish(locked).status, 0)

    def test_a_stopped_member_is_paged_out_from_outside_or_told_of(self):
        process = self.hold(24)
        os.kill(process.pid, signal.SIGSTOP)
        status, answer = self.reclaim("--to", "2M")
        os.kill(process.pid, signal.SIGCONT)
        if status == 0:
            self.assertLessEqual(answer["usage"], 2 * MIB + 64 * 1024)
        else:
            self.assertEqual((status, answer["members_unasked"]), (BUSY, 1))
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def test_detached_its_result_is_an_event(self):
        process = self.hold(24)
        self.assertEqual(self.weir("reclaim", "test", "--to", "4M", "--detach").same(), (0, b"", b""))
        for _ in range(100):
            if self.events("reclaim"):
                break
            time.sleep(0.1)
        self.assertEqual(len(self.events("reclaim")), 1)
        self.assertLess(self.stat()["usage"], 5 * MIB)
        self.assertEqual(self.finish(process).status, 0)

    def test_bad_requests(self):
        for words in (["test"], ["test", "--to", "1M", "--by", "1M"], ["test", "--to", "1Q"], ["test", "--to", "-1"],
                      ["--to", "1M"], ["test", "--by", ""]):
            result = self.weir("reclaim", *words)
            self.assertEqual((result.status, result.out), (2, b""), words)
        self.assertEqual(self.weir("reclaim", "nobody", "--to", "1M").status, 1)


class SwapLimitTest(harness.WeirTest):
    def test_no_more_is_paged_out(self):
        self.need_swap()
        process = self.start([harness.program("grow_malloc"), "48"], self.weir_env(16 * MIB, swap_limit="8M"))
        most = 0
        while process.poll() is None:
            most = max(most, sampler.swapped(process.pid))
        self.assertEqual(self.finish(process).status, -signal.SIGKILL, "16 MiB and 8 MiB do not hold 48")
        self.assertGreater(self.stat()["evict_stayed"]["swap_limit"], 0)
        self.note(f"most in swap: {most / MIB:.2f} MiB")
        self.assertGreater(most, 7 * MIB)
        # Both of us read a per-CPU counter, which may be 32 pages a core wrong (lib/percpu_counter.c).
        self.assertLessEqual(most, 8 * MIB + os.cpu_count() * 32 * 4096)

    def test_what_nearly_fills_both_fits(self):
        """Untouched parts of huge pages must not be what is lacking."""
        self.need_swap()
        for background in ("on", "off"):
            result = self.run_weir([harness.program("grow_malloc"), "45"], 30 * MIB, swap_limit="20M",
                                   background=background, container=f"full-{background}")
            self.assertEqual(result.same(), (0, b"ok\n", b""))

    def test_within_it_all_is_well(self):
        self.need_swap()
        result = self.run_weir([harness.program("grow_malloc"), "24"], 16 * MIB, swap_limit="64M")
        self.assertEqual(result.same(), (0, b"ok\n", b""))


class MinimumTest(harness.WeirTest):
    def test_the_protected_child_is_spared(self):
        self.need_swap()
        self.weir("run", "-n", "top", "-m", "48M", "--", "true")
        saved = self.start_ready([harness.program("hold"), "20"], self.weir_env(None, container="top/saved"))
        self.assertEqual(self.weir("set", "top/saved", "min=24M").status, 0)
        result = self.run_weir([harness.program("grow_malloc"), "64"], None, container="top/greedy")
        self.assertEqual(result.same(), (0, b"ok\n", b""))
        stat = self.stat("top/saved")
        self.assertGreater(stat["usage"], 19 * MIB)
        self.assertEqual(stat["min"], 24 * MIB)
        self.assertEqual(self.finish(saved).status, 0)


    def test_its_own_growth_for_an_ancestor_takes_nothing_of_it_either(self):
        self.need_swap()
        self.weir("run", "-n", "top", "-m", "64M", "--", "true")
        greedy = self.start_ready([harness.program("hold"), "120"], self.weir_env(None, container="top/greedy"))
        self.weir("run", "-n", "top/saved", "--", "true")
        self.assertEqual(self.weir("set", "top/saved", "min=40M").status, 0)
        saved = self.start_ready([harness.program("hold"), "36"], self.weir_env(None, container="top/saved"))
        stat = self.stat("top/saved")
        self.assertGreater(stat["usage"], 35 * MIB, stat)
        self.assertEqual(stat["swap_usage"], 0)
        self.assertLessEqual(self.stat("top")["usage"], 66 * MIB)
        for process in (greedy, saved):
            self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def test_shrinking_the_parent_spares_it(self):
        self.need_swap()
        self.weir("run", "-n", "top", "--", "true")
        saved = self.start_ready([harness.program("hold"), "30"], self.weir_env(None, container="top/saved"))
        other = self.start_ready([harness.program("hold"), "30"], self.weir_env(None, container="top/other"))
        self.assertEqual(self.weir("set", "top/saved", "min=40M").status, 0)
        self.assertEqual(self.weir("reclaim", "top", "--to", "40M").status, 0)
        self.assertEqual(self.stat("top/saved")["swap_usage"], 0)
        self.assertEqual(self.weir("reclaim", "top", "--to", "10M").status, BUSY)
        self.assertEqual(self.stat("top/saved")["swap_usage"], 0)
        for process in (saved, other):
            self.assertEqual(self.finish(process).status, 0)


class OomReportTest(harness.WeirTest):
    def setUp(self):
        super().setUp()
        probe = self.run_plain([harness.program("hold_locked"), "8"])
        if probe.status == harness.CANNOT:
            self.skipTest("needs 32 MiB of locked memory (root, or ulimit -l)")

    def test_the_dump_file_has_it(self):
        path = os.path.join(self.scratch, "report")
        self.run_weir([harness.program("hold_locked"), "32"], 16 * MIB, timeout=60, dump_file=path)
        report = harness.content_of(path)
        self.assertIn(b"Container out of memory: usage ", report)
        self.assertIn(b"hold_locked", report)

    def test_json_dumps_stay_json(self):
        path = os.path.join(self.scratch, "report")
        self.run_weir([harness.program("hold_locked"), "32"], 16 * MIB, timeout=60, dump_file=path,
                      dump_format="json")
        self.assertEqual(harness.content_of(path), b"")
        self.assertIn(b"Container out of memory", harness.content_of(path + ".oom"))

    def test_the_terminal_of_the_victim_has_it(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = self.start([harness.program("hold_locked"), "32"], self.weir_env(16 * MIB), stderr=theirs)
        os.close(theirs)
        process.wait(60)
        os.set_blocking(ours, False)
        self.assertIn(b"Container out of memory", os.read(ours, 65536))

    def test_the_kill_has_a_name(self):
        self.run_weir([harness.program("hold_locked"), "32"], 16 * MIB, timeout=60)
        self.assertIn("hold_locked", self.events("oom_kill")[0]["text"])


if __name__ == "__main__":
    unittest.main()
