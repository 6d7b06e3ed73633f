"""When nothing can be reclaimed: the policy decides, inside the container only, with a report, and soon."""

import os
import signal
import time
import unittest

import harness
import machine
from harness import MIB

PATIENCE = 30  # seconds: a livelock is noticed, speed is not judged
LOCKED = "hold_locked"


class OomTest(harness.WeirTest):
    def setUp(self):
        super().setUp()
        probe = self.run_plain([harness.program(LOCKED), "8"])
        if probe.status == harness.CANNOT:
            self.skipTest("needs 32 MiB of locked memory (root, or ulimit -l)")

    def run_locked(self, words, **variables):
        return self.run_weir(words, 16 * MIB, timeout=PATIENCE, **variables)

    def killed(self):
        return [event["pid"] for event in self.events("oom_kill")]

    def assert_report(self):
        report = [event for event in self.events("oom") if "Container out of memory" in event["text"]]
        self.assertGreaterEqual(len(report), 1)
        first_kill = self.events("oom_kill")[0]
        self.assertLess(report[0]["number"], first_kill["number"], "the report comes before the kill")
        self.assertGreaterEqual(self.stat()["events_oom"], 1)

    def test_kill_is_the_default(self):
        result = self.run_locked([harness.program(LOCKED), "32"])
        self.assertEqual((result.status, result.out, result.err), (-signal.SIGKILL, b"", b""))
        self.assert_report()
        stat = self.stat()
        self.assertEqual((stat["events_oom_kill"], stat["usage"]), (1, 0))
        self.assertGreater(stat["evict_stayed"]["locked"], 0, "the reason why it stayed is told")

    def test_kill_with_fallback_meter(self):
        result = self.run_locked([harness.program(LOCKED), "64"], meter="fallback")
        self.assertEqual(result.status, -signal.SIGKILL)
        self.assert_report()

    def test_kill_takes_the_worst_only(self):
        script = f"{harness.program('hold')} 2 <&3 & small=$!; {harness.program(LOCKED)} 32; echo $?; kill -0 $small && echo alive"
        process = self.start(["/bin/sh", "-c", f"exec 3<&0; {script}"], self.weir_env(16 * MIB), stdin=-1)
        out = b"".join(process.stdout.readline() for _ in range(3))  # its input stays open until then
        out += process.communicate(timeout=PATIENCE)[0]
        self.assertEqual(out.split()[:4], [b"ready", b"137", b"alive", b"ok"], out)
        self.assertEqual(len(self.killed()), 1)

    def test_who_decides_may_have_little_stack(self):
        large = self.start_ready([harness.program("hold"), "12"], self.weir_env(16 * MIB, swap_limit="1M"))
        result = self.run_locked([harness.program("small_alt_stack"), "8"], swap_limit="1M",
                                 dump_file=os.path.join(self.scratch, "report"))
        self.assertEqual(large.wait(PATIENCE), -signal.SIGKILL)
        self.assertEqual((result.status, result.out), (0, b"ok\n"), result.err)
        self.assertEqual(self.killed(), [large.pid])

    def test_other_containers_are_left_alone(self):
        bystander = self.start_ready([harness.program("hold"), "40"], self.weir_env(64 * MIB, container="bystander"))
        self.assertEqual(self.run_locked([harness.program(LOCKED), "32"]).status, -signal.SIGKILL)
        self.assertIsNone(bystander.poll())
        self.assertEqual(self.finish(bystander).same(), (0, b"ok\n", b""))

    def test_exempted_process_is_spared(self):
        """S1: a process exempted from the OOM killer is skipped; another member dies in its place."""
        self.need_root()
        command = "echo -1000 >/proc/self/oom_score_adj; exec " + harness.program("hold") + " 10"
        if self.run_plain(["/bin/sh", "-c", "echo -1000 >/proc/self/oom_score_adj"]).status != 0:
            self.skipTest("needs the right to lower oom_score_adj (CAP_SYS_RESOURCE)")
        exempt = self.start_ready(["/bin/sh", "-c", command], self.weir_env(16 * MIB))
        self.assertEqual(self.run_locked([harness.program(LOCKED), "14"]).status in (0, -signal.SIGKILL), True)
        self.assertIsNone(exempt.poll())
        self.assertNotIn(exempt.pid, self.killed())
        self.assertEqual(self.finish(exempt).status, 0)

    def test_group_kills_all_members(self):
        script = f"{harness.program('hold')} 1 <&3 & {harness.program(LOCKED)} 32; echo survived"
        process = self.start(["/bin/sh", "-c", f"exec 3<&0; {script}"], self.weir_env(16 * MIB, oom="group"), stdin=-1)
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertNotIn(b"survived", out)
        self.assertEqual(process.returncode, -signal.SIGKILL)
        self.empty_stat()
        self.assertGreaterEqual(len(self.killed()), 2)

    def test_enomem_refuses_and_kills_nobody(self):
        result = self.run_locked([harness.program(LOCKED), "64"], oom="enomem")
        self.assertEqual((result.status, result.out, result.err), (0, b"refused\n", b""))
        stat = self.stat()
        self.assertEqual(stat["events_oom_kill"], 0)
        self.assertGreater(stat["enomem"], 0)
        self.assertLessEqual(stat["peak"], 16 * MIB + 4 * harness.PERF_ALLOWANCE)

    def test_enomem_of_a_parent_refuses_its_children(self):
        self.weir("run", "-n", "top", "-m", "16M", "--oom", "enomem", "--", "true")
        for turn in range(3):
            result = self.run_weir([harness.program(LOCKED), "64"], timeout=PATIENCE, container=f"top/child-{turn}")
            self.assertEqual((result.status, result.out, result.err), (0, b"refused\n", b""))
        self.assertEqual(self.stat("top")["events_oom_kill"], 0)

    def test_enomem_program_goes_on(self):
        for meter in ("auto", "fallback"):
            for turn in range(10):  # who is faster, the reclaimer or the program, differs
                with self.subTest(meter=meter, turn=turn):
                    result = self.run_locked([harness.program("enomem_probe")], oom="enomem", meter=meter,
                                             container=f"test-{meter}-{turn}")
                    self.assertEqual((result.status, result.out, result.err), (0, b"refused and went on\n", b""))

    def test_what_no_fault_meets_is_decided_all_the_same(self):
        """Populated and locked in one system call: nobody is ever stopped at the limit."""
        started = time.monotonic()
        result = self.run_weir([harness.program("populate_locked"), "40", "20"], 32 * MIB)
        if result.out == b"may not lock\n":
            self.skipTest("needs the right to lock 40 MiB (root)")
        self.assertEqual(result.status, -signal.SIGKILL)
        self.assertLess(time.monotonic() - started, 15)
        self.assertEqual((self.stat()["events_limit"], self.stat()["events_oom_kill"]), (1, 1))

    def test_enomem_of_a_group_is_not_hidden_by_threads_beside_it(self):
        for meter in ("auto", "fallback"):
            with self.subTest(meter=meter):
                result = self.run_weir([harness.program("enomem_group"), "64"], 200 * MIB, container=f"beside-{meter}",
                                       meter=meter, swap_limit="64K", threads="io=io:limit=16M,oom=enomem")
                self.assertEqual(result.same(), (0, b"refused\n", b""))
                self.assertGreater(self.stat(f"beside-{meter}/io")["enomem"], 0)

    def test_enomem_pages_out_for_what_fits_then(self):
        """With other threads beside, who may not reclaim by themselves, and for the sake of another member."""
        self.need_swap()
        for meter in ("auto", "fallback"):
            with self.subTest(meter=meter):
                words = [harness.program("enomem_beside")]
                result = self.run_weir(words, 16 * MIB, oom="enomem", meter=meter, container=f"alone-{meter}")
                self.assertEqual((result.status, result.out, result.err), (0, b"ok\n", b""))
                env = self.weir_env(16 * MIB, oom="enomem", meter=meter, container=f"both-{meter}")
                other = self.start_ready([harness.program("hold"), "10"], env)
                result = self.run_weir([*words, "5"], 16 * MIB, oom="enomem", meter=meter, container=f"both-{meter}")
                self.assertEqual((result.status, result.out, result.err), (0, b"ok\n", b""))
                self.assertEqual(self.finish(other).same(), (0, b"ok\n", b""))

    def test_group_gets_back_what_it_freed(self):
        """With and without swap: what its allocator has free is purged before a thread group is refused."""
        for turn in range(5):
            result = self.run_weir([harness.program("enomem_probe")], 200 * MIB, container=f"groups-{turn}",
                                   threads="enomem_probe=g:limit=16M,oom=enomem")
            self.assertEqual((result.status, result.out, result.err), (0, b"refused and went on\n", b""))

    def test_pause_waits_then_kills(self):
        for meter in ("auto", "fallback"):
            began = time.monotonic()
            name = f"pause-{meter}"
            result = self.run_locked([harness.program(LOCKED), "32"], oom="pause:2", meter=meter, container=name)
            self.assertEqual(result.status, -signal.SIGKILL)
            self.assertGreaterEqual(time.monotonic() - began, 1.9)
            stat = self.stat(name)
            self.assertEqual(stat["events_oom_kill"], 1)
            self.assertGreaterEqual(stat["events_oom"], 1)

    def test_the_pause_of_a_group_is_not_anothers(self):
        """What one group's threads wait for neither shortens another's pause nor ends them under another policy."""
        began = time.monotonic()
        result = self.run_weir([harness.program("locked_threads"), "long", "short"], 64 * MIB, timeout=PATIENCE,
                               threads="long=a:limit=8M,oom=pause:30;short=b:limit=8M,oom=pause:6")
        self.assertEqual(result.status, -signal.SIGKILL)
        self.assertEqual(result.out, b"long\nshort\n")
        self.assertGreaterEqual(time.monotonic() - began, 3 + 5.9)

    def test_memory_locked_as_it_is_touched_is_killed_for(self):
        """Each round finds a few pages that leave and come back; the rest cannot, and does not grow at once."""
        for oom, least in (("kill", 0), ("pause:2", 1.9)):
            for meter in ("auto", "fallback"):
                with self.subTest(oom=oom, meter=meter):
                    began = time.monotonic()
                    result = self.run_locked([harness.program("lock_on_fault"), "48"], oom=oom, meter=meter,
                                             container=f"{oom[0]}-{meter}")
                    self.assertEqual((result.status, result.out), (-signal.SIGKILL, b""))
                    took = time.monotonic() - began
                    self.note(f"{oom}, {meter}: killed after {took:.1f} s")
                    self.assertGreaterEqual(took, least)

    def test_pause_ends_when_room_is_made(self):
        process = self.start([harness.program(LOCKED), "32"], self.weir_env(16 * MIB, oom="pause:25"))
        time.sleep(1.5)
        self.assertIsNone(process.poll(), "it waits")
        self.assertEqual(self.weir("set", "test", "limit=64M").status, 0)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, out, err), (0, b"held all\n", b""))
        self.assertEqual(self.killed(), [])

    def test_two_hogs_do_not_hang(self):
        script = f"{harness.program(LOCKED)} 32 & {harness.program(LOCKED)} 32 & wait; echo end"
        result = self.run_locked(script)
        self.assertEqual((result.status, result.out[-4:]), (0, b"end\n"))


