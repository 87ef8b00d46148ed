"""Signature kernels: the matrix of the first half of a batch with the second, and its gradient.

The depth of a case is the order of the kernel, or the depth of the signatures ("features"). The
minimal cost is that of the recurrence: an inner product and ``2 P (P + 1)`` multiply-adds for each
pair of increments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .calls import reference
from .cases import Case
from .operation import Operation, Task

SPARSE = 40  # one path in this number is compared with the reference implementation
SHORT = 31  # points of the side that a sweep does not change
FEW = 8  # paths of that side


def halves(path: Any) -> tuple[Any, Any]:
    """The two sides of the matrix, arrays of their own."""
    middle = len(path) // 2
    return path[:middle].copy(), path[middle:].copy()


def matrix_shape(case: Case) -> tuple[int, ...]:
    return case.paths // 2, case.paths - case.paths // 2


def _weights(x: Any, y: Any) -> np.ndarray:
    """A cotangent of the matrix."""
    rows, columns = np.arange(len(x))[:, None], np.arange(len(y))[None]
    return np.cos(rows + 2 * columns).astype(x.dtype)


def cells(case: Case) -> int:
    """Pairs of increments of all pairs of paths."""
    rows, columns = matrix_shape(case)
    return rows * columns * (case.length - 1) ** 2


def order_madds(case: Case) -> int:
    return cells(case) * (case.channels + 2 * case.depth * (case.depth + 1))


def features_madds(case: Case) -> int:
    rows, columns = matrix_shape(case)
    return case.madds + rows * columns * case.size


def _right(m: Any, x: Any, y: Any, depth: int | None = None, **options: Any) -> np.ndarray:
    """The matrix by the reference implementation, all pairs at once."""
    z = np.einsum("ric,sjc->rsij", np.diff(x, axis=-2), np.diff(y, axis=-2))
    kernels = reference(m, "signature_kernel")
    return np.asarray(kernels.kernel_of_increments(z, depth, **options))


def some(answer: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
    """The pairs that the reference implementation computes."""
    return answer[::SPARSE, ::SPARSE]


def _matrix(
    name: str,
    does: str,
    count: Callable[[Case], int],
    pysig: Callable[[Task], dict[str, Any]],
    right: Callable[[Task], dict[str, Any]],
    pysiglib: dict[str, Any] | None = None,
) -> Operation:
    """A matrix; `pysig` and `right` are the options of the call and of the reference."""

    def reference_call(m: Any, t: Task) -> Callable[[], Any]:
        x, y = (side[::SPARSE] for side in halves(t.path))
        return lambda: _right(m, x, y, **right(t))

    def call(m: Any, t: Task) -> Callable[[], Any]:
        (x, y), out, options = halves(t.path), t.empty(), pysig(t)
        return lambda: m.signature_kernel_matrix(x, y, out=out, workers=t.threads, **options)

    def peer(m: Any, t: Task) -> Callable[[], Any]:
        x, y = halves(t.path)
        return lambda: m.sig_kernel_gram(x, y, n_jobs=t.threads, **(pysiglib or {}))

    calls = {"reference": reference_call, "pysig": call}
    return Operation(
        name=name,
        does=does,
        groups=("kernels" if pysiglib is None else "kernels-differences",),
        answer=matrix_shape,
        count=count,
        coupled=True,
        project=some,
        calls=calls if pysiglib is None else {**calls, "pysiglib": peer},
    )


def _differences(dyadic_order: int) -> Operation:
    options = {"dyadic_order": dyadic_order}
    return _matrix(
        f"kernel-differences-{dyadic_order}",
        f"signature kernels by finite differences of dyadic order {dyadic_order}, for comparison",
        lambda case: cells(case) * (case.channels + 3 * 4**dyadic_order),
        lambda t: {"method": "finite_difference", **options},
        lambda t: {"finite": True, **options},
        options,
    )


def _gradient(
    name: str, does: str, count: Callable[[Case], int], differences: dict[str, Any] | None = None
) -> Operation:
    """The gradient by x of the matrix. Its products with tangents are compared."""

    def options(t: Task) -> dict[str, Any]:
        return {"order": t.depth} if differences is None else {**differences}

    def project(answer: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
        moves = halves(given["tangent"])[0]
        return np.asarray((answer * moves).sum(axis=(1, 2))[::SPARSE])

    def reference_call(m: Any, t: Task) -> Callable[[], Any]:
        (x, y), moves = halves(t.path), halves(t.inputs["tangent"])[0]
        weights, tiny = _weights(x, y)[::SPARSE], 1e-100
        moved = x[::SPARSE] + 1j * tiny * moves[::SPARSE]
        own = options(t) if differences is None else {**options(t), "finite": True}
        own.pop("method", None)
        return lambda: (weights * np.imag(_right(m, moved, y, **own)) / tiny).sum(axis=1)

    def call(m: Any, t: Task) -> Callable[[], Any]:
        x, y = halves(t.path)
        weights, own = _weights(x, y), {**options(t), "workers": t.threads}
        if differences is not None:
            own["method"] = "finite_difference"
        return lambda: m.signature_kernel_matrix_vjp(x, y, weights, **own).x

    def peer(m: Any, t: Task) -> Callable[[], Any]:
        x, y = halves(t.path)
        weights = _weights(x, y)
        return lambda: m.sig_kernel_gram_backprop(
            weights, x, y, n_jobs=t.threads, **(differences or {})
        )[0]

    calls = {"reference": reference_call, "pysig": call}
    return Operation(
        name=name,
        does=does,
        groups=("kernels" if differences is None else "kernels-differences",),
        answer=lambda case: (matrix_shape(case)[0], case.length, case.channels),
        count=count,
        coupled=True,
        extra_inputs=("tangent",),
        project=project,
        calls=calls if differences is None else {**calls, "pysiglib": peer},
        tolerance={"float32": 1e-3, "float64": 1e-10},
    )


def _sweep(quantity: str) -> Operation:
    """The matrix of order 3 with one side of a fixed size, to see that the cost is linear."""
    first, of_batch = quantity[1] == "1", quantity[0] == "B"

    def sides(t: Task) -> tuple[Any, Any]:
        small = t.path[:FEW] if of_batch else t.path[:, :SHORT]
        return (t.path, small) if first else (small, t.path)

    def count(case: Case) -> int:
        other = FEW * (case.length - 1) if of_batch else case.paths * (SHORT - 1)
        return case.paths * (case.length - 1) * other * (case.channels + 2 * 3 * 4)

    def answer(case: Case) -> tuple[int, ...]:
        small = FEW if of_batch else case.paths
        return (case.paths, small) if first else (small, case.paths)

    def reference_call(m: Any, t: Task) -> Callable[[], Any]:
        x, y = sides(t)
        return lambda: _right(m, x[:1], y[:1], order=3)

    def call(m: Any, t: Task) -> Callable[[], Any]:
        (x, y), out = sides(t), t.empty()
        return lambda: m.signature_kernel_matrix(x, y, order=3, out=out, workers=t.threads)

    return Operation(
        name=f"kernel-sweep-{quantity}",
        does=f"signature kernels along sweeps of {quantity}: is the cost linear?",
        groups=("sweep-kernel-batch" if of_batch else "sweep-kernel-length",),
        answer=answer,
        count=count,
        coupled=True,
        project=lambda answer, given: answer[:1, :1],
        calls={"reference": reference_call, "pysig": call},
    )


KERNELS = (
    _matrix(
        "kernel-matrix",
        "matrix of signature kernels, of the order of the case",
        order_madds,
        lambda t: {"order": t.depth, "method": "recursion"},
        lambda t: {"order": t.depth},
    ),
    _matrix(
        "kernel-features",
        "matrix of signature kernels, truncated at the depth of the case, by signatures",
        features_madds,
        lambda t: {"depth": t.depth, "method": "features"},
        lambda t: {"depth": t.depth},
    ),
    _gradient(
        "kernel-matrix_vjp",
        "gradient of the matrix of the order of the case",
        lambda case: 3 * order_madds(case),
    ),
    _differences(0),
    _differences(2),
    _gradient(
        "kernel-differences-0_vjp",
        "gradient of the matrix by finite differences, for comparison",
        lambda case: 3 * cells(case) * (case.channels + 3),
        {"dyadic_order": 0},
    ),
    *(_sweep(quantity) for quantity in ("B1", "B2", "L1", "L2")),
)
