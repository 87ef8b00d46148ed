"""Rounding of signatures by the length of a path; of log-signatures by the distance of a point."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import pysig

CHANNELS, DEPTH = 3, 4
LEVELS = [(0, 3), (3, 12), (12, 39), (39, 120)]
DTYPES = (np.float32, np.float64)


def exact(path: np.ndarray) -> np.ndarray:
    """The signature in extended precision, by Chen's identity step by step."""
    levels = [np.ones(1, np.longdouble)]
    levels += [np.zeros(CHANNELS**k, np.longdouble) for k in range(1, DEPTH + 1)]
    for step in np.diff(path.astype(np.longdouble), axis=0):
        for k in range(DEPTH, 0, -1):
            chain = levels[0]
            for i in range(1, k + 1):
                chain = levels[i] + np.outer(chain, step / (k - i + 1)).ravel()
            levels[k] = chain
    return np.concatenate(levels[1:])


def error(found: np.ndarray, true: np.ndarray) -> float:
    """The largest error of a level, relative to the largest coefficient of the level."""
    return max(float(abs(found - true)[a:b].max() / abs(true[a:b]).max()) for a, b in LEVELS)


def log_error(distance: float, dtype: type) -> float:
    """The error of the log-signature of a walk that begins with one step of this length."""
    path = np.random.default_rng(0).normal(size=(50, CHANNELS)).cumsum(axis=0) / 7
    path[0] -= distance
    path = path.astype(np.float32)
    true = pysig.logsignature(path.astype(np.float64), DEPTH)
    found = pysig.logsignature(path.astype(dtype), DEPTH)
    return float(abs(found - true).max() / abs(true).max())


def figure() -> Figure:
    """Left: signatures by length. Right: log-signatures in float32 by the length of one step."""
    result, (left, right) = plt.subplots(1, 2, figsize=(8, 3))
    lengths = [10, 100, 1000, 4000]
    for dtype, mark in zip(DTYPES, "os", strict=True):
        errors = []
        for length in lengths:
            steps = np.random.default_rng(1).normal(size=(length, CHANNELS))
            path = (steps.cumsum(axis=0) / np.sqrt(length)).astype(np.float32)
            errors.append(error(pysig.signature(path.astype(dtype), DEPTH), exact(path)))
        left.loglog(lengths, errors, mark + "-", label=np.dtype(dtype).name)
    left.set(xlabel="points", ylabel="relative error of the signature", ylim=(1e-17, 1e-4))
    left.legend(loc="center right")
    distances = [1, 10, 100, 1000]
    right.loglog(distances, [log_error(x, np.float32) for x in distances], "o-")
    right.set(xlabel="length of one long step", ylabel="error of the log-signature, float32")
    return result
