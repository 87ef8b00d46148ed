"""Reference implementation of `transform`: the transformed path, point by point."""

from __future__ import annotations

from typing import Any

import numpy as np


def stages_of(transform: Any) -> tuple[Any, ...]:
    """`transform=` as a sequence."""
    if transform is None:
        return ()
    return tuple(transform) if isinstance(transform, (list, tuple)) else (transform,)


def points_after(shape: tuple[int, ...], transform: Any) -> tuple[int, ...]:
    """Points and channels of the transformed path."""
    uniform = ["time" if hasattr(stage, "times") else stage for stage in stages_of(transform)]
    return tuple(np.shape(transformed(np.zeros(shape), uniform)))


def transformed(points: Any, stages: Any, batch: Any = (), b: Any = (), moves: bool = False) -> Any:
    """The points of the transformed path, from those of path `b` of a batch of that shape.

    `stages`: "lead_lag", "basepoint", "reset", "time", and objects with `times` (..., points) and
    `end`. `moves`: the points are a direction, and what does not come from them does not move.
    """
    for stage in stages:
        one, n = points[:1, 0] * 0 + 1, len(points)
        if stage == "lead_lag":  # (lag, lead): the lead moves first
            twice = np.repeat(points, 2, axis=0)
            points = np.concatenate([twice[:-1], twice[1:]], axis=1)
        elif stage == "basepoint":
            points = np.concatenate([points[:1] * 0, points])
        elif stage == "reset":  # a channel that says whether the path is seen
            seen = np.concatenate([points, np.repeat(one, n)[:, None]], axis=1)
            unseen = seen[-1:].copy()
            unseen[:, -1] *= 0
            points = np.concatenate([seen, unseen, unseen * 0])
            if moves:
                points[:, -1] *= 0
        else:
            times = _times(stage, batch, b, n, one[0])
            points = np.concatenate([points, (times * 0 if moves else times)[:, None]], axis=1)
    return points


def _times(stage: Any, batch: Any, b: Any, n: int, one: Any) -> Any:
    """The times of the first `n` points of path `b`."""
    times = getattr(stage, "times", None)
    if times is None:
        end = getattr(stage, "end", 1)
        return np.array([one * k * end / max(n - 1, 1) for k in range(n)])
    times = np.asarray(times)
    if times.dtype != object:
        times = times.astype(np.float64)
    return np.broadcast_to(times, (*batch, times.shape[-1]))[b][:n] * one
