"""test_placement - where pages leave from: nobody's affinity is left changed by it, whatever the host's flushes cost."""

import os
import sys
import unittest

import harness
from harness import MIB

# One that grows far beyond its limit with one thread, starts a second one, and grows on.
PROGRAM = """
import ctypes, os, threading
before = os.sched_getaffinity(0)
pieces = []
def grow(mib):
    for number in range(mib):
        pieces.append(bytearray(os.urandom(4096) * 256))
grow(48)
assert os.sched_getaffinity(0) == before, "the first thread's"
seen = []
def second():
    seen.append(os.sched_getaffinity(0))
    grow(48)
thread = threading.Thread(target=second)
thread.start()
thread.join()
assert seen == [before], "the second thread's"
child = os.fork()
if child == 0:
    grow(16)
    os._exit(0 if os.sched_getaffinity(0) == before else 1)
assert os.waitpid(child, 0)[1] == 0, "the child's"
everybody = {int(tid): os.sched_getaffinity(int(tid)) for tid in os.listdir("/proc/self/task")}
assert all(cpus == before for cpus in everybody.values()), everybody
print(sum(len(piece) for piece in pieces) >> 20)
"""


@unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "needs two cores")
class PlacementTest(harness.WeirTest):
    def setUp(self):
        super().setUp()
        self.need_swap()

    def test_affinity_stays_the_programs(self):
        result = self.run_weir([sys.executable, "-c", PROGRAM], 24 * MIB)
        self.assertEqual(result.same(), (0, b"96\n", b""))
        stat = self.empty_stat()
        self.assertGreater(stat["evict_done"], 48 * MIB)
        self.assertLessEqual(stat["peak"], 26 * MIB)

    def test_one_core_will_do(self):
        words = ["taskset", "-c", str(min(os.sched_getaffinity(0))), sys.executable, "-c", PROGRAM]
        self.assertEqual(self.run_weir(words, 24 * MIB).same(), (0, b"96\n", b""))

    def test_all_of_it_is_counted(self):
        grow = "import os; p = [bytearray(os.urandom(4096) * 256) for _ in range(64)]; print(len(p))"
        words = [sys.executable, "-c", grow]
        self.assertEqual(self.run_weir(words, 24 * MIB).same(), (0, b"64\n", b""))
        stat = self.empty_stat()
        # Whoever did it, here or beside.
        self.assertGreater(stat["in_place"] + stat["background_runs"], 0)
        self.assertGreaterEqual(stat["evict_done"], 38 * MIB)
        self.assertEqual(stat["in_place"] > 0, stat["in_place_us"] > 0)


if __name__ == "__main__":
    unittest.main()
