"""weir move: a running process into another container, its usage with it; sums against smaps_rollup."""

import os
import random
import re
import signal
import subprocess
import time
import unittest

import harness
import sampler
from harness import MIB


class MoveTest(harness.WeirTest):
    def start_in(self, name, limit, argv):
        """A program under `weir run`; gives its pid and the command's process."""
        words = [harness.COMMAND, "run", "-n", name] + (["-m", limit] if limit else []) + ["--", *argv]
        process = self.start_ready(words, self.plain_env(WEIR_DIR=self.directory))
        return sampler.children_of(process.pid)[0], process

    def hold_in(self, name, limit, mib):
        return self.start_in(name, limit, [harness.program("hold"), str(mib)])

    def members(self, name):
        return sorted(member["pid"] for member in self.stat(name)["members"])

    def move(self, pid, name, *words):
        return self.weir("move", str(pid), name, *words)

    # The two are read one after the other: where pages still leave, they are read again.
    def assert_sum(self, name, pids):
        deadline = time.monotonic() + 5
        while True:
            stat = self.stat(name)
            kernels = sum(sampler.anonymous_of(pid) for pid in pids)
            near = abs(stat["usage"] - kernels) <= max(kernels // 100, 64 * 1024)
            if near or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        self.note(f"{name}: weir {stat['usage']}, kernel {kernels}")
        self.assertEqual(sorted(member["pid"] for member in stat["members"]), sorted(pids))
        self.assertTrue(near, f"{name}: weir {stat['usage']}, kernel {kernels}")
        return stat["usage"]

    def assert_intact(self, *processes):
        for process in processes:
            self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def two_containers(self, limit_of_b, mib_in_b=4):
        moved, one = self.hold_in("a", "64M", 20)
        other, two = self.hold_in("b", limit_of_b, mib_in_b)
        return moved, other, (one, two)

    def test_usage_goes_with_the_process(self):
        moved, other, held = self.two_containers("64M", 8)
        before = self.assert_sum("a", [moved])
        self.assert_sum("b", [other])
        result = self.move(moved, "b")
        self.assertEqual((result.status, result.err), (0, b""))
        self.assertRegex(result.out, rb"^moved process %d with 2[0-9.]+M from a to b\n$" % moved)
        self.assertEqual(self.assert_sum("a", []), 0)
        self.assertGreater(self.assert_sum("b", [moved, other]), 28 * MIB)
        event, = self.events("move")
        self.assertEqual((event["container"], event["pid"]), ("b", moved))
        self.assertIn("moved from a to b, policy reserve", str(event))
        self.assertLessEqual(abs(self.stat("b")["peak"] - before - 8 * MIB), 2 * MIB)
        self.assert_intact(*held)

    def test_without_room_nothing_changes(self):
        moved, other, held = self.two_containers("16M")
        before = [self.assert_sum("a", [moved]), self.assert_sum("b", [other])]
        started = time.monotonic()
        result = self.move(moved, "b")
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual((result.status, result.out), (16, b""))
        self.assertRegex(result.err, rb"'b' has no room for process %d: 2[0-9.]+M needed, room 1[0-9.]+M, limit 16M, "
                                     rb"0 freed; nothing was changed \(EBUSY\)" % moved)
        self.assertEqual([self.assert_sum("a", [moved]), self.assert_sum("b", [other])], before)
        self.assertEqual(self.events("move"), [])
        self.assert_intact(*held)

    def test_lazy_takes_from_the_newcomer_first(self):
        self.need_swap()
        moved, other, held = self.two_containers("30M", 20)
        result = self.move(moved, "b", "--policy", "lazy")
        self.assertEqual((result.status, result.err), (0, b""))
        stat = self.stat("b")
        swapped = {member["pid"]: member["swap_usage"] for member in stat["members"]}
        self.assertLessEqual(stat["usage"], stat["high_watermark"], "below its marks, not only its limit")
        self.assertGreater(swapped[moved], 8 * MIB)
        self.assertLess(swapped[other], MIB)
        self.assert_intact(*held)

    def test_dry_run_tells_and_changes_nothing(self):
        moved, other, held = self.two_containers("16M")
        before = [self.assert_sum("a", [moved]), self.assert_sum("b", [other])]
        full = self.move(moved, "b", "--dry-run")
        self.assertEqual(full.status, 16, full.out)
        self.assertRegex(full.out, rb"b: usage [0-9.]+M, limit 16M, room 1[0-9.]+M\n")
        self.assertIn(b"(EBUSY)", full.err)
        lazy = self.move(moved, "b", "--dry-run", "--policy", "lazy")
        self.assertEqual((lazy.status, lazy.err), (0, b""))
        self.assertIn(b"the limit would be exceeded by", lazy.out)
        self.weir("set", "b", "limit=64M")
        fits = self.move(moved, "b", "--dry-run")
        self.assertEqual((fits.status, fits.err), (0, b""))
        self.assertIn(b"would move process %d with 2" % moved, fits.out)
        self.assertEqual([self.assert_sum("a", [moved]), self.assert_sum("b", [other])], before)
        self.assertEqual(self.events("move"), [])
        self.assert_intact(*held)

    def test_members_of_the_destination_make_room(self):
        self.need_swap()
        moved, other, held = self.two_containers("36M", 24)
        result = self.move(moved, "b")
        self.note(result.out.decode().strip())
        self.assertEqual((result.status, result.err), (0, b""))
        self.assertIn(b" freed for it\n", result.out)
        self.assertLessEqual(self.assert_sum("b", [moved, other]), 37 * MIB)
        self.assert_intact(*held)

    def lazily(self, limit_of_a):
        self.need_swap()
        moved, one = self.hold_in("a", limit_of_a, 20)
        other, two = self.hold_in("b", "16M", 4)
        result = self.move(moved, "b", "--policy", "lazy")
        self.note(result.out.decode().strip().replace("\n", "; "))
        self.assertEqual((result.status, result.err), (0, b""))
        self.assertIn(b"the limit is exceeded by", result.out)
        started = time.monotonic()
        while self.stat("b")["usage"] > 16 * MIB and time.monotonic() - started < 20:
            time.sleep(0.1)
        self.note(f"below the limit after {time.monotonic() - started:.1f} s")
        self.assertLessEqual(self.assert_sum("b", [moved, other]), 16 * MIB)
        self.assertEqual(self.assert_sum("a", []), 0)
        self.assert_intact(one, two)

    def test_lazy_moves_at_once_and_is_reclaimed(self):
        self.lazily("24M")

    def test_lazy_reaches_a_process_that_never_needed_a_reclaimer(self):
        self.lazily(None)

    def test_while_both_are_at_full_speed(self):
        """Back and forth while it walks over its memory; every tenth mover is killed."""
        self.need_swap()
        chance = random.Random(20080606)
        env = self.plain_env(WEIR_DIR=self.directory)
        walk = [harness.program("walk_again"), "24", "1000000"]
        busy = [self.start([harness.COMMAND, "run", "-n", name, "-m", "40M", "--", *walk], env) for name in ("a", "b")]
        time.sleep(0.5)
        moved, = sampler.children_of(busy[0].pid)
        other, = sampler.children_of(busy[1].pid)
        outcomes = {0: 0, 16: 0}
        for turn in range(60):
            here = "a" if moved in self.members("a") else "b"
            there = "b" if here == "a" else "a"
            if turn % 10 == 9:
                mover = self.start([harness.COMMAND, "move", str(moved), there], env, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
                time.sleep(chance.uniform(0, 0.01))
                mover.send_signal(signal.SIGKILL)
                mover.wait()
            else:
                result = self.move(moved, there, "--policy", chance.choice(["reserve", "lazy"]))
                self.assertIn(result.status, (0, 16), result.err)
                outcomes[result.status] += 1
            self.assertEqual(sorted(self.members("a") + self.members("b")), sorted([moved, other]))
        self.note(f"outcomes {outcomes}")
        self.assertGreater(outcomes[0], 10)
        for process in busy:
            self.assertIsNone(process.poll(), "both live on")

    # A process that has grown in `a` and is alone in both containers, moved by "stay".
    def left_behind(self):
        moved, process = self.start_in("a", "64M", [harness.program("steps"), "16"])
        self.weir("run", "-n", "b", "-m", "64M", "--", "/bin/true")
        before = self.usage("a")
        result = self.move(moved, "b", "--policy", "stay")
        self.assertEqual((result.status, result.err), (0, b""))
        self.assertRegex(result.out, rb"^moved process %d from a to b; 1[67][.0-9]*M stays charged to a\n$" % moved)
        self.assertLess(abs(self.usage("a") - before), MIB // 2)
        self.assertLess(self.usage("b"), MIB // 2)
        return moved, process

    def usage(self, name):
        return self.stat(name)["usage"]

    def step(self, process, line):
        process.stdin.write(line)
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"ready\n")

    def eventually(self, holds, what):
        deadline = time.monotonic() + 10
        while not holds() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertTrue(holds(), what)

    def test_stay_charges_the_past_here_and_the_future_there(self):
        self.need_swap()
        moved, process = self.left_behind()
        self.step(process, b"more\n")
        self.eventually(lambda: abs(self.usage("b") - 16 * MIB) < MIB // 2, "what came since is there")
        stayed = self.usage("a")
        self.assertLess(abs(stayed + self.usage("b") - sampler.anonymous_of(moved)), MIB // 2)
        self.assertEqual([(member["pid"], member.get("group")) for member in self.stat("a")["members"]],
                         [(moved, "left")])
        # Each limit takes from its own part.
        self.assertEqual(self.weir("set", "a", "limit=8M").status, 0)
        self.eventually(lambda: self.usage("a") <= 8 * MIB, "the limit of what was left holds")
        self.assertGreater(self.usage("b"), 15 * MIB)
        self.assertEqual(self.weir("set", "a", "limit=64M").status, 0)
        self.assertEqual(self.weir("set", "b", "limit=4M").status, 0)
        left = self.usage("a")
        self.eventually(lambda: self.usage("b") <= 4 * MIB, "the limit of what came since holds")
        self.assertGreater(self.usage("a"), left - MIB)
        self.assert_intact(process)
        self.assertEqual((self.usage("a"), self.usage("b")), (0, 0))

    def test_what_was_left_goes_with_its_memory_or_when_the_process_is_back(self):
        moved, process = self.left_behind()
        self.step(process, b"more\n")
        self.step(process, b"free\n")
        self.eventually(lambda: self.usage("a") < 2 * MIB, "given back is given back")
        self.assertGreater(self.usage("b"), 15 * MIB)
        self.assertEqual(self.move(moved, "a").status, 0)
        self.eventually(lambda: [member.get("group") for member in self.stat("a")["members"]] == [None], "one again")
        self.assert_sum("a", [moved])
        self.assert_intact(process)

    def test_an_exec_leaves_nothing_behind(self):
        hold = harness.program("hold")
        moved, process = self.start_in("a", "64M", ["/bin/sh", "-c", f"echo ready; read line; exec {hold} 8"])
        self.hold_in("b", "64M", 1)
        self.assertEqual(self.move(moved, "b", "--policy", "stay").status, 0)
        self.step(process, b"go on\n")
        self.assertEqual((self.members("a"), self.usage("a")), ([], 0))
        self.assertIn(moved, self.members("b"))

    def test_stay_is_refused_as_a_whole(self):
        moved, process = self.left_behind()
        self.weir("run", "-n", "c", "-m", "64M", "--", "/bin/true")
        again = self.move(moved, "c", "--policy", "stay")
        self.assertEqual((again.status, again.out), (16, b""))
        self.assertIn(b"left behind in a already", again.err)
        self.assertEqual((self.members("b"), self.members("c")), ([moved], []))
        self.assertEqual(self.move(f"{moved}/left", "b").status, 0)
        self.eventually(lambda: self.members("a") == [], "it can be moved by itself")
        silent, two = self.hold_in("a", "64M", 8)
        os.kill(silent, signal.SIGSTOP)
        mute = self.move(silent, "c", "--policy", "stay")
        self.assertEqual((mute.status, mute.out), (16, b""))
        self.assertIn(b"cannot be asked", mute.err)
        self.assertEqual(self.members("a"), [silent])
        os.kill(silent, signal.SIGCONT)
        self.assert_intact(two)

    def test_forked_children_follow(self):
        script = "echo ready; read x; (echo forked; read y); exit 0"
        moved, process = self.start_in("a", "64M", ["/bin/sh", "-c", script])
        self.hold_in("b", "64M", 1)
        self.assertEqual(self.move(moved, "b").status, 0)
        process.stdin.write(b"\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"forked\n")
        child, = sampler.children_of(moved)
        self.assertIn(child, self.members("b"))
        self.assertEqual(self.members("a"), [])

    def test_an_exec_does_not_undo_it(self):
        """S3's usual case, fork, move, exec: the environment still names the container of `weir run -n a`."""
        hold = harness.program("hold")
        script = f"exec 3<&0; echo ready; read line; {hold} 1 <&3 & exec {hold} 2"
        moved, held = self.start_in("a", "64M", ["/bin/sh", "-c", script])
        other, two = self.hold_in("b", "64M", 4)
        self.assertEqual(self.move(moved, "b").status, 0)
        held.stdin.write(b"go on\n")
        held.stdin.flush()
        self.assertEqual([held.stdout.readline() for _ in range(2)], [b"ready\n"] * 2)
        self.assertEqual(self.members("a"), [])
        self.assertEqual(len(self.members("b")), 3)
        self.assertIn(moved, self.members("b"))
        held.communicate(b"", timeout=harness.TIMEOUT)
        self.assert_intact(two)

    def test_wrong_requests(self):
        moved, other, held = self.two_containers("64M")
        outside = self.start(["/bin/sleep", "100"], self.plain_env())
        ended = self.start(["/bin/true"], self.plain_env())
        ended.wait()
        for words, status, text in [
                (("x", "b"), 2, b"is no number"), (("0", "b"), 2, b"is no process number"),
                (("99999999999", "b"), 2, b"is no process number"), ((f"{moved}/g", "b"), 1, b"has no thread group 'g'"), ((f"{moved}/", "b"), 2, b"container"),
                (("-1", "b"), 2, b"is no number"), ((str(moved),), 2, b"NAME"), ((str(moved), "b/"), 2, b"container"),
                ((f"{moved}/g", "b", "--policy", "stay"), 2, b"is for a process"),
                ((str(moved), "b", "--policy", "soon"), 2, b"is unknown (reserve, lazy, stay)"),
                ((str(moved), "nowhere"), 1, b"there is no container 'nowhere'"),
                ((str(outside.pid), "b"), 1, b"is no member of a container"),
                ((str(ended.pid), "b"), 1, b"there is no process")]:
            result = self.weir("move", *words)
            self.assertEqual((result.status, result.out), (status, b""), words)
            self.assertIn(text, result.err, words)
            self.assertEqual(len(re.findall(rb"\n", result.err)), 1, words)
        same = self.move(moved, "a")
        self.assertEqual((same.status, same.out, same.err), (0, b"process %d is in a already\n" % moved, b""))
        self.assertEqual((self.members("a"), self.members("b")), ([moved], [other]))
        self.assertEqual(self.events("move"), [])
        self.assert_intact(*held)


if __name__ == "__main__":
    unittest.main()
