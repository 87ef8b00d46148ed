"""The checked call of signature kernels of given increments."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._device import on_device, refuse_capture
from pysig._api._kernel_plan import check_choice
from pysig._api._memory import check_array, check_scratch
from pysig._api._options import KERNEL_DEFAULTS
from pysig._api._output import Output, output, parts_of
from pysig._api.config import check_workers
from pysig._backend import NUMPY, backend_of, require
from pysig._plans.kernel_cost import scratch_bytes
from pysig._plans.signature_kernel import MAX_ORDER, Pairs


class IncrementsCall:
    """A checked call of `signature_kernel_from_increments` or one of its derivatives."""

    def __init__(self, caller: str, z: Any, depth: Any, options: Mapping[str, Any]) -> None:
        self.caller, self.first = caller, z
        self.given = {"z": z, **options}
        self.begin(z, depth, {**KERNEL_DEFAULTS, **options})

    @on_device
    def begin(self, z: Any, depth: Any, options: Mapping[str, Any]) -> None:
        """Check everything."""
        self.backend = backend_of(z)
        refuse_capture(self.backend, self.caller, "it takes scratch memory")
        ending = self.caller[-4:] if self.caller[-4:] in ("_vjp", "_jvp") else ""
        require(self.backend, f"signature_kernel{ending}")
        self.workers = check_workers(options["workers"])
        self.array = self._check_increments(z)
        self.dtype = self.array.dtype
        method = options["method"]
        if method == "features":
            raise ValueError(
                'method: expected "auto", "recursion" or "finite_difference", because signatures '
                'need paths, received "features".'
            )
        if depth is None and options["order"] is None and method in ("auto", "recursion"):
            raise ValueError(
                f"order: expected an integer from 1 to {MAX_ORDER}, received None. Increments "
                "alone have no scale for a tolerance; pass order or depth."
            )
        self.choice = check_choice(depth, options, self.dtype)
        self.plan = self.choice.plan
        self.batch = tuple(self.array.shape[:-2])
        flat = self.array.reshape(prod(self.batch), *self.array.shape[-2:])
        self.pairs = Pairs(None, increments=flat, paired=True)
        self.own: tuple[int, ...] = ()
        if self.choice.levels:
            self.own = (self.plan.depth + 1,)
        elif self.choice.grid:
            self.own = tuple(n + 1 for n in self.array.shape[-2:])
        if options.get("out") is None:
            shape = (*self.batch, *self.own)
            check_array("z", shape, self.dtype.itemsize, self.backend, "Use fewer at a time.")
        if ending == "_vjp":
            shape = tuple(self.array.shape)
            check_array("z", shape, self.dtype.itemsize, self.backend, "Use fewer at a time.")
        if self.backend is NUMPY and prod(self.batch):
            needed = scratch_bytes(self.plan, *self.pairs.steps, ending == "_vjp")
            check_scratch("z", needed, self.backend, "Use a smaller dyadic_order or order.")

    def _check_increments(self, z: Any) -> Any:
        """(..., steps_x, steps_y) in float32 or float64."""
        array = _checks.as_numeric(z, "z", self.backend)
        if array.ndim < 2:
            raise ValueError(
                f"z: expected shape (..., steps_x, steps_y), received shape {tuple(array.shape)}."
            )
        single = array.dtype.kind == "f" and array.dtype.itemsize == 4
        return array.astype(np.float32 if single else np.float64, copy=False)

    def _weighted(self, levels: Any) -> Any:
        """Levels times their weights."""
        if not self.choice.levels or self.plan.weights is None:
            return levels
        return levels * self.backend.xp.asarray(np.array(self.plan.weights, self.dtype))

    @on_device
    def value(self, out: Any = None) -> Any:
        """Compute the result, in `out` if it is given."""
        shape = (*self.batch, *self.own)
        if out is None:
            new = self.backend.xp.empty(shape, self.dtype)
            result = Output(new, new)
        else:
            inputs = parts_of({name: self.given[name] for name in ("z", "weights")})
            result = output(out, shape, self.dtype, self.backend, inputs)
        flat = result.rows(*self.pairs.leading, *self.own)
        rows = "levels" if self.choice.levels else "grid" if self.choice.grid else "value"
        if prod(flat.shape):
            self.backend.impl.signature_kernel(self.pairs, flat, self.plan, rows, self.workers)
        flat[...] = self._weighted(flat)
        return result.finish()

    @on_device
    def derivative(self, tangent: Any) -> Any:
        """Compute the derivative of the result along `tangent`."""
        moves = self._wide(tangent, "tangent", tuple(self.array.shape), last=False)
        moves = moves.reshape(self.pairs.increments.shape)
        out = self.backend.xp.zeros((*self.pairs.leading, *self.own), self.dtype)
        if prod(out.shape) and prod(moves.shape):
            self.backend.impl.signature_kernel_jvp(
                self.pairs, moves, None, out, self.plan, self.workers
            )
        return self._weighted(out).reshape((*self.batch, *self.own))

    @on_device
    def gradient(self, cotangent: Any) -> Any:
        """Compute the gradient of ``(cotangent * result).sum()``."""
        shape = (*self.batch, *self.own)
        weights = self._wide(cotangent, "cotangent", shape, last=bool(self.own))
        weights = self._weighted(weights.reshape(*self.pairs.leading, *self.own))
        bar = self.backend.xp.zeros(self.pairs.increments.shape, self.dtype)
        if prod(bar.shape):
            self.backend.impl.signature_kernel_vjp(
                self.pairs, weights, bar, None, None, self.plan, self.workers
            )
        return bar.reshape(self.array.shape)

    def _wide(self, value: Any, name: str, shape: tuple[int, ...], last: bool) -> Any:
        array = _checks.as_numeric(value, name, self.backend)
        return _checks.broadcast(array, name, shape, self.dtype, self.backend.xp, last=last)
