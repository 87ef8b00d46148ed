"""Selected coefficients of signatures, and functionals of them: the checked call of `words=` and of
`linear_functional`.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from pysig._api import _checks, _one_channel
from pysig._api._call import DerivativeCall, PathCall
from pysig._api._memory import SMALL_RESULT_BYTES, available_memory, shortage
from pysig._api._words_argument import check_words
from pysig._backend import require
from pysig._plans.paths import Cotangents, Paths, Tangents
from pysig._plans.projection import Projection, projection_for


class ProjectionCall(PathCall):
    """A checked call with words.

    `matrix`: (functionals, columns) of linear functionals; None for the coefficients themselves.
    `single`: one functional, without an axis of functionals.
    """

    plan: Projection

    def __init__(
        self,
        caller: str,
        path: Any,
        depth: Any,
        options: Mapping[str, Any],
        matrix: Any = None,
        single: bool = False,
    ) -> None:
        super().__init__(caller, path, options)
        require(self.backend, "signature: words (projections)", caller)
        words = check_words(options["words"], self.paths.channels, depth)
        if self.scalar_term and () in words:
            raise ValueError(
                "words: expected no empty word with scalar_term=True, which puts it in front "
                "already."
            )
        inverse, scalar_term = self.options.inverse, self.scalar_term
        self.plan = projection_for(self.paths.channels, words, inverse, scalar_term)
        self.matrix = matrix
        self.columns = len(self.plan.outputs)
        self.own_shape = () if single else (self.columns if matrix is None else len(matrix),)
        self.scalar_column = None
        if () in self.plan.outputs:
            self.scalar_column = self.plan.outputs.index(())
        self.check_rows()

    def check_method(self, method: Any) -> str:
        """Words have one method."""
        if _checks.check_method(method) != "auto":
            raise ValueError(f'method: expected "auto" with words, received "{method}".')
        return "auto"

    def check_initial(self, initial: Any) -> Any:
        """Signatures to continue from: they must hold the prefixes of the words."""
        missing = self.plan.missing
        if missing is None:
            return super().check_initial(initial)
        way = "backwards, " if self.plan.inverse else ""
        remedy = (
            "all parts of the words, forwards and backwards."
            if self.plan.inverse
            else "words=pysig.prefix_closure(words)."
        )
        raise ValueError(
            f"initial: expected words that hold every prefix of their words {way}because these are "
            f"continued, too; {missing} is missing. Take {remedy}"
        )

    def value(self, out: Any = None) -> Any:
        """The result, in `out` if that is an array."""
        if out is None:
            self._check_fits()
        return super().value(out)

    def derivative(self, tangents: Tangents) -> Any:
        """The derivative of the result along the tangents."""
        self._check_fits()
        return super().derivative(tangents)

    def _check_fits(self) -> None:
        needed = prod(self.out_shape) * self.array.dtype.itemsize
        if needed <= SMALL_RESULT_BYTES:
            return
        available = available_memory(self.backend)
        if available is None or needed <= available:
            return
        each = needed // max(prod(self.own_shape), 1)
        fits = available // each
        advice = f"Take at most {fits} words, or fewer paths." if fits else "Take fewer paths."
        raise MemoryError(
            f"words: the output of shape {self.out_shape} {shortage(needed, available)} {advice}"
        )

    # ---- operations of the backend; one channel has a closed form, that of its signature ----

    def fill(self, out: Any) -> None:
        """Compute coefficients or functionals."""
        if self.plan.channels == 1:
            _one_channel.value(self, out)
        else:
            self.backend.impl.projection(self.paths, out, self.plan, self.matrix, self.options)

    def fill_jvp(self, tangents: Tangents, out: Any) -> None:
        """Compute their derivatives."""
        if self.plan.channels == 1:
            _one_channel.jvp(self, tangents, out)
        else:
            impl, options = self.backend.impl, self.options
            impl.projection(self.paths, out, self.plan, self.matrix, options, tangents)

    def fill_vjp(
        self, paths: Paths, cotangent: Any, into: Cotangents, tangents: Tangents | None
    ) -> None:
        """Compute their gradients."""
        if self.plan.channels == 1:
            _one_channel.vjp(self, paths, cotangent, into, tangents)
        else:
            impl, plan, matrix = self.backend.impl, self.plan, self.matrix
            impl.projection_vjp(paths, cotangent, into, plan, matrix, self.options, tangents)


def checked_call(
    caller: str, path: Any, depth: Any, options: Mapping[str, Any]
) -> ProjectionCall | DerivativeCall:
    """A call of a derivative of `signature`, with words or without."""
    if options["words"] is not None:
        return ProjectionCall(caller, path, depth, options)
    return DerivativeCall(caller, path, depth, options)
