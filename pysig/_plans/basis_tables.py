"""The exact tables of the free Lie algebra as arrays: what a kernel needs to read coordinates
off a tensor and back.

A log-signature has the same coordinates in four forms: "expanded" (all words), "words" (the Lyndon
words of the expanded form), "brackets" (in the Lyndon brackets), "hall" (in the standard Hall
basis). Every change of form is an exact integer matrix, level by level; here they are put together,
cached and made ready.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np

from pysig._combinatorics import expansion, hall, lie, size_bounds
from pysig._combinatorics.expansion import Rows
from pysig._combinatorics.lyndon_dual import lyndon_functionals
from pysig._combinatorics.words import level_sizes, signature_size
from pysig._plans.sparse_matrix import SparseMatrix
from pysig._system import available_memory

BASES = ("expanded", "words", "brackets", "hall")


def _diagonal(
    levels: list[Rows] | tuple[Rows, ...], rows: list[int], columns: list[int]
) -> SparseMatrix:
    """One matrix from one per level, level after level along the diagonal."""
    indptr, indices, data = [np.zeros(1, np.int64)], [], []
    entries = column = 0
    for level, width in zip(levels, columns, strict=True):
        indptr.append(level.indptr[1:] + entries)
        indices.append(level.indices + column)
        data.append(level.data)
        entries, column = entries + len(level.data), column + width
    return SparseMatrix(
        (sum(rows), sum(columns)),
        np.concatenate(indptr),
        np.concatenate(indices),
        np.concatenate(data),
    )


def _identity(size: int) -> SparseMatrix:
    return SparseMatrix((size, size), np.arange(size + 1), np.arange(size), np.ones(size, np.int64))


@lru_cache(maxsize=64)
def _step(channels: int, depth: int, source: str, target: str) -> SparseMatrix:
    """The changes of basis from which all others are composed."""
    coordinates = [hall.lyndon_count(channels, k) for k in range(1, depth + 1)]
    if channels == 1:
        coordinates = [1] + [0] * (depth - 1)
    tensor = list(level_sizes(channels, depth))
    size, width = sum(coordinates), sum(tensor)
    match source, target:
        case "expanded", "words":
            offsets = [signature_size(channels, k) for k in range(depth)]
            words = expansion.lyndon_indices(channels, depth)
            indices = np.concatenate([w + o for w, o in zip(words, offsets, strict=True)])
            return SparseMatrix(
                (size, width), np.arange(size + 1), indices, np.ones(size, np.int64)
            )
        case "expanded", "brackets":
            lyndon, functionals = (
                hall.lyndon_set(channels, depth),
                lyndon_functionals(channels, depth),
            )
            levels = [
                expansion.rows_of(functionals[s.start : s.stop], channels**k)
                for k in range(1, depth + 1)
                for s in [lyndon.level(k)]
            ]
            return _diagonal(levels, coordinates, tensor)
        case "brackets", "expanded":
            return _diagonal(
                expansion.expand(hall.lyndon_set(channels, depth), depth), coordinates, tensor
            ).transposed
        case "hall", "expanded":
            return _diagonal(
                expansion.expand(hall.standard_hall_set(channels, depth), depth),
                coordinates,
                tensor,
            ).transposed
        case "brackets", "words":
            return _diagonal(expansion.words_of_brackets(channels, depth), coordinates, coordinates)
        case "words", "brackets":
            return _diagonal(expansion.brackets_of_words(channels, depth), coordinates, coordinates)
        case "brackets", "hall":
            elements = lie.lyndon_in_hall(channels, depth)
            return SparseMatrix((size, size), *expansion.rows_of(elements, size)).transposed
        case "hall", "brackets":
            elements = lie.hall_in_lyndon(channels, depth)
            return SparseMatrix((size, size), *expansion.rows_of(elements, size)).transposed
    raise AssertionError((source, target))


# What a step holds at its height, in bytes, at the least that was measured: for each coordinate
# (the Hall set, tuples of Python integers and their dictionary) and for each entry of its long
# rows. Functionals are dictionaries of Python integers before they are arrays (150 to 240 bytes),
# brackets are arrays that are sorted (90 to 120).
_COORDINATE = 150
_ENTRY = {"functionals": 150, "brackets": 85}


def _long_rows(channels: int, depth: int, source: str, target: str) -> tuple[str, int] | None:
    """The kind of long rows (see size_bounds.py) that a step makes, and up to which level."""
    match source, target:
        case "expanded", "brackets":
            return "functionals", depth
        case "brackets", "expanded":
            return "brackets", depth
        case ("words", "brackets") | ("brackets", "words") if depth > 1:
            return "brackets", depth - 1
    return None


def _bytes_needed(
    channels: int, depth: int, source: str, target: str, enough: int | None = None
) -> int:
    """What a step needs at the least. Nothing is sampled if that is clear to be below `enough`."""
    needed = _COORDINATE * hall.logsignature_size(channels, depth)
    rows = _long_rows(channels, depth, source, target)
    if rows is None or (enough is not None and needed > enough):
        return needed
    kind, level = rows
    if enough is not None and size_bounds.at_most(channels, level, kind) * _ENTRY[kind] <= enough:
        return needed
    return needed + size_bounds.about(channels, level, kind) * _ENTRY[kind]


@lru_cache(maxsize=256)
def _admit(channels: int, depth: int, source: str, target: str, asked: tuple[str, str]) -> None:
    """MemoryError, before anything is made, if a step needs more memory than there is. Asked once:
    when the tables are there, they have taken part of what was available.
    """
    most = available_memory()
    if most is None or channels == 1:
        return
    # Deeper tables never need less, and it is dear to know how much more.
    for candidate in range(1, depth + 1):
        needed = _bytes_needed(channels, candidate, source, target, most)
        if needed > most:
            largest = (
                f"The largest depth that fits is {candidate - 1}."
                if candidate > 1
                else "No depth fits; use fewer channels."
            )
            raise MemoryError(
                f"depth: the tables between {asked[0]!r} and {asked[1]!r} for {channels} channels "
                f"at depth {depth} need about {needed} bytes or more, {most} bytes can be had. "
                f"{largest} {_advice(*asked)}"
            )


def _advice(source: str, target: str) -> str:
    """Which basis has smaller tables."""
    if source == "expanded" and target != "words":
        return f"Those of basis='words' are the smallest. {_advice('expanded', 'words')}"
    return "basis='expanded' has no tables, but more coordinates."


def _check_fits(channels: int, depth: int, stops: tuple[str, ...]) -> None:
    for a, b in pairwise(stops):
        _admit(channels, depth, a, b, (stops[0], stops[-1]))


# How every change of basis is composed, in order of application. Through the brackets, where
# nothing cancels.
_ROUTES = {
    ("expanded", "hall"): ("expanded", "brackets", "hall"),
    ("words", "hall"): ("words", "brackets", "hall"),
    ("words", "expanded"): ("words", "brackets", "expanded"),
    ("hall", "words"): ("hall", "brackets", "words"),
}


@lru_cache(maxsize=64)
def route(channels: int, depth: int, source: str, target: str) -> tuple[SparseMatrix, ...]:
    """Sparse matrices that lead from one form to another, in the order in which they are
    applied.
    """
    if source == target:
        return ()
    stops = _ROUTES.get((source, target), (source, target))
    if stops == ("hall", "expanded"):  # two short matrices are applied faster than the long one
        stops = ("hall", "brackets", "expanded")
    _check_fits(channels, depth, stops)
    try:
        return tuple(_step(channels, depth, a, b) for a, b in pairwise(stops))
    except MemoryError:
        raise MemoryError(
            f"depth: the tables between {source!r} and {target!r} for {channels} channels at depth "
            f"{depth} do not fit the memory. {_advice(source, target)}"
        ) from None


def change_of_basis(channels: int, depth: int, source: str, target: str) -> SparseMatrix:
    """The exact matrix that turns coordinates in `source` into coordinates in `target`."""
    if source == target:
        return _identity(coordinate_count(channels, depth, source))
    stops = _ROUTES.get((source, target), (source, target))
    _check_fits(channels, depth, stops)
    matrix = _step(channels, depth, stops[0], stops[1])
    for a, b in pairwise(stops[1:]):
        matrix = _step(channels, depth, a, b) @ matrix
    return matrix


def coordinate_count(channels: int, depth: int, basis: str) -> int:
    """How many coordinates a log-signature has in `basis`."""
    if basis == "expanded":
        return signature_size(channels, depth)
    return hall.logsignature_size(channels, depth)
