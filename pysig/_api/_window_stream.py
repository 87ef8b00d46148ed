"""Windows of a path that arrives in chunks: the points that later windows need are kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._api._windows import (
    LARGEST,
    WindowRule,
    check_rule,
    every_point,
    grid,
    points_between,
    points_grid,
)


class WindowStream:
    """The windows of one path. The arguments are those of `window_bounds`; `timed`: whether
    `window` and `stride` are lengths of time.
    """

    def __init__(self, timed: bool, *, include_previous: Any, **arguments: Any) -> None:
        self.timed, self.arguments = timed, {"previous": include_previous, **arguments}
        self.rule: WindowRule | None = None
        self.times: Any = None  # of the points that are kept
        self.kept = 0  # the number of the first one
        self.done = 0  # windows; with a window for each point, points
        self.first: Any = None

    def advance(self, times: Any, last: bool) -> tuple[Any, Any, int]:
        """Take the times of the next points; `last`: the path ends with them.

        Returns the windows (windows, 2) that are complete now, as intervals of the points that were
        kept and these; the moment at which each ends; and how many of these points, from the first
        on, later windows do not need. A window of times is complete when a later time is known,
        since points at its end may follow.
        """
        if self.rule is None:
            own = times if self.timed else None
            self.rule = check_rule(len(times), times=own, **self.arguments)
            self.times, self.first = times[:0], times[0]
        self.times = np.concatenate([self.times, times])
        bounds, ends, spare = self._of_times(last) if self.timed else self._of_points()
        spare = min(max(spare, 0), len(self.times))
        self.times = self.times[spare:]
        self.kept += spare
        return bounds, ends, spare

    def _of_points(self) -> tuple[Any, Any, int]:
        rule = self.rule
        assert rule is not None
        window, count = rule.window, self.kept + len(self.times)
        number, first, stride = points_grid(rule, count)
        ends = first + stride * np.arange(self.done, number, dtype=np.int64)
        begins = np.maximum(ends - min(window, LARGEST) - rule.include_previous, 0)
        self.done = number
        spare = first + stride * number - window - rule.include_previous - self.kept
        bounds = np.stack([begins, ends], axis=1) - self.kept
        return bounds, self.times[bounds[:, 1] - 1], spare

    def _of_times(self, last: bool) -> tuple[Any, Any, int]:
        rule, times = self.rule, self.times
        assert rule is not None
        numbers, origin = times, self.first
        if times.dtype.kind in "mM":
            numbers = self._units(times - self.first)
        elif times.dtype.kind == "i":
            numbers = times - self.first
        if numbers.dtype.kind == "i":
            origin = np.int64(0)
        if rule.stride is None:
            begins, ends, pending = self._at_points(numbers, origin, last)
        else:
            begins, ends, pending = self._on_grid(numbers, origin, last)
        bounds = points_between(rule, numbers, begins, ends)
        spare = int(np.searchsorted(numbers, pending, "left")) - 1
        return bounds, self._moments(ends, numbers.dtype.kind == "i"), spare

    def _at_points(self, numbers: Any, origin: Any, last: bool) -> tuple[Any, Any, Any]:
        """Begins, ends, and the least time that later windows need."""
        assert self.rule is not None
        new = numbers[self.done - self.kept :]
        if not last:
            new = new[new < numbers[-1]]
        self.done += len(new)
        begins, ends = every_point(self.rule, new, origin)
        return begins, ends, numbers[-1] - self.rule.window

    def _on_grid(self, numbers: Any, origin: Any, last: bool) -> tuple[Any, Any, Any]:
        assert self.rule is not None
        number, begins, ends = grid(self.rule, origin, numbers[-1], self.done)
        if not last and len(ends) and ends[-1] == numbers[-1]:
            number, begins, ends = number - 1, begins[:-1], ends[:-1]
        self.done = number
        return begins, ends, numbers[-1] - self.rule.window

    def _units(self, differences: Any) -> Any:
        """Differences of dates in the unit of the window."""
        assert self.rule is not None
        assert self.rule.times is not None
        return differences.astype(f"timedelta64[{self.rule.times.unit}]").astype(np.int64)

    def _moments(self, ends: Any, relative: bool) -> Any:
        """Ends of windows as times of the kind of the points."""
        assert self.rule is not None
        assert self.rule.times is not None
        if self.rule.times.unit:
            return self.first + ends.astype(f"timedelta64[{self.rule.times.unit}]")
        return self.first + ends if relative else ends
