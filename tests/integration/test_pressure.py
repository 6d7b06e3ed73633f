"""Pressure as programs meet it: MEMORY_PRESSURE_WATCH by `weir run`, refault time, and the working set in `weir stat`."""

import os
import signal
import socket
import stat
import sys
import time
import unittest

import harness
from harness import MIB

# A program with a cache that it drops when it is told of pressure, as systemd's protocol has it. Its second
# connection asks to be told of what cannot happen. Goes over its cache until told, for so many seconds at most, in
# an order that no readahead can foresee: what comes in ahead stalls nobody.
LISTENS = """
import base64, mmap, os, random, select, socket, sys, time
mib, seconds = int(sys.argv[1]), float(sys.argv[2])

def listen(trigger):
    one = socket.socket(socket.AF_UNIX)
    one.connect(os.environ["MEMORY_PRESSURE_WATCH"])
    one.sendall(trigger)
    return one

asked = listen(base64.b64decode(os.environ["MEMORY_PRESSURE_WRITE"]))
deaf = listen(b"some 10000000 10000000")
cache = mmap.mmap(-1, mib << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
places = list(range(0, len(cache), 4096))
random.Random(4).shuffle(places)
end = time.monotonic() + seconds
told = []
while not told and time.monotonic() < end:
    for at in places:
        cache[at] = (cache[at] + 1) & 255
    told = select.select([asked, deaf], [], [], 0)[0]
cache.close()
line = asked.recv(4096).decode() if asked in told else ""
print("told" if asked in told else "quiet", "deaf" if deaf in told else "-", line.split(" ")[0])
"""


class PressureFileTest(harness.WeirTest):
    def run_listener(self, mib, seconds, limit="24M"):
        return self.weir("run", "-n", "test", "-m", limit, "--", sys.executable, "-c", LISTENS, str(mib), str(seconds))

    def watch_of(self, *words, **env):
        """What a command finds in the two variables."""
        result = self.run_with(self.plain_env(WEIR_DIR=self.directory, **env),
                               [harness.COMMAND, "run", *words, "--", "sh", "-c",
                                'echo "$MEMORY_PRESSURE_WATCH $MEMORY_PRESSURE_WRITE"'])
        self.assertEqual((result.status, result.err), (0, b""))
        return result.out.decode().rstrip("\n").split(" ")

    def sockets(self):
        return [name for name in os.listdir(self.directory) if name.startswith("pressure-")]

    def test_a_program_that_honours_it_drops_its_cache(self):
        self.need_swap()
        result = self.run_listener(96, 60)
        self.assertEqual((result.status, result.out, result.err), (0, b"told - some\n", b""))
        self.assertEqual(self.sockets(), [], "the socket goes with the run")

    def test_waiting_for_pressure_ends_with_the_container(self):
        held = self.start_ready([harness.program("hold"), "1"], self.weir_env(64 * MIB, container=None))
        waiting = self.start([harness.COMMAND, "notify", f"pid-{held.pid}", "--pressure", "some 200000 2000000"],
                             self.plain_env(WEIR_DIR=self.directory))
        deadline = time.monotonic() + 20
        while b"/registry" not in harness.content_of(f"/proc/{waiting.pid}/maps") and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.5)  # from opening the registry to finding the container
        self.assertIsNone(waiting.poll(), "as long as there is one")
        self.assertEqual(self.finish(held).status, 0)
        result = self.finish(waiting)
        self.assertEqual((result.status, result.out), (1, b""))
        self.assertIn(b"is gone", result.err)

    def test_nobody_is_told_where_there_is_no_pressure(self):
        result = self.run_listener(2, 3, "256M")
        self.assertEqual((result.status, result.out, result.err), (0, b"quiet - \n", b""))

    def test_it_is_set_where_there_is_a_limit(self):
        path, trigger = self.watch_of("-m", "64M")
        self.assertEqual(os.path.dirname(path), self.directory)
        self.assertEqual(trigger, "c29tZSAyMDAwMDAgMjAwMDAwMAA=")
        self.assertEqual(self.watch_of("-n", "free"), ["", ""])
        self.assertNotEqual(self.watch_of("-n", "box", "-m", "64M")[0], "")
        self.assertNotEqual(self.watch_of("-n", "box")[0], "", "a container that has one")
        self.assertNotEqual(self.watch_of("-n", "box/below")[0], "", "or a parent that has")

    def test_what_the_user_set_stays(self):
        self.assertEqual(self.watch_of("-m", "64M", MEMORY_PRESSURE_WATCH="/dev/null"), ["/dev/null", ""])
        self.assertEqual(self.watch_of("-m", "64M", MEMORY_PRESSURE_WRITE="eA==")[1], "eA==")

    def test_a_directory_too_deep_for_a_socket_is_no_trouble(self):
        deep = os.path.join(self.directory, "d" * 90)
        result = self.run_with(self.plain_env(WEIR_DIR=deep), [harness.COMMAND, "run", "-m", "64M", "--", "sh", "-c",
                                                               'echo "[$MEMORY_PRESSURE_WATCH]"'])
        code, output, errors = result.same()
        self.assertEqual((code, output), (0, b"[]\n"))
        self.assertRegex(errors, rb"^weir: no pressure file for programs that [^\n]*too long[^\n]*\n$", "said, once")

    def test_a_killed_supervisor_leaves_no_trap(self):
        process = self.start([harness.COMMAND, "run", "-m", "64M", "--", "sh", "-c", "echo up; sleep 20"],
                             self.plain_env(WEIR_DIR=self.directory))
        self.assertEqual(process.stdout.readline(), b"up\n")
        left = self.sockets()
        self.assertEqual(len(left), 1)
        path = os.path.join(self.directory, left[0])
        self.assertTrue(stat.S_ISSOCK(os.stat(path).st_mode))
        process.send_signal(signal.SIGKILL)
        process.wait()
        started = time.monotonic()
        with self.assertRaises(ConnectionRefusedError):
            self.connect(path)
        self.assertLess(time.monotonic() - started, 5, "nobody waits for a supervisor that is gone")
        os.utime(path, (0, 0))
        self.watch_of("-m", "64M")
        self.assertEqual(self.sockets(), [], "the next run sweeps")

    @staticmethod
    def connect(path):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(path)


