"""Swap for the time of a bench: made with the highest priority, so that swap already there is not used, and removed."""

import os
import shutil
import subprocess
import sys
import tempfile

import machine

_PRIORITY = "32767"


def _do(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _write(path, text):
    with open(path, "w", encoding="ascii") as out:
        out.write(text)


class Current:
    """The swap there is; nothing is changed."""

    name = "current"

    def __enter__(self):
        with open("/proc/swaps", encoding="ascii") as swaps:
            if len(swaps.readlines()) < 2:
                sys.exit("there is no swap: --swap zram or --swap file makes some (root)")
        return self

    def __exit__(self, *unused):
        pass


class Zram:
    """A zram device of our own, lz4."""

    name = "zram"

    def __init__(self, size):
        self.size, self.number = size, None

    def __enter__(self):
        try:
            with open("/sys/class/zram-control/hot_add", encoding="ascii") as add:
                self.number = int(add.read())
            _write(f"/sys/block/zram{self.number}/comp_algorithm", "lz4")
            _write(f"/sys/block/zram{self.number}/disksize", str(self.size))
            self.device = f"/dev/zram{self.number}"
            _do("mkswap", self.device)
            _do("swapon", "-p", _PRIORITY, self.device)
        except (OSError, subprocess.CalledProcessError) as error:
            self._remove()
            sys.exit(f"no zram swap: {error}")
        return self

    def __exit__(self, *unused):
        subprocess.run(["swapoff", self.device], check=False)
        self._remove()

    def _remove(self):
        if self.number is not None:
            try:
                _write(f"/sys/block/zram{self.number}/reset", "1")
                _write("/sys/class/zram-control/hot_remove", str(self.number))
            except OSError as error:
                print(f"zram{self.number} stays: {error}", file=sys.stderr)


class File:
    """A swap file in a directory of our own on a disk."""

    name = "file"

    def __init__(self, size, parent):
        self.size, self.parent = size, parent

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="weir-swap-", dir=self.parent)
        self.path = os.path.join(self.directory, "swap")
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.posix_fallocate(descriptor, 0, self.size)
            os.close(descriptor)
            _do("mkswap", self.path)
            _do("swapon", "-p", _PRIORITY, self.path)
        except (OSError, subprocess.CalledProcessError) as error:
            shutil.rmtree(self.directory, True)
            sys.exit(f"no swap file: {error}")
        return self

    def __exit__(self, *unused):
        subprocess.run(["swapoff", self.path], check=False)
        shutil.rmtree(self.directory, True)


def kinds(word, size, parent):
    return {"current": [Current()], "zram": [Zram(size)], "file": [File(size, parent)],
            "both": [Zram(size), File(size, parent)]}[word]


def add_options(parser):
    parser.add_argument("--swap", choices=["zram", "file", "both", "current"], default="current",
                        help="what to page out to; all but current: root, made and removed here")
    parser.add_argument("--swap-dir", default="/var/tmp", help="where the swap file goes (default /var/tmp)")


def check_options(parser, arguments):
    if arguments.swap != "current" and not machine.is_root():
        parser.error(f"--swap {arguments.swap} needs root")
