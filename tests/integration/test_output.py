"""No stray output: everyday commands say the same, byte for byte, on both streams, with weir and without."""

import unittest

import harness
from harness import MIB

COMMANDS = [
    "true",
    "false",
    "exit 42",
    "echo out; echo err >&2; exit 3",
    "ls -la /usr/include | head -50",
    "ls /no/such/directory",
    "seq 100000 | sort -rn | uniq | tail -3",
    "seq 50000 | awk '{s += $1; a[$1] = $1} END {print s, length(a)}'",
    "seq 50000 | sed -n 's/99$/x/p' | md5sum",
    "find /usr/share/doc -maxdepth 2 -name 'l*' | sort | md5sum",
    "grep -rc include /usr/include/*.h | sort | tail -5",
    "tar cf - -C /usr/include . | md5sum",
    "seq 200000 | gzip -9 | gunzip | md5sum",
    "seq 300000 | xz -1 | xz -d | md5sum",
    "perl -e 'my %h; $h{$_} = $_ x 10 for 1..50000; print scalar(keys %h), \"\\n\"'",
    "perl -e 'if (my $p = fork) { waitpid $p, 0; print $? >> 8, \"\\n\" } else { exit 9 }'",
    "/usr/bin/python3 -c 'import sys; print(sum(len(str(i)) for i in range(200000))); sys.exit(5)'",
    "/usr/bin/python3 -c 'import subprocess; print(subprocess.run([\"echo\", \"x\"], capture_output=True).stdout)'",
    "bash -c 'for i in {1..200}; do x=$(echo $i); done; echo $x; declare -a a; a[100000]=1; echo ${#a[@]}'",
    "bash -c 'set -m; sleep 0.1 & wait; echo $?; kill -TERM $$; sleep 1'",
    "sh -c 'kill -SEGV $$'",
    "sh -c 'ulimit -c 0; kill -TRAP $$'",
    "printf 'a\\0b\\0c' | xargs -0 -n1 echo",
    "seq 2000 | xargs -n 10 -P 4 sh -c 'echo $# >&2' sh 2>&1 | sort | uniq -c",
    "cat </dev/null; cat /etc/passwd | tr a-z A-Z | md5sum",
    "yes | head -c 10000000 | md5sum",
    "dd if=/dev/zero bs=64k count=100 status=none 2>&1 | tail -c +1 | wc -c",
    "env -i /bin/sh -c 'echo $FOO empty'",
    "file /bin/sh; man -w ls 2>&1 | head -1",
    "timeout 0.2 sleep 5; echo $?",
    "nohup echo hi 2>&1 </dev/null",
    "ssh -V",
    "exec 9>&1; echo nine >&9",
    "exec 900>&1; echo ninehundred >&900",
    "trap 'echo caught' USR1; kill -USR1 $$; sleep 0.1; echo end",
]

# A program that sees itself, with and without memory of its own.
IMAGES = ["", "40"]


class OutputTest(harness.WeirTest):
    def compare_all(self, limit, **variables):
        for command in COMMANDS:
            with self.subTest(command=command):
                self.assert_same(self.run_plain(command), self.run_weir(command, limit, **variables), command)

    def test_without_a_limit(self):
        self.compare_all(None)

    def test_at_8_mib(self):
        self.need_swap()
        self.compare_all(8 * MIB)

    def test_at_8_mib_with_fallback_meter(self):
        self.need_swap()
        self.compare_all(8 * MIB, meter="fallback")

    def test_a_program_sees_the_same_image_of_itself(self):
        self.need_swap()
        for size in IMAGES:
            words = [harness.program("own_image")] + ([size] if size else [])
            self.assert_same(self.run_plain(words), self.run_weir(words, 16 * MIB), f"own_image {size}")

    def test_library_without_variables_does_nothing(self):
        env = self.plain_env(LD_PRELOAD=harness.LIBRARY)
        for command in COMMANDS[:8]:
            self.assert_same(self.run_plain(command), self.run_with(env, command), command)

    def test_environment_is_passed_on_unchanged(self):
        words = ["/usr/bin/env"]
        env = self.weir_env(16 * MIB)
        expected = sorted(f"{key}={value}" for key, value in env.items())
        got = sorted(self.run_with(env, words).out.decode().splitlines())
        self.assertEqual(got, expected)


if __name__ == "__main__":
    unittest.main()
