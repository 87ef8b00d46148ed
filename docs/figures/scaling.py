"""Sizes of the levels of signatures: by the unit of the path, and after each way to scale."""

from itertools import pairwise
from math import factorial

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import pysig.data
from pysig.interop.sklearn import SignatureScaler

DEPTH = 4


def sizes(features: np.ndarray, channels: int) -> list[float]:
    """The root mean square of each level."""
    ends = [pysig.signature_size(channels, k) if k else 0 for k in range(DEPTH + 1)]
    return [float(np.sqrt((features[:, a:b] ** 2).mean())) for a, b in pairwise(ends)]


def figure() -> Figure:
    """Left: three units of the same paths. Right: scaled paths or features."""
    motions = pysig.data.load("basic_motions")
    paths, channels = motions.paths, len(motions.channels)
    levels = np.arange(1, DEPTH + 1)
    result, (left, right) = plt.subplots(1, 2, figsize=(8, 3), sharex=True)
    for unit, mark in ((0.1, "o"), (1.0, "s"), (10.0, "^")):
        left.semilogy(
            levels,
            sizes(pysig.signature(paths * unit, DEPTH), channels),
            mark + "-",
            label=f"paths times {unit:g}",
        )
    raw = pysig.signature(paths, DEPTH)
    increments = np.diff(paths, axis=1).std(axis=(0, 1)) * np.sqrt(paths.shape[1])
    shrunk = pysig.signature(paths / increments, DEPTH)
    factors = np.repeat([factorial(k) for k in levels], channels**levels)
    ways = {
        "as they are": raw,
        "channels divided by their spread": shrunk,
        "and level k times k!": shrunk * factors,
        "SignatureScaler": SignatureScaler(depth=DEPTH).fit_transform(raw),
    }
    for (name, features), mark in zip(ways.items(), "s^vo", strict=True):
        right.semilogy(levels, sizes(features, channels), mark + "-", label=name)
    left.set(xlabel="level", ylabel="size of coefficients", xticks=levels)
    right.set(xlabel="level")
    left.legend()
    right.legend()
    return result
