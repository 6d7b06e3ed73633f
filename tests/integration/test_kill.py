"""kill -9 of members at any moment: the next look at usage is right, and who is left goes on."""

import random
import signal
import time
import unittest

import harness
import sampler
from harness import MIB


class KillTest(harness.WeirTest):
    def assert_usage_right(self, alive):
        """usage against the kernel's count of those that live; they may be growing, so two looks bracket ours."""
        pids = {process.pid for process in alive}
        stat = self.stat()
        self.assertEqual({member["pid"] for member in stat["members"]}, pids)
        self.assertEqual(stat["usage"], sum(member["usage"] for member in stat["members"]))

    def test_random_moments(self):
        self.need_swap()
        chance = random.Random(20071122)
        alive = []
        for _ in range(25):
            while len(alive) < 3:
                alive.append(self.start([harness.program("walk_again"), "24", "1000000"], self.weir_env(32 * MIB)))
            time.sleep(chance.uniform(0, 0.15))
            victim = alive.pop(chance.randrange(len(alive)))
            victim.kill()
            victim.wait()
            for process in alive:
                self.assertIsNone(process.poll(), "only the victim died")
        time.sleep(0.2)
        self.assert_usage_right(alive)
        for process in alive:
            process.kill()
            process.wait()
        stat = self.stat()
        self.assertEqual((stat["usage"], stat["swap_usage"], stat["members"]), (0, 0, []))
        self.assertEqual(stat["events_oom_kill"], 0)

    def test_quiet_survivors_are_counted_exactly(self):
        self.need_swap()
        held = [self.start_ready([harness.program("hold"), "16"], self.weir_env(24 * MIB)) for _ in range(4)]
        for victim in (held[0], held[2]):
            victim.kill()
            victim.wait()
        time.sleep(0.5)
        left = [held[1], held[3]]
        self.assert_usage_right(left)
        kernels = sum(sampler.anonymous_of(process.pid) for process in left)
        self.assertLessEqual(abs(self.stat()["usage"] - kernels), max(kernels // 100, 64 * 1024))
        for process in left:
            self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def test_killed_in_the_middle_of_starting(self):
        """At every moment of the first milliseconds, when the place in the books is being taken."""
        chance = random.Random(20080718)
        for _ in range(150):
            process = self.start([harness.program("hold"), "1"], self.weir_env(24 * MIB))
            time.sleep(chance.uniform(0, 0.003))
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()
        result = self.run_weir(["/bin/echo", "still here"], 24 * MIB)
        self.assertEqual((result.status, result.out), (0, b"still here\n"))
        stat = self.stat()
        self.assertEqual((stat["usage"], stat["members"]), (0, []))

    def test_fork_child_outlives_its_parent(self):
        self.need_swap()
        command = f"{harness.program('hold')} 24 & echo $!; kill -9 $$"
        env = self.weir_env(16 * MIB)
        process = self.start(["/bin/sh", "-c", f"exec 3<&0; ({command.replace(' &', ' <&3 &')})"], env, stdin=-1)
        child = int(process.stdout.readline())
        self.assertEqual(process.stdout.readline(), b"ready\n")
        process.wait()
        time.sleep(0.3)
        stat = self.stat()
        self.assertEqual([member["pid"] for member in stat["members"]], [child])
        self.assertEqual(process.returncode, -signal.SIGKILL)
        process.stdin.close()
        self.assertEqual(process.stdout.read(), b"ok\n")

    def test_command_kill_ends_all_members_and_no_other(self):
        inside = [self.start_ready([harness.program("hold"), "2"], self.weir_env(64 * MIB)) for _ in range(3)]
        outside = self.start_ready([harness.program("hold"), "2"], self.weir_env(64 * MIB, container="other"))
        result = self.weir("kill", "test")
        self.assertEqual(result.status, 0, result.err)
        for process in inside:
            self.assertEqual(process.wait(timeout=20), -signal.SIGKILL)
        self.assertIsNone(outside.poll())
        self.assertEqual(self.finish(outside).status, 0)
        self.empty_stat()


if __name__ == "__main__":
    unittest.main()
