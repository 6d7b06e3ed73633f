"""A limit holds: the kernel's own samples of resident anonymous memory stay at the limit, with either meter."""

import itertools
import os
import unittest

import harness
from harness import MIB

LIMIT = 16 * MIB
PIPELINE = "dd if=/dev/zero bs=1M count=300 2>/dev/null | tail | md5sum"

# Program, its arguments, how many threads of it fault at a time.
GROWERS = [
    ("grow_malloc", [48], 1),
    ("grow_big_malloc", [48], 1),
    ("grow_big_malloc", [48, 32], 1),
    ("grow_mmap", [48], 1),
    ("grow_mremap", [32], 1),
    ("grow_bss", [64], 1),
    ("grow_stack", [40], 1),
    ("grow_threads", [4, 16], 4),
    ("grow_threads", [16, 4], 16), ("grow_threads", [64, 4], 64),
    ("grow_blocked", [2, 24], 2),
    *[("grow_reserved", [48, way], 1)
      for way in ("noreserve", "commit", "sbrk", "brk", "file", "syscall")],
    ("walk_again", [48, 3], 1),
    ("lazy_free", [], 1),
    ("daemon_twice", [40], 1),
    ("exec_chain", [4], 1),
    ("vfork_exec", [50, 32], 1),
    ("deep_threads", [1, 60], 1),
    ("deep_threads", [8, 7], 8),
    ("jump_out", [], 1),
    ("small_alt_stack", [40], 1),
    ("vfork_signals", [], 1),
    ("ignored_signals", [48], 1),
]

# Large enough to show the coarser net, which lets more through before it catches.
BIG_GROWERS = [
    ("grow_malloc", [96], 1),
    ("grow_big_malloc", [96], 1),
    ("grow_big_malloc", [96, 32], 1),
    ("grow_mmap", [96], 1),
    ("grow_mremap", [96], 1),
    ("grow_bss", [64], 1),
    ("grow_stack", [80], 1),
    ("grow_threads", [2, 64], 2),
    ("deep_threads", [2, 48], 2),
    ("grow_blocked", [2, 64], 2),
    ("own_malloc", [96], 1),
    *[("grow_reserved", [96, way], 1) for way in ("noreserve", "commit", "commit_by_steps", "commit_ahead", "brk", "file")],
    ("walk_again", [96, 2], 1),
    ("daemon_twice", [80], 1),
]

# 47 to 51 MiB beyond the limit, of 64 that are read into a mapping, while only samples counted.
READ_ALLOWANCE = 36 * MIB


