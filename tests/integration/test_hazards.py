"""Every program of tests/programs, with a limit below its need and without one: it ends as it does without weir."""

import json
import os
import time
import unittest

import harness
from harness import MIB

# Programs that another file runs, since their end is not the same with weir, or since they wait for input.
ELSEWHERE = {"hold", "hold_locked", "lock_on_fault", "locked_threads", "enomem_probe", "jemalloc_api"}

# Name of the setting, and the variables that make it.
SETTINGS = [
    ("without_a_limit", {}),
    ("at_64_mib", {"limit": 64 * MIB}),
    ("at_16_mib", {"limit": 16 * MIB}),
    ("at_16_mib_fallback", {"limit": 16 * MIB, "meter": "fallback"}),
    ("at_16_mib_direct_only", {"limit": 16 * MIB, "background": "off"}),
]

# Programs whose whole output may differ from run to run are none; time is bounded to notice a hang, no more.
HANG = 120


def names():
    if not os.path.isdir(harness.PROGRAMS):
        return []
    return sorted(name for name in os.listdir(harness.PROGRAMS)
                  if os.path.isfile(harness.program(name)) and name not in ELSEWHERE)


class HazardsTest(harness.WeirTest):
    def try_program(self, name, variables):
        if "limit" in variables:
            self.need_swap()
        plain = self.run_plain([harness.program(name)], timeout=HANG)
        if plain.status == harness.CANNOT:
            self.skipTest(f"{name} says: {plain.out.decode().strip()}")
        watched = self.run_weir([harness.program(name)], timeout=HANG, **variables)
        self.assert_same(plain, watched)
        self.empty_stat()

    def test_there_are_programs(self):
        self.assertGreater(len(names()), 30, harness.PROGRAMS)


def add_test(name, setting, variables):
    def test(self):
        self.try_program(name, variables)

    setattr(HazardsTest, f"test_{name}_{setting}", test)


for each_name in names():
    for each_setting, each_variables in SETTINGS:
        add_test(each_name, each_setting, each_variables)


class ForkAtTheLimitTest(harness.WeirTest):
    def test_it_ends_one_way_or_the_other(self):
        """Pages shared after a fork cannot be paged out and count twice: that may end in the policy, never in a hang."""
        self.need_swap()
        for variables in ({}, {"background": "off"}, {"meter": "fallback"}):
            with self.subTest(**variables):
                result = self.run_weir([harness.program("fork_grow"), "24", "24"], 16 * MIB, timeout=HANG, **variables)
                if result.status != 0:
                    self.assertTrue(any("Container out of memory" in event["text"] for event in self.events("oom")))
                self.note(f"{variables}: status {result.status}")


    def test_what_is_too_much_leaves_before_a_fork(self):
        """Behind it nobody can page it out: of 40 runs 10 ended by the policy, with swap to spare."""
        self.need_swap()
        for turn in range(12):
            result = self.run_weir(["/bin/sh", "-c", harness.program("raw_fork") + "; exit $?"], 16 * MIB, timeout=HANG,
                                   meter="fallback", container=f"turn-{turn}")
            self.assertEqual(result.same(), (0, b"ok\n", b""), f"turn {turn}")


class ForkChainTest(harness.WeirTest):
    def test_a_child_begins_with_nothing_of_its_parents_meter(self):
        """As many generations as a meter has room for threads; each near enough to its limit for a reclaimer."""
        result = self.run_weir([harness.program("fork_chain"), "280", "10"], 16 * MIB, timeout=HANG)
        self.assertEqual(result.same(), (0, b"ok\n", b""))


class MainExitsTest(harness.WeirTest):
    def test_a_process_whose_main_has_exited_ends(self):
        """Hazard 2: a thread of ours must not keep a process alive; what it has buffered is written, as by exit(0).

        The limit is near enough for a reclaimer, and needs no swap.
        """
        for way in ("pthread_exit", "thrd_exit", "cancel", "callback"):
            plain = self.run_plain([harness.program("main_exits_thread"), way])
            self.assertEqual((plain.status, plain.out), (0, b"ok\nbye\n"))
            for meter in ("auto", "fallback"):
                for _ in range(3):
                    with self.subTest(way=way, meter=meter):
                        result = self.run_weir([harness.program("main_exits_thread"), way], 100 * MIB, timeout=20,
                                               meter=meter)
                        self.assert_same(plain, result)


class SeccompTest(harness.WeirTest):
    """What is begun before a filter must not make calls behind it."""

    def test_strict_mode(self):
        for where in ("here", "fork"):
            for variables in ({}, {"threadless": "on"}, {"meter": "fallback"}):
                with self.subTest(where=where, **variables):
                    result = self.run_weir([harness.program("strict_mode"), "40", where], 64 * MIB, **variables)
                    if result.status == 77:
                        self.skipTest("needs seccomp")
                    self.assertEqual(result.status, 0, result.err)

    def test_a_filter_and_thread_groups(self):
        result = self.run_weir([harness.program("seccomp_filter"), "2", "20"], 64 * MIB, threads="io*=io:limit=8M")
        if result.status == 77:
            self.skipTest("needs seccomp")
        self.assertEqual((result.status, result.out), (0, b"ok\n"))


