"""`weir top`: a table without a terminal, a screen with one, and the terminal as it was afterwards."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

import harness

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"  # xterm's second screen


class TopTest(harness.WeirTest):
    def start_holding(self, name, mib):
        process = self.start([harness.COMMAND, "run", "-n", name, "-m", "64M", "--", harness.program("hold"), str(mib)],
                             self.plain_env(WEIR_DIR=self.directory), stdin=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def test_one_table_sorted_by_usage(self):
        self.start_holding("small", 8)
        self.start_holding("large", 24)
        for words in (["--once"], []):  # and by itself, where stdout is a pipe
            result = self.weir("top", "--interval", "0.1", *words)
            self.assertEqual((result.status, result.err), (0, b""))
            title, *rows = [line.split() for line in result.out.decode().splitlines()]
            self.assertEqual(title, ["CONTAINER", "USAGE", "LIMIT", "USED", "SWAP", "FAILCNT/s", "EVICTED/s",
                                     "REFAULTS/s", "MEMBERS"])
            self.assertEqual([row[0] for row in rows], ["large", "small"])
            self.assertEqual([row[2] for row in rows], ["64M", "64M"])
            self.assertRegex(rows[0][1], r"^2[4-9](\.\d)?M$")
            self.assertRegex(rows[0][3], r"^(3[7-9]|4\d)%$")
            self.assertEqual([rows[0][5], rows[0][6], rows[0][7]], ["0", "0", "0"], "rates of a program that holds")
            self.assertEqual(rows[0][8], "1")

    def test_an_empty_container_without_a_limit(self):
        self.weir("run", "-n", "idle", "--", "true")
        result = self.weir("top", "--once", "--interval", "0.1")
        self.assertEqual(result.out.decode().splitlines()[1].split(), ["idle", "0", "max", "-", "0", "0", "0", "0", "0"])

    def test_without_a_registry(self):
        expected = self.weir("stat")
        result = self.weir("top")
        self.assertEqual((result.status, result.err), (0, expected.err))
        self.assertEqual(result.out.count(b"\n"), 1, "the title only")

    def test_bad_values_are_refused(self):
        for value in ("", "0", "-1", "soon", "0.01", "1e999", "999999999"):
            with self.subTest(value=value):
                result = self.weir("top", "--interval", value)
                self.assertEqual((result.status, result.out, result.err.count(b"\n")), (2, b"", 1))
                self.assertIn(f"--interval '{value}'".encode(), result.err)

    def test_help(self):
        result = self.weir("top", "--help")
        self.assertEqual(result.status, 0)
        self.assertIn(b"--once", result.out)


class Terminal:
    """`weir top` on a terminal of its own, which outlives it."""

    def __init__(self, test, rows=24, columns=100, kind="xterm", words=("--interval", "0.2")):
        self.test = test
        self.master, self.slave = pty.openpty()
        test.addCleanup(os.close, self.master)
        test.addCleanup(os.close, self.slave)
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.got = b""
        env = test.plain_env(WEIR_DIR=test.directory, TERM=kind)
        self.process = test.start([harness.COMMAND, "top", *words], env, stdin=self.slave, stdout=self.slave,
                                  preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text)

    def read_for(self, seconds):
        """What comes within that time."""
        piece = b""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                piece += os.read(self.master, 65536)
        self.got += piece
        return piece

    def read_until(self, text):
        deadline = time.monotonic() + 20
        while text not in self.got:
            self.test.assertLess(time.monotonic(), deadline, f"{text} does not come, but {self.got[-2000:]}")
            self.read_for(0.1)

    def end(self):
        """Its exit status; the terminal must be as it was."""
        deadline = time.monotonic() + 20
        while self.process.poll() is None:  # reading meanwhile, or it could not write
            self.test.assertLess(time.monotonic(), deadline, "it does not end")
            self.read_for(0.05)
        self.read_for(0.1)
        self.test.assertEqual(termios.tcgetattr(self.slave), self.before, "the terminal's settings")
        self.test.assertGreater(self.got.rfind(LEAVE), self.got.rfind(ENTER), "the first screen is back")
        self.test.assertGreater(self.got.rfind(b"\x1b[?25h"), self.got.rfind(b"\x1b[?25l"), "the cursor is back")
        return self.process.returncode


class ScreenTest(harness.WeirTest):
    start_holding = TopTest.start_holding

    def test_q_quits_and_leaves_the_terminal_as_it_was(self):
        self.start_holding("held", 20)
        terminal = Terminal(self)
        terminal.read_until(b"held")
        self.assertIn(ENTER, terminal.got)
        self.assertRegex(terminal.got, rb"#{3,}-{3,}", "a bar")
        self.assertNotEqual(termios.tcgetattr(terminal.slave), terminal.before)
        terminal.type(b"q")
        self.assertEqual(terminal.end(), 0)

    def test_signals_leave_the_terminal_as_it_was(self):
        self.start_holding("held", 20)
        for number, typed in ((signal.SIGINT, b"\x03"), (signal.SIGQUIT, b"\x1c"), (signal.SIGTERM, None)):
            with self.subTest(signal=number):
                terminal = Terminal(self)
                terminal.read_until(b"held")
                if typed:
                    terminal.type(typed)
                else:
                    terminal.process.send_signal(number)
                self.assertEqual(terminal.end(), -number)

    def test_keys_change_the_order(self):
        self.start_holding("alpha", 8)
        self.start_holding("beta", 24)
        terminal = Terminal(self)
        terminal.read_until(b"alpha")
        self.assertLess(terminal.got.index(b"beta"), terminal.got.index(b"alpha"), "by usage")
        terminal.got = b""
        terminal.type(b"\x1bOD")  # left: by name
        terminal.read_until(b"alpha")
        terminal.got = b""
        terminal.type(b"s")
        terminal.read_until(b"beta")
        terminal.type(b"q")
        self.assertEqual(terminal.end(), 0)

    def test_it_follows_the_size_of_the_terminal(self):
        for number in range(8):
            self.weir("run", "-n", f"name{number}", "-m", "64M", "--", "true")
        terminal = Terminal(self, rows=4)
        terminal.read_until(b"name1")
        terminal.read_for(0.5)
        self.assertNotIn(b"name2", terminal.got)
        terminal.resize(24, 100)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        terminal.read_until(b"name7")
        terminal.resize(1, 3)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        terminal.read_for(0.5)
        terminal.type(b"q")
        self.assertEqual(terminal.end(), 0)

    def test_terminal_of_an_unknown_kind(self):
        self.weir("run", "-n", "x", "-m", "64M", "--", "true")
        terminal = Terminal(self, kind="no-such-terminal")
        self.assertEqual(terminal.process.wait(timeout=20), 1)
        self.assertIn(b"'no-such-terminal'", terminal.process.stderr.read())

    def test_without_a_registry_there_is_no_screen(self):
        terminal = Terminal(self)
        self.assertEqual(terminal.process.wait(timeout=20), 0)
        self.assertIn(b"nothing is running", terminal.process.stderr.read())


if __name__ == "__main__":
    unittest.main()
