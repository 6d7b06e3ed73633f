"""`weir run` is not there: exit status, signals, Ctrl-C, input and output are the command's."""

import os
import pty
import signal
import subprocess
import time
import unittest

import harness
import sampler
from harness import MIB


class RunTest(harness.WeirTest):
    def weir_run(self, *words, **options):
        return self.weir("run", "-n", "test", "-m", "64M", "--", *words, **options)

    def test_few_descriptors_are_enough_for_the_command(self):
        for most in (4, 5, 6, 7):
            line = f"ulimit -n {most}; exec {harness.COMMAND} run --dir {self.directory} -m 32M -- /bin/echo hello"
            result = self.run_plain(["/bin/sh", "-c", line])
            self.assertEqual((result.status, result.out), (0, b"hello\n"), result.err)

    def test_exit_status(self):
        for status in (0, 1, 2, 77, 125, 255):
            result = self.weir_run("sh", "-c", f"echo out; echo err >&2; exit {status}")
            self.assertEqual(result.same(), (status, b"out\n", b"err\n"))

    def test_command_that_is_not_there(self):
        result = self.weir_run("no-such-command")
        self.assertEqual(result.status, 127)
        self.assertIn(b"no-such-command", result.err)

    def test_command_that_cannot_be_run(self):
        path = os.path.join(self.scratch, "not-executable")
        open(path, "w", encoding="ascii").close()
        result = self.weir_run(path)
        self.assertEqual(result.status, 126)
        self.assertIn(b"not-executa", result.err)
        self.assertEqual(self.weir_run("/").status, 126)

    def test_no_container_is_left_of_a_command_that_never_ran(self):
        self.weir("run", "-m", "16M", "--", "no-such-command")
        self.assertEqual(self.weir("stat", "--format", "json").out.strip(), b"[]")

    def test_death_by_signal(self):
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGHUP, signal.SIGUSR1):
            result = self.weir_run("sh", "-c", f"kill -{int(number)} $$")
            self.assertEqual(result.status, -number)

    def test_signals_are_passed_on(self):
        script = "trap 'echo term; exit 9' TERM; trap 'echo usr1' USR1; echo up; while :; do sleep 0.05; done"
        process = self.start([harness.COMMAND, "run", "-m", "64M", "--", "sh", "-c", script], self.plain_env(
            WEIR_DIR=self.directory))
        self.assertEqual(process.stdout.readline(), b"up\n")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.stdout.readline(), b"usr1\n")
        process.terminate()
        self.assertEqual(process.stdout.readline(), b"term\n")
        self.assertEqual(process.wait(timeout=20), 9)

    def test_input_and_output_pass_through(self):
        result = self.weir_run("sort", stdin_text=b"b\na\n")
        self.assertEqual(result.same(), (0, b"a\nb\n", b""))

    def test_the_limit_is_the_commands(self):
        self.need_swap()
        words = [harness.program("walk_again"), "48", "1"]
        result = self.weir("run", "-n", "test", "-m", "16M", "--high", "12M", "--low", "80%", "--", *words)
        self.assertEqual((result.status, result.out), (2, b""), "low of 80 % is above high")
        result = self.weir("run", "-n", "test", "-m", "16M", "--high", "12M", "--low", "50%", "--", *words, sample=True)
        self.assertEqual(result.same(), (0, b"ok\n", b""))
        stat = self.stat()
        self.assertEqual((stat["limit"], stat["high_watermark"], stat["low_watermark"]), (16 * MIB, 12 * MIB, 8 * MIB))

    def test_bad_options_are_refused(self):
        for option, value in (("-m", "12Q"), ("-m", ""), ("-m", "-1"), ("--high", "120%"), ("--low", "x"),
                              ("--oom", "murder"), ("-n", "a/../b"), ("-n", "x" * 10000), ("--background", "perhaps")):
            with self.subTest(option=option, value=value[:20]):
                result = self.weir("run", option, value, "--", "echo", "ran")
                self.assertEqual((result.status, result.out), (2, b""))
                self.assertIn(value[:20].encode(), result.err)
                self.assertEqual(result.err.count(b"\n"), 1, "one line")

    def test_files_that_cannot_be_made_are_refused(self):
        for option, value in (("--log", "debug:/nowhere/log"), ("--dump-file", "/nowhere/dump"),
                              ("--record", "/nowhere/rec")):
            result = self.weir("run", "-m", "64M", option, value, "--", "/bin/true")
            self.assertEqual(result.status, 2, option)
            path = value.removeprefix("debug:")
            self.assertIn(f"{option} '{path}': no file can be made in /nowhere", result.err.decode())

    def test_killing_the_supervisor_does_no_harm(self):
        self.need_swap()
        env = self.plain_env(WEIR_DIR=self.directory)
        process = self.start([harness.COMMAND, "run", "-n", "test", "-m", "16M", "--", harness.program("hold"), "40"], env,
                             stdin=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        process.kill()
        process.wait()
        stat = self.stat()
        self.assertEqual([member["comm"] for member in stat["members"]], ["hold"])
        self.assertLessEqual(stat["usage"], 17 * MIB)
        self.assertLessEqual(sampler.rss_anon(stat["members"][0]["pid"]), 17 * MIB)
        process.stdin.close()
        self.assertEqual(process.stdout.read(), b"ok\n")
        self.wait_until_empty()

    def wait_until_empty(self):
        for _ in range(100):
            if self.stat()["members"] == []:
                return
            time.sleep(0.1)
        self.fail("the command goes on")


class TerminalTest(harness.WeirTest):
    def on_terminal(self, script, typed, expected):
        """Runs a script by `weir run` on a terminal of its own, types, and gives what came and the exit status."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(self.plain_env(WEIR_DIR=self.directory))
            os.execv(harness.COMMAND, [harness.COMMAND, "run", "-m", "64M", "--", "sh", "-c", script])
        got = b""
        deadline = time.monotonic() + 30
        try:
            while time.monotonic() < deadline:
                piece = os.read(terminal, 1000)
                if piece == b"":
                    break
                got += piece
                if typed and b"up" in got:
                    os.write(terminal, typed)
                    typed = b""
        except OSError:
            pass  # the other end is closed: all is said
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        self.assertIn(expected, got)
        return os.waitstatus_to_exitcode(status)

    def test_interrupt_reaches_the_command_once(self):
        script = "trap 'echo caught; exit 5' INT; echo up; while :; do sleep 0.05; done"
        self.assertEqual(self.on_terminal(script, b"\x03", b"caught"), 5)

    def test_interrupt_of_a_plain_command(self):
        self.assertEqual(self.on_terminal("echo up; exec sleep 30", b"\x03", b"up"), -signal.SIGINT)

    def test_quit(self):
        self.assertEqual(self.on_terminal("ulimit -c 0; echo up; exec sleep 30", b"\x1c", b"up"), -signal.SIGQUIT)

    def test_terminal_input(self):
        self.assertEqual(self.on_terminal("echo up; read x; echo \"<$x>\"; exit 4", b"typed\n", b"<typed>"), 4)


if __name__ == "__main__":
    unittest.main()
