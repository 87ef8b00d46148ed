"""The tensor algebra on CuPy arrays, under the names of `_cpu/algebra.py`: a thread per
coefficient. Power series are in `algebra_series.py`.

Nothing is added up by atomics, so results are the same at every run.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from pysig._gpu.compile import elementwise_kernel
from pysig._plans.layout import Plan
from pysig._plans.sparse_matrix import SparseMatrix

FILE = "algebra.cuh"
Maps = tuple[SparseMatrix, ...]


class Rows:
    """Rows (batch or 1, width) as the kernels read them: with the scalar in front, or with a
    constant one.
    """

    def __init__(self, data: Any, stored: bool, constant: float) -> None:
        self.data, self.stored, self.constant = data, int(stored), constant

    def arguments(self) -> tuple[Any, ...]:
        """What `_rows` declares."""
        stride = 0 if len(self.data) == 1 else self.data.shape[1]
        return self.data, stride, self.stored, self.data.dtype.type(self.constant)


def _rows(*names: str) -> str:
    return ", ".join(f"raw T {n}, int64 {n}_stride, int64 {n}_stored, T {n}_scalar" for n in names)


def _batch(name: str) -> str:
    return f"pysig_gpu::batch<T>{{&{name}[0], {name}_stride, {name}_stored, {name}_scalar}}.at(row)"


def _kernel(name: str, first: str, second: str, value: str) -> Any:
    """A kernel that writes factor * `value`, made of two rows, to every coefficient of `out`."""
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


def launch(
    name: str,
    first: Rows,
    second: Rows,
    out: Any,
    plan: Plan,
    *,
    factor: float = 1.0,
    half: int = 0,
    depth: int | None = None,
    stored: bool | None = None,
    add: bool = False,
) -> None:
    """out[:] (or +=) factor * the formula; `depth` is that of the longest word that is read."""
    if not out.size:
        return
    with out.device:
        _kernel(name, *_FORMULAS[name])(
            *first.arguments(),
            *second.arguments(),
            out.dtype.type(factor),
            plan.channels,
            plan.depth if depth is None else depth,
            half,
            out.shape[1],
            int(plan.scalar_term if stored is None else stored),
            int(add),
            out,
            size=out.size,
        )


_LAST = {
    "shuffle": (0, 0),
    "half_shuffle": (2, 1),
}  # whose letter comes last, seen from a and from b


def bilinear(name: str, a: Any, b: Any, out: Any, *, plan: Plan, scalar: int, workers: int) -> None:
    """out = a * b, where `name` is "product", "shuffle" or "half_shuffle"."""
    x, y = (Rows(rows, plan.scalar_term, scalar) for rows in (a, b))
    kernel = "product" if name == "product" else "shuffle"
    launch(kernel, x, y, out, plan, half=int(name == "half_shuffle"))


def bilinear_vjp(
    name: str,
    a: Any,
    b: Any,
    g: Any,
    out_a: Any,
    out_b: Any,
    *,
    plan: Plan,
    scalar: int,
    workers: int,
) -> None:
    """The gradients of <g, a * b> at a and b."""
    x, y = (Rows(rows, plan.scalar_term, scalar) for rows in (a, b))
    cotangent = Rows(g, plan.scalar_term, 0)
    if name == "product":
        launch("left", cotangent, y, out_a, plan)
        launch("right", cotangent, x, out_b, plan)
        return
    for other, out, last in zip((y, x), (out_a, out_b), _LAST[name], strict=True):
        launch("unshuffle", cotangent, other, out, plan, half=last)


def bilinear_jvp(
    name: str,
    a: Any,
    b: Any,
    da: Any,
    db: Any,
    out: Any,
    *,
    plan: Plan,
    scalar: int,
    workers: int,
) -> None:
    """The derivative of a * b along da and db."""
    x, y = (Rows(rows, plan.scalar_term, scalar) for rows in (a, b))
    dx, dy = (Rows(rows, plan.scalar_term, 0) for rows in (da, db))
    kernel, half = "product" if name == "product" else "shuffle", int(name == "half_shuffle")
    launch(kernel, dx, y, out, plan, half=half)
    launch(kernel, x, dy, out, plan, half=half, add=True)


def without_scalar(rows: Any, plan: Plan) -> Any:
    """Rows whose scalar is not read."""
    import cupy

    return cupy.ascontiguousarray(rows[:, 1:]) if plan.scalar_term else rows


def _finish(rows: Any, out: Any, plan: Plan) -> None:
    if plan.scalar_term:
        out[:, 1:] = rows


# ---- sparse maps ----

_device_tables: WeakKeyDictionary[SparseMatrix, dict[Any, tuple[Any, ...]]] = WeakKeyDictionary()


def _table(matrix: SparseMatrix, dtype: Any) -> tuple[Any, ...]:
    """The matrix on the current device, kept as long as the matrix itself."""
    import cupy

    kept = _device_tables.setdefault(matrix, {})
    key = (cupy.cuda.Device().id, dtype.itemsize)
    if key not in kept:
        values = matrix.single if dtype.itemsize == 4 else matrix.double
        kept[key] = tuple(cupy.asarray(t) for t in (matrix.indptr, matrix.indices, values))
    return kept[key]


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
    import cupy

    for matrix in maps:
        out = cupy.empty((len(rows), matrix.shape[0]), rows.dtype)
        _apply(matrix, rows, out)
        rows = out
    return rows


def deliver(maps: Maps, rows: Any, out: Any, plan: Plan) -> None:
    """`rows` through the maps to `out`; without maps `rows` is `out` or its part without scalar."""
    if not maps:
        _finish(rows, out, plan)
        return
    _apply(maps[-1], apply_all(maps[:-1], rows), out)


def linear(maps: Maps, a: Any, out: Any, *, plan: Plan, workers: int) -> None:
    """The maps applied to a, one after the other."""
    deliver(maps, a, out, plan)
