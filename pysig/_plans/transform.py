"""Transforms of paths: the one table of stages, and what the kernels are told.

Codes of stages are those of csrc/include/pysig/algebra/transform.hpp.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from typing import Any, NamedTuple


class _Stage(NamedTuple):
    code: int
    steps: Callable[[int], int]
    channels: Callable[[int], int]


STAGES = {
    "time": _Stage(1, lambda n: n, lambda d: d + 1),
    "lead_lag": _Stage(2, lambda n: 2 * n, lambda d: 2 * d),
    "basepoint": _Stage(3, lambda n: n + 1, lambda d: d),
    "reset": _Stage(4, lambda n: n + 2, lambda d: d + 1),
}


class Transform(NamedTuple):
    """A checked transform: stages as nibbles of a number, the first one lowest; times (batch,
    points) or None. Times of paths without padding follow one another, those of path b from
    ``starts[b]`` on; `starts` is a NumPy array on every backend.
    """

    stages: int
    times: Any
    end: float
    starts: Any = None

    def part(self, rows: slice) -> Transform:
        """For some paths of the batch."""
        if self.times is None:
            return self
        if self.starts is None:
            return self._replace(times=self.times[rows])
        starts = self.starts[rows]
        if not len(starts):
            return self._replace(starts=starts)
        ends = self.starts[rows.stop :] if rows.stop is not None else starts[:0]
        last = ends[0] if len(ends) else len(self.times)
        return self._replace(times=self.times[starts[0] : last], starts=starts - starts[0])


NO_TRANSFORM = Transform(0, None, 0.0)  # for kernels, which always read these fields


def names(stages: int) -> list[str]:
    """The stages in the order of their application."""
    of_code = {stage.code: name for name, stage in STAGES.items()}
    found = []
    while stages:
        found.append(of_code[stages & 15])
        stages >>= 4
    return found


def code(stages: list[str]) -> int:
    """The inverse of `names`."""
    return sum(STAGES[name].code << 4 * k for k, name in enumerate(stages))


def channels_after(transform: Transform | None, channels: int) -> int:
    """Channels of the transformed path."""
    for name in names(transform.stages) if transform else ():
        channels = STAGES[name].channels(channels)
    return channels


def times_after(transform: Transform, steps: Any) -> Any:
    """Points of paths of `steps` steps (a number or an array) at the stage of time."""
    for name in takewhile(lambda name: name != "time", names(transform.stages)):
        steps = STAGES[name].steps(steps)
    return steps + 1


def steps_after(transform: Transform | None, steps: int) -> int:
    """Steps of the transformed path."""
    for name in names(transform.stages) if transform else ():
        steps = STAGES[name].steps(steps)
    return steps
