"""Real programs under a limit below their need: their results are byte-equal to a run without weir."""

import hashlib
import os
import shutil
import unittest

import harness
from harness import MIB

PYTHON = """
import hashlib, json, random
random.seed(7)
table = {random.getrandbits(64): [random.random() for _ in range(8)] for _ in range(60000)}
text = json.dumps(sorted(table.items())[::3])
print(len(table), hashlib.sha256(text.encode()).hexdigest())
again = json.loads(text)
print(sum(len(row) for _, row in again), sorted(map(str, table))[1234])
"""

JAVA = """
import java.util.*;
public class Main {
  public static void main(String[] words) {
    Map<Integer, byte[]> held = new TreeMap<>();
    Random random = new Random(7);
    long sum = 0;
    for (int i = 0; i < 20000; i++) {
      byte[] piece = new byte[2000];
      random.nextBytes(piece);
      held.put(random.nextInt(), piece);
    }
    for (int round = 0; round < 3; round++)
      for (Map.Entry<Integer, byte[]> one : held.entrySet())
        for (byte b : one.getValue()) sum = sum * 31 + b + one.getKey();
    System.out.println(held.size() + " " + sum);
  }
}
"""


def c_source(functions):
    """A C file that takes the compiler some tens of MiB."""
    lines = ["#include <stdio.h>", "struct row { int key; double value[4]; const char *name; };"]
    for i in range(functions):
        lines.append(f"static struct row row_{i}(int n, const struct row *in) {{ struct row r = in[n % 3]; int k;"
                     f" for (k = 0; k < n + {i}; ++k) {{ r.value[k & 3] += in[k % 3].value[(k + {i}) & 3] * {i}.5;"
                     f" if (r.value[k & 3] > {i * 7}.0) r.key ^= k << {i % 13}; else r.key += in[k % 2].key; }}"
                     f' r.name = "name of row {i}"; return r; }}')
    table = ", ".join(f"row_{i}" for i in range(functions))
    lines.append(f"static struct row (*const table[])(int, const struct row *) = {{{table}}};")
    lines.append("int main(void) { struct row in[3] = {{1, {1, 2, 3, 4}, \"a\"}, {2, {4, 5, 6, 7}, \"b\"},"
                 " {3, {7, 8, 9, 1}, \"c\"}}; long sum = 0;"
                 f" for (int i = 0; i < {functions}; ++i) {{ struct row r = table[i](i % 17, in); sum += r.key;"
                 " puts(r.name); } printf(\"%ld\\n\", sum); return 0; }")
    return "\n".join(lines) + "\n"


