"""Bad values in the environment: the program runs unharmed, and the events name the variable and the value."""

import unittest

import harness

COMMAND = "echo out; echo err >&2; seq 1000 | md5sum; exit 3"
LONG = "7" * 10240

BAD = {
    "LIMIT": ["", "-1", "12Q", "1.5.3M", "99999999999999999999999", "0x10", "sixteen", " ", "16M 4", "K", LONG],
    "HIGH_WATERMARK": ["", "-5", "9", "64K", "101%", "%", "9999999999999999999999T", "10Z"],
    "LOW_WATERMARK": ["", "-5", "101%", "-1%", "hello"],
    "SWAP_LIMIT": ["", "-1", "1X", LONG],
    "BACKGROUND": ["", "maybe", "2"],
    "OOM": ["", "murder", "pause:", "pause:-1", "pause:x", "pause:99999999999999999999", "kill "],
    "DUMP_SIGNAL": ["", "0", "-1", "65", "SIGNONE", "9", "SIGKILL", "999999999999999999999"],
    "DUMP_FORMAT": ["", "xml", "JSON "],
    "DUMP_FILE": [""],
    "LOG": ["", "loud", "debug:", "verbose:/tmp/x"],
    "METER": ["", "perfect"],
    "RECORD": ["", "relative", "/x" * 5000],
    "THREADLESS": ["perhaps"],
    "CONTAINER": ["", "a b", "../x", "a/../b", "/", "a//b", "/a", "a/", "x" * 64, "\u00e9t\u00e9", LONG],
    "DIR": ["relative/path", "/x" * 5000],
}


class BadValuesTest(harness.WeirTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plain = None

    def try_value(self, variable, value):
        if self.plain is None:
            type(self).plain = self.run_plain(COMMAND)
        # A bad name or directory must not be replaced by good ones of ours.
        env = self.weir_env(container=None if variable == "CONTAINER" else "test")
        if variable == "DIR":
            del env["WEIR_DIR"]
        env[f"WEIR_{variable}"] = value
        self.assert_same(self.plain, self.run_with(env, COMMAND), f"WEIR_{variable}={value[:40]!r}")
        return env

    def complaints(self, env):
        result = self.run_with(self.plain_env(**{"WEIR_DIR": env.get("WEIR_DIR", self.directory + "/weir")}),
                               [harness.COMMAND, "events", "--format", "json"])
        return result.out.decode()

    def test_each_is_named_and_harmless(self):
        for variable, values in BAD.items():
            for value in values:
                with self.subTest(variable=variable, value=value[:40]):
                    env = self.try_value(variable, value)
                    if variable == "DIR":
                        env.pop("WEIR_DIR")
                    told = [line for line in self.complaints(env).splitlines() if '"bad_option"' in line]
                    self.assertTrue(any(f"WEIR_{variable}" in line for line in told), "the variable is named")
                    shown = value[:20] if value.isascii() else ""
                    self.assertTrue(any(shown in line for line in told), "the value is named")
                    self.forget()

    def forget(self):
        """A fresh registry for the next value."""
        self.doCleanups()
        self.setUp()

    def test_a_bad_value_leaves_the_default(self):
        env = self.weir_env("16Q", oom="murder", background="maybe")
        process = self.start_ready([harness.program("hold"), "1"], env)
        stat = self.stat()
        self.assertIsNone(stat["limit"])
        self.assertEqual((stat["oom"], stat["background"]), ("kill", True))
        self.finish(process)

    def test_a_bad_value_leaves_the_good_ones(self):
        process = self.start_ready([harness.program("hold"), "1"], self.weir_env("64M", oom="murder", high_watermark="50%"))
        stat = self.stat()
        self.assertEqual(stat["limit"], 64 << 20)
        self.assertEqual(stat["high_watermark"], 32 << 20)
        self.finish(process)

    def test_marks_in_the_wrong_order(self):
        for variables in ({"high_watermark": "128M"}, {"low_watermark": "60M", "high_watermark": "50M"},
                          {"low_watermark": "100M"}):
            with self.subTest(**variables):
                process = self.start_ready([harness.program("hold"), "1"], self.weir_env("64M", **variables))
                stat = self.stat()
                self.assertEqual(stat["limit"], 64 << 20)
                self.assertLessEqual(stat["low_watermark"], stat["high_watermark"])
                self.assertLessEqual(stat["high_watermark"], stat["limit"])
                self.assertTrue(any("WATERMARK" in event["text"] for event in self.events("bad_option")))
                self.finish(process)
                self.forget()

    def test_a_share_of_no_limit(self):
        process = self.start_ready([harness.program("hold"), "1"], self.weir_env(None, high_watermark="50%"))
        told = [event["text"] for event in self.events("bad_option")]
        self.assertEqual(told, ["WEIR_HIGH_WATERMARK='50%' is a share of a limit, and there is none"])
        # Of one that is there already it is a share of what that has.
        other = self.start_ready([harness.program("hold"), "1"], self.weir_env(None, low_watermark="50%"))
        self.assertEqual(len(self.events("bad_option")), 1)
        for one in (process, other):
            self.finish(one)

    def test_many_bad_ones_at_once(self):
        env = self.weir_env("x", high_watermark="x", low_watermark="x", oom="x", dump_signal="x", dump_format="x",
                            log="x", meter="x", threadless="x", background="x", swap_limit="x")
        self.assert_same(self.run_plain(COMMAND), self.run_with(env, COMMAND))
        self.assertGreaterEqual(len({event["text"].split("=")[0] for event in self.events("bad_option")}), 5)


if __name__ == "__main__":
    unittest.main()
