"""test_processes - containers for processes by their title: a small program, stress-ng, postgres."""

import glob
import os
import subprocess
import time
import unittest

import harness
from harness import MIB


class ProcessesTest(harness.WeirTest):
    def titles(self, rules, *titles, mib=8, limit=200 * MIB, **variables):
        env = self.weir_env(limit, "site", processes=rules, **variables)
        return self.start_ready([harness.program("titles"), str(mib), *titles], env)

    def go_on(self, process):
        process.stdin.write(b"\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"ready\n")

    def members(self, name):
        return [member["pid"] for member in self.stat(name)["members"]]

    def names(self):
        result = self.weir("ls", "--format", "json")
        self.assertEqual(result.status, 0, result.err)
        return sorted(one["container"] for one in harness.json.loads(result.out))

    def test_the_first_rule_that_fits_decides(self):
        process = self.titles("site: work*=workers:limit=64M;site:*=rest", "site: worker 1")
        self.assertEqual(self.members("site/workers"), [process.pid])
        stat = self.stat("site/workers")
        self.assertGreater(stat["usage"], 8 * MIB, "what it held came along")
        self.assertEqual((stat["limit"], self.stat("site")["usage"]), (64 * MIB, stat["usage"]))
        self.assertEqual(self.finish(process).out, b"ok\n")

    def test_another_title_is_another_container_and_no_rule_is_none(self):
        process = self.titles("a*=a;b*=b", "a 1", "c", "b 2 which is longer than all the arguments before it were")
        self.assertEqual(self.members("site/a"), [process.pid])
        self.go_on(process)
        self.assertEqual(self.members("site/a"), [process.pid], "no rule fits: it stays")
        self.go_on(process)
        self.assertEqual(self.members("site/b"), [process.pid])
        self.assertEqual(self.finish(process).status, 0)

    def test_the_limit_of_its_container_holds(self):
        self.need_swap()
        process = self.titles("small=small:limit=16M", "small", mib=40)
        self.assertLessEqual(self.stat("site/small")["usage"], 16 * MIB + harness.PERF_ALLOWANCE)
        self.assertGreater(self.stat("site/small")["evict_done"], 16 * MIB)
        self.assertEqual(self.finish(process).out, b"ok\n")

    def test_each_process_has_its_own_where_the_name_ends_with_the_pid(self):
        process = self.titles("child*=child-%p:limit=32M;parent=parent", "parent", "+child", "+child of it")
        self.go_on(process)
        self.go_on(process)
        found = [name for name in self.names() if name.startswith("site/child-")]
        self.assertEqual(len(found), 2, found)
        for name in found:
            self.assertEqual(self.members(name), [int(name.rsplit("-", 1)[1])])
        self.assertEqual(self.members("site/parent"), [process.pid])
        self.assertEqual(self.finish(process).status, 0)
        self.assertEqual([name for name in self.names() if name.startswith("site/child-")], [], "over with its process")

    def test_a_move_by_hand_stays(self):
        process = self.titles("a*=a;b*=b", "a", "b")
        other = self.start_ready([harness.program("hold"), "8"], self.weir_env(64 * MIB, "other"))
        self.assertEqual(self.weir("move", str(process.pid), "other").status, 0)
        self.go_on(process)
        self.assertEqual(sorted(self.members("other")), sorted([process.pid, other.pid]))
        self.assertEqual((self.finish(process).status, self.finish(other).status), (0, 0))

    def test_a_second_run_changes_what_is_there(self):
        words = ["run", "-n", "site", "-m", "200M", "--processes"]
        program = [harness.program("titles"), "8", "small"]
        self.assertEqual(self.weir(*words, "small=small:limit=64M", "--", *program).out, b"ready\nok\n")
        self.assertEqual(self.stat("site/small")["limit"], 64 * MIB)
        self.assertEqual(self.weir(*words, "small=small:limit=32M", "--", "true").status, 0)
        self.assertEqual(self.stat("site/small")["limit"], 32 * MIB)

    def test_bad_rules_are_named_and_harm_nobody(self):
        for rules in ("", "a", "a=/b", "a=b%p%p", "a=b:limit=lots"):
            result = self.weir("run", "--processes", rules, "--", "true")
            self.assertEqual(result.status, 2, rules)
            self.assertIn(b"--processes", result.err, rules)
        result = self.run_weir([harness.program("titles"), "8", "a"], 64 * MIB, processes="a=/b")
        self.assertEqual((result.status, result.out), (0, b"ready\nok\n"))
        self.assertIn("WEIR_PROCESSES", str(self.events("bad_option")))

    def test_stress_ng_by_kind_of_stressor(self):
        self.need_swap()
        stress = self.need_program("stress-ng")
        env = self.weir_env(400 * MIB, "site", processes="stress-ng-malloc*=malloc:limit=32M;stress-ng-*=rest")
        result = self.run_with(env, [stress, "--malloc", "2", "--malloc-bytes", "64M", "--vm", "1", "--vm-bytes", "48M",
                                     "--verify", "-t", "5", "--temp-path", self.scratch])
        self.assertEqual(result.status, 0, result.err)
        names = self.names()
        self.assertIn("site/malloc", names)
        self.assertLessEqual(self.stat("site/malloc")["peak"], 32 * MIB + harness.FALLBACK_ALLOWANCE)
        self.empty_stat("site")


class CrowdTest(harness.WeirTest):
    LIMIT = 64 * MIB

    def hold(self, members, mib):
        """Starts them all at once; gives the usage once it is quiet, and lets them end."""
        env = self.weir_env(self.LIMIT, "crowd")
        started = [self.start([harness.program("hold"), str(mib)], env, stdin=subprocess.PIPE) for _ in range(members)]
        for process in started:
            self.assertEqual(process.stdout.readline(), b"ready\n")
        for _ in range(50):
            time.sleep(0.1)
            usage = self.stat("crowd")["usage"]
            if usage <= self.LIMIT:
                break
        for process in started:
            self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))
        return usage

    def test_the_limit_holds_though_each_is_far_from_it(self):
        """Each alone takes a small part of the limit, and never takes more: nobody would look again."""
        self.need_swap()
        for members, mib in ((20, 8), (40, 4), (60, 2)):
            with self.subTest(members=members, mib=mib):
                self.assertLessEqual(self.hold(members, mib), self.LIMIT)
                self.note(f"{members} times {mib} MiB: peak {self.empty_stat('crowd')['peak'] / MIB:.1f} MiB")


