"""A batch in parts: of a bounded size, or such that scratch memory keeps to its limit."""

from __future__ import annotations

from collections.abc import Iterator

from pysig._plans.paths import Paths


def parts_of(paths: Paths, size: int) -> Iterator[tuple[slice, Paths]]:
    """Consecutive parts of at most `size` paths; the paths themselves where these are all."""
    batch = paths.batch
    if 0 < batch <= size:
        yield slice(0, batch), paths
        return
    for first in range(0, batch, size):
        rows = slice(first, first + size)
        yield rows, paths.part(rows)
