"""P2. The tensor algebra on CuPy arrays, under the names of `_cpu/algebra.py`: a thread per
coefficient.

Power series are Horner schemes of products whose inner ones are short; derivatives are products and
their adjoints. Nothing is added up by atomics, so results are the same at every run.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from pysig._gpu.compile import elementwise_kernel
from pysig._lie import SparseMatrix
from pysig._plan import Plan, plan_for

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


def _launch(
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
    _launch(kernel, x, y, out, plan, half=int(name == "half_shuffle"))


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
        _launch("left", cotangent, y, out_a, plan)
        _launch("right", cotangent, x, out_b, plan)
        return
    for other, out, last in zip((y, x), (out_a, out_b), _LAST[name], strict=True):
        _launch("unshuffle", cotangent, other, out, plan, half=last)


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
    _launch(kernel, dx, y, out, plan, half=half)
    _launch(kernel, x, dy, out, plan, half=half, add=True)


# ---- power series: w_N = c_N, w_m = c_m + s_m x (x) w_(m+1), as in
# csrc/include/pysig/cpu/tensor.hpp ----


def _constant(f: str, m: int) -> float:
    if f == "log":
        return 1 / m if m else 0.0
    return 1.0


def _factor(f: str, m: int) -> float:
    if f == "exp":
        return 1 / (m + 1)
    return 1.0 if f == "log" and m == 0 else -1.0


def _without_scalar(rows: Any, plan: Plan) -> Any:
    """Rows whose scalar is not read."""
    import cupy

    return cupy.ascontiguousarray(rows[:, 1:]) if plan.scalar_term else rows


def _horner(f: str, x: Rows, plan: Plan) -> list[Rows]:
    """w_1, w_2, ..., w_N; w_m has the levels up to N - m."""
    import cupy

    count, dtype = len(x.data), x.data.dtype
    w = [Rows(cupy.zeros((count, 1), dtype), False, _constant(f, plan.depth))]
    for m in range(plan.depth - 1, 0, -1):
        lower = plan_for(plan.channels, plan.depth - m)
        level = cupy.empty((count, lower.size), dtype)
        _launch("product", x, w[0], level, lower, factor=_factor(f, m))
        w.insert(0, Rows(level, False, _constant(f, m)))
    return w


def _fill_scalar(f: str, out: Any, plan: Plan, value: float | None = None) -> Any:
    """The part of `out` without scalar, or rows to be copied there by `_finish`."""
    import cupy

    if not plan.scalar_term:
        return out
    out[:, 0] = _constant(f, 0) if value is None else value
    return cupy.empty((len(out), plan.coefficients), out.dtype)


def _finish(rows: Any, out: Any, plan: Plan) -> None:
    if plan.scalar_term:
        out[:, 1:] = rows


def _series(f: str, x: Any, out: Any, plan: Plan) -> None:
    """out = f(x), rows without scalar."""
    tensor = Rows(x, False, 0)
    _launch("product", tensor, _horner(f, tensor, plan)[0], out, plan, factor=_factor(f, 0))


def _series_vjp(f: str, x: Any, g: Any, out: Any, plan: Plan) -> None:
    """The gradient of <g, f(x)>, rows without scalar."""
    import cupy

    tensor, gradient = Rows(x, False, 0), Rows(g, False, 0)
    for m, w in enumerate(_horner(f, tensor, plan)):
        reach = plan_for(plan.channels, plan.depth - m)  # of w_m, whose gradient is at hand
        factor = _factor(f, m)
        part = out if m == 0 else cupy.empty((len(out), reach.size), out.dtype)
        _launch("left", gradient, w, part, reach, factor=factor)
        if m:
            out[:, : reach.size] += part
        if m + 1 < plan.depth:
            lower = plan_for(plan.channels, plan.depth - m - 1)
            below = cupy.empty((len(out), lower.size), out.dtype)
            _launch("right", gradient, tensor, below, lower, factor=factor, depth=reach.depth)
            gradient = Rows(below, False, 0)


def _series_jvp(f: str, x: Any, dx: Any, out: Any, plan: Plan) -> None:
    """The derivative of f(x) along dx, rows without scalar."""
    import cupy

    tensor, move = Rows(x, False, 0), Rows(dx, False, 0)
    w = _horner(f, tensor, plan)
    change = Rows(cupy.zeros((len(out), 1), out.dtype), False, 0)
    for m in range(plan.depth - 1, -1, -1):
        reach = plan_for(plan.channels, plan.depth - m)
        level = out if m == 0 else cupy.empty((len(out), reach.size), out.dtype)
        _launch("product", move, w[m], level, reach, factor=_factor(f, m))
        _launch("product", tensor, change, level, reach, factor=_factor(f, m), add=True)
        change = Rows(level, False, 0)


def series(
    name: str, a: Any, out: Any, *, plan: Plan, before: Maps = (), after: Maps = (), workers: int
) -> None:
    """out = after(f(before(a))) for f = "exp", "log" or "inverse"."""
    import cupy

    x = _apply_all(before, _without_scalar(a, plan))
    inner = (
        cupy.empty((len(out), plan.coefficients), out.dtype)
        if after
        else _fill_scalar(name, out, plan)
    )
    _series(name, x, inner, plan_for(plan.channels, plan.depth))
    _deliver(after, inner, out, plan)


def series_vjp(
    name: str,
    a: Any,
    g: Any,
    out: Any,
    *,
    plan: Plan,
    before: Maps = (),
    after: Maps = (),
    workers: int,
) -> None:
    """The gradient of <g, after(f(before(a)))> at a."""
    import cupy

    x = _apply_all(before, _without_scalar(a, plan))
    cotangent = _without_scalar(g, plan) if not after else g
    y = _apply_all(transposed(after), cotangent)
    inner = (
        cupy.empty((len(out), plan.coefficients), out.dtype)
        if before
        else _fill_scalar(name, out, plan, 0)
    )
    _series_vjp(name, x, y, inner, plan_for(plan.channels, plan.depth))
    _deliver(transposed(before), inner, out, plan)


def series_jvp(
    name: str,
    a: Any,
    da: Any,
    out: Any,
    *,
    plan: Plan,
    before: Maps = (),
    after: Maps = (),
    workers: int,
) -> None:
    """The derivative of after(f(before(a))) along da."""
    import cupy

    x, dx = (_apply_all(before, _without_scalar(rows, plan)) for rows in (a, da))
    inner = (
        cupy.empty((len(out), plan.coefficients), out.dtype)
        if after
        else _fill_scalar(name, out, plan, 0)
    )
    _series_jvp(name, x, dx, inner, plan_for(plan.channels, plan.depth))
    _deliver(after, inner, out, plan)


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


def _apply_all(maps: Maps, rows: Any) -> Any:
    import cupy

    for matrix in maps:
        out = cupy.empty((len(rows), matrix.shape[0]), rows.dtype)
        _apply(matrix, rows, out)
        rows = out
    return rows


def _deliver(maps: Maps, rows: Any, out: Any, plan: Plan) -> None:
    """`rows` through the maps to `out`; without maps `rows` is `out` or its part without scalar."""
    if not maps:
        _finish(rows, out, plan)
        return
    _apply(maps[-1], _apply_all(maps[:-1], rows), out)


def linear(maps: Maps, a: Any, out: Any, *, plan: Plan, workers: int) -> None:
    """The maps applied to a, one after the other."""
    _deliver(maps, a, out, plan)
