"""Signature kernels as inner products of signatures: ``method="features"``.

With S the signatures and f[n] = weight * scale^n of level n, the kernel is ``f[0] + sum_n f[n]
<S_n(x), S_n(y)>``. Signatures are computed for blocks of paths that share a fixed amount of memory;
a pair of blocks is one matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from pysig._api._gradients import fill_gradients, gradient_dtype
from pysig._backend import ArrayBackend
from pysig._plans.layout import Plan, plan_for
from pysig._plans.paths import Cotangents, Options, Paths, Tangents
from pysig._plans.signature_kernel import KernelPlan, Pairs

BLOCK_BYTES = 2**25  # of the signatures of one block; two blocks exist at a time


class Features:
    """The operations of a backend on signature kernels, by signatures."""

    def __init__(self, backend: ArrayBackend) -> None:
        self.backend = backend

    # ---- factors of levels and coefficients ----

    @staticmethod
    def _factors(plan: KernelPlan, weighted: bool) -> list[float]:
        weights = plan.weights if weighted and plan.weights is not None else (1.0,)
        scale = plan.static.parameters[0]
        return [weights[min(n, len(weights) - 1)] * scale**n for n in range(plan.depth + 1)]

    def _of_words(self, layout: Plan, by_level: list[float], dtype: Any) -> Any:
        """The value of its level for each coefficient."""
        return self.backend.xp.asarray(np.repeat(by_level[1:], layout.level_sizes).astype(dtype))

    def _signatures(self, paths: Paths, layout: Plan, workers: int) -> Any:
        rows = self.backend.xp.empty((paths.batch, layout.size), paths.points.dtype)
        self.backend.impl.signature(paths, rows, layout, Options(workers=workers))
        return rows

    @staticmethod
    def _blocks(count: int, layout: Plan, itemsize: int) -> list[slice]:
        each = max(1, BLOCK_BYTES // (layout.size * itemsize))
        return [slice(k, min(k + each, count)) for k in range(0, count, each)]

    def _all_blocks(self, pairs: Pairs, layout: Plan) -> Iterator[tuple[slice, Any]]:
        assert pairs.x is not None
        itemsize = pairs.x.points.dtype.itemsize
        for rows in self._blocks(pairs.x.batch, layout, itemsize):
            if pairs.paired:
                yield rows, None
                continue
            for columns in self._blocks((pairs.y or pairs.x).batch, layout, itemsize):
                if pairs.y is not None or columns.start >= rows.start:
                    yield rows, columns

    # ---- the operations ----

    def signature_kernel(
        self, pairs: Pairs, out: Any, plan: KernelPlan, rows: str = "value", workers: int = 1
    ) -> None:
        """Fill `out` with kernels, or with their levels."""
        assert pairs.x is not None
        layout = plan_for(pairs.x.channels, plan.depth)
        x, last, xp = pairs.x, None, self.backend.xp
        factors = self._factors(plan, rows == "value")
        scaled = self._of_words(layout, factors, out.dtype) if rows == "value" else None
        for at, columns in self._all_blocks(pairs, layout):
            if at != last:
                left, last = self._signatures(x.part(at), layout, workers), at
            other = (pairs.y or x).part(at if pairs.paired else columns)
            same = pairs.y is None and columns == at
            right = left if same else self._signatures(other, layout, workers)
            place = (at,) if pairs.paired else (at, columns)
            if scaled is not None:
                out[place] = self._products(left * scaled, right, pairs.paired) + factors[0]
            else:
                out[(*place, ..., 0)] = 1
                for n, (begin, end) in enumerate(_levels(layout), start=1):
                    part = self._products(left[:, begin:end], right[:, begin:end], pairs.paired)
                    out[(*place, ..., n)] = part * factors[n]
            if pairs.y is None and not same:
                out[columns, at] = out[at, columns].swapaxes(0, 1)
            elif same:  # a product of matrices need not be symmetric to the bit
                index = xp.arange(at.stop - at.start)
                upper = index[:, None] <= index[None]
                upper = upper.reshape(*upper.shape, *(1,) * (out.ndim - 2))
                block = out[at, at]
                out[at, at] = xp.where(upper, block, block.swapaxes(0, 1))

    def _products(self, left: Any, right: Any, paired: bool) -> Any:
        return (left * right).sum(axis=1) if paired else self.backend.xp.matmul(left, right.T)

    def signature_kernel_jvp(
        self,
        pairs: Pairs,
        tangents_x: Tangents | None,
        tangents_y: Tangents | None,
        out: Any,
        plan: KernelPlan,
        workers: int = 1,
    ) -> None:
        """Fill `out` with derivatives of kernels, or of their levels."""
        assert pairs.x is not None
        layout = plan_for(pairs.x.channels, plan.depth)
        if pairs.y is None:
            tangents_y = tangents_x
        of_levels = out.ndim > len(pairs.leading)
        factors = self._factors(plan, not of_levels)
        out[...] = 0
        whole = pairs._replace(y=pairs.y or pairs.x)
        for at, columns in self._all_blocks(whole, layout):
            second = at if pairs.paired else columns
            place = (at,) if pairs.paired else (at, columns)
            sides = [(pairs.x, tangents_x, at), (pairs.y or pairs.x, tangents_y, second)]
            values, moves = [], []
            for paths, tangents, rows in sides:
                values.append(self._signatures(paths.part(rows), layout, workers))
                moved = None
                if tangents is not None:
                    moved = self.backend.xp.empty_like(values[-1])
                    self.backend.impl.signature_jvp(
                        paths.part(rows),
                        tangents.part(rows),
                        moved,
                        layout,
                        Options(workers=workers),
                    )
                moves.append(moved)
            terms = [(moves[0], values[1], 0.0), (values[0], moves[1], 0.0)]
            if plan.static.tangents[0]:  # level n has the factor scale^n
                rate = plan.static.tangents[0] / plan.static.parameters[0]
                terms.append((*values, rate))
            for left, right, rate in terms:
                if left is None or right is None:
                    continue
                for n, (begin, end) in enumerate(_levels(layout), start=1):
                    part = self._products(left[:, begin:end], right[:, begin:end], pairs.paired)
                    factor = factors[n] * n * rate if rate else factors[n]
                    out[(*place, ..., n) if of_levels else place] += part * factor

    def signature_kernel_vjp(
        self,
        pairs: Pairs,
        cotangent: Any,
        into_x: Cotangents | None,
        into_y: Cotangents | None,
        into_parameters: Any,
        plan: KernelPlan,
        workers: int = 1,
    ) -> None:
        """Fill gradients of kernels, or of their levels."""
        assert pairs.x is not None
        if pairs.y is None:
            both = pairs._replace(y=pairs.x)
            total = cotangent + cotangent.swapaxes(0, 1)
            self._gradients(both, total, into_x, into_parameters, plan, workers)
            if into_parameters is not None:
                into_parameters /= 2  # `total` counts each pair twice
            return
        if into_x is not None or into_parameters is not None:
            self._gradients(pairs, cotangent, into_x, into_parameters, plan, workers)
        if into_y is not None:
            turned = pairs._replace(x=pairs.y, y=pairs.x)
            other = cotangent if pairs.paired else cotangent.swapaxes(0, 1)
            self._gradients(turned, other, into_y, None, plan, workers)

    def _gradients(
        self,
        pairs: Pairs,
        cotangent: Any,
        into: Cotangents | None,
        parameters: Any,
        plan: KernelPlan,
        workers: int,
    ) -> None:
        """Gradients by x. The cotangent of its signatures is ``sum_j cotangent[i, j] f S(y_j)``."""
        x, y = pairs.x, pairs.y
        assert x is not None
        assert y is not None
        layout, itemsize = plan_for(x.channels, plan.depth), x.points.dtype.itemsize
        if parameters is not None:
            parameters[...] = 0
        for rows in self._blocks(x.batch, layout, itemsize):
            bar = self.backend.xp.zeros((rows.stop - rows.start, layout.size), x.points.dtype)
            for at in [rows] if pairs.paired else self._blocks(y.batch, layout, itemsize):
                signatures = self._signatures(y.part(at), layout, workers)
                weights = cotangent[rows] if pairs.paired else cotangent[rows, at]
                self._add_cotangents(bar, weights, signatures, pairs, plan)
            part = x.part(rows)
            if parameters is not None:
                products = self._signatures(part, layout, workers) * bar
                for n, (begin, end) in enumerate(_levels(layout), start=1):
                    total = products[:, begin:end].sum(dtype=np.float64)
                    parameters[:1] += total * (n / plan.static.parameters[0])
            if into is not None:
                self._path_gradients(part, bar, into.part(rows), layout, workers)

    def _add_cotangents(
        self, bar: Any, weights: Any, signatures: Any, pairs: Pairs, plan: KernelPlan
    ) -> None:
        """Add ``f weights S`` to `bar`."""
        layout = plan_for(pairs.x.channels, plan.depth)  # type: ignore[union-attr]
        of_levels = weights.ndim > len(pairs.leading)
        factors = self._factors(plan, not of_levels)
        for n, (begin, end) in enumerate(_levels(layout), start=1):
            weight = weights[..., n] if of_levels else weights
            part = signatures[:, begin:end]
            bar[:, begin:end] += factors[n] * (
                weight[:, None] * part if pairs.paired else self.backend.xp.matmul(weight, part)
            )

    def _path_gradients(
        self, paths: Paths, bar: Any, into: Cotangents, layout: Plan, workers: int
    ) -> None:
        def fill(
            part: Paths, cotangent: Any, target: Cotangents, tangents: Tangents | None
        ) -> None:
            options = Options(workers=workers)
            self.backend.impl.signature_vjp(part, cotangent, target, layout, options, tangents)

        wide, base = gradient_dtype(paths.points.dtype, paths.length), into.basepoint
        if base is not None:
            into = into._replace(basepoint=self.backend.xp.empty(base.shape, wide))
        fill_gradients(fill, self.backend, paths, bar.astype(wide, copy=False), into, None)
        if base is not None:
            base[...] = into.basepoint


def _levels(layout: Plan) -> list[tuple[int, int]]:
    """Where levels 1, 2, ... begin and end."""
    return list(pairwise(layout.offsets))
