"""The state of `SignatureIndex`: points, times and products, which grow and are stored."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from pysig._api import _checks
from pysig._api._index_file import are_sizes
from pysig._api._index_query import Query
from pysig._api._interval_bounds import find_intervals
from pysig._api._memory import MAX_DEPTH, available_memory, shortage
from pysig._api._product_table import ProductTable, level_count
from pysig._api._times import UNITS, Times, check_order, check_times, require_kind
from pysig._api._windows import broadcasts, check_length_of_times, check_paths_of_times
from pysig._backend import CUPY, NUMPY, ArrayBackend
from pysig._plans.layout import plan_for


class Sizes(NamedTuple):
    """What does not change when points are appended."""

    channels: int
    depth: int
    leaf: int
    batch: tuple[int, ...]
    dtype: Any

    @property
    def paths(self) -> int:
        """Number of paths."""
        return prod(self.batch)

    def nbytes(self, length: int) -> int:
        """Bytes of points and products of paths of this length."""
        leaves = (length - 1) // self.leaf
        rows = leaves * level_count(leaves) * plan_for(self.channels, self.depth).size
        return int(self.paths * (length * self.channels + rows) * np.dtype(self.dtype).itemsize)


class Index:
    """Points (paths, capacity, channels), of which `length` count, with a table of products."""

    def __init__(self, backend: ArrayBackend, sizes: Sizes, workers: int) -> None:
        self.backend_name = backend.name  # an ArrayBackend is compared by identity
        self.sizes, self.workers, self.length = sizes, workers, 0
        plan = plan_for(sizes.channels, sizes.depth)
        self.table = ProductTable(backend, plan, sizes.dtype, sizes.paths, workers)
        self.points = backend.xp.empty((sizes.paths, 0, sizes.channels), sizes.dtype)
        self.times: Times | None = None

    @property
    def backend(self) -> ArrayBackend:
        """Where arrays are."""
        return NUMPY if self.backend_name == NUMPY.name else CUPY

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        times = 0 if self.times is None else int(self.times.values.nbytes)
        return int(self.points.nbytes) + self.table.nbytes + times

    def check_fits(self, length: int) -> None:
        """Raise MemoryError if an index of this length does not fit."""
        needed = self.sizes.nbytes(length)
        available = available_memory(self.backend) if needed > 2**20 else None
        if needed > (2**63 - 1 if available is None else available):
            raise MemoryError(
                f"leaf: the index of {length} points {shortage(needed, available)} Take larger "
                "leaves or a smaller depth."
            )

    def bounds(self, intervals: Any, include_previous: Any, allocates: bool) -> Any:
        """The checked intervals (paths or 1, q, 2); `allocates`: the result must fit."""
        sizes = self.sizes

        def check(number: int) -> None:
            if allocates:
                self.check_query_fits((*sizes.batch, number, self.table.plan.size))

        rule = self.length, sizes.batch, self.times, include_previous
        found = find_intervals(intervals, *rule, check)
        check(int(found.shape[1]))
        return found

    def check_query_fits(self, shape: tuple[int, ...]) -> None:
        """Raise MemoryError if a result of this shape does not fit."""
        needed = prod(shape) * self.sizes.dtype.itemsize
        available = available_memory(self.backend) if needed > 2**20 else None
        if needed > (2**63 - 1 if available is None else available):
            raise MemoryError(
                f"intervals: the output of shape {shape} {shortage(needed, available)} Pass fewer "
                "at a time."
            )

    def fill(self, bounds: Any, rows: Any) -> None:
        """Fill `rows` (paths * q, size) with the signatures of bounds (paths or 1, q, 2)."""
        wide = np.broadcast_to(bounds, (self.sizes.paths, *bounds.shape[1:]))
        Query(self.table, self.points, self.sizes.leaf).fill(wide, rows)

    # ---- more points ----

    def append(self, points: Any, times: Any) -> None:
        """Check points and times, and append them."""
        sizes, backend = self.sizes, self.backend
        array = _checks.as_numeric(points, "points", backend)
        if array.ndim < 2 or array.shape[-1] != sizes.channels:
            raise ValueError(
                f"points: expected shape (..., points, {sizes.channels}), received "
                f"{tuple(array.shape)}."
            )
        shape = (*sizes.batch, array.shape[-2], sizes.channels)
        wide = _checks.broadcast(array, "points", shape, sizes.dtype, backend.xp)
        if (times is None) != (self.times is None):
            expected = "the times of the points" if times is None else "None"
            raise ValueError(
                f"times: expected {expected}, as when the index was built, received "
                f"{_checks.describe(times)}."
            )
        later = None if times is None else self._later_times(times, array.shape[-2])
        self.extend(wide.reshape(sizes.paths, *shape[-2:]), later)

    def _later_times(self, given: Any, points: int) -> Times:
        """All times, those of appended points included."""
        assert self.times is not None
        new = check_length_of_times(check_times(given), points)
        check_paths_of_times(new, self.sizes.batch)
        old = self.times
        require_kind(new, old, "times", "those of the index")
        if old.unit:
            unit = max(old.unit, new.unit, key=UNITS.index)
            old, new = old.in_unit(unit), new.in_unit(unit)
        lead = np.broadcast_shapes(old.shape[:-1], new.shape[:-1])
        parts = [np.broadcast_to(t.values, (*lead, t.shape[-1])) for t in (old, new)]
        joined = Times(np.concatenate(parts, axis=-1), old.kind, old.unit, old.zoned)
        check_order(joined)
        return joined

    def extend(self, points: Any, times: Times | None) -> None:
        """Append checked points (paths, points, channels); `times` are those of all points."""
        sizes, before, length = self.sizes, self.length, self.length + points.shape[1]
        capacity = self.points.shape[1]
        if capacity < length:
            capacity = length if not capacity else max(length, capacity + capacity // 2)
            shape = (len(points), capacity, sizes.channels)
            grown = self.backend.xp.empty(shape, sizes.dtype)
            grown[:, :before] = self.points[:, :before]
            self.points = grown
        self.points[:, before:length] = points
        self.length, self.times = length, times
        query = Query(self.table, self.points, sizes.leaf)
        for rows in query.leaves(self.table.leaves, (length - 1) // sizes.leaf):
            self.table.append(rows)

    # ---- storage ----

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Facts and arrays on the host, without room for more points."""
        channels, depth, leaf, batch, _ = self.sizes
        facts: dict[str, Any] = {"channels": channels, "depth": depth, "leaf": leaf}
        facts |= {"batch": list(batch), "length": self.length}

        def host(array: Any) -> Any:
            return array.get() if self.backend is CUPY else array

        arrays = {"points": host(self.points[:, : self.length])}
        for number, level in enumerate(self.table.levels):
            arrays[f"level{number}"] = host(level[:, : self.table.leaves])
        if self.times is not None:
            facts["times"] = [self.times.kind, self.times.unit, self.times.zoned]
            arrays["times"] = self.times.values
        return facts, arrays


