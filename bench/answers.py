"""Inputs of a comparison, and the distance between two answers."""

from __future__ import annotations

import zlib

import numpy as np

from .cases import Case
from .operation import Operation


def make_inputs(operation: Operation, case: Case, dtype: str, seed: int) -> dict[str, np.ndarray]:
    """Random inputs: paths with independent normal increments, scaled to end at distance about 1.

    The numbers depend on the seed, the case and the name of the input alone.
    """
    inputs = {}
    for name in (*operation.inputs, *operation.extra_inputs):
        rng = np.random.default_rng([seed, zlib.crc32(f"{case.name} {name}".encode())])
        values = rng.standard_normal(operation.input_shape(case, name))
        if name == "path":
            values = np.cumsum(values, axis=-2) / np.sqrt(case.length)
        inputs[name] = values.astype(dtype)
    return inputs


def deviation(answer: np.ndarray, right: np.ndarray, case: Case) -> float:
    """Largest difference, relative to the largest coefficient of the level it occurs in.

    An answer that is not laid out level by level counts as one level. Infinity if the shape differs
    or the answer has a value that is not finite where the right one has none.
    """
    if answer.shape != right.shape:
        return float("inf")
    if right.size == 0:
        return 0.0
    by_level = right.ndim and right.shape[-1] == case.size
    ends = np.cumsum(case.level_sizes) if by_level else [right.shape[-1] if right.ndim else 1]
    worst, first = 0.0, 0
    for last in ends:
        a, b = (x[..., first:last] if x.ndim else x for x in (answer, right))
        difference, scale = np.abs(a - b).max(), np.abs(b).max()
        relative = difference / scale if scale else difference
        worst = max(worst, float(relative) if np.isfinite(relative) else float("inf"))
        first = last
    return worst
