"""What the kernel itself says about a tree of processes: the sum of RssAnon, looked at every millisecond."""

import ctypes
import os
import re
import threading
import time

_PR_SET_CHILD_SUBREAPER = 36
_KCMP, _KCMP_VM = 312, 1  # x86-64
_LIBC = ctypes.CDLL(None, use_errno=True)


def anonymous(pid):
    """Bytes of anonymous memory that are resident, as the kernel tells now."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        return int(re.search(r"^Anonymous: +(\d+) kB", rollup.read(), re.MULTILINE)[1]) * 1024


def become_subreaper():
    """Orphans of what we start become our children, so that the sampler and the clean-up still find them."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children_of(pid):
    """The direct children of every task of a process; empty when it is gone."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", "rb") as listing:
                found += [int(word) for word in listing.read().split()]
    except OSError:
        pass
    return found


def tree_of(pid):
    """The process and all its descendants."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children_of(one)
    return found


def number_of(text, key):
    """The bytes behind a line such as b'RssAnon:  1024 kB'; 0 when there is none (a zombie)."""
    start = text.find(key)
    if start < 0:
        return 0
    return int(text[start + len(key):].split(None, 1)[0]) * 1024


def of_status(pid, key):
    """Bytes by a line of /proc/PID/status; 0 once the process is gone."""
    try:
        with open(f"/proc/{pid}/status", "rb") as status:
            return number_of(status.read(), key)
    except OSError:
        return 0


def rss_anon(pid):
    return of_status(pid, b"RssAnon:")


def swapped(pid):
    return of_status(pid, b"VmSwap:")


def anonymous_of(pid):
    """Anonymous of smaps_rollup: the kernel's count page by page."""
    with open(f"/proc/{pid}/smaps_rollup", "rb") as rollup:
        return number_of(rollup.read(), b"Anonymous:")


class Sampler:
    """Samples the tree below `pid` until stopped; `peak` is the largest sum seen, in bytes."""

    # Orphans go to the subreaper, us; only those of our own start are ours to count.
    def __init__(self, pid, interval=0.001):
        self.peak = 0
        self.samples = 0
        self._pid = pid
        self._interval = interval
        self._stop = threading.Event()
        self._files = {}
        self._before = set(children_of(os.getpid()))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join()
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files = {}

    def _discover(self):
        roots = [self._pid] + [pid for pid in children_of(os.getpid()) if pid not in self._before]
        for root in roots:
            for pid in tree_of(root):
                if pid not in self._files:
                    try:
                        self._files[pid] = os.open(f"/proc/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)
                    except OSError:
                        pass

    def _look(self):
        found = {}
        for pid, descriptor in list(self._files.items()):
            try:
                found[pid] = number_of(os.pread(descriptor, 4096, 0), b"RssAnon:")
            except OSError:
                os.close(self._files.pop(pid))
        return found

    def _sum(self):
        found = self._look()
        if sum(found.values()) > self.peak:
            for pid in self._borrowers(found):
                del found[pid]
            # One that has left its parent's memory meanwhile has little of its own: the second look tells.
            again = self._look()
            found = {pid: min(size, again.get(pid, 0)) for pid, size in found.items()}
        return sum(found.values())

    @staticmethod
    def _borrowers(found):
        """Children between vfork and exec: their memory is their parent's, and counts once."""
        large = [pid for pid, size in found.items() if size > 1 << 20]
        return [two for i, two in enumerate(large)
                if any(_LIBC.syscall(_KCMP, one, two, _KCMP_VM, 0, 0) == 0 for one in large[:i])]

    def _run(self):
        looked = 0.0
        while not self._stop.is_set():
            now = time.monotonic()
            if now - looked > 0.005:
                self._discover()
                looked = now
            self.peak = max(self.peak, self._sum())
            self.samples += 1
            time.sleep(self._interval)