class NoSwapTest(harness.WeirTest):
    def setUp(self):
        super().setUp()
        if machine.free_swap() > 0:
            self.skipTest("needs a machine without swap (the locked memory of OomTest stands in for it)")

    def test_kill(self):
        result = self.run_weir([harness.program("walk_again"), "48"], 16 * MIB, timeout=PATIENCE)
        self.assertEqual(result.status, -signal.SIGKILL)
        self.assertGreater(self.stat()["evict_stayed"]["no_swap"], 0)

    def test_enomem(self):
        result = self.run_weir([harness.program("hold_locked"), "48"], 16 * MIB, timeout=PATIENCE, oom="enomem")
        self.assertEqual(result.status, 0)


class SwapLimitTest(harness.WeirTest):
    def test_enomem_refuses_small_ones_too(self):
        self.need_swap()
        for meter in ("auto", "fallback"):
            for turn in range(3):
                with self.subTest(meter=meter, turn=turn):
                    result = self.run_weir([harness.program("enomem_small")], 16 * MIB, timeout=PATIENCE, oom="enomem",
                                           swap_limit="1M", meter=meter, container=f"small-{meter}-{turn}")
                    self.assertEqual((result.status, result.out, result.err), (0, b"refused and went on\n", b""))

    UNTIL_REFUSED = "\n".join([
        "held = []",
        "try:",
        "    while True: held.append([len(held)])",
        "except MemoryError:",
        "    count = len(held)",
        "    del held",
        "    print('refused', count > 50000, len(bytes(4 << 20)))"])

    def test_enomem_is_an_exception_in_python(self):
        self.need_swap()
        for meter in ("auto", "fallback"):
            with self.subTest(meter=meter):
                result = self.run_weir(["/usr/bin/python3", "-c", self.UNTIL_REFUSED], 96 * MIB, timeout=PATIENCE,
                                       oom="enomem", swap_limit="1M", meter=meter, container=f"python-{meter}")
                self.assertEqual((result.status, result.out, result.err), (0, b"refused True 4194304\n", b""))

    def test_swap_limit_is_a_limit(self):
        """With 8 MiB of swap allowed and 16 MiB of memory, 48 MiB do not fit: the policy decides."""
        self.need_swap()
        result = self.run_weir([harness.program("walk_again"), "48", "1"], 16 * MIB, timeout=PATIENCE, swap_limit="8M")
        self.assertEqual(result.status, -signal.SIGKILL)
        self.assertTrue(any("Container out of memory" in event["text"] for event in self.events("oom")))

    def test_swap_limit_that_suffices(self):
        self.need_swap()
        result = self.run_weir([harness.program("walk_again"), "40", "1"], 16 * MIB, swap_limit="48M")
        self.assertEqual((result.status, result.out), (0, b"ok\n"))


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    unittest.main()
