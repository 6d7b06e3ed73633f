"""usage is what the kernel counts: smaps_rollup of every member and, for root, a memory cgroup without a limit."""

import os
import time
import unittest

import harness
import machine
import sampler
from harness import MIB


class UsageTest(harness.WeirTest):
    def assert_close(self, ours, kernels, what):
        tolerance = max(kernels // 100, 64 * 1024)
        self.note(f"{what}: weir {ours}, kernel {kernels}")
        self.assertLessEqual(abs(ours - kernels), tolerance, what)

    def settled_stat(self):
        """Waits for a quiet moment: no background run between two looks."""
        before = self.stat()
        for _ in range(50):
            time.sleep(0.2)
            now = self.stat()
            if now["usage"] == before["usage"] and now["background_runs"] == before["background_runs"]:
                return now
            before = now
        return before

    def compare(self, mib, limit, copies=1, **variables):
        held = [self.start_ready([harness.program("hold"), str(mib)], self.weir_env(limit, **variables))
                for _ in range(copies)]
        stat = self.settled_stat()
        pids = sorted(process.pid for process in held)
        self.assertEqual(sorted(member["pid"] for member in stat["members"]), pids)
        for member in stat["members"]:
            self.assertEqual(member["comm"], "hold")
            self.assert_close(member["usage"], sampler.anonymous_of(member["pid"]), f"member {member['pid']}")
        self.assert_close(stat["usage"], sum(sampler.anonymous_of(pid) for pid in pids), "container")
        self.assertEqual(stat["usage"], sum(member["usage"] for member in stat["members"]))
        self.assertLessEqual(stat["usage"], (limit or stat["usage"]) + copies * MIB, "settled below the limit")
        for process in held:
            self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))
        self.assertEqual(self.stat()["usage"], 0)

    def test_without_a_limit(self):
        self.compare(24, None)

    def test_below_the_limit(self):
        self.compare(24, 64 * MIB)

    def test_above_the_limit(self):
        self.need_swap()
        self.compare(48, 16 * MIB)

    def test_above_the_limit_with_fallback_meter(self):
        self.need_swap()
        self.compare(48, 16 * MIB, meter="fallback")

    def test_several_members_share_the_limit(self):
        self.need_swap()
        self.compare(24, 32 * MIB, copies=4)

    def test_paged_out_memory_is_counted_as_swap(self):
        self.need_swap()
        process = self.start_ready([harness.program("hold"), "48"], self.weir_env(16 * MIB))
        stat = self.settled_stat()
        with open(f"/proc/{process.pid}/status", "rb") as status:
            kernels = sampler.number_of(status.read(), b"VmSwap:")
        self.assert_close(stat["swap_usage"], kernels, "swap")
        self.assertGreater(stat["swap_usage"], 30 * MIB)
        self.finish(process)

    def test_a_quiet_container_is_left_alone(self):
        """No wake-ups and no reclaim while nothing happens."""
        self.need_swap()
        process = self.start_ready([harness.program("hold"), "48"], self.weir_env(16 * MIB))
        before = self.settled_stat()
        time.sleep(3)
        after = self.stat()
        self.note(f"wake-ups in 3 idle seconds: {after['members'][0]['wakeups'] - before['members'][0]['wakeups']}")
        for key in ("background_runs", "evict_requested", "failcnt", "allocstall"):
            self.assertEqual(after[key], before[key], key)
        self.assertEqual(after["members"][0]["wakeups"], before["members"][0]["wakeups"], "wakeups")
        self.finish(process)

    def test_freed_memory_is_given_back_and_uncounted(self):
        process = self.start_ready(["/usr/bin/python3", "-c", "\n".join([
            "import sys",
            "held = [bytes(100000) for _ in range(400)]",
            "del held",
            "print('ready', flush=True)",
            "sys.stdin.read()"])], self.weir_env(32 * MIB))
        stat = self.settled_stat()
        self.assert_close(stat["usage"], sampler.anonymous_of(process.pid), "after free")
        self.assertLessEqual(stat["usage"], 32 * MIB)
        self.finish(process)


