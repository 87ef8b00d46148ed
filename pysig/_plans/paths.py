"""The paths of one call, their tangents and their gradients, as one object each. These objects
cross every border between the public functions, the backends and the extension.

Axes before the length are flattened to one batch. Everything is checked: a backend asserts, it does
not validate.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pysig._plans.transform import Transform, channels_after, steps_after


class Rows(NamedTuple):
    """Paths in separate arrays (length, channels), contiguous and of one dtype.

    The order of the fields is that of `row_arrays` in csrc/bindings/paths.hpp.
    """

    addresses: Any  # (batch,), int64
    items: list[Any]

    def part(self, rows: slice) -> Rows:
        """Some of the paths."""
        return Rows(self.addresses[rows], self.items[rows])


class Paths(NamedTuple):
    """Paths, and the options that say how their points are read.

    Paths without padding follow one another in `points` (total, channels). Path b is
    ``points[starts[b] : starts[b] + lengths[b]]``; `starts` and `lengths` are NumPy arrays on every
    backend. Operations of the CPU that compute values read separate arrays, `rows`, in place;
    `points` is then the first of them, and `lengths` are those of all.

    The order of the fields is that of `path_arrays` in csrc/bindings/paths.hpp.
    """

    points: Any  # (batch, length, channels); with `starts` (total, channels)
    basepoint: Any = None  # (batch, channels)
    initial: Any = None  # (batch, coefficients), without the scalar
    lengths: Any = None  # (batch,), int64
    order: Any = None  # (batch,), int64: the paths by length, for lanes of similar length
    transform: Transform | None = None
    starts: Any = None  # (batch,), int64, or None: the first point of each path in `points`
    rows: Rows | None = None

    @property
    def batch(self) -> int:
        """Number of paths."""
        return int(self.points.shape[0] if self.points.ndim == 3 else len(self.lengths))

    @property
    def length(self) -> int:
        """Points of the longest path."""
        if self.points.ndim == 3:
            return int(self.points.shape[1])
        return int(self.lengths.max(initial=1))

    @property
    def steps(self) -> int:
        """Increments of the transformed path."""
        steps = self.length - (self.basepoint is None)
        return steps_after(self.transform, steps)

    @property
    def channels(self) -> int:
        """Channels of the transformed path."""
        return channels_after(self.transform, self.points.shape[-1])

    def part(self, rows: slice) -> Paths:
        """Some paths of the batch; `order` does not carry over."""
        basepoint, initial, lengths = (None if a is None else a[rows] for a in self[1:4])
        transform = None if self.transform is None else self.transform.part(rows)
        if self.rows is not None:
            own = self.rows.part(rows)
            first = own.items[0] if own.items else self.points
            return Paths(first, basepoint, initial, lengths, None, transform, None, own)
        if self.starts is None:
            return Paths(self.points[rows], basepoint, initial, lengths, None, transform)
        inside = self.points_of(rows)
        points, starts = self.points[inside], self.starts[rows] - inside.start
        return Paths(points, basepoint, initial, lengths, None, transform, starts)

    def joined(self) -> Paths:
        """The same paths, with a copy of separate arrays as one."""
        if self.rows is None:
            return self
        starts = np.cumsum(self.lengths) - self.lengths
        return self._replace(points=np.concatenate(self.rows.items), starts=starts, rows=None)

    def points_of(self, rows: slice) -> slice:
        """The rows of `points`, of a tangent and of a gradient that hold some paths."""
        if self.starts is None or not len(self.starts[rows]):
            return rows
        last = self.starts[rows][-1] + self.lengths[rows][-1]
        return slice(int(self.starts[rows][0]), int(last))


class Tangents(NamedTuple):
    """The direction of a derivative; None: that input is constant."""

    path: Any  # in the shape of the points
    basepoint: Any = None
    initial: Any = None

    def part(self, rows: slice, points: slice | None = None) -> Tangents:
        """The rows of some paths; `points`: see `Paths.points_of`."""
        others = (None if a is None else a[rows] for a in self[1:])
        return Tangents(self.path[rows if points is None else points], *others)


class Cotangents(NamedTuple):
    """Arrays that a backend fills with gradients; None: not needed."""

    path: Any  # in the shape of the points
    basepoint: Any = None
    initial: Any = None

    def part(self, rows: slice, points: slice | None = None) -> Cotangents:
        """The rows of some paths; `points`: see `Paths.points_of`."""
        others = (None if a is None else a[rows] for a in self[1:])
        return Cotangents(self.path[rows if points is None else points], *others)


# With the numbers of `method` in csrc/include/pysig/cpu/jobs/signature.hpp.
METHODS = {"auto": 0, "tile": 1, "cumsum": 2}


class Options(NamedTuple):
    """Options of a result that are not part of its plan."""

    stream: bool = False  # signatures of all prefixes
    inverse: bool = False
    method: str = "auto"  # of METHODS
    workers: int = 1
