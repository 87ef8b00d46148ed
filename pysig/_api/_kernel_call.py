"""The checked call of signature kernels: paths, options, outputs, values and derivatives.

A call chooses who computes, the backend or `Features`, which have the same operations. Normalised
kernels are made of the operations on the pairs themselves and on each path with itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks, _kernel_normalize
from pysig._api._device import on_device, refuse_capture
from pysig._api._kernel_features import Features
from pysig._api._kernel_gradients import SignatureKernelCotangents
from pysig._api._kernel_order import choose_order
from pysig._api._kernel_paths import Side, check_sides, check_tangents, split_tangents, take_rows
from pysig._api._kernel_plan import check_choice
from pysig._api._memory import check_array, check_scratch
from pysig._api._output import Output, output, parts_of
from pysig._api._ragged import first_array
from pysig._api.config import check_workers
from pysig._api.static_kernels import check_parameters_tangent
from pysig._backend import NUMPY, backend_of, require
from pysig._plans.kernel_cost import KernelSizes, features_cost, recursion_cost, scratch_bytes
from pysig._plans.layout import plan_for
from pysig._plans.paths import Cotangents, Paths, Tangents
from pysig._plans.signature_kernel import Pairs


class KernelCall:
    """A checked call of `signature_kernel` (`paired`) or `signature_kernel_matrix`."""

    def __init__(
        self,
        caller: str,
        x: Any,
        y: Any,
        depth: Any,
        options: Mapping[str, Any],
        *,
        paired: bool,
        any_axes: bool = False,
        names: tuple[str, str] = ("x", "y"),
    ) -> None:
        self.caller, self.first = caller, first_array(x)
        self.paired, self.any_axes, self.names = paired, any_axes, names
        if paired and y is None:
            raise TypeError(
                "y: expected an array of paths, received None. Pass y, or take "
                "signature_kernel_matrix for the kernels within x."
            )
        self.given = {"x": x, "y": y, **options}
        self.parameters_along = (0.0, 0.0, 0.0)  # how they move in `compute_jvp`
        self.begin(x, y, depth, options)

    @on_device
    def begin(self, x: Any, y: Any, depth: Any, options: Mapping[str, Any]) -> None:
        """Check everything."""
        self.backend = backend_of(self.first)
        refuse_capture(self.backend, self.caller, "it takes scratch memory")
        require(self.backend, _capability(self.caller))
        self.workers = check_workers(options["workers"])
        self.x, self.y = check_sides(x, y, options, self.names)
        self.dtype = self.x.array.dtype
        self.choice = check_choice(depth, options, self.dtype)
        self.pairs = self._pairs()
        self.symmetric = self.pairs.y is None
        self.own = self._own_shape()
        self.check_memory()
        self.plan = self.choice.plan
        self.engine: Any = self.backend.impl
        if self._by_features():
            self.engine = Features(self.backend)
        elif self.choice.rtol is not None:
            order = choose_order(
                self.x.paths,
                None if self.y is None else self.y.paths,
                self.choice,
                self.backend,
                self.workers,
            )
            self.plan = self.plan._replace(order=order)
        if not isinstance(self.engine, Features):
            self.check_scratch()

    # ---- pairs and shapes ----

    def _pairs(self) -> Pairs:
        """The pairs of paths, and the shape of their results."""
        x, y = self.x, self.y
        if self.paired:
            assert y is not None
            try:
                self.batch: tuple[int, ...] = np.broadcast_shapes(x.batch, y.batch)
            except ValueError:
                raise ValueError(
                    f"y: expected batch axes that broadcast with {x.batch} of x, received shape "
                    f"{tuple(y.array.shape)}. For all pairs call signature_kernel_matrix."
                ) from None
            for wide in (x, y):
                if wide.batch != self.batch:  # copied for every pair
                    shape, size = (*self.batch, *wide.array.shape[-2:]), self.dtype.itemsize
                    check_array(wide.name, shape, size, self.backend, "Use fewer paths at a time.")
            left, right = (_wide(side, self.batch, self.backend) for side in (x, y))
            return Pairs(left, right, paired=True)
        for side in (x, y):
            if side is not None and side.array.ndim != 3 and not self.any_axes:
                raise ValueError(
                    f"{side.name}: expected shape (paths, length, channels), received shape "
                    f"{tuple(side.array.shape)}. Reshape the paths to one axis."
                )
        self.batch = (x.paths.batch, (y or x).paths.batch)
        return Pairs(x.paths, None if y is None else y.paths)

    def _own_shape(self) -> tuple[int, ...]:
        if self.choice.levels:
            return (self.choice.plan.depth + 1,)
        if self.choice.grid:
            rows, columns = self.pairs.steps
            return (rows + 1, columns + 1)
        return ()

    @property
    def out_shape(self) -> tuple[int, ...]:
        """The shape of the result."""
        return (*self.batch, *self.own)

    def check_memory(self) -> None:
        """MemoryError if the result does not fit."""
        if self.given.get("out") is None:
            what = "fewer paths at a time" if not self.choice.grid else "grid=False"
            check_array("x", self.out_shape, self.dtype.itemsize, self.backend, f"Use {what}.")
        gradient = self.caller.endswith("_vjp")
        if gradient:  # the copy of the cotangent beside the gradients of all rows
            rows = sum(paths.points.size for paths in (self.pairs.x, self.pairs.y) if paths)
            shape = (prod(self.out_shape) + rows,)
            check_array("x", shape, self.dtype.itemsize, self.backend, "Use fewer paths.")

    def check_scratch(self) -> None:
        """MemoryError if what the recursion keeps does not fit, with the order that it has."""
        if self.backend is not NUMPY or not prod(self.pairs.leading):
            return
        needed = scratch_bytes(self.plan, *self.pairs.steps, self.caller.endswith("_vjp"))
        advice = "Use a smaller dyadic_order or order, or shorter paths."
        check_scratch("x", needed, self.backend, advice)

    def _by_features(self) -> bool:
        choice, sizes = self.choice, self._sizes()
        if choice.method == "features":
            self._check_features_memory()
            return True
        if choice.method != "auto" or not choice.exact:
            return False
        if choice.plan.depth * (sizes.channels - 1).bit_length() > 24:  # d^N beyond any block
            return False
        coefficients = plan_for(sizes.channels, choice.plan.depth).size
        cost = recursion_cost(sizes, choice.plan.depth, choice.plan.order)
        return features_cost(sizes, coefficients) <= cost

    def _check_features_memory(self) -> None:
        """MemoryError if the signatures of one pair do not fit."""
        depth, channels = self.choice.plan.depth, self._sizes().channels
        size = channels ** min(depth, 64)
        advice = 'Use method="recursion".'
        check_array("depth", (2, size), self.dtype.itemsize, self.backend, advice)

    def _sizes(self) -> KernelSizes:
        pairs = self.pairs
        assert pairs.x is not None
        rows, columns = pairs.steps
        count = prod(pairs.leading)
        if self.symmetric:
            count = count // 2 + 1
        others = 0 if pairs.y is None else pairs.y.batch
        return KernelSizes(pairs.x.batch, others, count, rows, columns, pairs.x.channels)

    # ---- operations on pairs without normalisation ----

    def compute(self, pairs: Pairs, rows: str, out: Any = None) -> Any:
        """Kernels ("value"), their levels or grids, in `out` or a new array."""
        if out is None:
            more = (self.plan.depth + 1,) if rows == "levels" else ()
            out = self.backend.xp.empty((*pairs.leading, *more), self.dtype)
        if prod(out.shape):
            self.engine.signature_kernel(pairs, out, self.plan, rows, self.workers)
        return out

    def compute_jvp(
        self, pairs: Pairs, moves: tuple[Tangents | None, Tangents | None], rows: str
    ) -> Any:
        """Derivatives of kernels or their levels; without `pairs.y`, along the first tangents."""
        more = (self.plan.depth + 1,) if rows == "levels" else ()
        out = self.backend.xp.zeros((*pairs.leading, *more), self.dtype)
        plan = self.plan
        if any(self.parameters_along):
            plan = plan._replace(static=plan.static._replace(tangents=self.parameters_along))
        moving = plan is not self.plan or any(move is not None for move in moves)
        if prod(out.shape) and moving:
            self.engine.signature_kernel_jvp(pairs, *moves, out, plan, self.workers)
        return out

    def compute_vjp(
        self, pairs: Pairs, cotangent: Any
    ) -> tuple[Cotangents, Cotangents | None, Any]:
        """New gradients by both sides and by the parameters."""
        xp = self.backend.xp
        contiguous = xp.ascontiguousarray(cotangent.astype(self.dtype, copy=False))
        assert pairs.x is not None
        sides = [_room(side, xp) if side is not None else None for side in (pairs.x, pairs.y)]
        parameters = xp.zeros(3, np.float64)
        if prod(contiguous.shape):
            self.engine.signature_kernel_vjp(
                pairs, contiguous, *sides, parameters, self.plan, self.workers
            )
        else:
            for side in sides:
                for array in side or ():
                    if array is not None:
                        array[...] = 0
        first, second = sides
        assert first is not None
        return first, second, parameters

    # ---- results ----

    @on_device
    def value(self, out: Any = None) -> Any:
        """Compute the result, in `out` if it is given."""
        result = self._output(out)
        flat = result.rows(*self.pairs.leading, *self.own)
        choice = self.choice
        if choice.normalize:
            _kernel_normalize.value(self, flat)
            return result.finish()
        self.compute(self.pairs, self.rows, flat)
        if choice.levels:
            _kernel_normalize.weigh(flat, self)
        return result.finish()

    @property
    def rows(self) -> str:
        """The name of the rows for the backend."""
        return "levels" if self.choice.levels else "grid" if self.choice.grid else "value"

    def _output(self, out: Any) -> Output:
        if out is None:
            new = self.backend.xp.empty(self.out_shape, self.dtype)
            return Output(new, new)
        names = ("x", "y", "basepoint", "lengths", "weights", "transform")
        inputs = parts_of({name: self.given[name] for name in names})
        return output(out, self.out_shape, self.dtype, self.backend, inputs)

    @on_device
    def derivative(
        self, tangent_x: Any, tangent_y: Any, basepoint_tangent: Any, parameters_tangent: Any
    ) -> Any:
        """Compute the derivative of the result along tangents."""
        self.parameters_along = check_parameters_tangent(self.choice.static, parameters_tangent)
        sides = [side for side in (self.x, self.y) if side is not None]
        bases = split_tangents(basepoint_tangent, sides)
        moves: list[Tangents | None] = []
        for side, tangent, base in zip(sides, (tangent_x, tangent_y), bases, strict=False):
            checked = check_tangents(side, tangent, base, self.backend)
            index = _index(side, self.batch) if self.paired else None
            if checked is not None and index is not None:
                checked = take_rows(checked, index, self.backend.xp)
            moves.append(checked)
        along = (moves[0], moves[1] if len(moves) > 1 else None)
        if self.choice.normalize:
            flat = _kernel_normalize.derivative(self, along)
        else:
            flat = self.compute_jvp(self.pairs, along, self.rows)
            if self.choice.levels:
                _kernel_normalize.weigh(flat, self)
        return flat.reshape(self.out_shape)

    @on_device
    def gradients(self, cotangent: Any) -> SignatureKernelCotangents:
        """Compute gradients of ``(cotangent * result).sum()``."""
        array = _checks.as_numeric(cotangent, "cotangent", self.backend)
        last = bool(self.own)
        weights = _checks.broadcast(
            array, "cotangent", self.out_shape, self.dtype, self.backend.xp, last=last
        ).reshape(*self.pairs.leading, *self.own)
        if self.choice.normalize:
            first, second, parameters = _kernel_normalize.gradients(self, weights)
        else:
            if self.choice.levels:
                weights = weights.copy()
                _kernel_normalize.weigh(weights, self)
            first, second, parameters = self.compute_vjp(self.pairs, weights)
        named = self.choice.static.GRADIENTS
        return SignatureKernelCotangents(
            self._of_points(first.path, self.x),
            None if self.y is None or second is None else self._of_points(second.path, self.y),
            self._basepoint_gradients(first, second),
            {name: parameters[place] for name, place in named.items()},
        )

    def _reduced(self, rows: Any, side: Side, shape: tuple[int, ...]) -> Any:
        """Sum over axes along which the side was broadcast."""
        batch = self.batch if self.paired else side.batch
        own = tuple(rows.shape[1:])
        return _checks.sum_to(rows.reshape(*batch, *own), shape).astype(self.dtype, copy=False)

    def _of_points(self, rows: Any, side: Side) -> Any:
        """Gradients of points in the layout of the argument."""
        bar = self._reduced(rows, side, side.array.shape)
        if side.ragged is None:
            return bar
        inside = side.ragged.unpad(bar, self.backend)
        return side.ragged.separate(inside.reshape(side.ragged.points_shape))

    def _basepoint_gradients(self, first: Cotangents, second: Cotangents | None) -> Any:
        found = []
        for side, into in ((self.x, first), (self.y, second)):
            if side is None or into is None:
                continue
            shape = side.basepoint_shape
            found.append(None if shape is None else self._reduced(into.basepoint, side, shape))
        if isinstance(self.given["basepoint"], tuple) and self.y is not None:
            return tuple(found)
        if found[0] is None:
            return None
        return found[0] if len(found) == 1 else found[0] + found[1]


def _capability(caller: str) -> str:
    """The row of the table for a function."""
    for ending in ("_vjp", "_jvp"):
        if caller.endswith(ending):
            return f"signature_kernel{ending}"
    return "signature_kernel"


def _index(side: Side, batch: tuple[int, ...]) -> Any:
    """For each pair the row of its path; None if they are the same."""
    if side.batch == batch:
        return None
    rows = np.arange(side.paths.batch).reshape(side.batch)
    return np.broadcast_to(rows, batch).reshape(-1)


def _wide(side: Side, batch: tuple[int, ...], backend: Any) -> Paths:
    """The paths of a side, one for each pair."""
    index = _index(side, batch)
    return side.paths if index is None else take_rows(side.paths, index, backend.xp)


def _room(paths: Paths, xp: Any) -> Cotangents:
    """Arrays for the gradients of some paths."""
    base = None if paths.basepoint is None else xp.empty_like(paths.basepoint)
    return Cotangents(xp.empty(paths.points.shape, paths.points.dtype), base)
