#!/usr/bin/env python3
"""layering_test.py - fails on an include that points upward, and on a top level that holds anything unplanned.

    layering_test.py SOURCE_TREE     checks that tree
    layering_test.py --self-test     checks that every kind of violation would be found
"""
import os
import re
import sys
import tempfile

# Each folder and the folders it may include from. Tests may include anything.
MAY_INCLUDE = {
    "core": {"core"},
    "reclaim": {"reclaim", "core"},
    "preload": {"preload", "reclaim", "core"},
    "tools": {"tools", "reclaim", "core"},
}
OURS = set(MAY_INCLUDE) | {"tests"}
TOP_LEVEL = OURS | {"CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "build"}
SOURCES = (".h", ".hh", ".hpp", ".c", ".cc", ".cpp", ".inc", ".S", ".s")
INCLUDE = re.compile(r'^\s*#\s*include(?:_next)?\s*([<"])([^>"]+)[>"]')


def included_folder(tree, file, quote, target):
    """The folder of ours that an include names, or None for a foreign header."""
    beside = os.path.normpath(os.path.join(os.path.dirname(file), target))
    if quote == '"' and os.path.exists(os.path.join(tree, beside)):
        first = beside.split(os.sep)[0]
    elif target.startswith(".."):
        first = beside.split(os.sep)[0]
    else:
        first = os.path.normpath(target).split(os.sep)[0]
    return first if first in OURS else None


def source_files(tree, folder):
    for directory, folders, files in os.walk(os.path.join(tree, folder)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.endswith(SOURCES):
                yield os.path.relpath(os.path.join(directory, name), tree)


def upward_includes(tree):
    for folder, allowed in MAY_INCLUDE.items():
        for file in source_files(tree, folder):
            with open(os.path.join(tree, file), encoding="utf-8", errors="replace") as lines:
                for number, line in enumerate(lines, 1):
                    match = INCLUDE.match(line)
                    target = match and included_folder(tree, file, match.group(1), match.group(2))
                    if target and target not in allowed:
                        yield f"{file}:{number}: {folder} must not include from {target}: {line.strip()}"


def unplanned_entries(tree):
    for name in sorted(os.listdir(tree)):
        if not name.startswith(".") and name not in TOP_LEVEL:
            yield f"{name}: the top level holds only {', '.join(sorted(TOP_LEVEL))} and dot-files"


def missing_folders(tree):
    for folder in sorted(OURS):
        if not os.path.isdir(os.path.join(tree, folder)):
            yield f"{folder}: the folder is missing"


def faults(tree):
    return [*missing_folders(tree), *unplanned_entries(tree), *upward_includes(tree)]


# What the self-test puts into a sound tree: a path, its text, and whether that is a fault.
SAMPLES = [
    ("core/x.cc", '#include "core/y.h"\n#include <vector>\n#include "spdlog/spdlog.h"\n', False),
    ("core/x.cc", '#include "x.h"\n', False),
    ("core/x.cc", '#include "reclaim/y.h"\n', True),
    ("core/x.cc", "#include <reclaim/y.h>\n", True),
    ("core/x.cc", '  #  include   "preload/y.h"  // why\n', True),
    ("core/x.h", '#include "../tools/y.h"\n', True),
    ("core/deep/x.h", '#include "../../tools/y.h"\n', True),
    ("core/deep/x.h", '#include "../y.h"\n', False),
    ("core/x.h", '#include "core/../preload/y.h"\n', True),
    ("core/x.inc", '#include "tests/core/fake_os.h"\n', True),
    ("core/x.cc", '// #include "tools/y.h" is not allowed\n', False),
    ("reclaim/x.cc", '#include "core/y.h"\n', False),
    ("reclaim/x.cc", '#include "preload/y.h"\n', True),
    ("reclaim/x.cc", '#include "tools/y.h"\n', True),
    ("preload/x.cc", '#include "core/y.h"\n#include "reclaim/y.h"\n', False),
    ("preload/x.S", '#include "tools/y.h"\n', True),
    ("preload/x.cc", '#include "tests/y.h"\n', True),
    ("tools/x.cc", '#include "reclaim/y.h"\n#include "core/y.h"\n', False),
    ("tools/x.cc", '#include "preload/y.h"\n', True),
    ("tests/core/x.cc", '#include "preload/y.h"\n#include "tools/y.h"\n', False),
    ("README.md", "text\n", False),
    (".clang-format", "text\n", False),
    ("LICENSE", "text\n", False),
    ("build/release/x.txt", "text\n", False),
    ("notes.txt", "text\n", True),
    ("docs/x.md", "text\n", True),
    ("src/x.cc", "int x;\n", True),
]


def sample_is_judged_right(path, text, is_fault):
    with tempfile.TemporaryDirectory(prefix="weir-test-") as tree:
        for folder in OURS:
            os.mkdir(os.path.join(tree, folder))
        os.makedirs(os.path.join(tree, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
            file.write(text)
        return bool(faults(tree)) == is_fault


def self_test():
    wrong = [f"judged wrongly: {s[0]}: {s[1]!r}" for s in SAMPLES if not sample_is_judged_right(*s)]
    with tempfile.TemporaryDirectory(prefix="weir-test-") as empty:
        if not faults(empty):
            wrong.append("an empty tree passed")
    return wrong


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = self_test() if sys.argv[1] == "--self-test" else faults(sys.argv[1])
    print("\n".join(found) if found else "no fault found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
