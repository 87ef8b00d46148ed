"""The paths of one call, their tangents and their gradients, as one object each. These objects
cross every border between the public functions, the backends and the extension.

Axes before the length are flattened to one batch. Everything is checked: a backend asserts, it does
not validate.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pysig._plans.transform import Transform, channels_after, steps_after


class Paths(NamedTuple):
    """Paths, and the options that say how their points are read.

    The order of the fields is that of `path_arrays` in csrc/bindings/paths.hpp.
    """

    points: Any  # (batch, length, channels)
    basepoint: Any = None  # (batch, channels)
    initial: Any = None  # (batch, coefficients), without the scalar
    lengths: Any = None  # (batch,), int64
    order: Any = None  # (batch,), int64: the paths by length, for lanes of similar length
    transform: Transform | None = None

    @property
    def batch(self) -> int:
        """Number of paths."""
        return int(self.points.shape[0])

    @property
    def steps(self) -> int:
        """Increments of the transformed path."""
        steps = self.points.shape[1] - (self.basepoint is None)
        return steps_after(self.transform, steps)

    @property
    def channels(self) -> int:
        """Channels of the transformed path."""
        return channels_after(self.transform, self.points.shape[2])

    def part(self, rows: slice) -> Paths:
        """Some paths of the batch; `order` does not carry over."""
        basepoint, initial, lengths = (None if a is None else a[rows] for a in self[1:4])
        transform = None if self.transform is None else self.transform.part(rows)
        return Paths(self.points[rows], basepoint, initial, lengths, None, transform)


class Tangents(NamedTuple):
    """The direction of a derivative; None: that input is constant."""

    path: Any  # (batch, length, channels)
    basepoint: Any = None
    initial: Any = None

    def part(self, rows: slice) -> Tangents:
        """The rows of some paths of the batch."""
        return Tangents(*(None if a is None else a[rows] for a in self))


class Cotangents(NamedTuple):
    """Arrays that a backend fills with gradients; None: not needed."""

    path: Any  # (batch, length, channels)
    basepoint: Any = None
    initial: Any = None

    def part(self, rows: slice) -> Cotangents:
        """The rows of some paths of the batch."""
        return Cotangents(*(None if a is None else a[rows] for a in self))


class Options(NamedTuple):
    """Options of a result that are not part of its plan."""

    stream: bool = False  # signatures of all prefixes
    inverse: bool = False
    method: str = "auto"
    workers: int = 1
