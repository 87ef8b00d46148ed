"""Signatures of Dask arrays, chunked along the batch, along time, or both.

A path that is chunked along time is computed chunk by chunk; Chen's identity joins the chunks in a
tree. Only the last point of a chunk goes to the next one. The chunks may be NumPy or CuPy arrays,
and the result has the same kind.

Each task computes with one thread, because Dask runs several tasks at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import dask.array as da
from dask.array.utils import meta_from_array
from dask.base import tokenize

import pysig
from pysig.interop._dask_checks import check_arguments, check_path, listed_stages
from pysig.interop._dask_graph import Chunked, Plan, signed
from pysig.interop._dask_kernels import signature_kernel_matrix
from pysig.interop._dask_windows import logsignature_windows, signature_windows

__all__ = [
    "logsignature",
    "logsignature_windows",
    "signature",
    "signature_kernel_matrix",
    "signature_windows",
]

#: Stages of a transform that chunks of a path can be computed with one by one.
LOCAL_STAGES = ("time", "lead_lag")


def signature(
    path: Any,
    depth: int | None = None,
    *,
    stream: bool = False,
    basepoint: Any = None,
    inverse: bool = False,
    scalar_term: bool = False,
    words: Any = None,
    lengths: Any = None,
    transform: Any = None,
    workers: int = 1,
    split_every: int = 8,
) -> Any:
    """Signatures of a Dask array of paths, see `pysig.signature`.

    Parameters
    ----------
    path : dask.array.Array, shape (..., length, channels)
        Paths with any chunks along the batch and along time, and one chunk of channels. The chunks
        are NumPy or CuPy arrays.
    depth : int, optional
        Truncation depth, at least 1. Optional with `words`.
    stream : bool, optional
        If True, return the signatures of all prefixes.
    basepoint : bool or array_like, shape (channels,), optional
        A point in front of each path; True is the origin.
    inverse, scalar_term : bool, optional
        See `pysig.signature`.
    words : sequence of tuple of int, optional
        Return these coefficients only.
    lengths : array_like of int, shape (...), optional
        Number of points of each path; for paths with one chunk of time.
    transform : str, pysig.Time, or sequence of these, optional
        See `pysig.signature`. With several chunks of time: "time", "lead_lag", or `pysig.Time` of
        one time for each point.
    workers : int, optional
        Threads of each task.
    split_every : int, optional
        Number of chunks of time that a task joins, at least 2.

    Returns
    -------
    dask.array.Array, shape (..., size); with `stream` (..., prefixes, size)
        One chunk of coefficients; chunks along the batch as those of `path`.

    Raises
    ------
    TypeError
        If `path` is not a Dask array, or an argument has a wrong type.
    ValueError
        If the channels are in several chunks, sizes of chunks are unknown, or an option is not
        available for several chunks of time. The message states the remedy.

    See Also
    --------
    pysig.signature : Signature of arrays, with all options explained.
    logsignature : Log-signatures of the same input.

    Notes
    -----
    At most three tasks for a chunk: its last point, its signature, and a share of the tree of Chen
    products; with `stream` four. A worker holds one chunk and some rows of coefficients for each of
    its threads. The result equals that of `pysig.signature` up to rounding of Chen products, and
    depends on the chunks only.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> import pysig
    >>> from pysig.interop import dask as sig
    >>> points = np.random.default_rng(0).normal(size=(1000, 2)).cumsum(axis=0)
    >>> path = da.from_array(points, chunks=(100, 2))
    >>> bool(np.allclose(sig.signature(path, 3).compute(), pysig.signature(points, 3)))
    True
    """
    result = {"inverse": inverse, "scalar_term": scalar_term, "words": words}
    points = {"basepoint": basepoint, "lengths": lengths, "transform": transform}
    return _computed(Call(path, depth, stream, points, workers, split_every), result)


def logsignature(
    path: Any,
    depth: int,
    *,
    basis: str = "words",
    stream: bool = False,
    basepoint: Any = None,
    inverse: bool = False,
    lengths: Any = None,
    transform: Any = None,
    workers: int = 1,
    split_every: int = 8,
) -> Any:
    """Log-signatures of a Dask array of paths, see `pysig.logsignature`.

    Parameters
    ----------
    path, depth
        See `signature`.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        The basis of the coordinates.
    stream, basepoint, inverse, lengths, transform, workers, split_every
        See `signature`.

    Returns
    -------
    dask.array.Array, shape (..., size); with `stream` (..., prefixes, size)
        Coordinates in the basis.

    Raises
    ------
    TypeError, ValueError
        See `signature`.

    See Also
    --------
    pysig.logsignature : Log-signature of arrays, with all options explained.
    signature : Signatures of the same input.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> import pysig
    >>> from pysig.interop import dask as sig
    >>> points = np.random.default_rng(0).normal(size=(1000, 2)).cumsum(axis=0)
    >>> path = da.from_array(points, chunks=(100, 2))
    >>> bool(np.allclose(sig.logsignature(path, 3).compute(), pysig.logsignature(points, 3)))
    True
    """
    result = {"inverse": inverse, "log": basis}
    points = {"basepoint": basepoint, "lengths": lengths, "transform": transform}
    return _computed(Call(path, depth, stream, points, workers, split_every), result)


class Call(NamedTuple):
    """The arguments of a call. `points` are the options that say how points are read."""

    path: Any
    depth: Any
    stream: bool
    points: dict[str, Any]
    workers: int
    split_every: int


def _computed(call: Call, result: Mapping[str, Any]) -> Any:
    """`result` are the options that say what is returned."""
    path, points, split_every = call.path, call.points, call.split_every
    check_path(path)
    if not isinstance(split_every, int) or split_every < 2:
        raise ValueError(
            f"split_every: expected an integer of at least 2, received {split_every!r}."
        )
    plan, array = check_arguments(path, call.depth, call.stream, points, result, call.workers)
    if path.numblocks[-2] == 1:
        return _by_batch(array, plan, call.stream, points)
    if points["lengths"] is not None:
        raise ValueError(
            "lengths: expected None for a path in several chunks of time, received an array. "
            "Rechunk it: path.rechunk({-2: -1})."
        )
    for stage in plan.stages:
        if stage not in (*LOCAL_STAGES, "times"):
            raise ValueError(
                f"transform: expected {', '.join(LOCAL_STAGES)} or pysig.Time for a path in "
                f"several chunks of time, received {stage!r}. Rechunk it: path.rechunk({{-2: -1}})."
            )
    stages = listed_stages(points["transform"])
    return Chunked(array, plan, points["basepoint"], stages).result(call.stream, split_every)


def _by_batch(path: Any, plan: Plan, stream: bool, points: dict[str, Any]) -> Any:
    """Each block of paths by itself; `points` are the options that say how points are read."""
    lengths = points.pop("lengths")
    based = points["basepoint"] is not None and points["basepoint"] is not False
    rows = pysig.transformed_shape(path.shape[-2] + based, 1, points["transform"])[0] - 1
    columns = ((rows,), (plan.size,)) if stream else ((plan.size,),)
    ndim = path.ndim
    arrays = [path]
    if lengths is not None:
        counts = da.broadcast_to(da.asarray(lengths), path.shape[:-2]).rechunk(path.chunks[:-2])
        arrays.append(counts[..., None, None])
    return da.map_blocks(
        partial(_block, plan=plan, stream=stream, points=points),
        *arrays,
        dtype=path.dtype,
        drop_axis=[ndim - 2, ndim - 1],
        new_axis=[ndim - 2, ndim - 1] if stream else [ndim - 2],
        chunks=(*path.chunks[:-2], *columns),
        meta=meta_from_array(path._meta, ndim - 1 + stream, dtype=path.dtype),
        name=f"signature-{tokenize(path, plan, stream, points, lengths)}",
    )


def _block(
    block: Any, counts: Any = None, *, plan: Plan, stream: bool, points: Mapping[str, Any]
) -> Any:
    lengths = {} if counts is None else {"lengths": counts[..., 0, 0]}
    return signed(block, plan, stream, {**points, **lengths})
