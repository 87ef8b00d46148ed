"""Windows by inverses of prefixes lose digits along the path; windows by shared products do not."""

from itertools import pairwise

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import pysig


def figure() -> Figure:
    """The largest relative error of a level, in float32, by the position of a window."""
    channels, depth, window, length = 2, 4, 50, 3000
    steps = np.random.default_rng(0).normal(0.05, 0.3, size=(length, channels))
    path = steps.cumsum(axis=0).astype(np.float32)
    begins = np.arange(1, length - window, 25)
    bounds = np.stack([begins, begins + window], axis=1)
    exact = pysig.signature_intervals(path.astype(np.float64), depth, bounds)

    prefixes = pysig.signature(path, depth, stream=True)  # row k: the first k + 2 points
    inverses = pysig.algebra.antipode(prefixes[begins - 1], channels, depth)
    ends = prefixes[begins + window - 2]
    quotients = pysig.algebra.combine(inverses, ends, channels, depth)
    products = pysig.signature_intervals(path, depth, bounds)

    levels = np.cumsum([0, *(channels**k for k in range(1, depth + 1))])

    def error(rows: np.ndarray) -> np.ndarray:
        worst = [
            np.abs(rows[:, a:b] - exact[:, a:b]).max(axis=1) / np.abs(exact[:, a:b]).max(axis=1)
            for a, b in pairwise(levels)
        ]
        return np.maximum(np.max(worst, axis=0), 1e-9)

    result, axes = plt.subplots(figsize=(5.0, 2.8))
    axes.semilogy(begins, error(quotients), label="inverses of prefixes")
    axes.semilogy(begins, error(products), label="signature_windows")
    axes.set(xlabel="first point of the window", ylabel="relative error")
    axes.legend()
    return result
