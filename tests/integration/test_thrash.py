"""test_thrash - a container that does little but page: told after a while, killed where that is wished."""

import unittest

import harness
from harness import MIB

WORDS = [harness.program("thrash"), "64"]


class ThrashTest(harness.WeirTest):
    def setUp(self):
        super().setUp()
        self.need_swap()

    def thrash(self, seconds, limit=12, **variables):
        return self.run_weir([*WORDS, str(seconds)], limit * MIB, load_control="off", **variables)

    def events_thrash(self):
        return self.empty_stat()["events_thrash"]

    def test_it_is_told_after_as_long_as_was_said(self):
        result = self.thrash(12, thrash="4")
        self.assertEqual(result.same(), (0, b"ok\n", b""), "and nobody dies of it")
        self.assertGreater(self.events_thrash(), 0)
        self.assertLessEqual(self.events_thrash(), result.seconds / 4)
        self.assertEqual(self.empty_stat()["events_oom_kill"], 0)
        told = self.events("thrash")
        self.assertEqual(len(told), self.events_thrash())
        self.assertIn("thrashing for 4 s", told[0]["text"])

    def test_taken_for_out_of_memory_it_is_a_kill(self):
        result = self.thrash(60, thrash="3:oom")
        self.assertEqual(result.status, -9)
        self.assertLess(result.seconds, 40)
        stat = self.empty_stat()
        self.assertEqual((stat["events_oom_kill"], stat["thrash"]), (1, "3:oom"))

    def test_with_room_enough_nothing_is_told(self):
        self.assertEqual(self.thrash(5, limit=128, thrash="1:oom").same(), (0, b"ok\n", b""))
        self.assertEqual(self.events_thrash(), 0)

    def test_switched_off_nothing_is_told(self):
        self.assertEqual(self.thrash(6, thrash="off").same(), (0, b"ok\n", b""))
        self.assertEqual(self.events_thrash(), 0)

    def test_without_a_background_reclaimer_it_is_told_all_the_same(self):
        self.assertEqual(self.thrash(8, thrash="3", background="off").same(), (0, b"ok\n", b""))
        self.assertGreater(self.events_thrash(), 0)


if __name__ == "__main__":
    unittest.main()
