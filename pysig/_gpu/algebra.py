"""The tensor algebra on CuPy arrays: one thread per coefficient. Power series are in
`algebra_series.py`.

There are no atomics: results are reproducible bit for bit.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from pysig._gpu.compile import elementwise_kernel
from pysig._gpu.errors import operation
from pysig._gpu.memory import device_tables
from pysig._plans.layout import Plan
from pysig._plans.sparse_matrix import SparseMatrix

FILE = "algebra.cuh"
Maps = tuple[SparseMatrix, ...]
Pair = tuple[Any, Any]


class Rows:
    """Rows (batch or 1, width) for the kernels: with a stored scalar in front, or with a constant
    one.
    """

    def __init__(self, data: Any, stored: bool, constant: float) -> None:
        self.data, self.stored, self.constant = data, int(stored), constant

    def arguments(self) -> tuple[Any, ...]:
        """The arguments that `_rows` declares."""
        stride = 0 if len(self.data) == 1 else self.data.shape[1]
        return self.data, stride, self.stored, self.data.dtype.type(self.constant)


def _rows(*names: str) -> str:
    return ", ".join(f"raw T {n}, int64 {n}_stride, int64 {n}_stored, T {n}_scalar" for n in names)


def _batch(name: str) -> str:
    return f"pysig_gpu::batch<T>{{&{name}[0], {name}_stride, {name}_stored, {name}_scalar}}.at(row)"


def _kernel(name: str, first: str, second: str, value: str) -> Any:
    """A kernel that writes factor * `value`, a function of two rows, to every coefficient of
    `out`."""
    return elementwise_kernel(
        f"{_rows(first, second)}, T factor, int64 d, int64 depth, int64 half, int64 size, "
        "int64 stored, int64 add",
        "raw T out",
        f"""
        const long long row = i / size, index = i % size;
        const pysig::row<T> {first}_row = {_batch(first)}, {second}_row = {_batch(second)};
        const pysig::place at = pysig::place_of(index, stored, d);
        pysig_gpu::write(&out[0], (long long)i, factor * {value}, add);
        """,
        f"pysig_{name}",
        FILE,
    )


_FORMULAS = {
    "product": ("a", "b", "pysig::product_coefficient(a_row, b_row, d, at)"),
    "left": ("g", "b", "pysig::product_adjoint_left(g_row, b_row, d, (int)depth, at)"),
    "right": ("g", "a", "pysig::product_adjoint_right(g_row, a_row, d, (int)depth, at)"),
    "shuffle": ("a", "b", "pysig::shuffle_coefficient(a_row, b_row, d, half != 0, at)"),
    "unshuffle": (
        "g",
        "other",
        "pysig::shuffle_adjoint(g_row, other_row, d, (int)depth, (int)half, at)",
    ),
}


class Term(NamedTuple):
    """How a launch computes its formula and what it does with the result."""

    factor: float = 1.0
    half: int = 0  # 1, 2: only shuffles whose last letter is one of a, or of b
    depth: int | None = None  # the longest word that is read; None: that of the plan
    add: bool = False  # to `out`


PLAIN = Term()


def launch(name: str, first: Rows, second: Rows, out: Any, plan: Plan, term: Term = PLAIN) -> None:
    """out = factor * formula, or out += factor * formula."""
    if not out.size:
        return
    with out.device:
        _kernel(name, *_FORMULAS[name])(
            *first.arguments(),
            *second.arguments(),
            out.dtype.type(term.factor),
            plan.channels,
            plan.depth if term.depth is None else term.depth,
            term.half,
            out.shape[1],
            int(plan.scalar_term),
            int(term.add),
            out,
            size=out.size,
        )


# The half products in the gradients by a and by b: whose letter comes last.
_LAST = {"shuffle": (0, 0), "half_shuffle": (2, 1)}


def _kernel_of(name: str) -> tuple[str, int]:
    """The formula of a product, and `half`."""
    return "product" if name == "product" else "shuffle", int(name == "half_shuffle")


@operation
def bilinear(
    name: str, factors: Pair, out: Any, plan: Plan, scalar: int = 0, workers: int = 1
) -> None:
    """out = a * b, where `name` is "product", "shuffle" or "half_shuffle"."""
    x, y = (Rows(rows, plan.scalar_term, scalar) for rows in factors)
    formula, half = _kernel_of(name)
    launch(formula, x, y, out, plan, Term(half=half))


@operation
def bilinear_vjp(
    name: str,
    factors: Pair,
    cotangent: Any,
    into: Pair,
    plan: Plan,
    scalar: int = 0,
    workers: int = 1,
) -> None:
    """The gradients of <cotangent, a * b> at a and b."""
    x, y = (Rows(rows, plan.scalar_term, scalar) for rows in factors)
    g = Rows(cotangent, plan.scalar_term, 0)
    if name == "product":
        launch("left", g, y, into[0], plan)
        launch("right", g, x, into[1], plan)
        return
    for other, out, last in zip((y, x), into, _LAST[name], strict=True):
        launch("unshuffle", g, other, out, plan, Term(half=last))


@operation
def bilinear_jvp(
    name: str,
    factors: Pair,
    tangents: Pair,
    out: Any,
    plan: Plan,
    scalar: int = 0,
    workers: int = 1,
) -> None:
    """The derivative of a * b along the tangents of a and b."""
    x, y = (Rows(rows, plan.scalar_term, scalar) for rows in factors)
    dx, dy = (Rows(rows, plan.scalar_term, 0) for rows in tangents)
    formula, half = _kernel_of(name)
    launch(formula, dx, y, out, plan, Term(half=half))
    launch(formula, x, dy, out, plan, Term(half=half, add=True))


def without_scalar(rows: Any, plan: Plan) -> Any:
    """The rows without their scalar."""
    import cupy

    return cupy.ascontiguousarray(rows[:, 1:]) if plan.scalar_term else rows


def _finish(rows: Any, out: Any, plan: Plan) -> None:
    if plan.scalar_term:
        out[:, 1:] = rows


# ---- sparse maps ----

_device_tables: WeakKeyDictionary[SparseMatrix, dict[Any, tuple[Any, ...]]] = WeakKeyDictionary()


def _table(matrix: SparseMatrix, dtype: Any) -> tuple[Any, ...]:
    """The matrix on the current device, cached as long as the matrix exists."""
    import cupy

    cached = _device_tables.setdefault(matrix, {})
    key = (cupy.cuda.runtime.getDevice(), dtype.itemsize)
    if key not in cached:
        values = matrix.single if dtype.itemsize == 4 else matrix.double
        cached[key] = device_tables(cupy, matrix.indptr, matrix.indices, values)
    return cached[key]


def _apply(matrix: SparseMatrix, rows: Any, out: Any) -> None:
    if not out.size:
        return
    kernel = elementwise_kernel(
        "raw int64 indptr, raw int64 indices, raw T entries, raw T rows, int64 stride, int64 size",
        "raw T out",
        """
        const long long row = i / size, index = i % size;
        T sum = 0;
        for (long long k = indptr[index]; k < indptr[index + 1]; ++k)
            sum += entries[k] * rows[row * stride + indices[k]];
        out[i] = sum;
        """,
        "pysig_sparse",
        FILE,
    )
    with out.device:
        stride = 0 if len(rows) == 1 else rows.shape[1]
        kernel(*_table(matrix, out.dtype), rows, stride, out.shape[1], out, size=out.size)


def transposed(maps: Maps) -> Maps:
    """The adjoint of maps that are applied one after the other."""
    return tuple(m.transposed for m in reversed(maps))


def apply_all(maps: Maps, rows: Any) -> Any:
    """The maps applied to rows, one after the other."""
    import cupy

    for matrix in maps:
        out = cupy.empty((len(rows), matrix.shape[0]), rows.dtype)
        _apply(matrix, rows, out)
        rows = out
    return rows


def deliver(maps: Maps, rows: Any, out: Any, plan: Plan) -> None:
    """Apply the maps to `rows`, into `out`. Without maps `rows` is `out` or its part without
    scalar."""
    if not maps:
        _finish(rows, out, plan)
        return
    _apply(maps[-1], apply_all(maps[:-1], rows), out)


@operation
def linear(maps: Maps, a: Any, out: Any, plan: Plan, workers: int = 1) -> None:
    """The maps applied to a, one after the other."""
    with out.device:
        deliver(maps, a, out, plan)
