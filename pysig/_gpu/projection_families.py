"""The tables of projection.cu: families of the selected words, on a device."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._combinatorics.words import Word
from pysig._gpu.memory import device_tables
from pysig._plans.projection import Projection

MAX_CHILDREN = 4  # of a thread: they share the chain of their prefix, and its registers


class Families:
    """The families of the selected words of one length: a word p and some words p i."""

    def __init__(self, cupy: Any, plan: Projection, letters: int, words: dict[Word, int]) -> None:
        """`words`: those of letters + 1 letters, as the path reads them, and their columns."""
        siblings: dict[Word, list[Word]] = {}
        for word in sorted(words):
            siblings.setdefault(word[:-1], []).append(word)
        largest = max(map(len, siblings.values()))
        # A power of two: few kernels to compile.
        children = min(MAX_CHILDREN, 1 << (largest - 1).bit_length())
        rows = [
            (prefix, below[k : k + children])
            for prefix, below in siblings.items()
            for k in range(0, len(below), children)
        ]
        self.letters, self.children, self.width = letters, children, letters + children
        self.count, self.sign = len(rows), -1 if plan.inverse and letters % 2 == 0 else 1
        start = {word: k for k, word in enumerate(plan.outputs)}
        table = np.full((len(rows), 1 + 2 * self.width + children), -1, np.int32)
        for row, (prefix, below) in zip(table, rows, strict=True):
            used = [*(prefix[: k + 1] for k in range(letters)), *below]
            row[0] = len(below)
            row[1 : 1 + len(used)] = [word[-1] for word in used]
            row[1 + self.width :][: len(used)] = [start.get(word, -1) for word in used]
            row[1 + 2 * self.width :][: len(below)] = [words[word] for word in below]
        # The (letter, family) pairs of each channel, and those of each column.
        letters_of = table[:, 1 : 1 + self.width].T.ravel()
        columns_of = table[:, 1 + self.width : 1 + 2 * self.width].T.ravel()
        by_channel = _grouped(letters_of, plan.channels)
        by_column = _grouped(columns_of, len(plan.outputs))
        self.table, *groups = device_tables(cupy, table, *by_channel, *by_column)
        self.of_channel, self.of_column = (groups[0], groups[1]), (groups[2], groups[3])

    def scratch(self, segments: int, segment: int, numbers: int) -> int:
        """Scratch values of a gradient for each path; a number consists of `numbers` values."""
        kept = (segments * self.letters + self.width) * numbers
        return self.count * (kept + self.width * (1 + segment))


def _grouped(groups: Any, count: int) -> tuple[Any, Any]:
    """(begin, index): group j has the places index[begin[j] : begin[j + 1]]; -1 is left out."""
    order = np.argsort(groups, kind="stable")
    begin = np.searchsorted(groups[order], np.arange(count + 1))
    return begin.astype(np.int32), order.astype(np.int32)


def families_of(cupy: Any, plan: Projection) -> list[Families]:
    """The families of each length of words, built once for each device."""
    device = cupy.cuda.runtime.getDevice()
    if device not in plan.kept:
        by_length: dict[int, dict[Word, int]] = {}
        for column, word in enumerate(plan.outputs):
            read = word[::-1] if plan.inverse else word
            by_length.setdefault(len(word), {})[read] = column
        plan.kept[device] = [
            Families(cupy, plan, length - 1, words)
            for length, words in sorted(by_length.items())
            if length
        ]
    found: list[Families] = plan.kept[device]
    return found
