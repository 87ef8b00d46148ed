"""Derivatives of `signature` of CuPy arrays: gradients by tiles where there are any, all other
derivatives by running sums."""

from __future__ import annotations

from typing import Any

from pysig._gpu import signature_vjp_cumsum, signature_vjp_tile
from pysig._gpu.errors import operation, refuse_capture
from pysig._gpu.ragged import padded
from pysig._plans.layout import Plan
from pysig._plans.paths import Cotangents, Options, Paths, Tangents


@operation
@padded
def signature_jvp(paths: Paths, tangents: Tangents, out: Any, plan: Plan, options: Options) -> None:
    """Fill `out` as `signature` does, with the derivative along the tangents."""
    import cupy

    if not out.size:
        return
    with paths.points.device:
        refuse_capture(cupy, "signature_jvp")
        signature_vjp_cumsum.jvp(cupy, paths, tangents, out, plan, options)


@operation
@padded
def signature_vjp(
    paths: Paths,
    cotangent: Any,
    into: Cotangents,
    plan: Plan,
    options: Options,
    tangents: Tangents | None = None,
) -> None:
    """Fill `into` with the gradients; with `tangents`, with their derivatives along them."""
    import cupy

    if not paths.points.size:
        return
    itemsize = paths.points.dtype.itemsize
    tiles = tangents is None and options.method != "cumsum"
    with paths.points.device:
        refuse_capture(cupy, "signature_vjp")
        if tiles and signature_vjp_tile.has_tiles(plan, options.stream, itemsize):
            signature_vjp_tile.run(cupy, paths, cotangent, into, plan, options)
        else:
            signature_vjp_cumsum.vjp(cupy, paths, cotangent, into, plan, options, tangents)
