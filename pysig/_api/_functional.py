"""Argument checks of linear functionals, their matrix, and their `initial`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from pysig._api import _checks
from pysig._api._device import on_device, refuse_capture
from pysig._api._gradients import SignatureCotangents
from pysig._api._path_checks import check_scalar_column
from pysig._api._projection import ProjectionCall
from pysig._api._ragged import RaggedPaths, check_points, first_array
from pysig._api._words_argument import check_words
from pysig._api.transform import transformed_shape
from pysig._backend import NUMPY, ArrayBackend, backend_of, is_cupy
from pysig._combinatorics import word_trees
from pysig._combinatorics import words as _words
from pysig._combinatorics.words import Word
from pysig._plans.layout import Plan, plan_for
from pysig._plans.paths import Tangents
from pysig._plans.sparse_matrix import SparseMatrix


class Functional(NamedTuple):
    """Functionals as a matrix (functionals, words)."""

    words: tuple[Word, ...]
    matrix: Any
    single: bool
    depth: int | None  # of the signature layout of `initial`; None if `initial` has the words


def check_functional(
    functional: Any, channels: int, depth: Any, words: Any, scalar: bool
) -> Functional:
    """Convert any form of functionals to words and a matrix, for `channels` channels."""
    if isinstance(functional, Mapping) or (
        isinstance(functional, (list, tuple)) and any(isinstance(f, Mapping) for f in functional)
    ):
        for name, value in (("depth", depth), ("words", words)):
            if value is not None:
                raise ValueError(
                    f"{name}: expected None for a functional that names its words, received "
                    f"{_checks.describe(value)}."
                )
        return _of_mappings(functional, channels)
    return _of_array(functional, channels, depth, words, scalar)


def _of_mappings(functional: Any, channels: int) -> Functional:
    single = isinstance(functional, Mapping)
    rows = [functional] if single else list(functional)
    for row in rows:
        if not isinstance(row, Mapping):
            raise TypeError(
                "functional: expected a dict of words and coefficients in each place, received "
                f"{_checks.describe(row)}."
            )
    words = check_words(
        tuple({word: None for row in rows for word in row}) or ((),), channels, None, "functional"
    )
    place = {word: k for k, word in enumerate(words)}
    matrix = np.zeros((len(rows), len(words)))
    for k, row in enumerate(rows):
        for word, value in row.items():
            if isinstance(value, np.ndarray) and value.ndim == 0:
                value = value.item()
            if not isinstance(value, Real):
                raise TypeError(
                    f"functional: expected a real number for {word}, received "
                    f"{_checks.describe(value)}."
                )
            try:
                matrix[k, place[tuple(word)]] = float(value)
            except OverflowError:  # an integer beyond float64
                raise ValueError(
                    f"functional: expected numbers that float64 holds, received {value} for {word}."
                ) from None
    return Functional(words, matrix, single, max(1, *map(len, words), 1))


def _of_array(functional: Any, channels: int, depth: Any, words: Any, scalar: bool) -> Functional:
    host = functional.get() if is_cupy(functional) else functional
    array = _checks.as_numeric(host, "functional", NUMPY).astype(np.float64)
    if array.ndim not in (1, 2):
        raise ValueError(
            "functional: expected a dict of words and coefficients, a list of such, or an array of "
            f"shape (words,) or (functionals, words), received {_checks.describe(functional)}."
        )
    matrix = np.atleast_2d(array)
    if words is not None:
        checked = check_words(words, channels, depth)
        _check_width(array, len(checked))
        return Functional(checked, matrix, array.ndim == 1, None)
    if depth is None:
        raise TypeError(
            "depth: expected the depth of the functional, or words= for its last axis, "
            "received None."
        )
    depth = _checks.check_depth(depth)
    _check_width(array, _words.signature_size(channels, depth, scalar))
    full = matrix if scalar else np.pad(matrix, ((0, 0), (1, 0)))
    nonzero = (full != 0).any(axis=0)
    nonzero[0] |= not nonzero.any()  # at least one word: the empty one
    nonzero_words = _select_words(channels, depth, nonzero.tobytes())
    return Functional(nonzero_words, full[:, nonzero], array.ndim == 1, depth)


def _check_width(array: Any, width: int) -> None:
    if array.shape[-1] != width:
        raise ValueError(
            f"functional: expected {width} coefficients in the last axis, received shape "
            f"{tuple(array.shape)}."
        )


@lru_cache(maxsize=64)
def _select_words(channels: int, depth: int, flags: bytes) -> tuple[Word, ...]:
    """The words whose flags are set."""
    all_words = _words.words(channels, depth, True)
    return tuple(word for word, flag in zip(all_words, flags, strict=True) if flag)


# ---- `initial` a: <w, a (x) S> is the sum of <u, a> <v, S> over all w = u v, prefixes u of w ----


@dataclass(frozen=True)
class InitialSelection:
    """Positions of the required coefficients in an `initial` laid out as a full signature."""

    plan: Plan
    columns: tuple[int, ...]  # -1: the empty word in a layout without scalar term, never read

    @cached_property
    def matrix(self) -> SparseMatrix:
        """The selection as a sparse matrix."""
        present = np.array([column >= 0 for column in self.columns])
        indices = np.array([column for column in self.columns if column >= 0], np.int64)
        indptr = np.concatenate([[0], np.cumsum(present)])
        shape = (len(self.columns), self.plan.size)
        return SparseMatrix(shape, indptr, indices, np.ones(len(indices), np.int64))

    def gather(self, value: Any, name: str, backend: ArrayBackend, dtype: Any) -> Any:
        """Gather the required coefficients of `value`."""
        array = _checks.as_numeric(value, name, backend)
        if array.shape[-1:] != (self.plan.size,):
            raise ValueError(
                f"{name}: expected {self.plan.size} coefficients in the last axis, a "
                f"signature of the functional's depth, received shape {tuple(array.shape)}."
            )
        return self._apply(self.matrix, _checks.cast(array, dtype, name), backend)

    def scatter(self, gradient: Any, backend: ArrayBackend) -> Any:
        """Scatter gradients to all coefficients of `initial`: the adjoint of `gather`."""
        return self._apply(self.matrix.transposed, gradient, backend)

    def _apply(self, matrix: SparseMatrix, array: Any, backend: ArrayBackend) -> Any:
        *batch, width = array.shape
        rows = backend.xp.ascontiguousarray(array.reshape(prod(batch), width))
        out = backend.xp.empty((len(rows), matrix.shape[0]), array.dtype)
        backend.impl.linear((matrix,), rows, out, self.plan)
        return out.reshape(*batch, matrix.shape[0])


def extend_to_initial(
    functional: Functional, channels: int, inverse: bool, scalar: bool
) -> tuple[Functional, InitialSelection | None]:
    """Extend the functional, with weight 0, by the words that it needs of `initial`."""
    if functional.depth is None:
        return functional, None
    words, selection = _required_words(
        functional.words, channels, functional.depth, inverse, scalar
    )
    added = len(words) - len(functional.words)
    matrix = np.pad(functional.matrix, ((0, 0), (0, added)))
    return functional._replace(words=words, matrix=matrix), selection


@lru_cache(maxsize=64)
def _required_words(
    words: tuple[Word, ...], channels: int, depth: int, inverse: bool, scalar: bool
) -> tuple[tuple[Word, ...], InitialSelection]:
    # The inverse needs reversed words. Prefixes of reversed words are factors of reversed words.
    required = (
        word_trees.factor_closure([*words, *(word[::-1] for word in words)])
        if inverse
        else word_trees.prefix_closure(words)
    )
    added = required - set(words) - {()}
    all_words = (*words, *sorted(added, key=lambda word: (len(word), word)))
    columns = tuple(
        _words.word_index(word, channels, scalar) if word or scalar else -1 for word in all_words
    )
    return all_words, InitialSelection(plan_for(channels, depth, scalar), columns)


class FunctionalCall(ProjectionCall):
    """A checked call of `linear_functional` or one of its derivatives."""

    def __init__(
        self, caller: str, path: Any, functional: Any, depth: Any, options: dict[str, Any]
    ) -> None:
        refuse_capture(backend_of(first_array(path)), caller, "it takes scratch memory")
        self.first = first_array(path)
        self._select(caller, path, functional, depth, options)

    @on_device
    def _select(
        self, caller: str, path: Any, functional: Any, depth: Any, options: dict[str, Any]
    ) -> None:
        """Check the functional and initialise the call with its words."""
        backend, array = check_points(path, caller, options["offsets"], options["lengths"])
        _, channels = transformed_shape(1, array.shape[-1], options["transform"])
        scalar = _checks.check_flag(options["scalar_term"], "scalar_term")
        inverse = _checks.check_flag(options["inverse"], "inverse")
        checked = check_functional(functional, channels, depth, options["words"], scalar)
        matrix = _checks.cast(checked.matrix, array.dtype, "functional")
        checked = checked._replace(matrix=matrix)
        initial, self.selection = options["initial"], None
        if initial is not None:
            checked, self.selection = extend_to_initial(checked, channels, inverse, scalar)
        if self.selection is not None:
            initial = _checks.as_numeric(initial, "initial", backend)
            if scalar and initial.shape[-1:] == (self.selection.plan.size,):
                check_scalar_column(initial, 0, backend)
            initial = self.selection.gather(initial, "initial", backend, array.dtype)
        options = {**options, "words": checked.words, "scalar_term": False, "initial": initial}
        ragged = array if isinstance(array, RaggedPaths) else path
        super().__init__(caller, ragged, None, options, checked.matrix, checked.single)

    def check_initial(self, initial: Any) -> Any:
        """Check `initial`, except for the gathered column of the empty word."""
        if self.selection is not None:
            self.scalar_column = None
        return super().check_initial(initial)

    @on_device
    def tangents(
        self, tangent: Any, basepoint_tangent: Any = None, initial_tangent: Any = None
    ) -> Tangents:
        """Check the tangents. That of `initial` has the layout of `initial`."""
        if self.selection is not None and initial_tangent is not None:
            initial_tangent = self.selection.gather(
                initial_tangent, "initial_tangent", self.backend, self.array.dtype
            )
        return super().tangents(tangent, basepoint_tangent, initial_tangent)

    @on_device
    def gradients(self, cotangent: Any, tangents: Tangents | None = None) -> Any:
        """Compute the gradients. That of `initial` has the layout of `initial`."""
        gradients = super().gradients(cotangent, tangents)
        if self.selection is None or not isinstance(gradients, SignatureCotangents):
            return gradients
        initial_bar = self.selection.scatter(gradients.initial, self.backend)
        return gradients._replace(initial=initial_bar)
