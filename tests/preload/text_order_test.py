"""text_order_test - what every exec runs lies together in libweir.so: text_order.ld was obeyed, and names no file in vain."""

import re
import shutil
import subprocess
import sys

SKIPPED = 77
SECTION = ".text.every_exec"
# Run by an exec of /bin/true, ours and the allocator's; and the work of a reclaimer, which is not.
EARLY = ["weir::attach_process", "weir::charge", "weir::RegistryView::find_or_make", "malloc_init_hard", "je_arena_new"]
LATE = ["weir::look", "weir::out_of_memory", "je_stats_print"]
# From the first of EARLY to the last: the 450 KiB of the allocator that lie between begin behind them.
MOST_BYTES = 320 << 10


def output_of(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout


def addresses_of(library):
    found = {}
    for line in output_of("nm", "-C", "--defined-only", library).splitlines():
        address, kind, name = line.split(None, 2)
        if kind in "tT":
            found.setdefault(re.split(r"[(\[]", name)[0], int(address, 16))
    return found


def main(library, order_file):
    if shutil.which("nm") is None or shutil.which("readelf") is None:
        print("needs nm and readelf (binutils)")
        return SKIPPED
    sections = output_of("readelf", "-SW", library)
    row = re.search(re.escape(SECTION) + r"\s+PROGBITS\s+([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+)", sections)
    if row is None:
        print(f"no section {SECTION}")
        return 1
    addresses = addresses_of(library)
    missing = [name for name in EARLY + LATE if name not in addresses]
    if missing:
        print(f"not in the library: {', '.join(missing)}")
        return 1
    begin = int(row[1], 16)
    away = [name for name in EARLY if not begin <= addresses[name] < begin + MOST_BYTES]
    early = [name for name in LATE if begin <= addresses[name] < begin + MOST_BYTES]
    with open(order_file, encoding="ascii") as text:
        ours = re.findall(r"\*(?:weir_preload\.dir/|libweir_(?:core|reclaim)\.a:)(\w+)\.cc\.o", text.read())
    folder = order_file.rsplit("/", 2)[0]
    files = set(output_of("find", f"{folder}/preload", f"{folder}/core", f"{folder}/reclaim", "-name", "*.cc").split())
    vain = [name for name in ours if not any(path.endswith(f"/{name}.cc") for path in files)]
    troubles = [f"{what}: {', '.join(names)}" for what, names in (
        ("runs at every exec, but lies elsewhere", away), ("does not run at every exec, but lies there", early),
        ("named in text_order.ld, but no source file", vain)) if names]
    print("\n".join(troubles) or f"{SECTION}: {int(row[2], 16) >> 10} KiB")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