class ForkTest(harness.WeirTest):
    """What a fork child writes to becomes its own, without an allocation and without a trace in statm."""
    assert_close = UsageTest.assert_close
    settled_stat = UsageTest.settled_stat

    def test_each_pays_for_its_own(self):
        process = self.start_ready([harness.program("fork_write"), "40"], self.weir_env(256 * MIB))
        stat = self.stat()
        kernels = sum(sampler.anonymous_of(member["pid"]) for member in stat["members"])
        self.assertGreater(kernels, 80 * MIB)
        self.assert_close(stat["usage"], kernels, "both")
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def test_the_limit_holds_for_the_child_too(self):
        self.need_swap()
        process = self.start_ready([harness.program("fork_write"), "100"], self.weir_env(64 * MIB))
        stat = self.settled_stat()
        self.note(f"200 MiB at 64: peak {stat['peak'] / MIB:.1f} MiB")
        self.assertLess(stat["usage"], 64 * MIB + harness.FALLBACK_ALLOWANCE, stat)
        self.assertGreater(stat["swap_usage"], 80 * MIB)
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))


    SHARES_SWAP = "\n".join([
        "import os, sys",
        "memory = bytearray(os.urandom(48 << 20))",
        "read, write = os.pipe()",
        "for _ in range(3):",
        "    if os.fork() == 0:",
        "        os.close(write)",
        "        os.read(read, 1)",
        "        os._exit(0 if sum(memory[::4096]) >= 0 else 1)",
        "print('ready', flush=True)",
        "sys.stdin.read()",
        "os.close(write)",
        "sys.exit(max(os.wait()[1] for _ in range(3)))"])

    def test_what_they_share_in_swap_is_there_once(self):
        """Three children of one that is paged out: a swap limit with room for twice of it stops nobody."""
        self.need_swap()
        env = self.weir_env(16 * MIB, swap_limit="96M")
        process = self.start_ready(["/usr/bin/python3", "-c", self.SHARES_SWAP], env)
        self.assertEqual(len(self.stat()["members"]), 4)
        time.sleep(0.3)
        stat = self.settled_stat()
        kernels = sum(sampler.number_of(harness.content_of(f"/proc/{member['pid']}/smaps_rollup"), b"SwapPss:")
                      for member in stat["members"])
        self.assert_close(stat["swap_usage"], kernels, "swap")
        self.assertGreater(stat["swap_usage"], 30 * MIB)
        self.assertEqual(self.finish(process).status, 0)
        self.assertEqual(self.events("oom_kill"), [])

    FORKS_AGAIN = "\n".join([
        "import os, sys",
        "memory = bytearray(os.urandom(16 << 20))",
        "read, write = os.pipe()",
        "ready, tell = os.pipe()",
        "def wait():",
        "    os.close(write)",
        "    os.read(read, 1)",
        "    os._exit(0 if sum(memory[::4096]) >= 0 else 1)",
        "if os.fork() == 0:",
        "    memory[:8 << 20] = bytes(8 << 20)",
        "    more = os.urandom(40 << 20)",
        "    for _ in range(2):",
        "        if os.fork() == 0:",
        "            wait()",
        "    os.write(tell, b'.')",
        "    wait()",
        "os.read(ready, 1)",
        "print('ready', flush=True)",
        "sys.stdin.read()",
        "os.close(write)",
        "sys.exit(os.wait()[1])"])

    def test_a_fork_child_pays_for_what_it_shares_with_its_own_children(self):
        process = self.start_ready(["/usr/bin/python3", "-c", self.FORKS_AGAIN], self.weir_env(256 * MIB))
        stat = self.settled_stat()
        self.assertEqual(len(stat["members"]), 4)
        kernels = sum(sampler.number_of(harness.content_of(f"/proc/{member['pid']}/smaps_rollup"), b"Pss_Anon:")
                      for member in stat["members"])
        self.assert_close(stat["usage"], kernels, "what four processes share")
        self.assertEqual(self.finish(process).status, 0)


class SpawnTest(harness.WeirTest):
    """Programs that our code never runs in, started by one in which it does."""

    def started(self, script, **env):
        return self.start_ready(["/bin/sh", "-c", script, harness.program("static/hold"), "40"],
                                {**self.weir_env(256 * MIB), **env})

    def assert_taken_in(self, script):
        process = self.started(script)
        time.sleep(0.1)
        stat = self.stat()
        held = [member for member in stat["members"] if member["comm"] == "hold"]
        self.assertEqual([member["reach"] for member in held], ["alien"], stat)
        self.assertGreater(held[0]["usage"], 39 * MIB)
        self.assertEqual(self.weir("kill", "test").status, 0)
        process.wait(timeout=harness.TIMEOUT)
        for _ in range(100):
            if not harness.content_of(f"/proc/{held[0]['pid']}/maps"):
                return
            time.sleep(0.05)
        self.fail("weir kill left it alive")

    def test_a_static_child_of_a_shell(self):
        self.assert_taken_in('"$0" "$1"; true')

    def test_a_child_without_our_environment(self):
        self.assert_taken_in(f'env -i {harness.program("hold")} "$1"; true')


class CgroupTest(harness.WeirTest):
    def setUp(self):
        super().setUp()
        if not machine.has_memory_cgroup():
            self.skipTest("needs root and a mounted cgroup v1 memory controller")
        self.group = f"{machine.MEMORY_CGROUP}/weir-test-{os.getpid()}"
        os.mkdir(self.group)
        self.addCleanup(os.rmdir, self.group)

    def group_anonymous(self):
        with open(f"{self.group}/memory.stat", encoding="ascii") as stat:
            return next(int(line.split()[1]) for line in stat if line.startswith("total_rss "))

    def test_usage_is_what_a_limitless_group_counts(self):
        self.need_swap()
        command = f"echo $$ >{self.group}/cgroup.procs; exec {harness.program('hold')} 48"
        processes = [self.start_ready(["/bin/sh", "-c", command], self.weir_env(24 * MIB)) for _ in range(2)]
        time.sleep(1)
        ours, kernels = self.stat()["usage"], self.group_anonymous()
        self.note(f"weir {ours}, memory.stat {kernels}")
        self.assertLessEqual(abs(ours - kernels), max(kernels // 100, 64 * 1024))
        for process in processes:
            self.assertEqual(self.finish(process).status, 0)


if __name__ == "__main__":
    unittest.main()