class LimitTest(harness.WeirTest):
    numbers = itertools.count()

    def hold_growers(self, growers, allowance, **variables):
        for name, arguments, threads in growers:
            with self.subTest(program=name, arguments=arguments):
                words = [harness.program(name), *map(str, arguments)]
                container = f"test-{next(self.numbers)}"
                result = self.run_weir(words, LIMIT, sample=True, container=container, **variables)
                self.assertEqual((result.status, result.out, result.err), (0, b"ok\n", b""))
                self.note(f"{name} {arguments}: peak {(result.peak - LIMIT) / MIB:+.2f} MiB beyond the limit")
                self.assertLessEqual(result.peak, LIMIT + threads * allowance, f"{name} over its limit")
                self.assert_figures(self.empty_stat(container), threads * allowance)

    def assert_figures(self, stat, allowance):
        """What weir says of itself fits what happened: it met the limit or kept below it by paging out."""
        self.assertEqual(stat["limit"], LIMIT)
        self.assertGreater(stat["peak"], LIMIT // 2)
        self.assertLessEqual(stat["peak"], LIMIT + allowance)
        self.assertGreater(stat["evict_done"], 8 * MIB)
        self.assertLessEqual(stat["evict_done"], stat["evict_requested"])

    def test_with_perf_meter(self):
        self.need_swap()
        self.need_perf()
        self.hold_growers(GROWERS, harness.PERF_ALLOWANCE)

    def test_with_perf_meter_and_no_background(self):
        self.need_swap()
        self.need_perf()
        self.hold_growers(GROWERS[:3] + GROWERS[6:9], harness.PERF_ALLOWANCE, background="off")

    def test_with_fallback_meter(self):
        self.need_swap()
        self.hold_growers(BIG_GROWERS, harness.FALLBACK_ALLOWANCE, meter="fallback")

    def test_with_fallback_meter_and_no_thread(self):
        self.need_swap()
        self.hold_growers(BIG_GROWERS[:3], harness.FALLBACK_ALLOWANCE, meter="fallback", threadless="on")

    def test_where_the_host_gives_64_kib_at_a_fault(self):
        """Unasked, to everybody: to the meter that is one fault."""
        self.need_swap()
        self.need_perf()
        setting = "/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled"
        if not os.access(setting, os.W_OK):
            self.skipTest("needs root, and Linux 6.8")
        with open(setting, encoding="ascii") as file:
            before = file.read().split("[")[1].split("]")[0]
        self.addCleanup(self.write_setting, setting, before)
        self.write_setting(setting, "always")
        self.hold_growers([("grow_mmap", [48], 1), ("grow_threads", [4, 16], 4)], harness.PERF_ALLOWANCE)

    @staticmethod
    def write_setting(path, value):
        with open(path, "w", encoding="ascii") as file:
            file.write(value)

    def test_reads_into_fresh_memory(self):
        """The faults are taken in the kernel, where the perf meter is blind: the coarser net must catch them."""
        self.need_swap()
        for meter in ("auto", "fallback"):
            self.hold_growers([("grow_read", [96], 1), ("read_into_map", [64, 3], 1)], READ_ALLOWANCE, meter=meter)


class PipelineTest(harness.WeirTest):
    def hold_pipeline(self, allowance, container="test", **variables):
        self.need_swap()
        plain = self.run_plain(PIPELINE)
        result = self.run_weir(PIPELINE, LIMIT, sample=True, container=container, **variables)
        self.assert_same(plain, result)
        self.note(f"peak {(result.peak - LIMIT) / MIB:+.2f} MiB beyond the limit")
        self.assertLessEqual(result.peak, LIMIT + allowance)
        return self.stat(container)

    def test_perf_meter_with_background(self):
        self.need_perf()
        stat = self.hold_pipeline(2 * harness.PERF_ALLOWANCE)
        self.assertGreater(stat["background_runs"], 0)
        self.assertGreater(stat["refault"], 1000)

    def test_perf_meter_without_background(self):
        self.need_perf()
        stat = self.hold_pipeline(2 * harness.PERF_ALLOWANCE, background="off")
        self.assertEqual(stat["background_runs"], 0)
        self.assertEqual(stat["background_us"], 0)
        self.assertGreater(stat["allocstall"], 0)
        self.assertGreaterEqual(stat["failcnt"], stat["allocstall"] // 2)

    def test_background_spares_the_charger(self):
        """S2's figure: with background reclaim fewer charges meet the limit than without."""
        self.need_perf()
        without = self.hold_pipeline(2 * harness.PERF_ALLOWANCE, background="off", container="without")
        with_background = self.hold_pipeline(2 * harness.PERF_ALLOWANCE, container="with")
        self.note(f"failcnt {without['failcnt']} without, {with_background['failcnt']} with background reclaim")
        self.assertLess(with_background["failcnt"], without["failcnt"])

    def test_fallback_meter(self):
        self.hold_pipeline(harness.FALLBACK_ALLOWANCE, meter="fallback")

    def test_limit_of_a_tree_counts_all_its_processes(self):
        """Two chains side by side in one container: the sum is held, not each."""
        self.need_swap()
        self.need_perf()
        both = f"({PIPELINE}) & ({PIPELINE}); wait"
        result = self.run_weir(both, LIMIT, sample=True)
        self.assertEqual(result.status, 0, result.err)
        self.note(f"peak {(result.peak - LIMIT) / MIB:+.2f} MiB beyond the limit")
        self.assertLessEqual(result.peak, LIMIT + 4 * harness.PERF_ALLOWANCE)

    def test_no_reclaim_far_from_the_limit(self):
        result = self.run_weir([harness.program("grow_malloc"), "8"], 64 * MIB)
        self.assertEqual(result.status, 0)
        stat = self.stat()
        for key in ("failcnt", "allocstall", "background_runs", "evict_requested", "events_high", "events_limit"):
            self.assertEqual(stat[key], 0, key)


if __name__ == "__main__":
    unittest.main()
