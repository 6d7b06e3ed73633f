#!/usr/bin/env python3
"""golden_test.py - the policy over golden recordings decides as it did, byte for byte.

    golden_test.py WEIR            compares every recording's answers with the .json beside it
    golden_test.py WEIR --accept   writes them anew: for who has changed the policy and looked at the difference

A recording is of a real program; its answer holds its own settings and each of the questions below.
"""
import difflib
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
QUESTIONS = [["--limit", "12M"], ["--limit", "64M"], ["--high", "60%", "--low", "50%"], ["--policy", "direct"],
             ["--policy", "refaults"], ["--policy", "fixed"]]


def ask(weir, name, question):
    result = subprocess.run([weir, "replay", name, "--json", *question], cwd=HERE, capture_output=True, timeout=300,
                            check=False)
    if result.returncode != 0:
        sys.exit(f"{name} {question}: exit {result.returncode}: {result.stderr.decode()}")
    return json.loads(result.stdout)


def answers(weir, name):
    first = ask(weir, name, [])
    out = {"recording": first["recording"], "counted": first["counted"], "replayed": first["replayed"]}
    for question in QUESTIONS:
        out[" ".join(question)] = ask(weir, name, question)["asked"]
    return json.dumps(out, indent=2) + "\n"


def main():
    weir = os.path.abspath(sys.argv[1])
    names = sorted(name for name in os.listdir(HERE) if name.endswith(".rec"))
    if not names:
        sys.exit("there are no recordings")
    failed = False
    for name in names:
        expected_path = os.path.join(HERE, name[:-4] + ".json")
        got = answers(weir, name)
        if "--accept" in sys.argv:
            with open(expected_path, "w", encoding="utf-8") as file:
                file.write(got)
            continue
        with open(expected_path, encoding="utf-8") as file:
            expected = file.read()
        if got != expected:
            failed = True
            sys.stdout.writelines(difflib.unified_diff(expected.splitlines(True), got.splitlines(True), name, "now"))
    sys.exit(1 if failed else 0)


main()
