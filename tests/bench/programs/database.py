"""database.py - SQLite in memory: fill, index, then lookups that favour late rows, updates, and one sum over all."""

import sqlite3
import sys

MEBIBYTES, LOOKUPS = int(sys.argv[1]), int(sys.argv[2])
BYTES_EACH = 420

database = sqlite3.connect(":memory:", isolation_level=None)
database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, amount INTEGER, body TEXT)")
count = (MEBIBYTES << 20) // BYTES_EACH
database.execute("BEGIN")
database.executemany("INSERT INTO item VALUES (?, ?, ?, ?)",
                     ((i, f"item {i * 2654435761 % 4294967291:010d}", i % 1000, f"{i * 40503 % 65521:05d}" * 70)
                      for i in range(count)))
database.execute("CREATE INDEX by_name ON item (name)")
database.execute("COMMIT")

state, total = 3, 0
for turn in range(LOOKUPS):
    state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
    pick = state >> 33
    row = count - 1 - pick % (count // 10) if pick % 16 != 0 else pick // 16 % count
    name = f"item {row * 2654435761 % 4294967291:010d}"
    amount, body = database.execute("SELECT amount, body FROM item WHERE name = ?", (name,)).fetchone()
    total = (total * 31 + amount + int(body[:5])) & 0xFFFFFFFFFFFFFFFF
    if turn % 4 == 0:
        database.execute("UPDATE item SET amount = amount + 1 WHERE id = ?", (row,))
total += database.execute("SELECT SUM(amount * (id % 7 + 1)) FROM item").fetchone()[0]
print(f"{total:016x}")
