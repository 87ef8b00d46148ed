"""The tensor algebra on NumPy arrays: rows of coefficients, lanes are rows
(csrc/include/pysig/cpu/schedules/algebra.hpp).

Rows are (batch, width), contiguous; an input of one row serves the whole batch. `scalar` is the
coefficient of the empty word of the factors where `plan.scalar_term` says that it is not stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._cpu._extension import core
from pysig._plans.basis_tables import SparseMatrix
from pysig._plans.layout import Plan

Maps = tuple[SparseMatrix, ...]

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
    """One call of the extension: what is not among `arguments` is absent."""
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


def bilinear(name: str, a: Any, b: Any, out: Any, *, plan: Plan, scalar: int, workers: int) -> None:
    """out = a * b, where `name` is "product", "shuffle" or "half_shuffle"."""
    _run(_OPERATIONS[name], _VALUE, out, plan, workers, a=a, b=b, scalar=scalar)


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
    _run(_OPERATIONS[name], _VJP, out_a, plan, workers, a=a, b=b, g=g, out_b=out_b, scalar=scalar)


def bilinear_jvp(
    name: str, a: Any, b: Any, da: Any, db: Any, out: Any, *, plan: Plan, scalar: int, workers: int
) -> None:
    """The derivative of a * b along da and db."""
    _run(_OPERATIONS[name], _JVP, out, plan, workers, a=a, b=b, da=da, db=db, scalar=scalar)


def series(
    name: str, a: Any, out: Any, *, plan: Plan, before: Maps = (), after: Maps = (), workers: int
) -> None:
    """out = after(f(before(a))) for f = "exp", "log" or "inverse"."""
    _run(_SERIES_OP, _VALUE, out, plan, workers, f=_SERIES[name], a=a, before=before, after=after)


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
    _series_back(_VJP, name, out, plan, before, after, workers, a=a, g=g)


def series_hvp(
    name: str,
    a: Any,
    g: Any,
    da: Any,
    out: Any,
    *,
    plan: Plan,
    before: Maps = (),
    after: Maps = (),
    workers: int,
) -> None:
    """The derivative along da of the gradient of <g, after(f(before(a)))> at a."""
    _series_back(_HVP, name, out, plan, before, after, workers, a=a, g=g, da=da)


def _series_back(
    of: int,
    name: str,
    out: Any,
    plan: Plan,
    before: Maps,
    after: Maps,
    workers: int,
    **rows: Any,
) -> None:
    _run(
        _SERIES_OP,
        of,
        out,
        plan,
        workers,
        f=_SERIES[name],
        **rows,
        before=before,
        between=transposed(after),
        after=transposed(before),
    )


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
    _run(
        _SERIES_OP,
        _JVP,
        out,
        plan,
        workers,
        f=_SERIES[name],
        a=a,
        da=da,
        before=before,
        after=after,
    )


def linear(maps: Maps, a: Any, out: Any, *, plan: Plan, workers: int) -> None:
    """The maps applied to a, one after the other."""
    _run(_LINEAR_OP, _VALUE, out, plan, workers, a=a, after=maps)
