"""The operations as the dispatcher calls them: paths, tangents and gradients as one argument each.

Unpacks them for the launchers of this folder.
"""

from __future__ import annotations

from typing import Any

from pysig._gpu import algebra, algebra_series
from pysig._gpu import logsignature as _logsignature
from pysig._gpu import projection as _projection
from pysig._gpu import signature as _signature
from pysig._gpu import signature_vjp as _signature_vjp
from pysig._plans.layout import Plan
from pysig._plans.paths import Cotangents, Options, Paths, Tangents
from pysig._plans.projection import Projection

Maps = algebra.Maps
Pair = tuple[Any, Any]


def _arguments(paths: Paths, options: Options) -> dict[str, Any]:
    return {
        "stream": options.stream,
        "basepoint": paths.basepoint,
        "initial": paths.initial,
        "lengths": paths.lengths,
        "transform": paths.transform,
        "workers": options.workers,
    }


def _along(tangents: Tangents | None) -> dict[str, Any]:
    path, basepoint, initial = tangents or Tangents(None)
    return {"tangent": path, "basepoint_tangent": basepoint, "initial_tangent": initial}


def signature(paths: Paths, out: Any, plan: Plan, options: Options) -> None:
    """Fill `out` (batch, [rows,] plan.size) with the signatures of `paths`."""
    _signature.signature(
        paths.points,
        out,
        plan=plan,
        inverse=options.inverse,
        method=options.method,
        **_arguments(paths, options),
    )


def signature_jvp(paths: Paths, tangents: Tangents, out: Any, plan: Plan, options: Options) -> None:
    """Fill `out` as `signature` does, with the derivative along the tangents."""
    along = _along(tangents)
    _signature_vjp.signature_jvp(
        paths.points,
        along.pop("tangent"),
        out,
        plan=plan,
        inverse=options.inverse,
        method=options.method,
        **along,
        **_arguments(paths, options),
    )


def signature_vjp(
    paths: Paths,
    cotangent: Any,
    into: Cotangents,
    plan: Plan,
    options: Options,
    tangents: Tangents | None = None,
) -> None:
    """Fill `into` with the gradients; with `tangents`, with their derivatives along them."""
    _signature_vjp.signature_vjp(
        paths.points,
        cotangent,
        into.path,
        into.basepoint,
        into.initial,
        plan=plan,
        inverse=options.inverse,
        method=options.method,
        **_along(tangents),
        **_arguments(paths, options),
    )


def logsignature(paths: Paths, out: Any, plan: Plan, maps: Maps, options: Options) -> None:
    """Fill `out` (batch, [rows,] width): the maps applied to the logarithms of the signatures."""
    _logsignature.logsignature(
        paths.points,
        out,
        plan=plan,
        maps=maps,
        inverse=options.inverse,
        method=options.method,
        **_arguments(paths, options),
    )


def projection(
    paths: Paths,
    out: Any,
    plan: Projection,
    matrix: Any,
    options: Options,
    tangents: Tangents | None = None,
) -> None:
    """Fill `out` (batch, [rows,] outputs): rows of `matrix` times the columns of `plan`."""
    _projection.projection(
        paths.points,
        out,
        plan=plan,
        matrix=matrix,
        **_along(tangents),
        **_arguments(paths, options),
    )


def projection_vjp(
    paths: Paths,
    cotangent: Any,
    into: Cotangents,
    plan: Projection,
    matrix: Any,
    options: Options,
    tangents: Tangents | None = None,
) -> None:
    """Fill `into` with the gradients; that of `initial` is (batch, columns)."""
    _projection.projection_vjp(
        paths.points,
        cotangent,
        into.path,
        into.basepoint,
        into.initial,
        plan=plan,
        matrix=matrix,
        **_along(tangents),
        **_arguments(paths, options),
    )


def bilinear(
    name: str, factors: Pair, out: Any, plan: Plan, scalar: int = 0, workers: int = 1
) -> None:
    """out = a * b, where `name` is "product", "shuffle" or "half_shuffle"."""
    algebra.bilinear(name, *factors, out, plan=plan, scalar=scalar, workers=workers)


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
    algebra.bilinear_jvp(name, *factors, *tangents, out, plan=plan, scalar=scalar, workers=workers)


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
    algebra.bilinear_vjp(
        name, *factors, cotangent, *into, plan=plan, scalar=scalar, workers=workers
    )


def series(
    name: str,
    a: Any,
    out: Any,
    plan: Plan,
    maps: tuple[Maps, Maps] = ((), ()),
    workers: int = 1,
) -> None:
    """out = after(f(before(a))) for f = "exp", "log" or "inverse"."""
    before, after = maps
    algebra_series.series(name, a, out, plan=plan, before=before, after=after, workers=workers)


def series_jvp(
    name: str,
    a: Any,
    tangent: Any,
    out: Any,
    plan: Plan,
    maps: tuple[Maps, Maps] = ((), ()),
    workers: int = 1,
) -> None:
    """The derivative of after(f(before(a))) along the tangent."""
    before, after = maps
    algebra_series.series_jvp(
        name, a, tangent, out, plan=plan, before=before, after=after, workers=workers
    )


def series_vjp(
    name: str,
    a: Any,
    cotangent: Any,
    out: Any,
    plan: Plan,
    maps: tuple[Maps, Maps] = ((), ()),
    workers: int = 1,
) -> None:
    """The gradient of <cotangent, after(f(before(a)))> at a."""
    before, after = maps
    algebra_series.series_vjp(
        name, a, cotangent, out, plan=plan, before=before, after=after, workers=workers
    )


def series_hvp(
    name: str,
    a: Any,
    cotangent: Any,
    tangent: Any,
    out: Any,
    plan: Plan,
    maps: tuple[Maps, Maps] = ((), ()),
    workers: int = 1,
) -> None:
    """The derivative along the tangent of the gradient that `series_vjp` computes."""
    before, after = maps
    algebra_series.series_hvp(
        name, a, cotangent, tangent, out, plan=plan, before=before, after=after, workers=workers
    )


def linear(maps: Maps, a: Any, out: Any, plan: Plan, workers: int = 1) -> None:
    """The maps applied to a, one after the other."""
    algebra.linear(maps, a, out, plan=plan, workers=workers)
