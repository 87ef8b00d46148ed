r"""
Thousands of intervals of one path
==================================

An index answers queries for any interval of a long path. It joins stored
products on both sides of one cut,

.. math:: S(a, b) = S(a, m) \otimes S(m, b) , \qquad a \le m \le b ,

so the cost of long intervals does not depend on their length, and nothing is
divided by a long prefix.
"""

# %%
# A walk of 50 000 points, and random intervals of different lengths.

import time

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

import pysig

LENGTH, DEPTH, QUERIES = 50_000, 4, 500
rng = np.random.default_rng(0)
path = rng.normal(0.01, 0.1, size=(LENGTH, 3)).cumsum(axis=0)
index = pysig.SignatureIndex(path, DEPTH)


def one_by_one(intervals):
    """Each interval by itself."""
    return np.array([pysig.signature(path[a:b], DEPTH) for a, b in intervals])


def measured(compute, intervals):
    """CPU microseconds for an interval, the least of some runs; the result."""
    spent = []
    for _ in range(4):
        begin = time.process_time()
        result = compute(intervals)
        spent.append(time.process_time() - begin)
    return 1e6 * min(spent) / QUERIES, result


# %%
# The CPU time for one interval, on one thread. The numbers agree.

rows = []
with pysig.set_workers(1):
    for size in (30, 300, 3000, 20_000):
        begins = rng.integers(0, LENGTH - size, QUERIES)
        intervals = np.stack([begins, begins + size], axis=1)
        slow, expected = measured(one_by_one, intervals)
        fast, found = measured(index.query, intervals)
        error = np.abs(found - expected).max() / np.abs(expected).max()
        rows.append((size, slow, fast, slow / fast, f"{error:.0e}"))
names = ["points", "one by one (µs)", "index (µs)", "ratio", "difference"]
table = pd.DataFrame(rows, columns=names).set_index("points")
table.round(1)

# %%
# The time of the index stops growing at some hundred points.

figure, axis = plt.subplots(
    figsize=(5.5, 3), num="Time of a query against the length of the interval"
)
axis.loglog(table["one by one (µs)"], "o-", label="one by one")
axis.loglog(table["index (µs)"], "s-", label="index")
axis.set(xlabel="points in the interval", ylabel="µs for one interval")
axis.legend()
plt.show()
