"""Layout of a signature: sizes and offsets of its levels, cached."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate

from pysig._combinatorics import words as _words


@dataclass(frozen=True)
class Plan:
    """Layout of signatures of `channels` channels truncated at `depth`."""

    channels: int
    depth: int
    scalar_term: bool = False

    @cached_property
    def level_sizes(self) -> tuple[int, ...]:
        """Coefficients of levels 1..depth."""
        return _words.level_sizes(self.channels, self.depth)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Offsets of levels 1..depth without the scalar, followed by the end of the last level."""
        return tuple(accumulate(self.level_sizes, initial=0))

    @cached_property
    def coefficients(self) -> int:
        """Coefficients of levels 1..depth together."""
        return _words.signature_size(self.channels, self.depth)

    @cached_property
    def size(self) -> int:
        """Width of the output, including the scalar if it is stored."""
        return self.coefficients + self.scalar_term


@lru_cache(maxsize=1024)
def plan_for(channels: int, depth: int, scalar_term: bool = False) -> Plan:
    """The plan for these sizes; equal sizes share one object."""
    return Plan(channels, depth, scalar_term)
