"""exports_test - libweir.so exports the names of libweir.map, the whole malloc API among them, and needs only libc."""

import re
import shutil
import subprocess
import sys

SKIPPED = 77
# malloc(3), malloc_usable_size(3) and mallinfo(3) of glibc 2.36: a program may use any of them, and two allocators
# that meet in one process corrupt its memory.
GLIBC = {"malloc", "calloc", "realloc", "free", "aligned_alloc", "posix_memalign", "memalign", "valloc", "pvalloc",
         "reallocarray", "malloc_usable_size", "malloc_trim", "mallopt", "mallinfo", "mallinfo2", "malloc_stats"}
JEMALLOC = {"mallocx", "rallocx", "xallocx", "sallocx", "dallocx", "sdallocx", "nallocx", "mallctl", "mallctlnametomib",
            "mallctlbymib", "malloc_stats_print", "malloc_message"}
NEEDED = {"libc.so.6", "ld-linux-x86-64.so.2"}


def output_of(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, check=True, encoding="ascii").stdout


def exported(library):
    rows = [line.split() for line in output_of("nm", "-D", "--defined-only", library).splitlines()]
    return {row[-1].split("@")[0] for row in rows}


def listed(path):
    with open(path, encoding="ascii") as text:
        part = text.read().split("global:")[1].split("local:")[0]
    return {name.strip() for name in part.split(";") if name.strip()}


def main(library, names_file):
    if shutil.which("nm") is None or shutil.which("readelf") is None:
        print("needs nm and readelf (binutils)")
        return SKIPPED
    names, wanted = exported(library), listed(names_file)
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", output_of("readelf", "-d", library)))
    troubles = [f"{what}: {', '.join(sorted(found))}" for what, found in (
        ("exported, but not in libweir.map", names - wanted),
        ("in libweir.map, but not exported", wanted - names),
        ("of glibc's malloc API, but missing", GLIBC - names),
        ("of jemalloc's API, but missing", JEMALLOC - names),
        ("needed at run time beside libc", needed - NEEDED)) if found]
    print("\n".join(troubles) or f"{len(names)} names exported, needs {', '.join(sorted(needed))}")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
