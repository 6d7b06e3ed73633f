"""The workloads of working_sets: each needs about twice its limit, and prints a result that must always be the same."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import benchlib

PROGRAMS = os.path.join(benchlib.HERE, "programs")
BUILT = os.path.join(benchlib.BUILD, "bench")
# Debian's own, not one that a version manager put before it: what it is linked with decides what weir sees.
PYTHON = "/usr/bin/python3"


class Command:
    """A command line whose standard output is the result. `share`: its limit, as a part of the bench's."""

    def __init__(self, name, needs, words, share=1.0):
        self.name, self.needs, self.words, self.share = name, needs, words, share

    def missing(self):
        return [path for path in self.needs if shutil.which(path) is None]

    def run(self, way, limit):
        one = way.run(self.words, None if limit is None else int(limit * self.share), False, capture=True)
        result = one.pop("output").decode(errors="replace").strip()
        return {**one, "result": result}


class Redis:
    """The server alone is held to the limit; who asks is outside. Wall time: filling it, and the GETs."""

    name = "redis"

    def __init__(self, keys, gets):
        self.keys, self.gets = keys, gets
        self.load = os.path.join(BUILT, "redis_load")

    def missing(self):
        return [path for path in ("redis-server", self.load) if shutil.which(path) is None]

    def run(self, way, limit):
        with tempfile.TemporaryDirectory(prefix="weir-redis-") as home, way.place(limit) as place:
            socket = os.path.join(home, "socket")
            with self._server(place, home, socket) as server:
                words = [self.load, socket, str(self.keys), str(self.gets)]
                client = subprocess.run(words, stdout=subprocess.PIPE, env=benchlib.clean_env(), check=False)
                if client.returncode != 0:
                    sys.exit(f"redis under {way.name}: the client ended with status {client.returncode}")
                _, status, usage = os.wait4(server.pid, 0)
            server.returncode = os.waitstatus_to_exitcode(status)
            return {**json.loads(client.stdout), "status": server.returncode, "major_faults": usage.ru_majflt,
                    "cpu": usage.ru_utime + usage.ru_stime, **place.figures()}

    @staticmethod
    @contextlib.contextmanager
    def _server(place, home, socket):
        words = ["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", home]
        server = subprocess.Popen(words, env=place.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  preexec_fn=place.before_exec)
        try:
            yield server
        except BaseException:
            server.send_signal(signal.SIGKILL)
            server.wait()
            raise


def cold_and_hot():
    """Of real programs, two that hold more than they use, for half a minute or so."""
    words = [PYTHON, os.path.join(PROGRAMS, "hot_subset.py"), "200", "2500000"]
    return [Redis(160000, 1000000), Command("interpreter", [PYTHON], words)]


def all_for(limit_mib):
    """Twice the limit each, except the pipeline: S2's own, at a quarter of the limit (16 MiB of 64)."""
    twice = 2 * limit_mib

    def shell(line):
        return ["/bin/sh", "-c", line]

    def built(name, *words):
        return [os.path.join(BUILT, name), *map(str, words)]

    def script(interpreter, name, *words):
        return [*interpreter.split(), os.path.join(PROGRAMS, name), *map(str, words)]

    lines = twice * 12500  # 40 bytes of text and 32 of sort's own each: just within its buffer, so no temporary file
    generator = built("random_lines", lines)
    sort = shell(f"{' '.join(generator)} | LC_ALL=C sort -S {twice}M | cksum")
    # Sizes of its own choosing would follow the kernel's limit, which it reads, and not weir's.
    node = "node --max-old-space-size=1024 --max-semi-space-size=4 --single-threaded-gc"
    pipeline = shell("; ".join(["dd if=/dev/zero bs=1M count=300 2>/dev/null | tail | cksum"] * 3))
    return [
        Redis(twice * 900, 200000),
        Command("sort", ["sort", generator[0]], sort),
        Command("pipeline", ["dd", "tail"], pipeline, share=0.25),
        Command("interpreter", [PYTHON], script(PYTHON, "hot_subset.py", twice, 600000)),
        Command("rewrite", [built("rewrite")[0]], built("rewrite", twice, 8)),
        Command("heap", ["node"], script(node, "heap.js", limit_mib * 0.3, 300000)),
        Command("objects", [built("objects")[0]], built("objects", twice, 4)),
        Command("database", [PYTHON], script(PYTHON, "database.py", twice, 60000)),
    ]