class ResultsTest(harness.WeirTest):
    def setUp(self):
        super().setUp()
        self.need_swap()

    def write(self, name, text):
        path = os.path.join(self.scratch, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def digest(self, path):
        with open(path, "rb") as content:
            return hashlib.sha256(content.read()).hexdigest()

    def compare(self, command, limit, **variables):
        """Runs a command both ways, requires that weir had something to do, and gives its statistics."""
        plain = self.run_plain(command)
        self.assertEqual(plain.status, 0, plain.err)
        self.assert_same(plain, self.run_weir(command, limit, **variables))
        stat = self.stat()
        self.assertGreater(stat["evict_done"] + stat["purged"], 0, "the limit is below the need")
        self.note(f"{stat['evict_done'] // MIB} MiB evicted, {stat['refault']} refaults")
        return stat

    def test_python(self):
        self.compare(["/usr/bin/python3", "-c", PYTHON], 24 * MIB)

    def test_python_with_fallback_meter(self):
        self.compare(["/usr/bin/python3", "-c", PYTHON], 24 * MIB, meter="fallback")

    def test_python_with_multiprocessing(self):
        script = ("import multiprocessing as m, hashlib\n"
                  "def work(n):\n  held = [str(n * i) * 3 for i in range(150000)]\n"
                  "  return hashlib.md5(''.join(held).encode()).hexdigest()\n"
                  "if __name__ == '__main__':\n  with m.Pool(4) as pool:\n    print(pool.map(work, range(12)))\n")
        self.compare(["/usr/bin/python3", self.write("pool.py", script)], 40 * MIB)

    def test_gcc(self):
        gcc = self.need_program("gcc")
        source = self.write("big.c", c_source(140))
        outputs = []
        for name, run in (("plain", self.run_plain), ("weir", lambda words: self.run_weir(words, 24 * MIB))):
            target = os.path.join(self.scratch, name)
            result = run([gcc, "-O1", "-g", "-frandom-seed=1", "-o", target, source])
            self.assertEqual(result.same(), (0, b"", b""))
            outputs.append((self.digest(target), self.run_plain([target]).out))
        self.assertEqual(*outputs)
        stat = self.stat()
        self.note(f"{stat['evict_done'] // MIB} MiB evicted, {stat['refault']} refaults")
        self.assertGreater(stat["evict_done"], 0)

    def test_git(self):
        git = self.need_program("git")
        for i in range(14):
            self.write(f"file-{i}.txt", "".join(f"{i} {n * n} {n % (i + 3)}\n" for n in range(60000)))
        kept = os.path.join(self.scratch, "kept")
        os.mkdir(kept)
        for name in os.listdir(self.scratch):
            if name != "kept":
                shutil.move(os.path.join(self.scratch, name), kept)
        script = (f"cp -r {kept} repo && cd repo && {git} init -q . && {git} add . && {git} commit -qm one && "
                  f"for i in 1 2 3; do seq $((i * 1000)) >>file-$i.txt; {git} commit -qam more; done && "
                  f"{git} gc -q && {git} fsck --full && {git} rev-parse HEAD HEAD^{{tree}} && "
                  f"{git} log -p | md5sum && {git} count-objects -v | grep -v size && cd .. && rm -rf repo")
        self.write("gitconfig", "[user]\nname = a\nemail = a@b\n[pack]\nthreads = 1\n[core]\npreloadIndex = false\n")
        fixed = {"GIT_CONFIG_GLOBAL": os.path.join(self.scratch, "gitconfig"), "GIT_CONFIG_NOSYSTEM": "1",
                 "GIT_AUTHOR_DATE": "1195689600 +0000", "GIT_COMMITTER_DATE": "1195689600 +0000"}
        plain = self.run_with({**self.plain_env(), **fixed}, script)
        self.assertEqual(plain.status, 0, plain.err)
        watched = self.run_with({**self.weir_env(8 * MIB), **fixed}, script)
        self.assert_same(plain, watched)
        self.assertGreater(self.stat()["evict_done"] + self.stat()["purged"], 0)

    def test_sort(self):
        path = self.write("numbers", "".join(f"{(i * 2654435761) % (1 << 32):x}\n" for i in range(600000)))
        self.compare(f"sort -S 64M --parallel=1 {path} | md5sum", 16 * MIB)

    def test_sort_in_parallel(self):
        path = self.write("numbers", "".join(f"{(i * 2654435761) % (1 << 32):x}\n" for i in range(600000)))
        self.compare(f"sort -S 64M --parallel=4 {path} | md5sum", 24 * MIB)

    def test_xz(self):
        self.need_program("xz")
        self.compare("seq 300000 | xz -4 -c | md5sum", 12 * MIB)

    def test_java(self):
        javac, java = self.need_program("javac"), self.need_program("java")
        self.write("Main.java", JAVA)
        compiled = self.run_plain([javac, "-d", self.scratch, os.path.join(self.scratch, "Main.java")])
        if compiled.status != 0:
            self.skipTest(f"javac fails here: {compiled.err.decode()[:80]}")
        self.compare([java, "-Xmx128m", "-cp", self.scratch, "Main"], 48 * MIB)

    def test_perl(self):
        script = "my %h; $h{$_} = 'x' x ($_ % 90) for 1..150000; my $s = 0; $s += length $h{$_} for sort keys %h; print $s"
        self.compare([self.need_program("perl"), "-e", script], 16 * MIB)


if __name__ == "__main__":
    unittest.main()
