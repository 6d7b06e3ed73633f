"""The Linux source that seed_make builds: unpacked, configured, and kept in the page cache by locking it."""

import ctypes
import glob
import mmap
import os
import re
import shutil
import subprocess
import sys

_ARCHIVES = "/usr/src/linux-source-*.tar.xz"
_LIBC = ctypes.CDLL(None, use_errno=True)
STAMPS = {"KBUILD_BUILD_TIMESTAMP": "0", "KBUILD_BUILD_USER": "weir", "KBUILD_BUILD_HOST": "weir", "LC_ALL": "C"}


def _quiet(words, **more):
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: {done.stderr.decode(errors='replace')[-500:]}")


class KernelTree:
    """A source tree, and a configured object tree that each run copies."""

    def __init__(self, directory):
        self.source = os.path.join(directory, "source")
        self.configured = os.path.join(directory, "configured")
        self.objects = os.path.join(directory, "objects")
        self._locked = []

    def prepare(self):
        if not os.path.exists(os.path.join(self.configured, ".config")):
            archives = sorted(glob.glob(_ARCHIVES))
            if not archives:
                sys.exit("there is no kernel source: apt-get install linux-source-6.1 flex bison bc libelf-dev xz-utils")
            shutil.rmtree(self.source, True)
            os.makedirs(self.source)
            _quiet(["tar", "xf", archives[-1], "-C", self.source, "--strip-components=1"])
            shutil.rmtree(self.configured, True)
            os.makedirs(self.configured)
            _quiet(["make", "-C", self.source, f"O={self.configured}", "tinyconfig"])

    def start_over(self):
        shutil.rmtree(self.objects, True)
        shutil.copytree(self.configured, self.objects, symlinks=True)

    def words(self, jobs, target):
        return ["make", "-s", "-C", self.source, f"O={self.objects}", f"-j{jobs}", *target.split()]

    def image(self):
        """The bytes of what was built; all object code where there is no bzImage."""
        path = os.path.join(self.objects, "arch/x86/boot/bzImage")
        if os.path.exists(path):
            with open(path, "rb") as image:
                return image.read()
        built = sorted(glob.glob(os.path.join(self.objects, "**/built-in.a"), recursive=True))
        return b"".join(open(one, "rb").read() for one in built)

    def lock_inputs(self):
        """Locks what the last build read, so that it is charged to us and stays in the page cache."""
        wanted = set(self._tools())
        for name in glob.glob(os.path.join(self.objects, "**/.*.cmd"), recursive=True):
            with open(name, encoding="utf-8", errors="replace") as text:
                wanted.update(word for word in re.split(r"[\s\\$()]+", text.read()) if word.startswith("/"))
        for name in wanted:
            self._lock(name)

    @staticmethod
    def _tools():
        for directory in ("/usr/lib/gcc", "/usr/bin", "/bin", "/usr/lib/x86_64-linux-gnu"):
            for root, _, names in os.walk(directory):
                for name in names:
                    path = os.path.join(root, name)
                    if re.search(r"cc1$|collect2$|/(x86_64-linux-gnu-)?(gcc|as|ld|nm|objcopy|ar|strip)[-.\w]*$|/make$"
                                 r"|/(da)?sh$|/(ba)sh$|/lib(c|m|z|mpfr|gmp|mpc|isl|bfd|opcodes|zstd|dl)[-.\w]*so", path):
                        yield path

    def _lock(self, path):
        try:
            with open(path, "rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_WRITE, flags=mmap.MAP_PRIVATE)
        except (OSError, ValueError):
            return
        address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
        # MLOCK_ONFAULT would not read it in. A private mapping only read maps the page cache itself.
        _LIBC.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(len(mapped)), mmap.PROT_READ)
        if _LIBC.mlock(ctypes.c_void_p(address), ctypes.c_size_t(len(mapped))) == 0:
            self._locked.append(mapped)

    def locked_bytes(self):
        return sum(len(one) for one in self._locked)
