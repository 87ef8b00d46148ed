"""Gram matrices of two samples, and what tests by permutation share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from pysig._api import _checks
from pysig._api._kernel_call import KernelCall
from pysig._api._kernel_paths import split_basepoints, split_lengths
from pysig._api._memory import available_memory, check_array, shortage
from pysig._backend import NUMPY

BLOCK_BYTES = 2**24  # of the labels of permutations at a time


class Grams(NamedTuple):
    """Kernels within x, between x and y, and within y; None where not wanted."""

    xx: Any
    xy: Any
    yy: Any


class Samples(NamedTuple):
    """Two samples: the least number of paths of each, and their names in messages."""

    least: tuple[int, int]
    names: tuple[str, str] = ("x", "y")
    within_y: bool = True
    pooled: bool = False


def grams(
    caller: str, x: Any, y: Any, depth: Any, options: Mapping[str, Any], samples: Samples
) -> Grams:
    """The Gram matrices of two samples by one kernel: the order is chosen once."""
    if y is None:
        raise TypeError(
            f"{samples.names[1]}: expected an array of paths, received NoneType None. Pass it; the "
            "kernels within one sample are signature_kernel_matrix."
        )
    within_y = samples.within_y
    between = KernelCall(caller, x, y, depth, options, paired=False, names=samples.names)
    sizes = [side.paths.batch for side in (between.x, between.y) if side is not None]
    for name, count, least in zip(samples.names, sizes, samples.least, strict=True):
        check_count(caller, name, count, least)
    if samples.pooled:  # the matrix of all paths, and a copy in float64
        shape = (2, sum(sizes), sum(sizes))
        check_array(samples.names[0], shape, 8, between.backend, "Use fewer paths.")
    fixed = dict(options)
    if between.choice.rtol is not None:
        fixed |= {"rtol": None, "order": between.plan.order}
    lengths = split_lengths(options["lengths"], 2)
    bases = split_basepoints(options["basepoint"], 2)
    within = []
    for k, side in enumerate((x, y) if within_y else (x,)):
        own = {**fixed, "lengths": lengths[k], "basepoint": bases[k]}
        names = samples.names[k], ""
        within.append(KernelCall(caller, side, None, depth, own, paired=False, names=names))
    return Grams(within[0].value(), between.value(), within[1].value() if within_y else None)


def check_count(caller: str, name: str, count: int, least: int) -> None:
    """ValueError unless there are at least `least` paths."""
    if count >= least:
        return
    if least == 1:
        raise ValueError(f"{name}: expected at least one path, received none. Pass more paths.")
    raise ValueError(
        f"{name}: expected at least {least} paths for {caller}, received {count}. Pass "
        f"{'more paths' if count == 0 else 'unbiased=False or more paths'}."
    )


def mean(gram: Any, unbiased: bool) -> Any:
    """The mean of a symmetric Gram matrix, without its diagonal if `unbiased`; in float64."""
    count = gram.shape[0]
    total = gram.sum(dtype=np.float64)
    if not unbiased:
        return total / count**2
    diagonal = gram.reshape(count * count)[:: count + 1].sum(dtype=np.float64)
    return (total - diagonal) / (count * (count - 1))


def check_permutations(n_permutations: Any, seed: Any) -> tuple[int, np.random.Generator]:
    """The number of permutations and a generator."""
    count = _checks.check_integer(n_permutations, "n_permutations", 1)
    needed = 8 * count  # one statistic for each
    available = available_memory(NUMPY) if needed > 2**20 else None
    if needed > (2**63 - 1 if available is None else available):
        raise MemoryError(
            f"n_permutations: the statistics of {count} permutations "
            f"{shortage(needed, available)} Take fewer."
        )
    try:
        return count, np.random.default_rng(seed)
    except ValueError:
        raise ValueError(
            f"seed: expected an integer of at least 0, received {_checks.describe(seed)}."
        ) from None
    except TypeError:
        raise TypeError(
            f"seed: expected an integer, a numpy.random.Generator or None, received "
            f"{_checks.describe(seed)}."
        ) from None


def p_value(statistic: float, null: Any, scale: float) -> float:
    """``(1 + #{null >= statistic}) / (1 + n)``, where rounding does not tell values apart; NaN if
    the statistic is not a number.
    """
    if not np.isfinite(statistic) or not np.isfinite(null).all():
        return float("nan")
    close = 64 * np.finfo(np.float64).eps * scale
    return float((1 + np.count_nonzero(null >= statistic - close)) / (1 + len(null)))


def in_blocks(count: int, rows: int, statistics: Callable[[int], Any]) -> Any:
    """The statistics of `count` permutations of `rows` labels, some at a time."""
    each = max(1, BLOCK_BYTES // max(1, 8 * rows))
    parts = [statistics(min(each, count - first)) for first in range(0, count, each)]
    return np.concatenate(parts)
