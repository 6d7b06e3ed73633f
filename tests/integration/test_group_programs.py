"""test_group_programs - real programs with thread groups: right results, every group there, and sums that are the kernel's."""

import time
import unittest

import harness
import machine
import redis_server
import sampler
from harness import MIB

JAVA = """
import java.util.*;
public class Work {
  public static void main(String[] words) throws Exception {
    Map<Integer, byte[]> kept = new HashMap<>();
    long sum = 0;
    for (int i = 0; i < 60000; i++) {
      byte[] block = new byte[2048];
      Arrays.fill(block, (byte) i);
      kept.put(i % 12000, block);
      sum += new String(block, 0, 64, "ISO-8859-1").hashCode() + kept.get(i / 2 % 12000)[7];
    }
    System.out.println("ready");
    System.out.flush();
    while (System.in.read() >= 0) { }
    System.out.println(sum);
  }
}
"""

NODE = """
const { Worker, isMainThread, parentPort } = require('worker_threads');
if (isMainThread) {
  const sums = [];
  let left = 2;
  for (let i = 0; i < 2; ++i) {
    new Worker(__filename).on('message', (sum) => {
      sums.push(sum);
      if (--left === 0) console.log('ready');
    });
  }
  process.stdin.on('end', () => { console.log(sums.join(' ')); process.exit(0); }).resume();
} else {
  const kept = [];
  let sum = 0;
  for (let i = 0; i < 3000; ++i) {
    kept.push(Buffer.alloc(8192, i % 251));
    sum += kept[i >> 1][100];
  }
  parentPort.postMessage(sum);
  setInterval(() => kept.length, 1000);
}
"""


class GroupCase(harness.WeirTest):
    def setUp(self):
        super().setUp()
        self.need_swap()

    def assert_adds_up(self, pid, container="test"):
        """At a moment at which nothing changes, the groups and the rest are what the kernel says of the process."""
        for _ in range(20):
            before, stat, after = sampler.anonymous(pid), self.stat(container), sampler.anonymous(pid)
            if abs(before - after) <= 65536 and abs(stat["usage"] - after) <= max(after / 100, 65536):
                return stat
            time.sleep(0.25)
        return self.fail(f"usage {stat['usage']}, and the kernel says {before}, then {after}")

    def compare(self, argv, rules, limit, *groups):
        """Runs a program that holds at "ready" without weir and with it; gives its groups' statistics while it held."""
        plain = self.finish(self.start_ready(argv, self.plain_env()))
        process = self.start_ready(argv, self.weir_env(limit, threads=rules))
        self.assert_adds_up(process.pid)
        found = [self.stat(f"test/{group}") for group in groups]
        held = self.finish(process)
        self.assertEqual((held.status, held.out), (plain.status, plain.out), held.err)
        return found


class ManagedProgramsTest(GroupCase):
    def test_java_with_its_compilers_in_a_group(self):
        java = self.need_program("java")
        source = f"{self.scratch}/Work.java"
        with open(source, "w", encoding="ascii") as text:
            text.write(JAVA)
        argv = [java, "-Xmx64m", "-XX:+UseParallelGC", "-XX:ParallelGCThreads=2", source]
        jit, collector = self.compare(argv, "C? Compiler*=jit:limit=24M;GC Thread*=gc", 160 * MIB, "jit", "gc")
        self.assertLessEqual(jit["usage"], 24 * MIB + harness.PERF_ALLOWANCE)
        self.assertGreater(jit["usage"] + jit["swap_usage"], MIB)
        self.assertEqual(len(collector["members"]), 1)
        self.note(f"compilers {jit['usage'] // 1024} KiB, collector {collector['usage'] // 1024} KiB")

    def test_node_with_a_group_for_its_workers(self):
        node = self.need_program("node")
        script = f"{self.scratch}/work.js"
        with open(script, "w", encoding="ascii") as text:
            text.write(NODE)
        workers, = self.compare([node, script], "#5-20=workers:limit=24M", 300 * MIB, "workers")
        self.assertLessEqual(workers["usage"], 24 * MIB + 2 * harness.PERF_ALLOWANCE)
        self.assertGreater(workers["evict_done"], 8 * MIB)


class StressTest(GroupCase):
    def test_threads_of_stress_ngs_children_by_their_number(self):
        """Its workers are children made by fork, each with threads of its own that allocate and free at full speed."""
        stress = self.need_program("stress-ng")
        env = self.weir_env(300 * MIB, threads="#1-4=workers:limit=32M")
        process = self.start([stress, "--malloc", "1", "--malloc-pthreads", "4", "--malloc-bytes", "64M",
                              "--malloc-touch", "--verify", "--timeout", "4"], env)
        time.sleep(1)  # it makes its processes
        worst = usage = 0
        while process.poll() is None:
            workers = self.stat("test/workers")
            if workers["members"]:
                usage, worst = workers["usage"], max(worst, workers["usage"])
            time.sleep(0.1)
        result = self.finish(process)
        self.assertEqual(result.status, 0, result.err)
        self.assertGreater(workers["evict_done"], 64 * MIB)
        self.note(f"at most {worst / MIB:.1f} MiB of 32, last {usage / MIB:.1f}")
        if machine.perf_works():
            self.assertLessEqual(worst, 32 * MIB + 4 * harness.PERF_ALLOWANCE)


class RedisGroupsTest(GroupCase, redis_server.RedisCase):
    """The server with threads for its connections; its own digest of all data is the judge."""

    def serve(self, env):
        process, client = self.start_server(env, "--io-threads", "3", "--io-threads-do-reads", "yes")
        self.addCleanup(client.close)
        others = [redis_server.Redis(client.socket.getpeername()[1]) for _ in range(8)]
        for turn in range(12):
            for one, other in enumerate(others):
                other.socket.sendall(b"".join(redis_server.command("SET", f"key:{one}:{i}", f"{turn}:{i * 7919}" * 60)
                                              for i in range(400)))
            for other in others:
                for _ in range(400):
                    self.assertEqual(other.reply(), b"+OK")
        for other in others:
            other.close()
        return process, client.ask("DEBUG", "DIGEST")

    def test_threads_for_connections_in_a_group(self):
        process, digest = self.serve(self.plain_env())
        self.end(process)
        process, held = self.serve(self.weir_env(24 * MIB, threads="io_thd_*=io:limit=8M;bio_*=bio"))
        self.assertEqual(held, digest)
        self.assert_adds_up(process.pid)
        stat = self.stat("test/io")
        self.assertEqual(sorted(stat["members"][0]["threads"]), ["io_thd_1", "io_thd_2"])
        self.assertLessEqual(stat["usage"], 8 * MIB + harness.PERF_ALLOWANCE)


if __name__ == "__main__":
    unittest.main()