class RefaultTest(harness.WeirTest):
    def test_the_time_of_refaults_is_pressure(self):
        self.need_swap()
        result = self.weir("run", "-n", "test", "-m", "16M", "--", harness.program("walk_again"), "32", "12")
        self.assertEqual(result.same(), (0, b"ok\n", b""))
        found = self.stat()
        self.assertGreater(found["refault"], 1000)
        self.assertGreater(found["refault_us"], 0)
        self.assertLessEqual(found["refault_us"], result.seconds * 1e6)
        self.assertGreaterEqual(found["pressure"]["some"]["total"], found["refault_us"] * 9 // 10)
        self.assertLessEqual(found["pressure"]["some"]["total"], (result.seconds + 1) * 1e6)
        self.note(f"{found['refault']} refaults took {found['refault_us']} us of {result.seconds:.2f} s")

    def test_a_loop_lacks_what_is_beyond_its_limit(self):
        self.need_swap()
        result = self.weir("run", "-n", "test", "-m", "16M", "--", harness.program("walk_again"), "32", "12")
        self.assertEqual(result.status, 0)
        found = self.stat()
        self.assertGreater(found["refault_rate"], 0)
        self.assertLessEqual(found["working_set_half"], found["working_set_tenth"])
        # 32 MiB walked again and again under 16 MiB lack 16 to 20; classes and looks are coarse.
        self.assertGreater(found["working_set_tenth"], 6 * MIB)
        self.assertLess(found["working_set_tenth"], 64 * MIB)
        self.note(f"lacks {found['working_set_half'] / MIB:.1f} and {found['working_set_tenth'] / MIB:.1f} MiB")


if __name__ == "__main__":
    unittest.main()
