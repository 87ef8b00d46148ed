r"""
A path that is larger than memory
=================================

Chen's identity joins the signatures of parts of a path:

.. math:: S(X) = S(X_1) \otimes S(X_2) \otimes \dots \otimes S(X_K) .

So a path need not fit into memory. Dask reads a file in chunks, and each chunk
takes one thread at a time.
"""

# %%
# A memory map stands for the long recording: 16-bit integers, as a sensor
# writes them. Here the file has 8 MB, so that the page is quick to build;
# nothing below depends on its size.

import tempfile
import tracemalloc
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

import pysig
from pysig.interop import dask as sig

POINTS, CHANNELS, DEPTH = 1_000_000, 4, 3
UNIT = np.float32(1 / 4096)  # the size of a step of the sensor
folder = tempfile.TemporaryDirectory()
file = Path(folder.name) / "recording.i16"
shape = (POINTS, CHANNELS)
recording = np.memmap(file, np.int16, mode="w+", shape=shape)
rng = np.random.default_rng(0)
last = np.zeros(CHANNELS)
for begin in range(0, POINTS, 100_000):
    steps = rng.normal(size=(100_000, CHANNELS)) / 1000
    part = last + steps.cumsum(axis=0)
    recording[begin : begin + 100_000] = np.round(part / UNIT)
    last = part[-1]
recording.flush()

# %%
# Read it in chunks of different sizes, convert each to numbers in volts, and
# watch the memory that this allocates. For comparison, convert the whole file.
# (``dask.array.from_array`` copies arrays, memory maps too, so it is not used.)

exact = pysig.signature(recording.astype(np.float64) * UNIT, DEPTH)


def measured(compute):
    """The result of a call, and the MB that it allocates at most."""
    tracemalloc.start()
    result = compute()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return result, peak / 1e6


def read(block_info=None):
    """A chunk of the file, in volts. Each task opens the file itself."""
    begin, end = block_info[None]["array-location"][0]
    part = np.memmap(file, np.int16, mode="r", shape=shape)[begin:end]
    return part.astype(np.float32) * UNIT


def in_chunks(chunk):
    """The signature, by Dask on one thread."""
    chunks = ((chunk,) * (POINTS // chunk), (CHANNELS,))
    empty = np.zeros((0, 0), np.float32)
    path = da.map_blocks(read, chunks=chunks, dtype=np.float32, meta=empty)
    with dask.config.set(scheduler="synchronous"):
        return sig.signature(path, DEPTH).compute()


def whole():
    """The signature of one array."""
    return pysig.signature(recording.astype(np.float32) * UNIT, DEPTH)


in_chunks(POINTS)  # the first call loads modules
rows = []
for chunk in (25_000, 50_000, 100_000):
    found, peak = measured(lambda chunk=chunk: in_chunks(chunk))
    rows.append((f"chunks of {chunk:,}", POINTS // chunk, peak, found))
found, peak = measured(whole)
rows.append(("whole array", 1, peak, found))

table = pd.DataFrame(rows, columns=["read in", "chunks", "peak MB", "found"])
error = [np.abs(s - exact).max() / np.abs(exact).max() for s in table.pop("found")]
table["error"] = [f"{e:.0e}" for e in error]
table.round(1)

# %%
# The result is the same up to rounding. The memory is that of a chunk.

figure, axis = plt.subplots(
    figsize=(6, 2.4), num="Peak memory of chunks and of the whole array"
)
bars = axis.barh(table["read in"], table["peak MB"])
axis.bar_label(bars, fmt="%.1f MB", padding=4)
bars = axis.barh(["size of the file"], [file.stat().st_size / 1e6], color="C1")
axis.bar_label(bars, fmt="%.1f MB", padding=4)
axis.set(xlabel="peak memory (MB)", xlim=(0, 40))
axis.invert_yaxis()
plt.show()

# %%
# Close the map, then delete the file.

recording = None
folder.cleanup()
