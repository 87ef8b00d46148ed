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


def gradient(window: int) -> Operation:
    """Of a function of one window in SPARSE; the others cost as much, with cotangents of zero."""
    name = f"windows-{window}"

    def reference_call(m: Any, t: Task) -> Callable[[], Any]:
        def pairing() -> np.ndarray:
            jvp = reference(m, "signature").signature_jvp
            bounds = _bounds(t.path.shape[-2], window)[::SPARSE]
            moves = [
                jvp(t.path[..., a:b, :], t.depth, t.inputs["tangent"][..., a:b, :])
                for a, b in bounds
            ]
            return (np.sum(moves, axis=0) * t.inputs["cotangent"]).sum(axis=-1)

        return pairing

    def call(m: Any, t: Task) -> Callable[[], Any]:
        path, along = t.path, t.inputs["cotangent"]
        shape = (*path.shape[:-2], path.shape[-2] - window + 1, along.shape[-1])
        cotangent = np.zeros(shape, along.dtype)
        cotangent[..., ::SPARSE, :] = along[..., None, :]
        return lambda: m.signature_windows_vjp(path, t.depth, window, cotangent, workers=t.threads)

    return Operation(
        name=f"{name}-vjp",
        does=f"the gradient of a function of the signatures of the windows of {window} points",
        groups=("windows",),
        answer=lambda case: case.shape,
        # Each of the two sweeps and the product forward, and their adjoints of twice that.
        count=lambda case: (
            3 * case.paths * rows(case, window) * (2 * case.size + product_madds(case))
        ),
        inputs=("path", "cotangent"),
        extra_inputs=("tangent",),
        # <vjp(cotangent), v> = <cotangent, jvp(v)> for a random v: wrong gradients do not pass.
        project=lambda answer, given: (answer * given["tangent"]).sum(axis=(-2, -1)),
        against=name,
        calls={"reference": reference_call, "pysig": call},
    )


def intervals() -> tuple[Operation, ...]:
    """As many random intervals as the path has points, and some of them, each on its own."""

    def bounds(length: int) -> np.ndarray:
        ends = np.random.default_rng(SEED).integers(0, length, (length, 2))
        return np.sort(ends) + np.array([0, 1])

    def reference_call(m: Any, t: Task) -> Callable[[], Any]:
        chosen = bounds(t.path.shape[-2])[::SPARSER]
        return lambda: _pieces(m, t, chosen)

    def some_reference(m: Any, t: Task) -> Callable[[], Any]:
        chosen = bounds(t.path.shape[-2])[::SPARSE][::10]
        return lambda: _pieces(m, t, chosen)

    def alone(m: Any, t: Task) -> Callable[[], Any]:
        chosen = bounds(t.path.shape[-2])[::SPARSE]

        def pieces() -> np.ndarray:
            parts = [t.path[..., a:b, :] for a, b in chosen]
            rows = [m.signature(part, t.depth, workers=t.threads) for part in parts]
            return np.stack(rows, axis=-2)

        return pieces

    def some_count(case: Case) -> int:
        lengths = np.diff(bounds(case.length)[::SPARSE])
        return case.paths * int(lengths.sum() - len(lengths)) * case.size

    def call(m: Any, t: Task) -> Callable[[], Any]:
        out, chosen = t.empty(), bounds(t.path.shape[-2])
        return lambda: m.signature_intervals(t.path, t.depth, chosen, out=out, workers=t.threads)

    one = Operation(
        name="intervals-random",
        does="signatures of as many random intervals as there are points",
        groups=("windows",),
        answer=lambda case: (*case.shape[:-2], case.length, case.size),
        count=lambda case: case.paths * case.length * (2 * case.size + product_madds(case)),
        project=lambda answer, given: answer[..., ::SPARSER, :],
        against="intervals-random-some",
        calls={"reference": reference_call, "pysig": call},
    )
    other = Operation(
        name="intervals-random-some",
        does=f"one in {SPARSE} of these intervals, each computed anew",
        groups=("windows",),
        answer=lambda case: (*case.shape[:-2], -(-case.length // SPARSE), case.size),
        count=some_count,
        project=lambda answer, given: answer[..., ::10, :],
        calls={"reference": some_reference, "pysig": alone},
    )
    return one, other


WINDOWS = (
    *windows(16),
    *windows(100),
    *windows(1000),
    *windows(4096),
    gradient(100),
    *intervals(),
)
