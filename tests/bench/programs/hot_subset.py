"""hot_subset.py - an interpreter with many records, of which a tenth is asked for nineteen times of twenty."""

import sys

MEBIBYTES, LOOKUPS = int(sys.argv[1]), int(sys.argv[2])
BYTES_EACH = 330  # a list, an int, two strings and their share of the table
RUN = 500  # records that were made together are hot together

count = (MEBIBYTES << 20) // BYTES_EACH // RUN * RUN
records = [[number, f"name {number:08d}", f"{number * 2654435761 % (1 << 64):064x}"] for number in range(count)]
hot_runs = range(0, count // RUN, 10)

state, total = 1, 0
for _ in range(LOOKUPS):
    state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
    pick = state >> 33
    if pick % 20 != 0:
        place = hot_runs[pick // 20 % len(hot_runs)] * RUN + pick // 7 % RUN
    else:
        place = pick // 20 % count
    record = records[place]
    total = (total * 31 + record[0] + len(record[1]) + ord(record[2][pick % 64])) & 0xFFFFFFFFFFFFFFFF
    record[0] += 1
print(f"{total:016x}")
