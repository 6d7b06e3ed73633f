"""The table of tools/try: one pipeline without a limit, with direct reclaim only, and with background reclaim."""

import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../integration"))
import sampler  # noqa: E402

LIMIT = 16 << 20
ROUNDS = 5


def run(argv, watch):
    """Wall seconds, status, and the peak of the kernel's count (only when watched: watching takes time)."""
    began = time.monotonic()
    process = subprocess.Popen(argv)
    watcher = sampler.Sampler(process.pid) if watch else None
    status = process.wait()
    seconds = time.monotonic() - began
    if watcher is not None:
        watcher.stop()
    return seconds, status, watcher.peak if watcher else 0


def read_json(words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


class Column:
    """One way to run the pipeline: timed undisturbed, several times; then watched once."""

    def __init__(self, weir, pipeline, name, extra):
        self.weir, self.name, self.extra = weir, name, extra
        self.shell = ["sh", "-c", pipeline]
        self.times, self.rounds = [], []
        self.status, self.meter, self.peak = 0, "-", 0

    def argv(self, container):
        if self.name is None:
            return self.shell
        return [self.weir, "run", "-n", container, "-m", str(LIMIT), *self.extra, "--", *self.shell]

    def time_once(self):
        container = f"{self.name}-{len(self.times)}"
        seconds, status, _ = run(self.argv(container), False)
        self.times.append(seconds)
        self.status = self.status or status
        if self.name is not None:
            self.rounds += read_json([self.weir, "stat", container, "--format", "json"])
            meters = [event["text"] for event in read_json([self.weir, "events", container, "--format", "json"])
                      if event["kind"] == "meter"]
            self.meter = meters[-1].split(",")[0] if meters else "none"

    def watch_once(self):
        self.peak = run(self.argv(f"{self.name}-watched"), True)[2]

    def wall(self):
        return f"{statistics.median(self.times):.2f} s"

    def spread(self):
        return f"{min(self.times):.2f} to {max(self.times):.2f}"

    def median(self, key):
        """Of what weir counted in each round; None where it counted nothing."""
        values = [stat[key] for stat in self.rounds if key in stat]
        return round(statistics.median(values)) if values else None

    def show(self, key, form=str):
        value = self.median(key)
        return "-" if value is None else form(value)

    def count(self, key):
        return self.show(key)

    def mib(self, key):
        return self.show(key, lambda value: f"{value / 1048576:.1f} MiB")

    def time_of(self, key):
        return self.show(key, lambda value: f"{value / 1e6:.2f} s")

    def end(self):
        return "all read" if self.status == 0 else "killed" if self.status in (-9, 137) else f"status {self.status}"


ROWS = [
    ("how it ended", lambda c: c.end()),
    (f"wall time, median of {ROUNDS}", Column.wall),
    ("  from, to (s)", Column.spread),
    ("most memory resident (the kernel's count)", lambda c: f"{c.peak / 1048576:.1f} MiB"),
    ("allocations that met the limit (failcnt)", lambda c: c.count("failcnt")),
    ("  that reclaimed by themselves (allocstall)", lambda c: c.count("allocstall")),
    ("  and waited for it", lambda c: c.time_of("allocstall_us")),
    ("CPU time of background reclaim", lambda c: c.time_of("background_us")),
    ("time of evicting early, where it grew", lambda c: c.time_of("in_place_us")),
    ("paged out", lambda c: c.mib("evict_done")),
    ("pages read back (refaults)", lambda c: c.count("refault")),
    ("growth is noticed by (meter)", lambda c: c.meter),
]


def closing(plain, direct, background):
    if background.status != 0:
        return ("The container was killed by its own out-of-memory rule: without swap there is\n"
                "nowhere for 300 MB to go, and nothing else on the machine was touched.")
    few, many = background.count("failcnt"), direct.count("failcnt")
    spared = f"with background reclaim {few} instead of {many} allocations had to wait at the limit"
    return (f"tail kept its 300 MB in {background.peak / 1048576:.0f} MiB of memory instead of"
            f" {plain.peak / 1048576:.0f};\n{spared}.")


def main():
    weir, pipeline = sys.argv[1], sys.argv[2]
    plain = Column(weir, pipeline, None, [])
    direct = Column(weir, pipeline, "direct", ["--background", "off"])
    background = Column(weir, pipeline, "background", [])
    columns = (plain, direct, background)
    for _ in range(ROUNDS):  # in turn, so that what else goes on meets all of them
        for column in columns:
            column.time_once()
    for column in columns:
        column.watch_once()
    print(f"\n  {pipeline.replace(' 2>/dev/null', '')}\n")
    print(f"{'':44}{'no limit':>14}{'16 MiB,':>14}{'16 MiB,':>14}")
    print(f"{'':44}{'':>14}{'direct':>14}{'background':>14}")
    for title, show in ROWS:
        print(f"{title:44}" + "".join(f"{show(column):>14}" for column in columns))
    print(f"\n{closing(plain, direct, background)}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
