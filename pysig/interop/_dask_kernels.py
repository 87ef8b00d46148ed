"""Matrices of signature kernels of Dask arrays: a task for each pair of chunks of paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
from dask.array.utils import meta_from_array
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

import pysig
from pysig.interop._dask_checks import check_path, listed_stages
from pysig.interop._dask_graph import Layer, library


def signature_kernel_matrix(
    x: Any,
    y: Any = None,
    depth: int | None = None,
    *,
    order: int | None = None,
    dyadic_order: int = 0,
    static_kernel: Any = None,
    weights: Any = None,
    levels: bool = False,
    grid: bool = False,
    normalize: Any = False,
    lengths: Any = None,
    basepoint: Any = None,
    transform: Any = None,
    method: str = "auto",
    workers: int = 1,
) -> Any:
    """Signature kernels of all pairs of paths of Dask arrays, see `pysig.signature_kernel_matrix`.

    Parameters
    ----------
    x : dask.array.Array, shape (paths_x, length_x, channels)
        Paths with any chunks along the first axis, and one chunk of time and of channels.
    y : dask.array.Array, shape (paths_y, length_y, channels), optional
        The other paths. None: those of x again; half of the matrix is computed.
    depth, order : int, optional
        See `pysig.signature_kernel`. One of them is needed: a tolerance would choose another order
        for each chunk. `pysig.signature_kernel_order` finds an order from some of the paths.
    dyadic_order, static_kernel, weights, levels, grid, normalize
        See `pysig.signature_kernel`.
    lengths : tuple (lengths_x, lengths_y), or array_like of int without `y`, optional
        Numbers of points of the paths.
    basepoint : bool or array_like, shape (channels,), or a tuple of two of these, optional
        A point in front of every path. Without `y` not a tuple.
    transform : str, pysig.Time, or sequence of these, optional
        See `pysig.signature`. `pysig.Time` takes times that all paths share.
    method
        See `pysig.signature_kernel`.
    workers : int, optional
        Threads of each task.

    Returns
    -------
    dask.array.Array, shape (paths_x, paths_y)
        With `levels` (paths_x, paths_y, depth + 1), with `grid` (paths_x, paths_y, points_x,
        points_y). Chunks along the first two axes are those of x and of y.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, or a path is in several chunks. The message states the remedy.

    See Also
    --------
    pysig.signature_kernel_matrix : The function of arrays, with all options explained.

    Notes
    -----
    One task for each chunk of the matrix. A task holds a chunk of x, one of y and their kernels.
    Without `y` the matrix is symmetric to the last bit.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> import pysig
    >>> from pysig.interop import dask as sig
    >>> points = np.random.default_rng(0).normal(size=(20, 30, 3)).cumsum(axis=1) / 10
    >>> paths = da.from_array(points, chunks=(5, 30, 3))
    >>> gram = sig.signature_kernel_matrix(paths, depth=4)
    >>> gram.shape, gram.numblocks
    ((20, 20), (4, 4))
    >>> bool(np.allclose(gram, pysig.signature_kernel_matrix(points, depth=4)))
    True
    """
    sides = [("x", x)] if y is None else [("x", x), ("y", y)]
    for name, side in sides:
        _check_side(side, name)
    if depth is None and order is None and method != "finite_difference":
        raise ValueError(
            "order: expected an order or a depth, because a tolerance chooses another order for "
            "each chunk, received None. pysig.signature_kernel_order finds one."
        )
    options = {
        "depth": depth,
        "order": order,
        "dyadic_order": dyadic_order,
        "static_kernel": static_kernel,
        "weights": weights,
        "levels": levels,
        "grid": grid,
        "normalize": normalize,
        "basepoint": basepoint,
        "transform": transform,
        "method": method,
        "workers": workers,
    }
    counts = _check_counts(lengths, [side for _, side in sides])
    own = _shape_of_a_pair([side for _, side in sides], options)
    return _matrix([side for _, side in sides], counts, options, own)


def _check_side(side: Any, name: str) -> None:
    check_path(side, name)
    if side.ndim != 3:
        raise ValueError(
            f"{name}: expected shape (paths, length, channels), received shape {side.shape}. "
            "Reshape the paths to one axis."
        )
    if side.numblocks[1] != 1:
        raise ValueError(
            f"{name}: expected one chunk of time, received {side.numblocks[1]} chunks. "
            f"Rechunk it: {name}.rechunk({{1: -1}})."
        )


def _check_counts(lengths: Any, sides: list[Any]) -> list[Any]:
    """The numbers of points of the paths of each side, arrays or None."""
    if lengths is None or len(sides) == 1:
        given = (lengths,) * len(sides)
    elif isinstance(lengths, tuple) and len(lengths) == 2:
        given = lengths
    else:
        raise TypeError(
            f"lengths: expected a tuple (lengths_x, lengths_y), received "
            f"{type(lengths).__name__}. Pass None for the side that has none."
        )
    counts: list[Any] = []
    for count, side in zip(given, sides, strict=True):
        if count is not None:
            count = np.asarray(count.compute() if isinstance(count, da.Array) else count)
            if count.shape != side.shape[:1]:
                raise ValueError(
                    f"lengths: expected shape {side.shape[:1]}, a number for each path, received "
                    f"shape {count.shape}."
                )
        counts.append(count)
    return counts


def _shape_of_a_pair(sides: list[Any], options: dict[str, Any]) -> tuple[int, ...]:
    """The shape of the result of a pair of paths. Checks the options on paths of two points."""
    bases = options["basepoint"]
    pair = bases if isinstance(bases, tuple) and len(sides) == 2 else (bases,) * len(sides)
    for base in pair:
        if np.ndim(base) > 1:
            raise ValueError(
                f"basepoint: expected shape (channels,), received shape {np.shape(base)}. Put "
                "the points in front of each path."
            )
    stages = listed_stages(options["transform"])
    for stage in stages:
        if isinstance(stage, pysig.Time) and np.ndim(stage.times) > 1:
            raise ValueError(
                f"times: expected shape (length,), times that all paths share, received shape "
                f"{np.shape(stage.times)}. Append times to the channels."
            )
    plain = [pysig.Time() if isinstance(stage, pysig.Time) else stage for stage in stages]
    tiny: list[Any] = [
        np.stack([np.zeros(side.shape[2]), np.ones(side.shape[2])])[None] for side in sides
    ]
    second = tiny[1] if len(tiny) == 2 else None
    pysig.signature_kernel_matrix(tiny[0], second, **{**options, "transform": plain or None})
    if options["levels"]:
        return (options["depth"] + 1,)
    if not options["grid"]:
        return ()
    points = [
        pysig.transformed_shape(side.shape[1] + (base is not None and base is not False), 1, stages)
        for side, base in zip(sides, pair, strict=True)
    ]
    return (points[0][0], points[-1][0])


@dataclass(frozen=True)
class Block:
    """The kernels of a chunk of x and a chunk of y; `lengths` are those of these paths."""

    options: dict[str, Any]
    lengths: Any

    def __call__(self, x: Any, y: Any = None) -> Any:
        return pysig.signature_kernel_matrix(x, y, lengths=self.lengths, **self.options)


def _matrix(
    sides: list[Any], counts: list[Any], options: dict[str, Any], own: tuple[int, ...]
) -> Any:
    x, y = sides[0], sides[-1]
    symmetric = len(sides) == 1
    name = f"signature-kernel-matrix-{tokenize(sides, counts, options)}"
    starts = [np.cumsum([0, *side.chunks[0]]).tolist() for side in (x, y)]
    zeros = (0,) * len(own)
    layer: Layer = {}
    for i in range(x.numblocks[0]):
        for j in range(y.numblocks[0]):
            key = (name, i, j, *zeros)
            if symmetric and j < i:
                layer[key] = (transposed, (name, j, i, *zeros))
                continue
            parts = [
                None if count is None else count[begin[k] : begin[k + 1]]
                for count, begin, k in zip((counts[0], counts[-1]), starts, (i, j), strict=True)
            ]
            if symmetric and i == j:
                layer[key] = (Block(options, parts[0]), (x.name, i, 0, 0))
                continue
            lengths = None if all(part is None for part in parts) else tuple(parts)
            layer[key] = (Block(options, lengths), (x.name, i, 0, 0), (y.name, j, 0, 0))
    graph = HighLevelGraph.from_collections(name, layer, dependencies=sides)
    chunks = (x.chunks[0], y.chunks[0], *((size,) for size in own))
    dtype = np.result_type(*(s.dtype if s.dtype.kind == "f" else np.float64 for s in sides))
    return da.Array(graph, name, chunks, meta=meta_from_array(x._meta, 2 + len(own), dtype=dtype))


def transposed(block: Any) -> Any:
    """The block with x and y exchanged, also in its grids of prefixes."""
    axes = (1, 0) if block.ndim == 2 else (1, 0, 2) if block.ndim == 3 else (1, 0, 3, 2)
    return library(block).ascontiguousarray(block.transpose(axes))
