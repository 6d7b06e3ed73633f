"""Trouble with the registry: whatever is wrong with the directory or the file, the program runs as without weir."""

import os
import shutil
import struct
import subprocess
import time
import unittest

import harness
from harness import MIB

COMMAND = "seq 20000 | sort -rn | md5sum; echo err >&2; exit 3"
VERSION_AT = 8  # the magic is eight bytes, the version follows


class RegistryTest(harness.WeirTest):
    def registry(self):
        return os.path.join(self.directory, "registry")

    def make_registry(self):
        self.assertEqual(self.run_weir(["/bin/true"], 64 * MIB).status, 0)
        self.assertTrue(os.path.exists(self.registry()))

    def assert_unharmed(self, **variables):
        """A script and a program beyond the limit both end as they do without weir."""
        self.assert_same(self.run_plain(COMMAND), self.run_weir(COMMAND, 16 * MIB, **variables))
        words = [harness.program("walk_again"), "32", "1"]
        self.assert_same(self.run_plain(words), self.run_weir(words, 16 * MIB, **variables))

    # --- the directory ---

    def test_directory_cannot_be_made(self):
        for path in ("/proc/weir", "/no/such/parent/weir", "/dev/null", "/dev/null/weir"):
            with self.subTest(path=path):
                self.assert_unharmed(dir=path)

    def test_directory_is_open_to_others(self):
        os.chmod(self.directory, 0o777)
        self.assert_unharmed()
        self.assertFalse(os.path.exists(self.registry()), "nothing is put where others may write")

    def test_directory_is_a_link(self):
        link = os.path.join(self.scratch, "link")
        os.symlink(self.directory, link)
        self.assert_unharmed(dir=link)

    def test_directory_of_somebody_else(self):
        self.need_root()
        os.chown(self.directory, 65534, 65534)
        self.assert_unharmed()
        self.assertFalse(os.path.exists(self.registry()))

    def test_directory_deleted_while_in_use(self):
        self.need_swap()
        process = self.start_ready([harness.program("hold"), "40"], self.weir_env(16 * MIB))
        shutil.rmtree(self.directory)
        walker = self.run_weir([harness.program("walk_again"), "32", "1"], 16 * MIB)
        self.assertEqual((walker.status, walker.out), (0, b"ok\n"))
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))

    def test_directory_that_is_none_is_named(self):
        for command in ("ls", "events", "stat"):
            result = self.weir(command, "--dir", "/dev/null")
            self.assertEqual(result.status, 1)
            self.assertIn(b"/dev/null: Not a directory", result.err)

    def test_directory_too_long_for_a_socket(self):
        deep = os.path.join(self.directory, "d" * 100)
        os.mkdir(deep, 0o700)
        result = self.weir("run", "--dir", deep, "-m", "64M", "--", "/bin/echo", "hello")
        self.assertEqual((result.status, result.out), (0, b"hello\n"))
        self.assertIn(b"MEMORY_PRESSURE_WATCH", result.err)
        self.assertIn(b"File name too long", result.err)

    def test_events_follow_to_a_new_registry(self):
        self.make_registry()
        words = [harness.COMMAND, "events", "--follow", "--dir", self.directory]
        follower = self.start(words, self.plain_env(), stdout=subprocess.PIPE)
        self.assertIn(b" test created ", follower.stdout.readline())
        shutil.rmtree(self.directory)
        os.mkdir(self.directory, 0o700)
        self.assertEqual(self.run_weir(["/bin/true"], 64 * MIB, container="second").status, 0)
        self.assertIn(b" second created ", follower.stdout.readline())

    # --- the file ---

    def test_other_version(self):
        self.make_registry()
        with open(self.registry(), "r+b") as registry:
            registry.seek(VERSION_AT)
            version = struct.unpack("<I", registry.read(4))[0]
            registry.seek(VERSION_AT)
            registry.write(struct.pack("<I", version + 1))
        before = harness.content_of(self.registry())
        self.assert_unharmed()
        self.assertEqual(harness.content_of(self.registry()), before, "another version's file is left alone")
        result = self.weir("stat")
        self.assertNotEqual(result.status, 0)
        self.assertIn(b"version", result.err)

    def test_not_a_registry(self):
        self.make_registry()
        size = os.path.getsize(self.registry())
        for content in (b"\xff" * size, b"hello\n", os.urandom(size)):
            with open(self.registry(), "wb") as registry:
                registry.write(content)
            self.assert_unharmed()

    def test_truncated_file(self):
        self.make_registry()
        whole = os.path.getsize(self.registry())
        for size in (whole - 4096, whole // 2, 4096, 100, 1):
            with self.subTest(size=size):
                os.truncate(self.registry(), size)
                self.assert_unharmed()
                self.assertNotEqual(self.weir("stat").status, 0)

    def test_truncated_while_in_use(self):
        """What every member has mapped ends under it: no SIGBUS, no kill, and the results of a run without weir."""
        self.need_swap()
        ways = {"perf": {}, "fallback": {"meter": "fallback"}, "no thread": {"threadless": "1"},
                "group kill": {"oom": "group"}}
        for size in (0, 4096, -4096):
            for way, variables in ways.items():
                with self.subTest(size=size, way=way):
                    environment = self.weir_env(16 * MIB, **variables)
                    holder = self.start_ready([harness.program("hold"), "40"], environment)
                    walker = self.start([harness.program("walk_again"), "32", "12"], environment)
                    time.sleep(0.1)
                    whole = os.path.getsize(self.registry())
                    os.truncate(self.registry(), size if size >= 0 else whole + size)
                    for process in (holder, walker):
                        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))
                    os.unlink(self.registry())

    def test_truncated_under_the_command(self):
        """`weir run` waits for its command, and ends as it does; who only looks says what happened."""
        self.make_registry()
        environment = {**os.environ, "WEIR_DIR": self.directory}
        runner = subprocess.Popen([harness.COMMAND, "run", "-m", "64M", "--", "sh", "-c", "echo ready; read x; exit 7"],
                                  env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(runner.stdout.readline(), b"ready\n")
        follower = subprocess.Popen([harness.COMMAND, "events", "--follow"], env=environment,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(0.3)
        os.truncate(self.registry(), 0)
        self.assertEqual((runner.communicate(b"\n", timeout=20)[0], runner.returncode), (b"", 7))
        self.assertIn(b"cut short", follower.communicate(timeout=20)[1])
        self.assertEqual(follower.returncode, 1)

    def test_grown_file(self):
        self.make_registry()
        os.truncate(self.registry(), os.path.getsize(self.registry()) + 4096)
        self.assert_unharmed()

    def test_empty_file_becomes_a_registry(self):
        self.need_swap()
        open(self.registry(), "wb").close()
        self.assert_unharmed()

    def test_file_is_something_else(self):
        os.mkdir(self.registry())
        self.assert_unharmed()
        os.rmdir(self.registry())
        os.mkfifo(self.registry())
        self.assert_unharmed()
        os.unlink(self.registry())
        target = os.path.join(self.scratch, "target")
        os.symlink(target, self.registry())
        self.assert_unharmed()
        self.assertFalse(os.path.exists(target), "a link is not followed")

    def test_unreadable_file(self):
        self.make_registry()
        os.chmod(self.registry(), 0)
        self.assert_unharmed()

    # --- the file system ---

    def test_full_file_system(self):
        self.need_root()
        mounted = os.path.join(self.scratch, "full")
        os.mkdir(mounted)
        for size in ("64k", "600k"):
            with self.subTest(size=size):
                done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", mounted],
                                      stderr=subprocess.PIPE, check=False)
                if done.returncode != 0:
                    self.skipTest(f"mount is refused: {done.stderr.decode().strip()}")
                try:
                    self.assert_unharmed(dir=mounted)
                finally:
                    subprocess.run(["umount", "-l", mounted], check=True)

    def test_read_only_file_system(self):
        self.need_root()
        mounted = os.path.join(self.scratch, "fixed")
        os.mkdir(mounted)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,mode=0700", "tmpfs", mounted], check=False)
        if done.returncode != 0:
            self.skipTest("mount is refused")
        try:
            self.assert_unharmed(dir=mounted)
        finally:
            subprocess.run(["umount", "-l", mounted], check=True)

    # --- at once ---

    def test_many_create_the_same_container_at_once(self):
        for _ in range(5):
            processes = [self.start([harness.program("hold"), "1"], self.weir_env(64 * MIB), stdin=subprocess.PIPE)
                         for _ in range(24)]
            for process in processes:
                self.assertEqual(process.stdout.readline(), b"ready\n")
            stat = self.stat()
            self.assertEqual(len(stat["members"]), 24)
            self.assertEqual(sorted(m["pid"] for m in stat["members"]), sorted(p.pid for p in processes))
            for process in processes:
                self.assertEqual(self.finish(process).status, 0)
            self.assertEqual(self.weir("rm", "test").status, 0)
            os.unlink(self.registry())

    def test_more_members_than_places(self):
        """Short-lived members by the thousand: dead ones' places are used again."""
        self.need_swap()
        command = f"i=0; while [ $i -lt 1500 ]; do /bin/true; i=$((i + 1)); done; exec {harness.program('walk_again')} 32 1"
        started = time.monotonic()
        result = self.run_weir(command, 16 * MIB)
        self.assertEqual((result.status, result.out), (0, b"ok\n"))
        self.note(f"1500 members one after the other in {time.monotonic() - started:.1f} s")
        self.empty_stat()


if __name__ == "__main__":
    unittest.main()
