"""Operations on windows and intervals of one path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .calls import reference
from .cases import Case
from .operation import Operation, Task

SPARSE = 997  # one interval in this number is compared with the reference implementation
SPARSER = 9973  # the same of long intervals
SEED = 5


def product_madds(case: Case) -> int:
    """Multiply-adds of a product of signatures: a word of k letters has k - 1 inner cuts."""
    return sum(k * size for k, size in enumerate(case.level_sizes))


def rows(case: Case, window: int) -> int:
    """Windows of a path."""
    return case.length - window + 1


def some(answer: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
    """The intervals that the reference implementation computes."""
    return answer[..., ::SPARSE, :]


def _pieces(m: Any, t: Task, bounds: np.ndarray) -> np.ndarray:
    """Signatures of points [a, b) of every path, by the reference implementation."""
    signature = reference(m, "signature").signature
    rows = [signature(t.path[..., a:b, :], t.depth) for a, b in bounds]
    return np.stack(rows, axis=-2)


def _bounds(length: int, window: int) -> np.ndarray:
    start = np.arange(length - window + 1)
    return np.stack([start, start + window], axis=-1)


def windows(window: int) -> tuple[Operation, ...]:
    """Windows of `window` points at every point: with shared work, and each on its own."""
    name = f"windows-{window}"

    def reference_call(m: Any, t: Task) -> Callable[[], Any]:
        bounds = _bounds(t.path.shape[-2], window)[::SPARSE]
        return lambda: _pieces(m, t, bounds)

    def shared(m: Any, t: Task) -> Callable[[], Any]:
        out = t.empty()
        return lambda: m.signature_windows(t.path, t.depth, window, out=out, workers=t.threads)

    def alone(m: Any, t: Task) -> Callable[[], Any]:
        view = np.lib.stride_tricks.sliding_window_view(t.path, window, axis=-2)
        pieces, out = np.moveaxis(view, -1, -2), t.empty()
        return lambda: m.signature(pieces, t.depth, out=out, workers=t.threads)

    def pysiglib(m: Any, t: Task) -> Callable[[], Any]:
        def slide() -> np.ndarray:
            stream = m.SigWindowStream(t.channels, t.depth, window, n_jobs=t.threads)
            stream.push_batch(t.path)
            return np.moveaxis(np.asarray(stream.sig()), 0, 1)

        return slide

    def answer(case: Case) -> tuple[int, ...]:
        return (*case.shape[:-2], rows(case, window), case.size)

    def count(case: Case) -> int:
        """Two steps and one product for each window, if every step is swept over twice."""
        return case.paths * rows(case, window) * (2 * case.size + product_madds(case))

    one = Operation(
        name=name,
        does=f"signatures of the windows of {window} points at every point",
        groups=("windows",),
        answer=answer,
        count=count,
        project=some,
        against=f"{name}-alone",
        calls={"reference": reference_call, "pysig": shared, "pysiglib": pysiglib},
    )
    other = Operation(
        name=f"{name}-alone",
        does=f"the same, each window of {window} points computed anew",
        groups=("windows",),
        answer=answer,
        count=lambda case: case.paths * rows(case, window) * (window - 1) * case.size,
        project=some,
        calls={"reference": reference_call, "pysig": alone},
    )
    return one, other


def intervals() -> Operation:
    """As many random intervals as the path has points."""

    def bounds(length: int) -> np.ndarray:
        ends = np.random.default_rng(SEED).integers(0, length, (length, 2))
        return np.sort(ends) + np.array([0, 1])

    def reference_call(m: Any, t: Task) -> Callable[[], Any]:
        chosen = bounds(t.path.shape[-2])[::SPARSER]
        return lambda: _pieces(m, t, chosen)

    def call(m: Any, t: Task) -> Callable[[], Any]:
        out, chosen = t.empty(), bounds(t.path.shape[-2])
        return lambda: m.signature_intervals(t.path, t.depth, chosen, out=out, workers=t.threads)

    return Operation(
        name="intervals-random",
        does="signatures of as many random intervals as there are points",
        groups=("windows",),
        answer=lambda case: (*case.shape[:-2], case.length, case.size),
        count=lambda case: case.paths * case.length * (2 * case.size + product_madds(case)),
        project=lambda answer, given: answer[..., ::SPARSER, :],
        calls={"reference": reference_call, "pysig": call},
    )


WINDOWS = (*windows(100), *windows(4096), intervals())
