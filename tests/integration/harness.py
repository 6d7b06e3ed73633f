"""Running programs with and without weir, and asking weir and the kernel what happened.

Every test has a registry directory of its own in /dev/shm and a scratch directory, both gone afterwards, and ends
only processes it started.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import machine
import sampler

MIB = machine.MIB
TIMEOUT = 180

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("WEIR_BUILD_DIR", os.path.join(HERE, "../../build/release")))
LIBRARY = os.path.join(BUILD, "lib/libweir.so")
COMMAND = os.path.join(BUILD, "bin/weir")
PROGRAMS = os.path.join(BUILD, "programs")
CANNOT = 77  # exit status of a program that the machine does not let try

# What one faulting thread may overshoot. The first is the promise of the perf meter; the second is what a thread can
# touch between two ticks of a 250 Hz clock, which is all the fallback meter has to go by, with room for a slow reader.
# The budget is 1 MiB a thread, and the bench reports it; twice that, so that a loaded machine fails no test.
PERF_ALLOWANCE = 2 * MIB
# A net that hangs on the scheduler: loose on purpose, the figures are in the bench.
FALLBACK_ALLOWANCE = 48 * MIB


def program(name):
    return os.path.join(PROGRAMS, name)


def content_of(path):
    """What a file holds; nothing when it is not there."""
    try:
        with open(path, "rb") as content:
            return content.read()
    except OSError:
        return b""


class Result:
    def __init__(self, process, out, err, peak, seconds):
        self.status, self.out, self.err = process.returncode, out, err
        self.peak, self.seconds = peak, seconds

    def same(self):
        """What must not change by weir being there."""
        return (self.status, self.out, self.err)


class WeirTest(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        if not os.access(LIBRARY, os.R_OK):
            raise AssertionError(f"there is no {LIBRARY}; WEIR_BUILD_DIR names the build to test")
        sampler.become_subreaper()

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="weir-test-", dir="/dev/shm")
        self.scratch = tempfile.mkdtemp(prefix="weir-test-")
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.addCleanup(shutil.rmtree, self.scratch, True)
        self.addCleanup(self.end_orphans, set(sampler.children_of(os.getpid())))

    # --- environments ---

    def plain_env(self, **extra):
        """A small environment without any trace of weir. XDG_RUNTIME_DIR keeps even its defaults inside the test."""
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": self.scratch, "TMPDIR": self.scratch,
                "XDG_RUNTIME_DIR": self.directory, **extra}

    def weir_env(self, limit=None, container="test", **variables):
        """`variables` are WEIR_ ones without the prefix: oom="kill" is WEIR_OOM=kill."""
        env = self.plain_env(LD_PRELOAD=LIBRARY, WEIR_DIR=self.directory)
        if container is not None:
            env["WEIR_CONTAINER"] = container
        if limit is not None:
            env["WEIR_LIMIT"] = str(limit)
        env.update({f"WEIR_{key.upper()}": str(value) for key, value in variables.items()})
        return env

    # --- running ---

    def start(self, argv, env, **options):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                   "cwd": self.scratch, **options}
        process = subprocess.Popen(argv, env=env, start_new_session=True, **options)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        """Ends a process we started, with its descendants, and reaps it."""
        for pid in reversed(sampler.tree_of(process.pid)):
            if process.poll() is None:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    @staticmethod
    def end_orphans(before):
        """What our programs left behind became our children: they end, and so do theirs."""
        for orphan in set(sampler.children_of(os.getpid())) - before:
            for pid in reversed(sampler.tree_of(orphan)):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                os.waitpid(orphan, 0)
            except ChildProcessError:
                pass

    def run_with(self, env, argv, sample=False, timeout=TIMEOUT, stdin_text=None, **options):
        if isinstance(argv, str):
            argv = ["/bin/sh", "-c", argv]
        if stdin_text is not None:
            options["stdin"] = subprocess.PIPE
        started = time.monotonic()
        process = self.start(argv, env, **options)
        watch = sampler.Sampler(process.pid) if sample else None
        try:
            out, err = process.communicate(stdin_text, timeout=timeout)
        except subprocess.TimeoutExpired:
            states = self.describe_tree(process.pid)
            self.end(process)
            self.fail(f"{argv} did not end within {timeout} s; {states}")
        finally:
            if watch is not None:
                watch.stop()
        return Result(process, out, err, watch.peak if watch else 0, time.monotonic() - started)

    def run_plain(self, argv, **options):
        return self.run_with(self.plain_env(), argv, **options)

    def run_weir(self, argv, limit=None, sample=False, timeout=TIMEOUT, stdin_text=None, cwd=None, **variables):
        options = {} if cwd is None else {"cwd": cwd}
        return self.run_with(self.weir_env(limit, **variables), argv, sample=sample, timeout=timeout,
                             stdin_text=stdin_text, **options)

    def start_ready(self, argv, env, **options):
        """Starts a program that says "ready" once it holds its memory, and waits for the word."""
        process = self.start(argv, env, stdin=subprocess.PIPE, **options)
        line = process.stdout.readline()
        self.assertEqual(line, b"ready\n", f"{argv} is not ready: {self.describe_tree(process.pid)}")
        return process

    def finish(self, process):
        """Lets a program that holds go on to its end; gives what it still said."""
        out, err = process.communicate(b"", timeout=TIMEOUT)
        return Result(process, out, err, 0, 0)

    @staticmethod
    def describe_tree(pid):
        words = []
        for one in sampler.tree_of(pid):
            for task in sorted(os.listdir(f"/proc/{one}/task")) if os.path.isdir(f"/proc/{one}/task") else []:
                try:
                    with open(f"/proc/{one}/task/{task}/wchan", encoding="ascii") as wchan, \
                            open(f"/proc/{one}/task/{task}/stat", encoding="utf-8", errors="replace") as stat:
                        words.append(f"{stat.read().split(') ')[0]}) waits in {wchan.read()}")
                except OSError:
                    pass
        return "; ".join(words)

    # --- asking weir ---

    def weir(self, *words, **options):
        return self.run_with(self.plain_env(WEIR_DIR=self.directory), [COMMAND, *words], **options)

    def stat(self, name="test"):
        result = self.weir("stat", name, "--format", "json")
        self.assertEqual(result.status, 0, result.err)
        return json.loads(result.out)

    def empty_stat(self, name="test"):
        """The statistics once the last member is gone, which an orphan may take a moment for."""
        stat = self.stat(name)
        for _ in range(50):
            if stat["members"] == []:
                break
            time.sleep(0.1)
            stat = self.stat(name)
        self.assertEqual((stat["members"], stat["usage"]), ([], 0), "nothing is left in the books")
        return stat

    def events(self, kind=None):
        result = self.weir("events", "--format", "json")
        self.assertEqual(result.status, 0, result.err)
        found = [json.loads(line) for line in result.out.splitlines()]
        return [event for event in found if kind is None or event["kind"] == kind]

    # --- judging ---

    def assert_same(self, plain, weir, hint=""):
        self.assertEqual(plain.same(), weir.same(), hint)

    def need_swap(self, bytes_needed=512 * MIB):
        if not machine.has_swap(bytes_needed):
            self.skipTest(f"needs {bytes_needed // MIB} MiB of free swap (weir swap add)")

    def need_root(self):
        if not machine.is_root():
            self.skipTest("needs root")

    def need_program(self, name):
        path = machine.find_program(name)
        if path is None:
            self.skipTest(f"needs {name}, which is not installed")
        return path

    def need_perf(self):
        if not machine.perf_works():
            self.skipTest("needs the perf page-fault counter (kernel.perf_event_paranoid <= 2, Linux 6.1)")

    def note(self, text):
        """A figure for the log: reported, not asserted."""
        print(f"figure: {self.id().split('.', 1)[-1]}: {text}", flush=True)
