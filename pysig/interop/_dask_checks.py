"""Checks of the arguments of functions of Dask arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dask.array as da
import numpy as np

import pysig
from pysig.interop._dask_graph import Plan, signed


def listed_stages(transform: Any) -> list[Any]:
    """The stages of a transform."""
    if transform is None:
        return []
    return list(transform) if isinstance(transform, (list, tuple)) else [transform]


def check_arguments(
    path: Any,
    depth: Any,
    stream: bool,
    points: Mapping[str, Any],
    result: Mapping[str, Any],
    workers: int,
) -> tuple[Plan, Any]:
    """The plan, and the path in a floating dtype. Arguments are checked now, not in a task.

    `points` are the options that say how points are read, `result` those that say what is returned.
    """
    words = result.get("words")
    wanted = None if words is None else tuple(tuple(word) for word in words)
    if wanted is not None and depth is None:
        depth = max(map(len, wanted), default=1)
    stages = listed_stages(points["transform"])
    plan = Plan(
        channels=pysig.transformed_shape(path.shape[-2], path.shape[-1], points["transform"])[1],
        depth=depth,
        stages=tuple(_stage_name(stage) for stage in stages),
        workers=workers,
        **{"log": None, "inverse": False, "scalar_term": False, **result, "words": wanted},
    )
    array = path if path.dtype.kind == "f" else path.astype(np.float64)
    tiny = np.zeros((2, path.shape[-1]), array.dtype)
    checked = [pysig.Time() if isinstance(stage, pysig.Time) else stage for stage in stages]
    signed(tiny, plan, stream, {"basepoint": points["basepoint"], "transform": checked or None})
    return plan, array


def _stage_name(stage: Any) -> Any:
    if not isinstance(stage, pysig.Time):
        return stage
    return "time" if stage.times is None else "times"


def check_path(path: Any, name: str = "path") -> None:
    """Raise TypeError or ValueError unless it is an array of paths in one chunk of channels."""
    if not isinstance(path, da.Array):
        raise TypeError(
            f"{name}: expected a dask.array.Array, received {type(path).__name__}. "
            "Pass other arrays to pysig.signature."
        )
    if path.ndim < 2:
        raise ValueError(
            f"{name}: expected shape (..., length, channels), received shape {path.shape}."
        )
    if any(np.isnan(size) for size in path.shape):
        raise ValueError(
            f"{name}: expected chunks of known sizes, received unknown ones. "
            f"Call {name}.compute_chunk_sizes()."
        )
    if path.numblocks[-1] != 1:
        raise ValueError(
            f"{name}: expected one chunk of channels, received chunks {path.chunks[-1]}. "
            f"Rechunk it: {name}.rechunk({{-1: -1}})."
        )
    if 0 in path.shape[-2:]:
        raise ValueError(
            f"{name}: expected at least one point and one channel, received shape {path.shape}."
        )
