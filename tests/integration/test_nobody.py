"""An ordinary user: the core of these tests again as nobody, with perf as this machine allows it and without perf."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

import harness
import machine

SUBSET = [
    "test_limit.LimitTest.test_with_perf_meter",
    "test_limit.PipelineTest",
    "test_usage.UsageTest",
    "test_dump.DumpTest",
    "test_output.OutputTest.test_at_8_mib",
    "test_registry.RegistryTest",
    "test_run.RunTest",
    "test_results.ResultsTest.test_python",
    "test_databases.SqliteTest",
    "test_mute.MuteTest",
]
WITHOUT_PERF = [
    "test_limit.LimitTest.test_with_fallback_meter",
    "test_limit.PipelineTest.test_fallback_meter",
    "test_results.ResultsTest.test_python_with_fallback_meter",
]
NOBODY = 65534


class NobodyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not machine.is_root():
            raise unittest.SkipTest("needs root to become nobody; without root all tests run as an ordinary user anyway")
        if machine.find_program("su") is None:
            raise unittest.SkipTest("needs su")

    def setUp(self):
        """A copy of the build and the tests where nobody can read it, whatever the tree's own permissions."""
        self.place = tempfile.mkdtemp(prefix="weir-nobody-")
        self.addCleanup(shutil.rmtree, self.place, True)
        for part in ("lib/libweir.so", "bin/weir", "programs"):
            source, target = os.path.join(harness.BUILD, part), os.path.join(self.place, "build", part)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            (shutil.copytree if os.path.isdir(source) else shutil.copy2)(source, target)
        shutil.copytree(harness.HERE, os.path.join(self.place, "tests"), ignore=shutil.ignore_patterns("__pycache__"))
        os.mkdir(os.path.join(self.place, "tmp"))
        os.chown(os.path.join(self.place, "tmp"), NOBODY, NOBODY)
        subprocess.run(["chmod", "-R", "a+rX", self.place], check=True)

    def run_as_nobody(self, tests):
        command = (f"cd {self.place}/tests && TMPDIR={self.place}/tmp PYTHONDONTWRITEBYTECODE=1 "
                   f"WEIR_BUILD_DIR={self.place}/build /usr/bin/python3 -m unittest -v {' '.join(tests)}")
        done = subprocess.run(["su", "nobody", "-s", "/bin/sh", "-c", command], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1200, check=False)
        text = done.stdout.decode(errors="replace")
        print(re.sub(r"^", "  nobody: ", text, flags=re.MULTILINE), flush=True)
        self.assertEqual(done.returncode, 0, "as nobody, see above")
        self.assertRegex(text, r"Ran [1-9]")

    def test_core(self):
        self.run_as_nobody(SUBSET)

    def test_without_perf(self):
        self.run_as_nobody(WITHOUT_PERF)


if __name__ == "__main__":
    unittest.main()
