"""Databases under a limit below their need: sqlite3's answers and redis-server's digest are those without weir."""

import os
import time
import unittest

import harness
import redis_server
from harness import MIB

SQL = """
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -200000;
CREATE TABLE row (id INTEGER PRIMARY KEY, word TEXT, amount REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
  INSERT INTO row SELECT i, hex(i * 2654435761 % 4294967296) || printf('%040d', i), i * 0.5 FROM n;
CREATE INDEX by_word ON row (word);
SELECT count(*), sum(amount), min(word), max(word) FROM row;
SELECT substr(word, 1, 3), count(*), avg(amount) FROM row GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20;
SELECT a.id, b.id FROM row a JOIN row b ON b.word = a.word WHERE a.id % 20011 = 0 ORDER BY a.word DESC;
SELECT group_concat(word, '') FROM (SELECT word FROM row ORDER BY amount * 7919 % 1000, id LIMIT 1000);
UPDATE row SET amount = amount * 2 WHERE id % 3 = 0;
DELETE FROM row WHERE id % 5 = 0;
PRAGMA integrity_check;
SELECT sum(amount) FROM row;
"""

KEYS = 40000


class SqliteTest(harness.WeirTest):
    def test_sort_and_aggregate(self):
        self.need_swap()
        sqlite = self.need_program("sqlite3")
        plain = self.run_plain([sqlite, ":memory:"], stdin_text=SQL.encode())
        self.assertEqual((plain.status, plain.err), (0, b""))
        for meter in ("auto", "fallback"):
            with self.subTest(meter=meter):
                watched = self.run_weir([sqlite, ":memory:"], 16 * MIB, stdin_text=SQL.encode(), meter=meter,
                                        container=f"test-{meter}")
                self.assert_same(plain, watched)
                stat = self.stat(f"test-{meter}")
                self.note(f"{meter}: {stat['evict_done'] // MIB} MiB evicted, {stat['refault']} refaults")
                self.assertGreater(stat["evict_done"], 8 * MIB)


class RedisTest(redis_server.RedisCase):
    def work(self, env):
        """Fills, changes, reads back; gives the server's own digest of all data and the allocator's figure."""
        process, client = self.start_server(env)
        self.addCleanup(client.close)
        client.ask_all([("SET", f"key:{i}", str(i * 7919) * 100) for i in range(KEYS)])
        client.ask_all([("HSET", f"hash:{i % 500}", f"field:{i}", i) for i in range(KEYS)])
        client.ask_all([("APPEND", f"key:{i}", "x" * (i % 50)) for i in range(0, KEYS, 3)])
        client.ask_all([("DEL", f"key:{i}") for i in range(0, KEYS, 7)])
        replies = client.ask_all([("STRLEN", f"key:{i}") for i in range(KEYS)])
        digest = client.ask("DEBUG", "DIGEST")
        allocated = [line for line in client.ask("INFO", "memory").splitlines() if line.startswith(b"allocator_alloc")]
        process.terminate()
        self.assertEqual(process.wait(timeout=60), 0)
        return digest, replies, int(allocated[0].split(b":")[1])

    def test_digest_is_the_same(self):
        self.need_swap()
        plain = self.work(self.plain_env())
        self.assertEqual(len(plain[0]), 41, plain[0])
        for meter in ("auto", "fallback"):
            with self.subTest(meter=meter):
                watched = self.work(self.weir_env(16 * MIB, meter=meter, container=f"test-{meter}"))
                self.assertEqual(plain[:2], watched[:2])
                self.assertGreater(watched[2], 10 * MIB, "INFO sees the allocator that is in use")
                stat = self.stat(f"test-{meter}")
                self.note(f"{meter}: {stat['evict_done'] // MIB} MiB evicted, {stat['refault']} refaults")
                self.assertGreater(stat["evict_done"], 0)

    def test_daemonized_server_is_held(self):
        """Hazard 4: a server that forks itself into the background is charged and limited like any other."""
        self.need_swap()
        server = self.need_program("redis-server")
        port = redis_server.free_port()
        started = self.run_weir([server, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--daemonize", "yes",
                                 "--dir", self.scratch, "--logfile", os.path.join(self.scratch, "log")], 16 * MIB)
        self.assertEqual(started.status, 0, started.err)
        time.sleep(1)
        client = redis_server.Redis(port)
        self.addCleanup(client.close)
        client.ask_all([("SET", f"key:{i}", str(i * 7919) * 100) for i in range(KEYS)])
        stat = self.stat()
        self.assertEqual([member["comm"] for member in stat["members"]], ["redis-server"])
        self.assertLessEqual(stat["usage"], 16 * MIB + harness.FALLBACK_ALLOWANCE)
        self.assertGreater(stat["evict_done"], 0)
        client.ask("SHUTDOWN", "NOSAVE")


if __name__ == "__main__":
    unittest.main()
