"""Recordings: of real programs, near what weir counted, the same answer every time, and refused when damaged."""

import glob
import json
import os
import signal
import unittest

import harness
from harness import MIB

PIPELINE = "dd if=/dev/zero bs=1M count=100 2>/dev/null | tail | md5sum"
# Builds a list, then reads all of it again and again: what leaves comes back.
LOOP = "d=[bytes([i%251])*4096 for i in range(10000)]; print(sum(sum(x[0] for x in d) for r in range(5)))"


class RecordTest(harness.WeirTest):
    def record(self, command, *options, status=0):
        """Runs it under `weir record`; gives its result and the recordings, the largest first."""
        path = os.path.join(self.scratch, "rec")
        result = self.weir("record", "-o", path, *options, "--", *command)
        self.assertEqual(result.status, status, result.err)
        files = sorted(glob.glob(path + ".*"), key=os.path.getsize, reverse=True)
        self.assertTrue(files, "a recording was made")
        return result, files

    def replay(self, file, *options):
        result = self.weir("replay", file, "--json", *options)
        self.assertEqual((result.status, result.err), (0, b""))
        return json.loads(result.out)

    def assert_refused(self, file, *words):
        result = self.weir("replay", file)
        self.assertEqual((result.status, result.out), (2, b""))
        for word in (os.path.basename(file), *words):
            self.assertIn(word, result.err.decode())
        self.assertEqual(result.err.count(b"\n"), 1, result.err)

    def test_nowhere_to_record_to_is_refused(self):
        for words in (["record", "-o", "/no/such/folder/a"], ["run", "--record", "/no/such/folder/a"],
                      ["run", "--dump-file", "/no/such/folder/%p"]):
            result = self.weir(*words, "--", "touch", "ran")
            self.assertEqual((result.status, os.path.exists(os.path.join(self.scratch, "ran"))), (2, False))
            self.assertIn(b"/no/such/folder", result.err)
        result = self.weir("replay", self.scratch)
        self.assertEqual(result.status, 2)
        self.assertIn(b"is a folder", result.err)

    def test_a_command_that_does_not_grow_leaves_no_recording_and_says_so(self):
        result = self.weir("record", "-o", os.path.join(self.scratch, "none"), "-m", "16M", "--", "true")
        self.assertEqual(result.status, 0)
        self.assertIn(b"nothing was recorded", result.err)

    def test_pipeline_replays_near_what_was_counted(self):
        self.need_swap()
        plain = self.run_plain(PIPELINE)
        result, files = self.record(["sh", "-c", PIPELINE], "-n", "test", "-m", "16M")
        self.assertEqual(result.out, plain.out, "recording changes no output")
        stat = self.stat()
        self.assertGreaterEqual(len(files), 2, "each process has a file of its own")
        told = self.replay(files[0])
        self.assertEqual(told["recording"]["program"], "tail")
        self.assertTrue(told["recording"]["complete"])
        counted, again = told["counted"], told["replayed"]
        self.note(f"stat {stat['evict_done'] // MIB} MiB {stat['refault']} refaults; counted "
                  f"{counted['evicted'] // MIB} MiB {counted['refault']}; replayed {again['evicted'] // MIB} MiB "
                  f"{again['refault']}; file {told['recording']['bytes']}")
        # dd is small: nearly all that left the container is tail's.
        self.assertAlmostEqual(counted["evicted"], stat["evict_done"], delta=0.2 * stat["evict_done"])
        for key in ("evicted", "refault"):
            self.assertAlmostEqual(again[key], counted[key], delta=0.4 * counted[key])
        self.assertLessEqual(again["peak"], 17 * MIB)
        self.assertLess(told["recording"]["bytes"], 4 * MIB, "compact")

    def test_a_walk_that_never_fits_replays_as_it_was_counted(self):
        """Most of it is back before anybody looks at what is in swap: a refault all the same."""
        self.need_swap()
        _, files = self.record([harness.program("walk_again"), "40", "4"], "-n", "test", "-m", "16M")
        told = self.replay(files[0])
        counted, again = told["counted"], told["replayed"]
        self.note(f"counted {counted['evicted'] // MIB} MiB, {counted['refault']} refaults; replayed "
                  f"{again['evicted'] // MIB} MiB, {again['refault']}")
        self.assertGreater(counted["refault"], 20000)
        for key in ("evicted", "refault"):
            self.assertAlmostEqual(again[key], counted[key], delta=0.4 * counted[key])

    def test_a_larger_limit_spares_refaults_and_a_smaller_one_costs(self):
        self.need_swap()
        python = self.need_program("python3")
        result, files = self.record([python, "-c", LOOP], "-n", "test", "-m", "32M")
        refaults = self.stat()["refault"]
        told = self.replay(files[0], "--limit", "128M")
        small = self.replay(files[0], "--limit", "24M")
        self.note(f"stat {refaults} refaults; replayed {told['replayed']['refault']}; 128M {told['asked']['refault']}; "
                  f"24M {small['asked']['refault']}")
        self.assertGreater(refaults, 1000, "40 MiB do not fit into 32")
        self.assertAlmostEqual(told["replayed"]["refault"], refaults, delta=0.4 * refaults)
        self.assertEqual((told["asked"]["refault"], told["asked"]["evicted"]), (0, 0))
        self.assertGreater(small["asked"]["refault"], told["replayed"]["refault"])

    def test_use_is_seen_where_nothing_left(self):
        self.need_swap()
        python = self.need_program("python3")
        again = "\nimport time\nend=time.time()+5\nwhile time.time()<end:\n time.sleep(0.05); sum(x[0] for x in d)"
        _, files = self.record([python, "-c", LOOP + again])
        told = self.replay(files[0], "--limit", "24M")
        self.assertEqual(told["replayed"]["evicted"], 0, "it ran without a limit")
        self.assertIsNone(told["replayed"]["limit"])
        self.assertGreater(told["asked"]["refault"], 1000, "evidence of use tells that it would have come back")

    def test_no_limit_is_one_to_ask_for(self):
        self.need_swap()
        _, files = self.record([self.need_program("python3"), "-c", LOOP], "-m", "24M")
        bounded, free = self.replay(files[0]), self.replay(files[0], "--limit", "none")
        self.assertGreater(bounded["replayed"]["evicted"], 0)
        self.assertIsNone(free["asked"]["limit"])
        self.assertEqual(free["asked"]["evicted"], 0)
        refused = self.weir("replay", files[0], "--limit", "none", "--high", "90%")
        self.assertEqual((refused.status, refused.out), (2, b""))
        self.assertIn(b"--high is a share of a limit", refused.err)

    def test_the_same_answer_every_time(self):
        self.need_swap()
        _, files = self.record(["sh", "-c", PIPELINE], "-m", "16M")
        answers = {self.weir("replay", files[0], "--json", "--limit", "20M", "--policy", policy).out
                   for policy in ("weir", "weir", "weir")}
        self.assertEqual(len(answers), 1)

    def test_forks_have_files_of_their_own(self):
        self.need_swap()
        python = self.need_program("python3")
        _, files = self.record([python, "-c", "import os,sys\nd=bytearray(20<<20)\nif os.fork():\n os.wait()\n"
                                "else:\n e=bytearray(20<<20)\n e[::4096]=bytes([1])*len(e[::4096])\n sys.exit()"],
                               "-m", "64M")
        self.assertEqual(len(files), 2)
        for file in files:
            self.assertTrue(self.replay(file)["recording"]["complete"], file)

    def test_a_killed_program_leaves_a_recording(self):
        self.need_swap()
        env = self.weir_env("16M", record=os.path.join(self.scratch, "rec"))
        process = self.start_ready([harness.program("hold"), "12"], env)
        for _ in range(50):
            if glob.glob(os.path.join(self.scratch, "rec.*")):
                break
            harness.time.sleep(0.1)
        harness.time.sleep(0.3)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        told = self.replay(os.path.join(self.scratch, f"rec.{process.pid}"))
        self.assertFalse(told["recording"]["complete"])
        self.assertGreater(told["counted"]["peak"], 10 * MIB)

    def test_damaged_files_are_refused_by_name(self):
        self.need_swap()
        _, files = self.record(["sh", "-c", PIPELINE], "-m", "16M")
        with open(files[0], "rb") as file:
            good = file.read()
        cases = {"cut": (good[:-1], "is cut short"), "version": (good[:7] + b"\x63" + good[8:], "another version"),
                 "none": (b"#!/bin/sh\n" + good, "is not a recording"), "empty": (b"", "is not a recording")}
        for name, (content, words) in cases.items():
            path = os.path.join(self.scratch, name)
            with open(path, "wb") as file:
                file.write(content)
            self.assert_refused(path, words)
        self.assert_refused(os.path.join(self.scratch, "missing"), "No such file")
        result = self.weir("replay", files[0], "--policy", "best")
        self.assertEqual(result.status, 2)
        self.assertIn(b"--policy 'best' is no policy", result.err)

    def test_a_disk_that_fills_is_told(self):
        self.need_swap()
        python = self.need_program("python3")
        path = os.path.join(self.scratch, "short")
        limited = f"ulimit -f 1; exec {python} -c '{LOOP}'"
        result = self.run_weir(["/bin/sh", "-c", limited], "24M", record=path)
        self.assertEqual(result.status, 0, result.err)
        told = [event["text"] for event in self.events("recording")]
        self.assertTrue(any("cannot be written: errno 27" in text for text in told), told)
        self.assertLessEqual(os.path.getsize(glob.glob(path + ".*")[0]), 1024)

    def test_where_nothing_can_be_written_the_program_runs(self):
        self.need_swap()
        result = self.run_weir(PIPELINE, "16M", record=os.path.join(self.scratch, "missing", "rec"))
        self.assert_same(self.run_plain(PIPELINE), result)
        self.assertTrue(self.events("recording"))


if __name__ == "__main__":
    unittest.main()
