"""Lie brackets in coordinates of a Hall set, and exact changes between Hall sets.

The bracket of two elements i < j either is an element of the set, or Jacobi's identity expands one
factor:

    [[x, y], j] = [[x, j], y] + [x, [y, j]]     (Lyndon: y < j)
    [i, [c, e]] = [[i, c], e] + [c, [i, e]]     (standard Hall: i < c)

The recursion on the right-hand sides terminates (Reutenauer 1993, section 4.2).
"""

from __future__ import annotations

from functools import lru_cache

from .hall import HallSet, lyndon_set, standard_hall_set

Element = dict[int, int]  # the nonzero coordinates of a Lie element


class LieBracket:
    """The Lie bracket in one Hall set, with a cache of rewritten pairs. Not thread-safe."""

    def __init__(self, hall: HallSet) -> None:
        self._left, self._right, self._rank = hall.left, hall.right, hall.rank
        self._splits_left = hall.splits_left
        self._cache: dict[tuple[int, int], Element] = {
            (a, b): {h: 1}
            for h, (a, b) in enumerate(zip(hall.left, hall.right, strict=True))
            if a >= 0
        }

    def of_pair(self, i: int, j: int) -> Element:
        """[i, j] for elements with rank[i] < rank[j]."""
        cached = self._cache.get((i, j))
        if cached is not None:
            return cached
        if self._splits_left:
            x, y = self._left[i], self._right[i]
            result = self(self({x: 1}, {j: 1}), {y: 1})
            rest = self({x: 1}, self({y: 1}, {j: 1}))
        else:
            c, e = self._left[j], self._right[j]
            result = self(self({i: 1}, {c: 1}), {e: 1})
            rest = self({c: 1}, self({i: 1}, {e: 1}))
        for h, value in rest.items():
            result[h] = result.get(h, 0) + value
        self._cache[i, j] = result
        return result

    def __call__(self, a: Element, b: Element) -> Element:
        """[a, b] of two Lie elements whose levels add up to at most the depth of the set."""
        rank = self._rank
        result: Element = {}
        for i, p in a.items():
            for j, q in b.items():
                if i == j or not (coefficient := p * q):
                    continue
                if rank[i] > rank[j]:
                    pair, coefficient = self.of_pair(j, i), -coefficient
                else:
                    pair = self.of_pair(i, j)
                for h, value in pair.items():
                    result[h] = result.get(h, 0) + coefficient * value
        return result


def elements_in(source: HallSet, target: HallSet) -> tuple[Element, ...]:
    """Coordinates in `target` of every element of `source`.

    They are the columns of the change of basis, which is unimodular.
    """
    bracket = LieBracket(target)
    out: list[Element] = []
    for h, (a, b) in enumerate(zip(source.left, source.right, strict=True)):
        element = {h: 1} if a < 0 else bracket(out[a], out[b])
        out.append({k: value for k, value in element.items() if value})
    return tuple(out)


@lru_cache(maxsize=32)
def lyndon_in_hall(channels: int, depth: int) -> tuple[Element, ...]:
    """Coordinates of every Lyndon bracket in the standard Hall basis."""
    return elements_in(lyndon_set(channels, depth), standard_hall_set(channels, depth))


@lru_cache(maxsize=32)
def hall_in_lyndon(channels: int, depth: int) -> tuple[Element, ...]:
    """Coordinates of every standard Hall element in the Lyndon brackets."""
    return elements_in(standard_hall_set(channels, depth), lyndon_set(channels, depth))
