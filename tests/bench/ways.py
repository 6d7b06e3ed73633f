"""The ways a workload is run: without a limit, under the kernel's controller, under weir."""

import os
import tempfile

import benchlib
import machine


class Unlimited:
    name = "unlimited"

    def run(self, words, limit, watch):
        return benchlib.run(words, benchlib.clean_env(), watch=watch)


class Kernel:
    """A fresh group for each run: memory.limit_in_bytes only, swap without a limit of its own."""

    name = "kernel"

    def run(self, words, limit, watch):
        group = tempfile.mkdtemp(prefix="weir-bench-", dir=machine.MEMORY_CGROUP)
        try:
            with open(f"{group}/memory.limit_in_bytes", "w", encoding="ascii") as out:
                out.write(str(limit))
            procs = os.open(f"{group}/cgroup.procs", os.O_WRONLY)
            try:
                result = benchlib.run(words, benchlib.clean_env(), lambda: os.write(procs, b"0"), watch)
            finally:
                os.close(procs)
            with open(f"{group}/memory.failcnt", encoding="ascii") as failcnt:
                return {**result, "failcnt": int(failcnt.read())}
        finally:
            os.rmdir(group)


class Weir:
    KEYS = ("failcnt", "allocstall", "allocstall_us", "throttle", "throttle_us", "background_runs", "background_us",
            "evict_requested", "evict_done", "refault", "overshoot_peak", "held", "held_us")

    def __init__(self, name, **variables):
        self.name, self.variables = name, variables

    def run(self, words, limit, watch):
        with benchlib.Registry() as registry:
            env = registry.variables(WEIR_CONTAINER="bench", WEIR_LIMIT=str(limit), **self.variables)
            result = benchlib.run(words, benchlib.clean_env(**env), watch=watch)
            stat = registry.stat("bench")
            return {**result, **{key: stat[key] for key in self.KEYS if key in stat}}
