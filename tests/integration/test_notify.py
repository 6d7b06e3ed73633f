"""`weir notify`: one line a crossing, no more; its command; its ends."""

import json
import os
import signal
import subprocess
import sys
import time
import unittest

import harness
from harness import MIB

# Grows to the MiB that each line of its input names, or shrinks, and says so.
BREATHES = """
import mmap, sys
held = None
for line in iter(sys.stdin.readline, ""):
    if held is not None:
        held.close()
        held = None
    if int(line) > 0:
        held = mmap.mmap(-1, int(line) << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for at in range(0, len(held), 4096):
            held[at] = 1
    print("ready", flush=True)
"""


class NotifyTest(harness.WeirTest):
    def start_weir(self, *words, **options):
        return self.start([harness.COMMAND, *words], self.plain_env(WEIR_DIR=self.directory), **options)

    def start_breathing(self, name="x"):
        process = self.start_weir("run", "-n", name, "-m", "64M", "--", sys.executable, "-c", BREATHES,
                                  stdin=subprocess.PIPE)
        self.breathe(process, 0)
        return process

    def breathe(self, process, mib):
        process.stdin.write(b"%d\n" % mib)
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"ready\n")

    def shrink(self, program):
        """Down to nothing, for as long as it takes a notify on a busy machine to look."""
        self.breathe(program, 0)
        self.assertLess(self.stat("x")["usage"], 30 * MIB)
        time.sleep(1.5)

    def wait_for_size(self, path, size):
        deadline = time.monotonic() + 20
        while len(harness.content_of(path)) < size:
            self.assertLess(time.monotonic(), deadline, f"{path} does not come")
            time.sleep(0.02)

    def test_growth_is_told_once_with_its_command(self):
        program = self.start_breathing()
        told = os.path.join(self.scratch, "told")
        command = f'echo "$WEIR_NOTIFY_CONTAINER $WEIR_NOTIFY_USAGE $WEIR_NOTIFY_THRESHOLD" >> {told}; echo noise'
        notify = self.start_weir("notify", "x", "--usage", "30M", "--format", "json", "--exec", command)
        time.sleep(0.5)
        self.assertEqual(harness.content_of(told), b"", "nothing is told before the crossing")
        self.breathe(program, 50)
        began = time.monotonic()
        crossing = json.loads(notify.stdout.readline())
        self.note(f"told {1000 * (time.monotonic() - began):.0f} ms after the program was done growing")
        self.assertEqual((crossing["container"], crossing["threshold"], crossing["direction"]), ("x", 30 * MIB, "above"))
        self.assertTrue(30 * MIB < crossing["usage"] <= 64 * MIB, crossing)
        self.assertAlmostEqual(crossing["time_us"] / 1e6, time.time(), delta=20)
        self.assertRegex(crossing["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$")
        self.wait_for_size(told, 1)
        time.sleep(1.5)  # it stays above: a look at the books, and one at /proc
        notify.send_signal(signal.SIGTERM)
        out, err = notify.communicate(timeout=20)
        self.assertEqual((out, err), (b"", b"noise\n"), "stdout holds crossings only")
        self.assertEqual(harness.content_of(told).decode(), f"x {crossing['usage']} {30 * MIB}\n")

    def test_it_fires_again_after_usage_was_on_the_other_side(self):
        program = self.start_breathing()
        notify = self.start_weir("notify", "x", "--usage", "30M", "--count", "2")
        for _ in range(2):
            self.breathe(program, 50)
            self.assertRegex(notify.stdout.readline(), rb"^\S+ x usage \d+ above 31457280\n$")
            self.shrink(program)
        self.assertEqual(notify.communicate(timeout=20), (b"", b""))
        self.assertEqual(notify.returncode, 0)

    def test_below(self):
        program = self.start_breathing()
        self.breathe(program, 50)
        notify = self.start_weir("notify", "x", "--usage", "30M", "--below", "--count", "1")
        time.sleep(1.2)
        self.assertIsNone(notify.poll(), "usage is above")
        self.breathe(program, 0)
        out, _ = notify.communicate(timeout=20)
        self.assertRegex(out, rb"^\S+ x usage \d+ below 31457280\n$")
        self.assertEqual(notify.returncode, 0)

    def test_what_is_beyond_already_is_told_at_once(self):
        program = self.start_weir("run", "-n", "x", "-m", "64M", "--", harness.program("hold"), "20",
                                  stdin=subprocess.PIPE)
        self.assertEqual(program.stdout.readline(), b"ready\n")
        result = self.weir("notify", "x", "--usage", "10M", "--count", "1", "--format", "json")
        self.assertEqual((result.status, result.err), (0, b""))
        self.assertGreater(json.loads(result.out)["usage"], 20 * MIB - 1)
        self.assertLess(result.seconds, 10)

    def test_timeout(self):
        self.start_breathing()
        result = self.weir("notify", "x", "--usage", "60M", "--timeout", "0.4")
        self.assertEqual((result.status, result.out, result.err.count(b"\n")), (1, b"", 1))
        self.assertIn(b"within 0.4 s", result.err)
        self.assertGreaterEqual(result.seconds, 0.4)

    def test_a_failing_command_is_said_and_does_no_harm(self):
        program = self.start_breathing()
        notify = self.start_weir("notify", "x", "--usage", "30M", "--count", "2", "--exec", "exit 3")
        for _ in range(2):
            self.breathe(program, 50)
            self.assertIn(b" above ", notify.stdout.readline())
            self.shrink(program)
        _, err = notify.communicate(timeout=20)
        self.assertEqual((notify.returncode, err), (0, b"weir: --exec 'exit 3' ended with 3\n" * 2))

    def test_bad_values_are_refused(self):
        good = {"--usage": "10M"}
        for option, value in (("--usage", "12Q"), ("--usage", ""), ("--usage", "0"), ("--count", "0"), ("--count", "x"),
                              ("--count", "1.5"), ("--timeout", "soon"), ("--timeout", "0"), ("--timeout", "nan"),
                              ("--timeout", "1e999"), ("--exec", ""), ("--format", "prometheus")):
            with self.subTest(option=option, value=value):
                words = [word for pair in {**good, option: value}.items() for word in pair]
                result = self.weir("notify", "x", *words)
                self.assertEqual((result.status, result.out, result.err.count(b"\n")), (2, b"", 1))
                self.assertIn(f"{option} '{value}'".encode(), result.err)
        self.assertIn(b"'a/../b'", self.weir("notify", "a/../b", "--usage", "1M").err)
        self.assertEqual(self.weir("notify", "x").status, 2, "--usage is required")

    def test_container_that_is_not_there(self):
        for _ in range(2):  # without a registry, then with one
            result = self.weir("notify", "nobody", "--usage", "1M")
            self.assertEqual((result.status, result.out, result.err.count(b"\n")), (1, b"", 1))
            self.assertIn(b"'nobody'", result.err)
            self.weir("run", "-n", "x", "-m", "64M", "--", "true")

    def test_container_that_goes(self):
        program = self.start_weir("run", "-m", "64M", "--", harness.program("hold"), "4", stdin=subprocess.PIPE)
        self.assertEqual(program.stdout.readline(), b"ready\n")
        name = json.loads(self.weir("ls", "--format", "json").out)[0]["container"]
        notify = self.start_weir("notify", name, "--usage", "60M")
        time.sleep(0.3)
        self.finish(program)
        out, err = notify.communicate(timeout=20)
        self.assertEqual((notify.returncode, out), (1, b""))
        self.assertEqual(err.decode(), f"weir: container '{name}' is gone\n")

    def test_container_that_is_removed(self):
        self.weir("run", "-n", "x", "-m", "64M", "--", "true")
        notify = self.start_weir("notify", "x", "--usage", "60M")
        time.sleep(0.3)
        self.assertIsNone(notify.poll(), "a named one stays without members")
        self.assertEqual(self.weir("rm", "x").status, 0)
        self.assertEqual((notify.wait(timeout=20), notify.stderr.read()), (1, b"weir: container 'x' is gone\n"))

    def test_a_closed_output_is_no_crossing(self):
        self.weir("run", "-n", "x", "-m", "64M", "--", "true")
        shell = ["/bin/sh", "-c", f"exec {harness.COMMAND} notify x --usage 60M >&-"]
        result = self.run_with(self.plain_env(WEIR_DIR=self.directory), shell)
        self.assertEqual(result.status, 1)
        self.assertIn(b"the output is closed", result.err)

    def test_a_reader_that_leaves_ends_it_quietly(self):
        self.start_breathing()
        notify = self.start_weir("notify", "x", "--usage", "60M")
        time.sleep(0.2)
        notify.stdout.close()
        self.assertEqual((notify.wait(timeout=20), notify.stderr.read()), (0, b""))

    def test_interrupt(self):
        self.start_breathing()
        notify = self.start_weir("notify", "x", "--usage", "60M")
        time.sleep(0.2)
        notify.send_signal(signal.SIGINT)
        self.assertEqual((notify.wait(timeout=20), notify.stderr.read()), (-signal.SIGINT, b""))

    def test_waiting_is_cheap(self):
        self.start_breathing()
        notify = self.start_weir("notify", "x", "--usage", "60M")
        time.sleep(3)
        notify.send_signal(signal.SIGINT)
        _, _, usage = os.wait4(notify.pid, 0)
        notify.returncode = -signal.SIGINT
        self.note(f"{1000 * (usage.ru_utime + usage.ru_stime):.1f} ms of CPU time in 3 s")
        self.assertLess(usage.ru_utime + usage.ru_stime, 0.5)


if __name__ == "__main__":
    unittest.main()
