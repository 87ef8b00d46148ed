"""The tensor algebra on NumPy arrays: rows of coefficients, lanes are rows
(csrc/include/pysig/cpu/schedules/algebra.hpp).

Rows are (batch, width), contiguous; an input of one row serves the whole batch. `scalar` is the
coefficient of the empty word of the factors where `plan.scalar_term` says that it is not stored.
"""

from __future__ import annotations

from typing import Any

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


def _run(op: int, of: int, out: Any, plan: Plan, workers: int, **arguments: Any) -> None:
    """One call of the extension; all other rows and maps are None or empty."""
    maps = {
        name: maps_of(arguments.pop(name, ()), out.dtype) for name in ("before", "between", "after")
    }
    rows = {name: arguments.pop(name, None) for name in ("a", "b", "da", "db", "g")}
    core.tensor(
        op=op,
        of=of,
        f=arguments.pop("f", 0),
        channels=plan.channels,
        depth=plan.depth,
        batch=len(out),
        scalar_term=plan.scalar_term,
        scalar=float(arguments.pop("scalar", 0)),
        out=out,
        out_b=arguments.pop("out_b", None),
        workers=workers,
        **rows,
        **maps,
    )
    assert not arguments


def bilinear(
    name: str, factors: Pair, out: Any, plan: Plan, scalar: int = 0, workers: int = 1
) -> None:
    """out = a * b, where `name` is "product", "shuffle" or "half_shuffle"."""
    a, b = factors
    _run(_OPERATIONS[name], _VALUE, out, plan, workers, a=a, b=b, scalar=scalar)


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
    (a, b), (da, db) = factors, tangents
    _run(_OPERATIONS[name], _JVP, out, plan, workers, a=a, b=b, da=da, db=db, scalar=scalar)


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
    (a, b), (out, out_b) = factors, into
    rows = {"a": a, "b": b, "g": cotangent, "out_b": out_b}
    _run(_OPERATIONS[name], _VJP, out, plan, workers, scalar=scalar, **rows)


def series(
    name: str, a: Any, out: Any, plan: Plan, maps: MapsAround = NO_MAPS, workers: int = 1
) -> None:
    """out = after(f(before(a))) for f = "exp", "log" or "inverse"."""
    before, after = maps
    _run(_SERIES_OP, _VALUE, out, plan, workers, f=_SERIES[name], a=a, before=before, after=after)


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
    around = dict(zip(("before", "after"), maps, strict=True))
    f = _SERIES[name]
    _run(_SERIES_OP, _JVP, out, plan, workers, f=f, a=a, da=tangent, **around)


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
    f, around = _SERIES[name], _maps_back(maps)
    _run(_SERIES_OP, _VJP, out, plan, workers, f=f, a=a, g=cotangent, **around)


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
    rows = {"a": a, "g": cotangent, "da": tangent}
    _run(_SERIES_OP, _HVP, out, plan, workers, f=_SERIES[name], **rows, **_maps_back(maps))


def _maps_back(maps: MapsAround) -> dict[str, Maps]:
    before, after = maps
    return {"before": before, "between": transposed(after), "after": transposed(before)}


def linear(maps: Maps, a: Any, out: Any, plan: Plan, workers: int = 1) -> None:
    """The maps applied to a, one after the other."""
    _run(_LINEAR_OP, _VALUE, out, plan, workers, a=a, after=maps)
