"""Changes of basis of log-signatures: cached sparse matrices of exact integers.

A log-signature has coordinates in four bases: "expanded" (all words), "words" (the Lyndon words of
the expanded form), "brackets" (Lyndon brackets) and "hall" (the standard Hall basis). A change of
basis is the product of one or more steps, and a step is built from blocks, one for each level.
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
    """Assemble the block-diagonal matrix with one block for each level."""
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
    """Build an elementary change of basis. The others are products of these."""
    if channels == 1:
        return _step_of_one_channel(depth, source, target)
    coordinates = [hall.lyndon_count(channels, k) for k in range(1, depth + 1)]
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


def _step_of_one_channel(depth: int, source: str, target: str) -> SparseMatrix:
    """The bases have one element, the letter. Its coordinate is the first coefficient."""
    if "expanded" not in (source, target):
        return _identity(1)
    unit = np.ones(1, np.int64)
    first = SparseMatrix((1, depth), np.arange(2), np.zeros(1, np.int64), unit)
    return first if source == "expanded" else first.transposed


# Measured lower bounds of the peak memory of a step in bytes. Each coordinate needs memory for the
# Hall set: tuples of Python integers and their dictionary. Each entry of the long rows needs 150 to
# 240 bytes for functionals, dictionaries of Python integers, and 90 to 120 for sorted brackets.
_COORDINATE_BYTES = 150
_ENTRY_BYTES = {"functionals": 150, "brackets": 85}


def _long_rows(channels: int, depth: int, source: str, target: str) -> tuple[str, int] | None:
    """The kind of the long rows of a step (see size_bounds.py), and their highest level."""
    match source, target:
        case "expanded", "brackets":
            return "functionals", depth
        case "brackets", "expanded":
            return "brackets", depth
        case ("words", "brackets") | ("brackets", "words") if depth > 1:
            return "brackets", depth - 1
    return None


def _min_bytes(channels: int, depth: int, source: str, target: str, available: int) -> int:
    """A lower bound of the memory of a step.

    Sample rows only if the cheap bounds do not decide whether `available` bytes suffice.
    """
    needed = _COORDINATE_BYTES * hall.logsignature_size(channels, depth)
    rows = _long_rows(channels, depth, source, target)
    if rows is None or needed > available:
        return needed
    kind, level = rows
    if size_bounds.upper_bound(channels, level, kind) * _ENTRY_BYTES[kind] <= available:
        return needed
    return needed + size_bounds.estimate(channels, level, kind) * _ENTRY_BYTES[kind]


@lru_cache(maxsize=256)
def _check_table_memory(
    channels: int, depth: int, source: str, target: str, conversion: tuple[str, str]
) -> None:
    """Raise MemoryError, before any allocation, if a step needs more memory than is available.

    The result is cached, because existing tables reduce the available memory. All public functions
    obtain tables from `conversion_steps` or `change_of_basis`, so the check is here.
    """
    available = available_memory()
    if available is None or channels == 1:
        return
    # Memory grows with depth and is expensive to estimate, so depths are tried in increasing order.
    for candidate in range(1, depth + 1):
        needed = _min_bytes(channels, candidate, source, target, available)
        if needed > available:
            largest = (
                f"The largest depth that fits is {candidate - 1}."
                if candidate > 1
                else "No depth fits; use fewer channels."
            )
            raise MemoryError(
                f"depth: the tables between {conversion[0]!r} and {conversion[1]!r} for {channels} "
                f"channels at depth {depth} need at least about {needed} bytes, but only "
                f"{available} are available. {largest} {_smaller_basis(*conversion)}"
            )


def _smaller_basis(source: str, target: str) -> str:
    """Advise a basis with smaller tables."""
    if source == "expanded" and target != "words":
        return f"Tables of basis='words' are the smallest. {_smaller_basis('expanded', 'words')}"
    return "basis='expanded' has no tables, but more coordinates."


def _check_memory(channels: int, depth: int, stops: tuple[str, ...]) -> None:
    for a, b in pairwise(stops):
        _check_table_memory(channels, depth, a, b, (stops[0], stops[-1]))


# The bases of a conversion, in order of application. It passes through the brackets, where terms do
# not cancel.
_STOPS = {
    ("expanded", "hall"): ("expanded", "brackets", "hall"),
    ("words", "hall"): ("words", "brackets", "hall"),
    ("words", "expanded"): ("words", "brackets", "expanded"),
    ("hall", "words"): ("hall", "brackets", "words"),
}


@lru_cache(maxsize=64)
def conversion_steps(
    channels: int, depth: int, source: str, target: str
) -> tuple[SparseMatrix, ...]:
    """The matrices of a change of basis, in order of application."""
    if source == target:
        return ()
    stops = _STOPS.get((source, target), (source, target))
    if stops == ("hall", "expanded"):  # two short matrices are faster than one long matrix
        stops = ("hall", "brackets", "expanded")
    _check_memory(channels, depth, stops)
    try:
        return tuple(_step(channels, depth, a, b) for a, b in pairwise(stops))
    except MemoryError:
        raise MemoryError(
            f"depth: the tables between {source!r} and {target!r} for {channels} channels at depth "
            f"{depth} do not fit into memory. {_smaller_basis(source, target)}"
        ) from None


def change_of_basis(channels: int, depth: int, source: str, target: str) -> SparseMatrix:
    """The exact matrix from coordinates in `source` to coordinates in `target`."""
    if source == target:
        return _identity(coordinate_count(channels, depth, source))
    stops = _STOPS.get((source, target), (source, target))
    _check_memory(channels, depth, stops)
    matrix = _step(channels, depth, stops[0], stops[1])
    for a, b in pairwise(stops[1:]):
        matrix = _step(channels, depth, a, b) @ matrix
    return matrix


def coordinate_count(channels: int, depth: int, basis: str) -> int:
    """The number of coordinates of a log-signature in `basis`."""
    if basis == "expanded":
        return signature_size(channels, depth)
    return hall.logsignature_size(channels, depth)