class PostgresTest(harness.WeirTest):
    """One container for each client, as its backend's title tells, and one for the rest of the server."""

    RULES = "postgres: * [local] *=client-%p:limit=32M;postgres: *=server"
    SORT = ("SET work_mem = '64MB'; SELECT md5(string_agg(v, '')) FROM (SELECT md5(g::text) v FROM "
            "generate_series(1, 250000) g ORDER BY 1) x; SELECT pg_sleep(3);")

    def setUp(self):
        super().setUp()
        self.need_swap()
        self.need_program("psql")
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
        if not found:
            self.skipTest("needs postgresql, which is not installed")
        self.bin = os.path.dirname(found[-1])
        self.user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if harness.machine.is_root() else {}
        for path in (self.directory, self.scratch) if self.user else ():
            harness.shutil.chown(path, "nobody", "nogroup")
        self.data = os.path.join(self.scratch, "data")
        made = self.run_with(self.plain_env(), [f"{self.bin}/initdb", "-D", self.data, "-U", "bench", "-A", "trust",
                                                "--no-sync", "--locale=C"], **self.user)
        self.assertEqual(made.status, 0, made.err)

    def serve(self, env):
        server = self.start([f"{self.bin}/postgres", "-D", self.data, "-k", self.scratch, "-c", "listen_addresses=",
                             "-c", "dynamic_shared_memory_type=mmap", "-c", "fsync=off", "-c",
                             "max_parallel_workers_per_gather=0"], env,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.user)
        for _ in range(200):
            if self.ask("SELECT 1").wait() == 0:
                return server
            self.assertIsNone(server.poll(), "postgres ended")
            time.sleep(0.05)
        return self.fail("postgres does not answer")

    def ask(self, words):
        return self.start(["psql", "-h", self.scratch, "-U", "bench", "-d", "postgres", "-Atqc", words],
                          self.plain_env(), **self.user)

    def ask_weir(self, *words):
        """What the command says; None of a container that is gone by now."""
        result = self.weir(*words, "--format", "json", **self.user)
        return harness.json.loads(result.out) if result.status == 0 else None

    def stop(self, server):
        server.send_signal(harness.signal.SIGINT)
        self.assertEqual(server.wait(timeout=60), 0)

    def test_a_client_at_its_limit_leaves_the_server_alone(self):
        server = self.serve(self.plain_env())
        plain = self.ask(self.SORT).communicate()
        self.stop(server)
        server = self.serve(self.weir_env(400 * MIB, "pg", processes=self.RULES))
        client = self.ask(self.SORT)
        most = None
        while client.poll() is None:
            for one in self.ask_weir("ls"):
                if one["container"].startswith("pg/client-") and (most is None or one["peak"] >= most["peak"]):
                    most = self.ask_weir("stat", one["container"]) or most
            time.sleep(0.2)
        self.assertEqual(client.communicate(), plain)
        self.assertIsNotNone(most, "a container for the client")
        self.assertLessEqual(most["peak"], 32 * MIB + harness.FALLBACK_ALLOWANCE)
        self.note(f"peak of the client {most['peak'] // MIB} MiB, {most['evict_done'] // MIB} MiB evicted")
        self.assertGreater(most["evict_done"], 8 * MIB)
        stat = self.ask_weir("stat", "pg/server")
        self.assertGreaterEqual(len(stat["members"]), 3, "checkpointer, writer, and others")
        self.assertEqual(stat["evict_done"], 0)
        self.stop(server)


if __name__ == "__main__":
    unittest.main()
