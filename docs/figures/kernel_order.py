"""Accuracy of a signature kernel for its cost, and positivity of its matrices."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import pysig

CHANNELS = 5


def walks(count: int, length: int, channels: int, scale: float) -> np.ndarray:
    """Random walks whose end is about `scale` away in each channel."""
    steps = np.random.default_rng(0).normal(size=(count, length, channels))
    return steps.cumsum(axis=1) * scale / np.sqrt(length)


def errors(paths: np.ndarray, schemes: list[dict]) -> list[float]:
    """The largest error of each scheme relative to the norms, against order 16."""
    exact = pysig.signature_kernel_matrix(paths, order=16)
    norms = np.sqrt(np.diag(exact))
    return [
        np.abs(
            (pysig.signature_kernel_matrix(paths, **scheme) - exact) / norms / norms[:, None]
        ).max()
        for scheme in schemes
    ]


def smallest(scale: float, scheme: dict) -> float:
    """The smallest eigenvalue, relative to the largest one, of a matrix of unit diagonal."""
    gram = pysig.signature_kernel_matrix(walks(25, 20, 2, scale), **scheme)
    norms = np.sqrt(np.abs(np.diag(gram)))
    values = np.linalg.eigvalsh(gram / norms / norms[:, None])
    return values[0] / values[-1]


def figure() -> Figure:
    """Left: error and multiply-adds of a cell. Right: negative eigenvalues of rough paths."""
    result, (left, right) = plt.subplots(1, 2, figsize=(8, 3))
    paths = walks(6, 24, CHANNELS, 1.0)
    orders = range(1, 9)
    cost = [CHANNELS + 2 * p * (p + 1) for p in orders]
    left.loglog(cost, errors(paths, [{"order": p} for p in orders]), "o-", label="order 1 to 8")
    fine = range(4)
    cost = [CHANNELS + 6] + [CHANNELS + 4 + 3 * 4**k for k in fine[1:]]
    grids = [{"method": "finite_difference", "dyadic_order": k} for k in fine]
    left.loglog(cost, errors(paths, grids), "s--", label="finite differences, dyadic order 0 to 3")
    left.set(xlabel="multiply-adds of a pair of segments", ylabel="relative error")
    left.legend(fontsize=7)

    scales = np.linspace(0.5, 12, 12)
    for label, scheme, style in (
        ("order 1", {"order": 1}, "o-"),
        ("order 4", {"order": 4}, "^-"),
        ("finite differences, dyadic order 0", grids[0], "s--"),
        ("finite differences, dyadic order 1", grids[1], "d--"),
    ):
        right.plot(scales, [smallest(s, scheme) for s in scales], style, ms=3, label=label)
    right.set(xlabel="scale of the paths", ylabel="smallest / largest eigenvalue")
    right.legend(fontsize=7)
    return result
