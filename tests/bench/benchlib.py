"""What the benches share: where the build is, running and timing, medians, tables, JSON."""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../integration"))
import sampler  # noqa: E402

BUILD = os.path.abspath(os.environ.get("WEIR_BUILD_DIR", os.path.join(HERE, "../../build/release")))
LIBRARY = os.path.join(BUILD, "lib/libweir.so")
COMMAND = os.path.join(BUILD, "bin/weir")
JEMALLOC = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"
MIB = 1 << 20


def need_build():
    for path in (LIBRARY, COMMAND):
        if not os.path.exists(path):
            sys.exit(f"there is no {path}: cmake --preset release && cmake --build --preset release")


class Registry:
    """A registry directory of our own, gone afterwards."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="weir-bench-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.path, True)

    def variables(self, **more):
        return {"LD_PRELOAD": LIBRARY, "WEIR_DIR": self.path, **more}

    def stat(self, name):
        words = [COMMAND, "--dir", self.path, "stat", name, "--format", "json"]
        return json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)


def clean_env(**more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WEIR_") and k != "LD_PRELOAD"}
    return {**kept, **more}


def run(argv, env, before_exec=None, watch=False, capture=False):
    """Runs to the end. Wall and CPU seconds, faults and, when watched, the kernel-sampled peak of the whole tree.
    With `capture`, standard output as bytes, too."""
    began = time.monotonic()
    process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, preexec_fn=before_exec,
                               stdout=subprocess.PIPE if capture else subprocess.DEVNULL)
    watcher = sampler.Sampler(process.pid) if watch else None
    output = process.stdout.read() if capture else None
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if watcher is not None:
        watcher.stop()
    if capture:
        process.stdout.close()
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "major_faults": usage.ru_majflt,
            "minor_faults": usage.ru_minflt, "max_rss_kib": usage.ru_maxrss, "status": process.returncode,
            "peak": watcher.peak if watcher else None, **({"output": output} if capture else {})}


def summary(values):
    values = [value for value in values if value is not None]
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "rounds": len(values)}


def shown(figures, digits):
    if figures is None:
        return "-"
    return f"{figures['median']:.{digits}f} [{figures['min']:.{digits}f} {figures['max']:.{digits}f}]"


def print_table(title, rows, columns):
    """rows: (name, {key: summary}); columns: (key, heading, digits). Median, then [min max]."""
    cells = [["", *[heading for _, heading, _ in columns]]]
    cells += [[name, *[shown(figures.get(key), digits) for key, _, digits in columns]] for name, figures in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    print(f"\n{title}; median [min max]")
    for row in cells:
        print("  ".join([row[0].ljust(widths[0])] + [word.rjust(width) for word, width in zip(row[1:], widths[1:])]))


def write_json(path, data):
    if path is not None:
        with open(path, "w", encoding="utf-8") as out:
            json.dump(data, out, indent=1)
            out.write("\n")


def machine():
    uname = os.uname()
    return {"kernel": uname.release, "cpus": os.cpu_count(), "load_at_start": os.getloadavg()[0],
            "swaps": open("/proc/swaps", encoding="ascii").read().splitlines()[1:],
            "page_size": resource.getpagesize()}
