"""The ways a workload is run: without a limit, under the kernel's controller, under weir."""

import collections
import contextlib
import os
import tempfile

import benchlib
import machine

# Where a program is started so that the way holds for it: its environment, what to call before exec, and a function
# that gives the way's own figures once all of its processes have ended.
Place = collections.namedtuple("Place", "env before_exec figures")


class _Way:
    """One way; `place` is what they differ in."""

    def run(self, words, limit, watch, capture=False):
        with self.place(limit) as place:
            result = benchlib.run(words, place.env, place.before_exec, watch, capture)
            return {**result, **place.figures()}


class Unlimited(_Way):
    name = "unlimited"

    @contextlib.contextmanager
    def place(self, limit):
        yield Place(benchlib.clean_env(), None, dict)


class Kernel(_Way):
    """A fresh group for each run: memory.limit_in_bytes only, swap without a limit of its own."""

    name = "kernel"

    @contextlib.contextmanager
    def place(self, limit):
        group = tempfile.mkdtemp(prefix="weir-bench-", dir=machine.MEMORY_CGROUP)
        try:
            with open(f"{group}/memory.limit_in_bytes", "w", encoding="ascii") as out:
                out.write(str(limit))
            procs = os.open(f"{group}/cgroup.procs", os.O_WRONLY)
            try:
                yield Place(benchlib.clean_env(), lambda: os.write(procs, b"0"), lambda: self._figures(group))
            finally:
                os.close(procs)
        finally:
            os.rmdir(group)

    @staticmethod
    def _figures(group):
        with open(f"{group}/memory.stat", encoding="ascii") as stat:
            counts = dict(line.split() for line in stat)
        with open(f"{group}/memory.oom_control", encoding="ascii") as control:
            kills = dict(line.split() for line in control).get("oom_kill", "0")
        with open(f"{group}/memory.failcnt", encoding="ascii") as failcnt:
            return {"failcnt": int(failcnt.read()), "refault": int(counts["total_workingset_refault_anon"]),
                    "oom_kill": int(kills)}


class Weir(_Way):
    KEYS = ("failcnt", "allocstall", "allocstall_us", "throttle", "throttle_us", "in_place", "in_place_us",
            "background_runs", "background_us", "evict_requested", "evict_done", "refault", "overshoot_peak", "held",
            "held_us", "proactive_evicted")

    def __init__(self, name, **variables):
        self.name, self.variables = name, variables

    @contextlib.contextmanager
    def place(self, limit):
        with benchlib.Registry() as registry:
            held = {} if limit is None else {"WEIR_LIMIT": str(limit)}
            env = registry.variables(WEIR_CONTAINER="bench", **held, **self.variables)
            yield Place(benchlib.clean_env(**env), None, lambda: self._figures(registry))

    def _figures(self, registry):
        stat = registry.stat("bench")
        return {key: stat[key] for key in self.KEYS if key in stat}
