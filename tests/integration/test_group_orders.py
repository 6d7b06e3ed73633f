"""test_group_orders - what is asked of thread groups from outside, and whose policy decides."""

import re
import time
import unittest

import harness
from harness import MIB


class GroupOrdersTest(harness.WeirTest):
    def setUp(self):
        super().setUp()
        self.need_swap()

    def hold(self, names, rules, mib=40, limit=400 * MIB, how="large", **variables):
        env = self.weir_env(limit, "box", threads=rules, **variables)
        return self.start_ready([harness.program("thread_groups"), str(mib), how, *names], env)

    def outcome(self, process):
        result = self.finish(process)
        self.assertEqual((result.status, result.err), (0, b""), result.out)
        return set(line.split(" ")[1] for line in result.out.decode().splitlines())

    def await_usage(self, name, most):
        deadline = time.monotonic() + 20
        while (usage := self.stat(name)["usage"]) > most and time.monotonic() < deadline:
            time.sleep(0.05)
        return usage

    def test_a_group_gives_back_what_is_asked_of_it_alone(self):
        """At once, when the process itself has not counted yet what its groups hold."""
        process = self.hold(["io_1", "plain"], "io*=io")
        result = self.weir("reclaim", "box/io", "--to", "8M")
        self.assertEqual((result.status, result.err), (0, b""), result.out)
        self.assertLessEqual(self.stat("box/io")["usage"], 8 * MIB + 65536)
        self.assertGreater(self.stat("box")["usage"], 44 * MIB, "the rest of the process stays")
        self.assertEqual(self.outcome(process), {"right"})

    def test_what_is_asked_of_the_whole_is_reached_where_groups_hold_most(self):
        process = self.hold(["io_1", "io_2", "plain"], "io*=io")
        result = self.weir("reclaim", "box", "--to", "16M")
        self.assertEqual((result.status, result.err), (0, b""), result.out)
        self.assertLessEqual(self.stat("box")["usage"], 16 * MIB + 65536)
        self.assertEqual(self.outcome(process), {"right"})

    def test_a_group_that_walks_through_what_was_paged_out_stays_at_its_limit(self):
        """Without an allocation, and under the fallback without a sample: it grows between two counts of its granules."""
        for meter, most in (("auto", 34), ("fallback", 44)):
            env = self.weir_env(400 * MIB, f"walk-{meter}", threads="io=io:limit=32M", meter=meter)
            result = self.run_with(env, [harness.program("walk_in_thread"), "96", "5"])
            self.assertEqual((result.status, result.err), (0, b""))
            self.note(f"{meter}: {int(result.out)} KiB resident at most, limit 32 MiB")
            self.assertLessEqual(int(result.out) * 1024, most * MIB, meter)

    def test_a_lower_limit_of_a_group_is_met_at_once(self):
        process = self.hold(["io_1", "plain"], "io*=io")
        self.assertEqual(self.weir("set", "box/io", "limit=16M").status, 0)
        self.assertLessEqual(self.await_usage("box/io", 16 * MIB), 16 * MIB)
        self.assertGreater(self.stat("box")["usage"], 44 * MIB)
        self.assertEqual(self.outcome(process), {"right"})

    def test_memory_of_groups_makes_room_for_a_newcomer(self):
        process = self.hold(["io_1", "io_2"], "io*=io", limit=100 * MIB)
        other = self.start_ready([harness.program("hold"), "40"], self.weir_env(200 * MIB, "other"))
        moved = self.weir("move", str(other.pid), "box")
        self.assertEqual((moved.status, moved.err), (0, b""), "80 MiB there, 40 more, and a limit of 100")
        self.assertLessEqual(self.stat("box")["usage"], 100 * MIB)
        self.assertEqual(self.outcome(process), {"right"})
        self.assertEqual(self.finish(other).status, 0)

    def test_an_untouched_allocation_kills_nobody_where_only_the_process_refuses(self):
        """The group's own policy is kill; the process' is enomem. 40 MiB fit the process and not the group."""
        process = self.hold(["io_1", "plain"], "io*=io:limit=16M", oom="enomem")
        self.assertLessEqual(self.stat("box/io")["usage"], 16 * MIB)
        self.assertEqual((self.stat("box")["events_oom_kill"], self.stat("box/io")["events_oom_kill"]), (0, 0))
        self.assertEqual(self.outcome(process), {"right"})

    def test_an_allocation_of_a_group_that_refuses_is_no_reason_to_kill_the_process(self):
        """Fits the group, does not fit the process at once: its limit is met by paging out, not by a kill."""
        process = self.hold(["late", "plain"], "late=late:limit=200M,oom=enomem", limit=32 * MIB)
        self.assertLessEqual(self.stat("box")["usage"], 33 * MIB)
        self.assertEqual(self.outcome(process), {"right"})

    def test_what_a_group_has_as_its_minimum_stays_when_the_process_must_give(self):
        for way in ("lower limit", "request"):
            process = self.hold(["io_1"], "io*=io", mib=30)
            self.assertEqual(self.weir("set", "box/io", "min=40M").status, 0)
            other = self.start_ready([harness.program("hold"), "40"], self.weir_env(400 * MIB, "box"))
            if way == "request":
                self.weir("reclaim", "box", "--to", "50M")
            else:
                self.assertEqual(self.weir("set", "box", "limit=50M").status, 0)
                self.assertLessEqual(self.await_usage("box", 50 * MIB), 50 * MIB)
            stat = self.stat("box/io")
            self.assertEqual((way, stat["swap_usage"]), (way, 0), stat)
            self.assertGreater(stat["usage"], 29 * MIB, way)
            self.assertEqual(self.finish(other).status, 0)
            self.assertEqual(self.outcome(process), {"right"})
            self.weir("set", "box", "limit=400M")

    def test_each_series_of_an_exposition_is_there_once(self):
        process = self.hold(["io_1", "bio_1", "plain"], "io*=io;bio*=bio")
        text = self.weir("stat", "box", "--format", "prometheus").out.decode()
        series = [line.rsplit(" ", 1)[0] for line in text.splitlines() if line and not line.startswith("#")]
        self.assertEqual(len(series), len(set(series)))
        self.assertEqual(len([name for name in series if 'group="io"' in name]), 2)
        self.assertEqual(self.outcome(process), {"right"})

    def test_swap_of_groups_counts_once(self):
        process = self.hold(["io_1", "plain"], "io*=io:limit=16M", swap_limit=str(40 * MIB))
        stat = self.stat("box")
        status = harness.content_of(f"/proc/{process.pid}/status")
        kernel = int(re.search(rb"VmSwap:\s+(\d+) kB", status)[1]) * 1024
        self.assertGreater(kernel, 20 * MIB)
        self.assertAlmostEqual(stat["swap_usage"], kernel, delta=kernel / 50)
        self.assertEqual(stat["evict_stayed"]["swap_limit"], 0, "24 MiB of 40 allowed")
        self.assertEqual(self.outcome(process), {"right"})

    def test_a_second_run_gives_groups_what_its_rules_say(self):
        words = ["run", "-n", "box", "-m", "400M"]
        self.assertEqual(self.weir(*words, "--threads", "io=io:limit=64M", "--", "true").status, 0)
        self.assertEqual(self.stat("box/io")["limit"], 64 * MIB)
        clash = self.weir(*words, "--oom", "group", "--threads", "io=io:low=65M", "--", "true")
        self.assertEqual(clash.status, 2, "above the high watermark that is there")
        self.assertEqual(self.stat("box")["oom"], "kill", "all of it or nothing")
        result = self.weir(*words, "--threads", "io=io:limit=32M,oom=enomem", "--", "true")
        self.assertEqual((result.status, result.err), (0, b""))
        self.assertEqual((self.stat("box/io")["limit"], self.stat("box/io")["oom"]), (32 * MIB, "enomem"))


if __name__ == "__main__":
    unittest.main()
