"""Expansion of brackets in words, and the exact matrices between Lyndon brackets and Lyndon words.

A bracket [u, v] = u v - v u of level k has coefficients of absolute value at most 2^(k-1). Hence
int64 is exact for all levels that fit into memory. The expansions are NumPy arrays because they
are long: 1.6 million terms for 2 channels and depth 15. Dictionaries would take seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .hall import HallSet, lyndon_set

Integers = npt.NDArray[np.int64]


class Rows(NamedTuple):
    """A sparse matrix by rows: row i has `data[k]` in column `indices[k]`, where k runs from
    `indptr[i]` to `indptr[i + 1] - 1` (scipy's CSR)."""

    indptr: Integers
    indices: Integers
    data: Integers


def _collect(row: Integers, column: Integers, value: Integers, rows: int, columns: int) -> Rows:
    """Rows from triplets: add duplicates, drop zeros, sort columns."""
    place = row * columns + column
    order = np.argsort(place, kind="stable")
    place, value = place[order], value[order]
    first = np.flatnonzero(np.diff(place, prepend=-1))
    value = np.add.reduceat(value, first) if len(first) else value
    nonzero = np.flatnonzero(value)
    place, value = place[first[nonzero]], value[nonzero]
    row, column = place // columns, place % columns
    return Rows(np.searchsorted(row, np.arange(rows + 1)).astype(np.int64), column, value)


def _products(a: Rows, i: Integers, b: Rows, j: Integers) -> tuple[Integers, ...]:
    """Products of all entries of row i[m] of `a` with all entries of row j[m] of `b`.

    Returns (m, column in a, column in b, product).
    """
    count_a, count_b = np.diff(a.indptr)[i], np.diff(b.indptr)[j]
    pairs = count_a * count_b
    m = np.repeat(np.arange(len(i)), pairs)
    inner = np.arange(len(m)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    p = a.indptr[i][m] + inner // count_b[m]
    q = b.indptr[j][m] + inner % count_b[m]
    return m, a.indices[p], b.indices[q], a.data[p] * b.data[q]


def _brackets(
    hall: HallSet, level: int, lower: list[Rows], selected: npt.NDArray[np.bool_] | None
) -> Rows:
    """Expand the brackets of one level in words, only those flagged in `selected` if given."""
    d = hall.channels
    elements = hall.level(level)
    left = np.array(hall.left[elements.start : elements.stop], np.int64)
    right = np.array(hall.right[elements.start : elements.stop], np.int64)
    rows, columns, values = (
        [np.empty(0, np.int64)],
        [np.empty(0, np.int64)],
        [np.empty(0, np.int64)],
    )
    for k in range(1, level):
        begin, end = hall.start[k - 1], hall.start[k]
        here = np.flatnonzero((begin <= left) & (left < end))
        m, u, v, value = _products(
            lower[k - 1],
            left[here] - begin,
            lower[level - k - 1],
            right[here] - hall.start[level - k - 1],
        )
        for word, sign in ((u * d ** (level - k) + v, 1), (v * d**k + u, -1)):
            keep = slice(None) if selected is None else np.flatnonzero(selected[word])
            rows.append(here[m[keep]])
            columns.append(word[keep])
            values.append(sign * value[keep])
    return _collect(
        np.concatenate(rows),
        np.concatenate(columns),
        np.concatenate(values),
        len(elements),
        d**level,
    )


def expand(hall: HallSet, depth: int) -> list[Rows]:
    """Expand all brackets of levels 1, ..., depth in the words of their level."""
    d = hall.channels
    out = [Rows(np.arange(d + 1), np.arange(d), np.ones(d, np.int64))]
    for level in range(2, depth + 1):
        out.append(_brackets(hall, level, out, None))
    return out[:depth]


def lyndon_indices(channels: int, depth: int) -> list[Integers]:
    """Indices of the Lyndon words within each level, in increasing order."""
    lyndon = lyndon_set(channels, depth)
    word: list[int] = list(range(channels))
    level = lyndon.levels()
    for h in range(channels, len(lyndon)):
        word.append(
            word[lyndon.left[h]] * channels ** level[lyndon.right[h]] + word[lyndon.right[h]]
        )
    return [np.array(word[lyndon.start[k] : lyndon.start[k + 1]], np.int64) for k in range(depth)]


@lru_cache(maxsize=16)
def words_of_brackets(channels: int, depth: int) -> tuple[Rows, ...]:
    """For each level, the coefficients of Lyndon words w (row) in Lyndon brackets h (column).

    The matrices are lower triangular with unit diagonal.
    """
    lyndon = lyndon_set(channels, depth)
    full = expand(lyndon, depth - 1) if depth > 1 else []
    out = []
    for level, words in enumerate(lyndon_indices(channels, depth), start=1):
        selected = np.zeros(channels**level, np.bool_)
        selected[words] = True
        if level < depth or level == 1:
            brackets = full[level - 1] if level < depth else expand(lyndon, 1)[0]
            keep = selected[brackets.indices]
        else:
            brackets = _brackets(lyndon, level, full, selected)
            keep = np.ones(len(brackets.indices), np.bool_)
        column = np.repeat(np.arange(len(words)), np.diff(brackets.indptr))[keep]
        row = np.searchsorted(words, brackets.indices[keep])
        out.append(_collect(row, column, brackets.data[keep], len(words), len(words)))
    return tuple(out)


def rows_of(polynomials: Sequence[dict[int, int]], columns: int) -> Rows:
    """The matrix with the entries polynomials[i] = {column: value} in row i."""
    count = np.array([len(p) for p in polynomials], np.int64)
    total = int(count.sum())
    column = np.fromiter(chain.from_iterable(polynomials), np.int64, total)
    values = chain.from_iterable(p.values() for p in polynomials)
    try:
        value = np.fromiter(values, np.int64, total)
    except OverflowError:
        value = np.array([v for p in polynomials for v in p.values()], object)
    row = np.repeat(np.arange(len(polynomials)), count)
    return _collect(row, column, value, len(polynomials), columns)


def transpose(matrix: Rows, columns: int) -> Rows:
    """The transposed matrix; `columns` is the number of columns of `matrix`."""
    rows = len(matrix.indptr) - 1
    row = np.repeat(np.arange(rows), np.diff(matrix.indptr))
    return _collect(matrix.indices, row, matrix.data, columns, rows)


def _largest(matrix: Rows) -> int:
    return (
        int(np.abs(matrix.data).max(initial=0))
        if matrix.data.dtype != object
        else max(map(abs, matrix.data))
    )


def multiply(a: Rows, b: Rows, columns: int) -> Rows:
    """The exact product a b, in Python integers if int64 might overflow."""
    rows = len(a.indptr) - 1
    longest = int(np.diff(a.indptr).max(initial=0))
    bound = longest * _largest(a) * _largest(b)
    if bound >= 2**63:
        a, b = a._replace(data=a.data.astype(object)), b._replace(data=b.data.astype(object))
    row = np.repeat(np.arange(rows), np.diff(a.indptr))
    single = Rows(np.arange(len(row) + 1), row, a.data)
    _, i, j, value = _products(single, np.arange(len(row)), b, a.indices)
    return _collect(i, j, value, rows, columns)


def _content(words: Integers, channels: int, level: int) -> Integers:
    """Number the multisets of letters: anagrams get the same number."""
    letters = words[:, None] // channels ** np.arange(level) % channels
    _, content = np.unique(np.sort(letters, axis=1), axis=0, return_inverse=True)
    return content.reshape(-1)


@lru_cache(maxsize=16)
def brackets_of_words(channels: int, depth: int) -> tuple[Rows, ...]:
    """The integer inverses of `words_of_brackets`, for each level.

    The words of a bracket are permutations of its letters. Hence the matrix has one diagonal block
    for each multiset of letters. Forward substitution inverts each block.
    """
    out = []
    for level, words in enumerate(lyndon_indices(channels, depth), start=1):
        matrix = words_of_brackets(channels, depth)[level - 1]
        n = len(words)
        content = _content(words, channels, level)
        # Permuted by `order`, blocks are contiguous and each is in lexicographic order.
        order = np.argsort(content, kind="stable")
        place = np.empty(n, np.int64)
        place[order] = np.arange(n)
        entry_row = place[np.repeat(np.arange(n), np.diff(matrix.indptr))]
        sequence = np.argsort(entry_row, kind="stable")
        entry_row, entry_column = entry_row[sequence], place[matrix.indices[sequence]]
        starts = np.flatnonzero(np.diff(content[order], prepend=-1, append=-1))
        entries = np.searchsorted(entry_row, starts)
        rows, columns, values = [], [], []
        for begin, end, first, last in zip(
            starts[:-1], starts[1:], entries[:-1], entries[1:], strict=True
        ):
            block = np.zeros((end - begin, end - begin), np.int64)
            block[entry_row[first:last] - begin, entry_column[first:last] - begin] = matrix.data[
                sequence[first:last]
            ]
            inverse = _inverse_of_unit_triangular(block)
            i, j = np.nonzero(inverse)
            rows.append(order[begin + i])
            columns.append(order[begin + j])
            values.append(inverse[i, j])
        empty = [words[:0]]
        i, j, value = (np.concatenate(empty + part) for part in (rows, columns, values))
        out.append(_collect(i, j, value, n, n))
    return tuple(out)


def _inverse_of_unit_triangular(matrix: Integers) -> Integers:
    """Invert by forward substitution, in Python integers if int64 might overflow."""
    n = len(matrix)
    inverse = np.eye(n, dtype=np.int64)
    for i in range(1, n):
        row = matrix[i, :i]
        if (
            inverse.dtype != object
            and float(np.abs(row).sum()) * float(np.abs(inverse[:i]).max()) >= 2.0**62
        ):
            inverse = inverse.astype(object)
        inverse[i, :i] -= row @ inverse[:i, :i]
    return inverse