class NamespaceCommandsTest(harness.WeirTest):
    def try_often(self, command):
        self.need_program(command.split()[0])
        plain = self.run_plain(command)
        if plain.status != 0:
            self.skipTest(f"{command!r} is refused here: {plain.err.decode().strip()}")
        for _ in range(30):
            self.assert_same(plain, self.run_weir(command, 16 * MIB))

    def test_unshare(self):
        self.try_often("unshare -U true")

    def test_nsenter(self):
        self.need_root()
        self.try_often("nsenter -m -t $$ true")


class PidNamespaceTest(harness.WeirTest):
    """The same pid is another process in there: nobody may be taken for a member that is none, or be ended for it."""

    SCRIPT = "sleep 2 | {hold} 24 & sleep 2 | {hold} 24 & sleep 1.5; {weir} stat box --format json; wait"

    def run_inside(self, options, limit):
        self.need_program("unshare")
        if self.run_plain(["unshare", "-Ur", "-p", "-f", "--mount-proc", "true"]).status != 0:
            self.skipTest("namespaces are refused here")
        script = self.SCRIPT.format(hold=harness.program("hold"), weir=harness.COMMAND)
        env = self.weir_env(limit, container="box")
        process = self.start(["unshare", "-Ur", "-p", "-f", *options, "sh", "-c", script], env)
        time.sleep(1)
        outside = self.stat("box")
        out, _ = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out.count(b"ok\n")), (0, 2), out)
        return outside, out

    def inside(self, out):
        return json.loads(out[out.index(b"{"):out.rindex(b"}") + 1])

    def test_its_processes_have_a_registry_of_their_own(self):
        outside, out = self.run_inside(["--mount-proc"], 100 * MIB)
        inside = self.inside(out)
        self.assertGreater(inside["usage"], 48 * MIB)
        self.assertLess(inside["usage"], 60 * MIB)
        self.assertEqual(sorted({member["comm"] for member in inside["members"]} - {"weir"}), ["hold", "sh", "sleep"])
        self.assertGreater(outside["usage"], 48 * MIB, "and count outside, too")
        self.assertNotIn(1, [member["pid"] for member in outside["members"]])

    def test_they_are_held(self):
        self.need_swap()
        _, out = self.run_inside(["--mount-proc"], 32 * MIB)
        inside = self.inside(out)
        self.assertLessEqual(inside["usage"], 33 * MIB)
        self.assertGreater(inside["swap_usage"], 12 * MIB)

    def test_with_the_proc_of_the_namespace_above_nobody_is_mistaken(self):
        outside, out = self.run_inside([], 100 * MIB)
        self.assertNotIn(b'"members"', out)
        self.assertGreater(outside["usage"], 48 * MIB)
        self.assertLess(outside["usage"], 60 * MIB)

    def test_what_it_left_is_removed_by_the_next_run(self):
        self.run_inside(["--mount-proc"], 100 * MIB)
        self.assertEqual(len(os.listdir(self.directory)), 2, os.listdir(self.directory))
        self.assertEqual(self.weir("run", "-m", "64M", "--", "true").status, 0)
        self.assertEqual(os.listdir(self.directory), ["registry"])


class AllocatorTest(harness.WeirTest):
    def test_jemalloc_interface_is_there(self):
        result = self.run_weir([harness.program("jemalloc_api")], 64 * MIB)
        self.assertEqual((result.status, result.out, result.err), (0, b"ok\n", b""))

    def test_cxx_exceptions_and_new(self):
        """No C++ symbol is undefined, none is exported: a C program starts, and a C++ one keeps its own operator new."""
        nm = self.need_program("nm")
        undefined = self.run_plain([nm, "-D", "--undefined-only", harness.LIBRARY]).out.decode()
        self.assertEqual([line for line in undefined.split() if line.startswith("_Z")], [])
        defined = self.run_plain([nm, "-D", "--defined-only", harness.LIBRARY]).out.decode()
        self.assertEqual([line for line in defined.split() if line.startswith("_Z")], [])

    def test_needs_only_libc(self):
        objdump = self.need_program("objdump")
        listing = self.run_plain([objdump, "-p", harness.LIBRARY]).out.decode()
        needed = {line.split()[1] for line in listing.splitlines() if line.split()[:1] == ["NEEDED"]}
        allowed = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2", "ld-linux-x86-64.so.2"}
        self.assertLessEqual(needed, allowed)

    def test_under_small_resource_limits(self):
        """Hazard 37: a limit of address space, of processes or of files, each met quietly."""
        for limits in ("ulimit -v 400000", "ulimit -u 1", "ulimit -n 4", "ulimit -l 0", "ulimit -f 0", "ulimit -s 128"):
            command = f"{limits}; exec {harness.program('walk_again')} 40 1"
            with self.subTest(limits=limits):
                self.need_swap()
                plain = self.run_plain(command)
                self.assert_same(plain, self.run_weir(command, 16 * MIB))


if __name__ == "__main__":
    unittest.main()
