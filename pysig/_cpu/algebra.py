"""The tensor algebra on NumPy arrays: rows of coefficients, lanes are rows
(csrc/include/pysig/cpu/schedules/algebra.hpp).

Rows are (batch, width), contiguous; an input of one row serves the whole batch. `scalar` is the
coefficient of the empty word of the factors where `plan.scalar_term` says that it is not stored.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pysig._cpu._extension import core
from pysig._plans.layout import Plan
from pysig._plans.sparse_matrix import SparseMatrix

Maps = tuple[SparseMatrix, ...]
MapsAround = tuple[Maps, Maps]  # applied before and after a series
NO_MAPS: MapsAround = ((), ())
Pair = tuple[Any, Any]

_OPERATIONS = {"product": 0, "shuffle": 1, "half_shuffle": 2}
_SERIES_OP, _LINEAR_OP = 3, 4
_SERIES = {"exp": 0, "log": 1, "inverse": 2}
_VALUE, _JVP, _VJP, _HVP = 0, 1, 2, 3


def maps_of(maps: Maps, dtype: Any) -> list[tuple[Any, Any, Any, int]]:
    """Sparse matrices as the extension takes them."""
    single = np.dtype(dtype) == np.float32
    return [(m.indptr, m.indices, m.single if single else m.double, m.shape[1]) for m in maps]


def transposed(maps: Maps) -> Maps:
    """The adjoint of maps that are applied one after the other."""
    return tuple(m.transposed for m in reversed(maps))


class _Rows(NamedTuple):
    """`operands` of csrc/bindings/algebra.cpp."""

    a: Any
    b: Any = None
    da: Any = None
    db: Any = None
    cotangent: Any = None


class _Operation(NamedTuple):
    """`operation` of csrc/bindings/algebra.cpp."""

    op: int
    derivative: int
    series: int = 0


def _product(name: str, derivative: int) -> _Operation:
    return _Operation(_OPERATIONS[name], derivative)


def _series(name: str, derivative: int) -> _Operation:
    return _Operation(_SERIES_OP, derivative, _SERIES[name])


def _run(
    operation: _Operation,
    rows: _Rows,
    into: Pair,
    plan: Plan,
    maps: tuple[Maps, Maps, Maps] = ((), (), ()),
    scalar: int = 0,
    workers: int = 1,
) -> None:
    """One call of the extension: `into` is the output and, for a product, that of b, or None."""
    out, out_b = into
    layout = plan.channels, plan.depth, plan.scalar_term, float(scalar)
    lists = tuple(maps_of(part, out.dtype) for part in maps)
    core.algebra(operation, layout, rows, lists, out, out_b, workers)


def bilinear(
    name: str, factors: Pair, out: Any, plan: Plan, scalar: int = 0, workers: int = 1
) -> None:
    """out = a * b, where `name` is "product", "shuffle" or "half_shuffle"."""
    operation = _product(name, _VALUE)
    _run(operation, _Rows(*factors), (out, None), plan, scalar=scalar, workers=workers)


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
    rows = _Rows(*factors, *tangents)
    _run(_product(name, _JVP), rows, (out, None), plan, scalar=scalar, workers=workers)


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
    rows = _Rows(*factors, cotangent=cotangent)
    _run(_product(name, _VJP), rows, into, plan, scalar=scalar, workers=workers)


def series(
    name: str, a: Any, out: Any, plan: Plan, maps: MapsAround = NO_MAPS, workers: int = 1
) -> None:
    """out = after(f(before(a))) for f = "exp", "log" or "inverse"."""
    before, after = maps
    around = (before, (), after)
    _run(_series(name, _VALUE), _Rows(a), (out, None), plan, around, workers=workers)


def series_jvp(
    name: str,
    a: Any,
    tangent: Any,
    out: Any,
    plan: Plan,
    maps: MapsAround = NO_MAPS,
    workers: int = 1,
) -> None:
    """The derivative of after(f(before(a))) along the tangent."""
    before, after = maps
    rows, around = _Rows(a, da=tangent), (before, (), after)
    _run(_series(name, _JVP), rows, (out, None), plan, around, workers=workers)


def series_vjp(
    name: str,
    a: Any,
    cotangent: Any,
    out: Any,
    plan: Plan,
    maps: MapsAround = NO_MAPS,
    workers: int = 1,
) -> None:
    """The gradient of <cotangent, after(f(before(a)))> at a."""
    rows = _Rows(a, cotangent=cotangent)
    _run(_series(name, _VJP), rows, (out, None), plan, _maps_back(maps), workers=workers)


def series_hvp(
    name: str,
    a: Any,
    cotangent: Any,
    tangent: Any,
    out: Any,
    plan: Plan,
    maps: MapsAround = NO_MAPS,
    workers: int = 1,
) -> None:
    """The derivative along the tangent of the gradient that `series_vjp` computes."""
    rows = _Rows(a, da=tangent, cotangent=cotangent)
    _run(_series(name, _HVP), rows, (out, None), plan, _maps_back(maps), workers=workers)


def _maps_back(maps: MapsAround) -> tuple[Maps, Maps, Maps]:
    before, after = maps
    return before, transposed(after), transposed(before)


def linear(maps: Maps, a: Any, out: Any, plan: Plan, workers: int = 1) -> None:
    """The maps applied to a, one after the other."""
    operation = _Operation(_LINEAR_OP, _VALUE)
    _run(operation, _Rows(a), (out, None), plan, ((), (), maps), workers=workers)
