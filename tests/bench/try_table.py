"""The table of tools/try: one pipeline without a limit, with direct reclaim only, and with background reclaim."""

import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../integration"))
import sampler  # noqa: E402

LIMIT = 16 << 20


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
    """One way to run the pipeline: timed once undisturbed, then watched once."""

    def __init__(self, weir, pipeline, name, extra):
        shell = ["sh", "-c", pipeline]
        argv = shell if name is None else [weir, "run", "-n", name, "-m", str(LIMIT), *extra, "--", *shell]
        self.seconds, self.status, _ = run(argv, False)
        self.stat, self.meter = {}, "-"
        if name is not None:
            stats = read_json([weir, "stat", name, "--format", "json"])
            self.stat = stats[0] if stats else {}
            meters = [event["text"] for event in read_json([weir, "events", name, "--format", "json"])
                      if event["kind"] == "meter"]
            self.meter = meters[-1].split(",")[0] if meters else "none"
            argv[3] = name + "-watched"
        self.peak = run(argv, True)[2]

    def count(self, key):
        return str(self.stat[key]) if key in self.stat else "-"

    def mib(self, key):
        return f"{self.stat[key] / 1048576:.1f} MiB" if key in self.stat else "-"

    def time_of(self, key):
        return f"{self.stat[key] / 1e6:.2f} s" if key in self.stat else "-"

    def end(self):
        return "all read" if self.status == 0 else "killed" if self.status in (-9, 137) else f"status {self.status}"


ROWS = [
    ("how it ended", lambda c: c.end()),
    ("wall time", lambda c: f"{c.seconds:.2f} s"),
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
    few, many = background.stat.get("failcnt", 0), direct.stat.get("failcnt", 0)
    spared = f"with background reclaim {few} instead of {many} allocations had to wait at the limit"
    return (f"tail kept its 300 MB in {background.peak / 1048576:.0f} MiB of memory instead of"
            f" {plain.peak / 1048576:.0f};\n{spared}.")


def main():
    weir, pipeline = sys.argv[1], sys.argv[2]
    plain = Column(weir, pipeline, None, [])
    direct = Column(weir, pipeline, "direct", ["--background", "off"])
    background = Column(weir, pipeline, "background", [])
    print(f"\n  {pipeline.replace(' 2>/dev/null', '')}\n")
    print(f"{'':42}{'no limit':>12}{'16 MiB,':>12}{'16 MiB,':>12}")
    print(f"{'':42}{'':>12}{'direct':>12}{'background':>12}")
    for title, show in ROWS:
        print(f"{title:42}" + "".join(f"{show(column):>12}" for column in (plain, direct, background)))
    print(f"\n{closing(plain, direct, background)}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
