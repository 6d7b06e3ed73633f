"""Statistics on a signal and from `weir stat`: three formats, every key, the same truth in each."""

import json
import os
import signal
import subprocess
import time
import unittest

import harness
import prometheus
from harness import MIB

DUMP_SIGNAL = signal.SIGRTMAX - 2

SIZES = ["usage", "swap_usage", "limit", "high_watermark", "low_watermark", "peak", "overshoot_peak"]
COUNTS = ["failcnt", "allocstall", "allocstall_us", "background_runs", "background_us", "evict_requested", "evict_done",
          "purged", "refault", "events_low", "events_high", "events_limit", "events_oom", "events_oom_kill"]
OTHERS = ["container", "evict_stayed", "members", "meter"]
COUNTED_SIZES = {"evict_requested", "evict_done", "purged"}


def parse_text(text):
    """The text format: a key and a value on each line; members on lines of their own."""
    found = {"members": []}
    for line in text.splitlines():
        words = line.split()
        if words[0] == "member" and len(words) > 3:
            found["members"].append(words)
        elif words[0] == "evict_stayed":
            found.setdefault("evict_stayed", {})[words[1]] = words[2]
        elif words[0] != "members":
            found[words[0]] = words[1]
    return found


class DumpTest(harness.WeirTest):
    def dump_of(self, file_format, container="test", pattern="dump-%c-%p"):
        env = self.weir_env(16 * MIB, container=container, dump_format=file_format,
                            dump_file=os.path.join(self.scratch, pattern))
        process = self.start_ready([harness.program("hold"), "40"], env)
        process.send_signal(DUMP_SIGNAL)
        name = pattern.replace("%c", container.replace("/", "-")).replace("%p", str(process.pid))
        text = self.wait_for_text(os.path.join(self.scratch, name))
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))
        return text, process.pid

    def wait_for_text(self, path):
        """The whole dump: there, and no longer growing."""
        text = ""
        for _ in range(100):
            time.sleep(0.1)
            now = harness.content_of(path).decode("ascii")
            if now != "" and now == text:
                return text
            text = now
        self.fail(f"no dump in {path}")

    def check_values(self, values):
        self.assertEqual(values["limit"], 16 * MIB)
        self.assertLessEqual(values["low_watermark"], values["high_watermark"])
        self.assertLessEqual(values["high_watermark"], values["limit"])
        self.assertLessEqual(values["usage"], values["peak"])
        self.assertGreater(values["usage"], MIB)
        self.assertLess(values["usage"], 40 * MIB)

    def test_json(self):
        self.need_swap()
        text, pid = self.dump_of("json")
        values = json.loads(text)
        for key in SIZES + COUNTS:
            self.assertIsInstance(values[key], int, key)
        for key in OTHERS:
            self.assertIn(key, values)
        self.check_values(values)
        self.assertEqual([member["pid"] for member in values["members"]], [pid])
        self.assertLessEqual({"pid", "comm", "usage", "swap_usage"}, set(values["members"][0]))
        self.assertIn(values["meter"], ("perf", "fallback", "off"))

    def test_text(self):
        self.need_swap()
        text, pid = self.dump_of("text")
        values = parse_text(text)
        for key in SIZES + COUNTS + OTHERS:
            self.assertIn(key, values)
        self.check_values({key: int(values[key]) for key in SIZES})
        self.assertEqual([int(words[1]) for words in values["members"]], [pid])

    def test_prometheus(self):
        self.need_swap()
        text, pid = self.dump_of("prometheus")
        families = prometheus.parse(text)
        for key in SIZES:
            self.assertEqual(families[f"weir_{key}_bytes"]["type"], "gauge", key)
        for key in COUNTS:
            name = f"weir_{key}_bytes_total" if key in COUNTED_SIZES else f"weir_{key}_total".replace("_us_", "_seconds_")
            self.assertEqual(families[name]["type"], "counter", key)
        self.check_values({key: families[f"weir_{key}_bytes"]["samples"][(("container", "test"),)] for key in SIZES})
        of_member = families["weir_member_usage_bytes"]["samples"]
        self.assertEqual([dict(labels)["pid"] for labels in of_member], [str(pid)])
        self.assertEqual([dict(labels)["comm"] for labels in of_member], ["hold"])

    def test_name_with_parents(self):
        self.need_swap()
        text, _ = self.dump_of("json", container="build/cc")
        self.assertEqual(json.loads(text)["container"], "build/cc")

    def test_the_program_does_not_notice(self):
        """A select without a handler in sight is not to end early, nor to last much longer."""
        perl = self.need_program("perl")
        env = self.weir_env(16 * MIB, dump_format="json", dump_file=os.path.join(self.scratch, "dump"))
        script = '$| = 1; print "ready\n"; exit(select(undef, undef, undef, 1) == 0 ? 0 : 1)'
        process = self.start_ready([perl, "-e", script], env)
        time.sleep(0.2)
        process.send_signal(DUMP_SIGNAL)
        self.assertEqual(json.loads(self.wait_for_text(os.path.join(self.scratch, "dump")))["container"], "test")
        self.assertEqual(self.finish(process).status, 0)

    def dump_to_stderr(self, mib, number, env):
        path = os.path.join(self.scratch, "stderr")
        with open(path, "wb") as stderr:
            process = self.start_ready([harness.program("hold"), str(mib)], env, stderr=stderr)
        process.send_signal(number)
        values = json.loads(self.wait_for_text(path))
        result = self.finish(process)
        self.assertEqual((result.status, result.out), (0, b"ok\n"))
        return values

    def test_to_stderr(self):
        self.need_swap()
        values = self.dump_to_stderr(40, DUMP_SIGNAL, self.weir_env(16 * MIB, dump_format="json"))
        self.assertEqual(values["container"], "test")

    def test_other_signal(self):
        env = self.weir_env(64 * MIB, dump_signal="SIGUSR2", dump_format="json")
        self.assertEqual(self.dump_to_stderr(4, signal.SIGUSR2, env)["limit"], 64 * MIB)

    def test_unwritable_file_is_an_event_and_no_harm(self):
        env = self.weir_env(64 * MIB, dump_file="/no/such/directory/file")
        process = self.start_ready([harness.program("hold"), "4"], env)
        process.send_signal(DUMP_SIGNAL)
        time.sleep(0.5)
        self.assertEqual(self.finish(process).same(), (0, b"ok\n", b""))
        self.assertTrue(any("/no/such/directory" in event["text"] for event in self.events("dump")))

    def test_a_link_is_not_followed(self):
        target = os.path.join(self.scratch, "target")
        open(target, "w", encoding="ascii").close()
        os.symlink(target, os.path.join(self.scratch, "link"))
        env = self.weir_env(64 * MIB, dump_file=os.path.join(self.scratch, "link"))
        process = self.start_ready([harness.program("hold"), "4"], env)
        process.send_signal(DUMP_SIGNAL)
        time.sleep(0.5)
        self.finish(process)
        self.assertEqual(os.path.getsize(target), 0)

    def test_a_sleeper_sleeps_on(self):
        process = self.start(["/bin/sleep", "2"], self.weir_env(16 * MIB, dump_file=os.path.join(self.scratch, "d")))
        began = time.monotonic()
        for _ in range(5):
            time.sleep(0.2)
            process.send_signal(DUMP_SIGNAL)
        out, err = process.communicate(timeout=30)
        self.assertEqual((process.returncode, out, err), (0, b"", b""))
        self.assertGreaterEqual(time.monotonic() - began, 1.9)

    @staticmethod
    def catches(pid, number):
        """True once a handler is installed: before, at the very start, the signal would kill."""
        try:
            with open(f"/proc/{pid}/status", encoding="ascii") as status:
                caught = next(line for line in status if line.startswith("SigCgt:"))
            return int(caught.split()[1], 16) >> (number - 1) & 1 == 1
        except (OSError, StopIteration):
            return False

    def test_many_signals_while_growing(self):
        self.need_swap()
        env = self.weir_env(16 * MIB, dump_file=os.path.join(self.scratch, "many"))
        process = self.start([harness.program("walk_again"), "48", "4"], env, stderr=subprocess.STDOUT)
        while process.poll() is None:
            if self.catches(process.pid, DUMP_SIGNAL):
                process.send_signal(DUMP_SIGNAL)
            time.sleep(0.01)
        self.assertEqual((process.returncode, process.stdout.read()), (0, b"ok\n"))

    def test_on_a_small_alternate_stack(self):
        for limit in (64 * MIB, 16 * MIB):  # without a reclaimer at first, and with one
            for file_format in ("text", "json", "prometheus"):
                path = os.path.join(self.scratch, f"small-{limit}-{file_format}")
                with self.subTest(limit=limit, file_format=file_format):
                    result = self.run_weir([harness.program("small_alt_stack"), "24", str(int(DUMP_SIGNAL))], limit,
                                           dump_file=path, dump_format=file_format)
                    self.assertEqual((result.status, result.out, result.err), (0, b"ok\n", b""))
                    self.assertIn("small_alt_stack", harness.content_of(path).decode())

    def test_whole_though_the_program_leaves_at_once(self):
        self.need_swap()
        path = os.path.join(self.scratch, "leaving")
        for limit in (64 * MIB, 16 * MIB):  # without a reclaimer, and with one
            for _ in range(10):
                result = self.run_weir([harness.program("dump_and_leave"), "24", str(int(DUMP_SIGNAL))], limit,
                                       dump_file=path, dump_format="json")
                self.assertEqual((result.status, result.err), (0, b""))
                self.assertIn("members", json.loads(harness.content_of(path)))
                os.unlink(path)

    def test_stat_has_the_same_keys(self):
        process = self.start_ready([harness.program("hold"), "8"], self.weir_env(64 * MIB))
        values = self.stat()
        for key in SIZES + COUNTS + OTHERS:
            self.assertIn(key, values)
        everything = json.loads(self.weir("stat", "--format", "json").out)
        self.assertEqual([one["container"] for one in everything], ["test"])
        text = parse_text(self.weir("stat", "test").out.decode())
        self.assertEqual(int(text["limit"]), values["limit"])
        families = prometheus.parse(self.weir("stat", "test", "--format", "prometheus").out.decode())
        self.assertEqual(families["weir_limit_bytes"]["samples"][(("container", "test"),)], values["limit"])
        self.finish(process)


if __name__ == "__main__":
    unittest.main()
