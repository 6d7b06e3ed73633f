"""Reads ctest's JUnit report: `PASSED FAILED SKIPPED` of single test cases on stdout, the reasons of skips in a file.

Usage: summary.py REPORT SKIPS | summary.py --failures REPORT
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

_RAN = re.compile(r"^Ran (\d+) tests? in", re.MULTILINE)
_ENDED = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$", re.MULTILINE)
_PYTHON_SKIP = re.compile(r"^(?:  nobody: )?(\w+) \(.*?skipped ['\"](.*)['\"]$", re.MULTILINE)
_GTEST_SKIP = re.compile(r": Skipped\n(.*)")


def python_counts(output):
    """(passed, failed, skipped) of a unittest run, or None if it is none."""
    ran, ended = _RAN.findall(output), _ENDED.findall(output)
    if not ran or not ended:
        return None
    words = dict(word.split("=") for word in ended[-1].split(", ") if "=" in word)
    total, skipped = int(ran[-1]), int(words.get("skipped", 0))
    failed = int(words.get("failures", 0)) + int(words.get("errors", 0))
    return max(total - failed - skipped, 0), failed, skipped


def reasons(name, output):
    """Why something was skipped, one line each."""
    python = [f"{name}: {reason}" for _, reason in _PYTHON_SKIP.findall(output)]
    return python or [f"{name}: {reason.strip()}" for reason in _GTEST_SKIP.findall(output)]


def summarize(report):
    counts, skips = [0, 0, 0], []
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        name, status = case.get("name"), case.get("status")
        found = python_counts(output)
        if found is None or (status == "fail" and found[1] == 0):
            found = {"run": (1, 0, 0), "fail": (0, 1, 0)}.get(status, (0, 0, 1))
        counts = [a + b for a, b in zip(counts, found)]
        why = reasons(name, output)
        skips += why if why or found[2] == 0 else [f"{name}: not run"]
    return counts, skips


def failures(report):
    """The end of what each failed test said."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        if case.get("status") == "fail":
            print(f"--- {case.get('name')}")
            print("\n".join((case.findtext("system-out") or "").splitlines()[-60:]))


def main():
    if sys.argv[1] == "--failures":
        failures(sys.argv[2])
        return
    counts, skips = summarize(sys.argv[1])
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.writelines(line + "\n" for line in skips)
    print(*counts)


if __name__ == "__main__":
    main()
