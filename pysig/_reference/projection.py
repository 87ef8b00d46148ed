"""Reference implementation of projections: compute all coefficients and select.

The inverse is the antipode, S^-1(w) = (-1)^|w| S(w reversed). This defines it also for an `initial`
that is not a signature.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._combinatorics.words import Word, signature_size, word_index
from pysig._reference import signature as whole
from pysig._reference.transform import points_after


class _Selection:
    """Where words stand in a signature with the scalar, of the depth of the longest word."""

    def __init__(
        self, path: Any, words: Any, scalar_term: bool, inverse: bool, transform: Any = None
    ) -> None:
        words = [(), *words] if scalar_term else list(words)
        self.channels = points_after(np.shape(path)[-2:], transform)[1]
        self.depth = max([1, *map(len, words)])
        self.columns = [word_index(word, self.channels, True) for word in words]
        self.read, self.signs = self.columns, np.array(1)
        if inverse:
            self.read = [word_index(word[::-1], self.channels, True) for word in words]
            self.signs = np.array([(-1) ** len(word) for word in words])

    def pick(self, rows: Any) -> Any:
        return rows[..., self.read] * self.signs

    def spread(self, values: Any, columns: list[int]) -> Any:
        """Rows of a signature in which only `columns` are not zero."""
        values = np.asarray(values)
        size = signature_size(self.channels, self.depth, True)
        out = np.zeros((*values.shape[:-1], size), values.dtype)
        out[..., columns] = values
        return out

    def options(self, options: dict[str, Any]) -> dict[str, Any]:
        wide = dict(options, scalar_term=True)
        for name in ("initial", "initial_tangent"):  # coefficients of other words do not matter
            if wide.get(name) is not None:
                wide[name] = self.spread(wide[name], self.columns)
                wide[name][..., 0] = name == "initial"  # the empty word, of a signature
        return wide


def projection(
    path: Any, words: Any, *, scalar_term: bool = False, inverse: bool = False, **options: Any
) -> Any:
    """Coefficients of `words`. Options as `pysig.signature`; `initial` in the words, too."""
    at = _Selection(path, words, scalar_term, inverse, options.get("transform"))
    return at.pick(whole.signature(path, at.depth, **at.options(options)))


def projection_jvp(
    path: Any,
    words: Any,
    tangent: Any,
    *,
    scalar_term: bool = False,
    inverse: bool = False,
    **options: Any,
) -> Any:
    """Derivative of `projection` along `tangent`, and along those of basepoint and initial."""
    at = _Selection(path, words, scalar_term, inverse, options.get("transform"))
    return at.pick(whole.signature_jvp(path, at.depth, tangent, **at.options(options)))


def projection_cotangents(
    path: Any,
    words: Any,
    cotangent: Any,
    *,
    scalar_term: bool = False,
    inverse: bool = False,
    **options: Any,
) -> tuple[Any, Any, Any]:
    """Gradients by path, basepoint and initial, see `signature_cotangents`."""
    at = _Selection(path, words, scalar_term, inverse, options.get("transform"))
    spread = at.spread(cotangent * at.signs, at.read)
    path_bar, base_bar, initial_bar = whole.signature_cotangents(
        path, at.depth, spread, **at.options(options)
    )
    return path_bar, base_bar, None if initial_bar is None else initial_bar[..., at.columns]


def linear_functional(path: Any, functional: dict[Word, Any], **options: Any) -> Any:
    """<l, S>: the sum of coefficients of l times those of the signature."""
    values = projection(path, list(functional), **options)
    return (values * np.array(list(functional.values()))).sum(axis=-1)
