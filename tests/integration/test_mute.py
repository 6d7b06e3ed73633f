"""Members that cannot give memory back themselves, stopped or gone over to a static program: shown, told, paged out."""

import ctypes
import os
import signal
import struct
import time
import unittest

import harness
import machine
from harness import MIB

LIMIT = 64 * MIB
HELD = 40
WAITS = """
import signal
%s
print("ready", flush=True)
print(signal.sigtimedwait(signal.valid_signals(), 4))
"""
SLEEPS = "import sys; print('ready', flush=True); sys.stdin.read()"
SI_TIMER = -2
SYS_RT_SIGQUEUEINFO = 129
ASKED_COOKIE = 0x77656972  # core/wake.h


class MuteTest(harness.WeirTest):
    def setUp(self):
        super().setUp()
        self.need_swap()

    def hold(self, *argv):
        return self.start_ready([*argv, str(HELD)], self.weir_env(LIMIT))

    def stopped(self):
        process = self.hold(harness.program("hold"))
        os.kill(process.pid, signal.SIGSTOP)
        return process

    def alien(self):
        return self.hold("/bin/sh", "-c", 'exec "$0" "$1"', harness.program("static/hold"))

    def member(self, pid):
        return next(member for member in self.stat()["members"] if member["pid"] == pid)

    def test_who_filters_its_system_calls_is_told(self):
        result = self.run_weir([harness.program("seccomp_filter"), "2", "1"], LIMIT)
        if result.status == 77:
            self.skipTest("needs seccomp")
        told = [event for event in self.events("mute") if "filters its system calls" in event["text"]]
        self.assertEqual((result.status, len(told)), (0, 1), result.err)

    def test_under_valgrind_a_program_is_counted_and_left_alone(self):
        """Samples of the meter would hit the simulator itself, which dies of them."""
        valgrind = [self.need_program("valgrind"), "-q"]
        for words in ([harness.program("grow_malloc"), "64"], [harness.program("thread_groups"), "8", "small", "io_1"]):
            result = self.run_weir([*valgrind, *words], 32 * MIB, threads="io_*=io")
            self.assertEqual((result.status, result.err), (0, b""))
        told = [event for event in self.events("mute") if "under valgrind" in event["text"]]
        self.assertEqual(len(told), 2)
        process = self.start_ready([*valgrind, harness.program("hold"), str(HELD)], self.weir_env(400 * MIB, "counted"))
        self.assertGreater(self.stat("counted")["usage"], HELD * MIB)
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def squeeze(self, process, reach):
        """Another member, which alone could have the limit for itself, walks through 50 MiB for a while."""
        walker = self.run_weir([harness.program("walk_again"), "50", "10"], LIMIT)
        self.assertEqual(walker.status, 0, walker.err)
        stat = self.stat()
        held = self.member(process.pid)
        self.assertEqual(held["reach"], reach)
        self.assertEqual(stat["unevictable"], held["usage"], "all that the mute hold")
        told = [event for event in self.events("mute") if event["pid"] == process.pid]
        self.assertEqual(len(told), 1, told)
        if machine.may_advise_others():
            self.assertGreater(held["swap_usage"], 4 * MIB, stat)
        else:
            self.assertGreater(held["usage"], (HELD - 16) * MIB, "what it gave back itself before it was stopped")
        return stat

    def asked_by_hand(self, program):
        """A sleeping Python program far from every mark, which `weir reclaim` asks for all it has."""
        words = ["/usr/bin/python3", "-c", program]
        process = self.start(words, self.weir_env(200 * MIB))
        self.assertEqual(process.stdout.readline(), b"ready\n")
        self.weir("reclaim", "test", "--to", "1M")  # root pages it out from outside, others cannot
        return process

    def assert_not_asked(self, program, told):
        process = self.asked_by_hand(program)
        self.assertEqual(self.finish(process).same(), (0, told, b""))

    def test_who_waits_for_all_signals_is_not_sent_one(self):
        self.assert_not_asked(WAITS % "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())", b"None\n")

    def test_who_has_a_handler_of_its_own_is_not_sent_one(self):
        handler = "signal.signal(signal.SIGRTMAX - 2, lambda *_: print('handler'))"
        self.assert_not_asked(f"import signal, time; {handler}; print('ready', flush=True); time.sleep(4)", b"")

    def send_asked(self, pid, number):
        """The signal by which a member is asked, as core/os.cc sends it: its request may be withdrawn meanwhile."""
        info = bytearray(128)
        struct.pack_into("iiiiiiQ", info, 0, number, 0, SI_TIMER, 0, os.getpid(), 0, ASKED_COOKIE)
        text = (ctypes.c_char * len(info)).from_buffer(info)
        self.assertEqual(ctypes.CDLL(None).syscall(SYS_RT_SIGQUEUEINFO, pid, number, text), 0)

    def test_a_request_that_was_withdrawn_dumps_nothing(self):
        env = self.weir_env(200 * MIB)
        process = self.start_ready(["/usr/bin/python3", "-c", SLEEPS], env)
        number = signal.SIGRTMAX - 2
        self.send_asked(process.pid, number)
        time.sleep(0.2)
        os.kill(process.pid, number)
        out = self.finish(process)
        self.assertEqual((out.status, out.out), (0, b""), out.err)
        self.assertEqual(out.err.count(b"\nevents_oom_kill "), 1, out.err)

    def test_a_stopped_member(self):
        process = self.stopped()
        self.squeeze(process, "stopped")
        os.kill(process.pid, signal.SIGCONT)
        for _ in range(100):
            if self.member(process.pid)["reach"] == "itself":
                break
            time.sleep(0.01)
        self.assertEqual(self.member(process.pid)["reach"], "itself")
        self.assertEqual(self.stat()["unevictable"], 0)
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def test_a_member_that_is_a_static_program_by_now(self):
        process = self.alien()
        self.squeeze(process, "alien")
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def test_in_text_it_is_named(self):
        process = self.stopped()
        for _ in range(100):  # a thread in the midst of a system call stops after it
            if self.member(process.pid)["reach"] == "stopped":
                break
            time.sleep(0.01)
        line = next(line for line in self.weir("stat", "test").out.decode().splitlines() if str(process.pid) in line)
        self.assertEqual(line.split()[-2:], ["stopped", "hold"], line)
        os.kill(process.pid, signal.SIGCONT)
        self.assertEqual(self.finish(process).status, 0)

    def test_a_program_that_sets_all_handlers_back_is_itself(self):
        script = ("import signal, sys\n"
                  "for number in range(1, 65):\n"
                  "  try: signal.signal(number, signal.SIG_DFL)\n"
                  "  except (OSError, ValueError): pass\n"
                  "print('ready', flush=True)\nsys.stdin.read()\nprint('ok')\n")
        for limit in (4096 * MIB, 16 * MIB):
            with self.subTest(limit=limit):
                process = self.start_ready(["/usr/bin/python3", "-c", script], self.weir_env(limit, f"box{limit}"))
                self.assertEqual([member["reach"] for member in self.stat(f"box{limit}")["members"]], ["itself"])
                self.weir("reclaim", f"box{limit}", "--to", "1M")  # whose signal it would not survive
                self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))


if __name__ == "__main__":
    unittest.main()