def checked_times(times: Any, length: int, batch: tuple[int, ...]) -> Times | None:
    """Check the times of all points; None without them."""
    if times is None:
        return None
    checked = check_length_of_times(check_times(times), length)
    check_paths_of_times(checked, batch)
    check_order(checked)
    return checked


def of_state(facts: dict[str, Any], arrays: dict[str, Any], workers: int) -> Index:
    """The index of a state, on the CPU."""
    points = arrays["points"]
    batch = tuple(facts["batch"])
    sizes = Sizes(facts["channels"], facts["depth"], facts["leaf"], batch, points.dtype)
    index = Index(NUMPY, sizes, workers)
    index.points, index.length = points, facts["length"]
    index.table.levels = [arrays[name] for name in arrays if name.startswith("level")]
    index.table.leaves = (index.length - 1) // sizes.leaf
    if "times" in facts:
        index.times = Times(arrays["times"], *facts["times"])
    return index


def fits_together(facts: dict[str, Any], arrays: dict[str, Any]) -> bool:
    """Whether facts and arrays are the state of an index."""
    try:
        channels, depth, leaf, length = (facts[k] for k in ("channels", "depth", "leaf", "length"))
        listed = isinstance(facts["batch"], list)
        if not (listed and are_sizes(*facts["batch"], channels, depth, leaf, length)):
            return False
        deepest = MAX_DEPTH if channels == 1 else 63  # more coefficients than 64 bits count
        if not (channels and length and leaf and 0 < depth <= deepest):
            return False
        paths, leaves = prod(facts["batch"]), (length - 1) // leaf
        row = (paths, leaves, plan_for(channels, depth).size)
        shapes = {f"level{number}": row for number in range(level_count(leaves))}
        shapes["points"] = (paths, length, channels)
        names = set(shapes) | ({"times"} if "times" in facts else set())
        return (
            names == set(arrays)
            and all(arrays[name].shape == shape for name, shape in shapes.items())
            and len({arrays[name].dtype for name in shapes}) == 1
            and ("times" not in facts or _are_times(facts, arrays["times"], length))
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return False


def _are_times(facts: dict[str, Any], values: Any, length: int) -> bool:
    """Whether the times of a file are those of an index of this length."""
    kind, unit, *zoned = facts["times"]  # ValueError if there are fewer
    units = ("",) if kind == "number" else UNITS
    dtypes = ("int64", "float64") if kind == "number" else ("int64",)
    return (
        kind in ("number", "datetime64", "timedelta64")
        and unit in units
        and zoned in ([], [False], [True])
        and values.dtype.name in dtypes
        and values.shape[-1:] == (length,)
        and broadcasts(values.shape[:-1], tuple(facts["batch"]))
    )
