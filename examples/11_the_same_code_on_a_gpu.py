r"""
The same code on a GPU
======================

Functions of pysig take arrays of CuPy and return arrays of CuPy, on the same
device. So a program for both differs in one name. Here it computes expected
signatures, which describe the distribution of random paths:

.. math:: \mathbb{E}\, S(X) \approx \frac{1}{n} \sum_{i=1}^n S(X_i) .
"""

# %%
# ``xp`` is CuPy where there is a GPU, else NumPy. This page was built with the
# one that the table below names.

import time

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

import pysig

try:
    import cupy as xp

    xp.cuda.runtime.getDeviceCount()
except Exception:  # neither CuPy nor a device
    xp = np

# %%
# Nothing below this line knows the device.


def brownian(paths, steps, channels):
    """Random paths from 0 to time 1, in the arrays of `xp`."""
    seed = np.random.default_rng(0).integers(2**31)
    rng = xp.random.RandomState(seed)
    moves = rng.standard_normal((paths, steps, channels)) / steps**0.5
    start = xp.zeros((paths, 1, channels))
    return xp.concatenate([start, moves.cumsum(axis=1)], axis=1)


rows, means = [], {}
for paths in (1000, 4000, 16000):
    x = brownian(paths, 50, 3)
    pysig.signature(x[:1], 4)  # compile the kernel
    begin = time.perf_counter()
    s = pysig.signature(x, 4)
    means[paths] = np.asarray(s.mean(axis=0).tolist())  # waits for the device
    rows.append((xp.__name__, paths, type(s).__module__, time.perf_counter() - begin))

# %%
# For Brownian motion the expected signature is known (Fawcett's formula): the
# exponential of half the sum of all words ``(i, i)``.

half = np.zeros(pysig.signature_size(3, 4))
for channel in range(3):
    half[pysig.word_index((channel, channel), 3)] = 0.5
exact = pysig.algebra.exp(half, 3, 4)

table = pd.DataFrame(rows, columns=["library", "paths", "result of", "seconds"])
table["error"] = [np.abs(mean - exact).max() for mean in means.values()]
table.round(4)

# %%
# The estimate approaches the exact values.

labels = pysig.labels(3, 4)
shown = np.flatnonzero(np.abs(exact) > 0.1)
figure, axis = plt.subplots(
    figsize=(7, 2.8),
    num="Estimated and exact expected signature of random paths",
)
for count, mark in zip(means, "xo.", strict=True):
    axis.plot(means[count][shown], mark, ms=5, label=f"{count} paths")
axis.plot(exact[shown], "_", ms=16, color="0.5", label="exact", zorder=0)
axis.set_xticks(range(len(shown)), [labels[i] for i in shown], rotation=90)
axis.set(xlabel="word", ylabel="expected coefficient")
axis.legend()
plt.show()
