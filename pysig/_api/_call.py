"""The checked call: argument checks of all public functions that take a path.

A call holds backend, array, plan and options. It broadcasts arrays that have a row for each path,
allocates outputs, and sums gradients over broadcast axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._device import check_capture, on_device, refuse_capture
from pysig._api._gradients import SignatureCotangents, fill_gradients, gradient_dtype
from pysig._api._memory import about_axes, check_memory
from pysig._api._output import Output, output
from pysig._api._path_checks import check_lengths, check_scalar_column
from pysig._api._ragged import RaggedPaths, check_points, first_array, like_points, paths_of
from pysig._api.config import check_workers
from pysig._api.transform import check_transform
from pysig._backend import CAPABILITIES, ArrayBackend, backend_of, require
from pysig._plans.layout import Plan, plan_for
from pysig._plans.paths import Cotangents, Options, Paths, Tangents


class PathCall:
    """Base class of all calls. A subclass adds its plan and the operations of the backend.

    A subclass sets `plan`; `own_shape`, the axes of a result after those of the batch and `stream`;
    `columns`, the width of `initial`; and `scalar_column`, the column of `initial` that is 1, or
    None. `pads`: whether paths of different lengths are padded, because the operation needs an axis
    of time.
    """

    pads = False
    plan: Any
    own_shape: tuple[int, ...]
    columns: int
    scalar_column: int | None

    def __init__(self, caller: str, path: Any, options: Mapping[str, Any]) -> None:
        self.caller, self.given = caller, {"path": path, **options}
        self.first = first_array(path)  # its device is that of the call
        self.begin(options)

    @on_device
    def begin(self, options: Mapping[str, Any]) -> None:
        """Check path and options, except for arrays that have a row for each path."""
        path, caller = self.given["path"], self.caller
        if type(path) is not np.ndarray:
            check_capture(backend_of(path), caller, path, options)
        backend, array = check_points(path, caller, options["offsets"], options["lengths"])
        self.backend = backend
        self.ragged = array if isinstance(array, RaggedPaths) else None
        if self.ragged is not None and self.pads:
            array = self.ragged.padded(backend)
            self.given["lengths"] = self.ragged.lengths
        self.array = array
        require(backend, caller)
        stream = _checks.check_flag(options["stream"], "stream")
        inverse = _checks.check_flag(options["inverse"], "inverse")
        self.scalar_term = _checks.check_flag(options["scalar_term"], "scalar_term")
        method = self.check_method(options["method"])
        self.options = Options(stream, inverse, method, check_workers(options["workers"]))
        self.batch = tuple(array.shape[:-2])
        self.count: int = prod(self.batch)
        self.lengths = None
        if self.given["lengths"] is not None:
            self.lengths = check_lengths(self.given["lengths"], array, backend)
        base, transform = check_transform(
            options["transform"], options["basepoint"], array, self.lengths, backend
        )
        self.paths = paths_of(array, base, transform)
        self.rows = (self.paths.steps,) if stream else ()

    def check_method(self, method: Any) -> str:
        """Check that the backend has the method."""
        checked = _checks.check_method(method)
        if checked != "auto":
            require_method(self.backend, f'signature: method="{checked}"', checked, self.caller)
        return checked

    @on_device
    def check_rows(self) -> None:
        """Check `initial` and `lengths`; requires `columns`."""
        initial = self.given["initial"]
        if initial is None and self.lengths is None:
            return
        if initial is not None:
            initial = self.check_initial(initial)
        lengths = self.paths.lengths if self.lengths is None else self.lengths
        self.paths = self.paths._replace(initial=initial, lengths=lengths)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """The shape of the result."""
        return (*self.batch, *self.rows, *self.own_shape)

    @property
    def flat_shape(self) -> tuple[int, ...]:
        """The shape of the result in the backend: one axis of paths, one of columns."""
        return (self.count, *self.rows, prod(self.own_shape))

    # ---- arrays that have a row for each path ----

    def wide(
        self, value: Any, name: str, shape: tuple[int, ...], dtype: Any = None, last: bool = True
    ) -> Any:
        """Broadcast `value` to (*batch, *shape) and flatten it to (count, *shape)."""
        array = _checks.as_numeric(value, name, self.backend)
        expected, xp = (*self.batch, *shape), self.backend.xp
        advice = self.advice(array, shape)
        dtype = dtype or self.array.dtype
        array = _checks.broadcast(array, name, expected, dtype, xp, last=last, advice=advice)
        return array.reshape(self.count, *shape)

    def advice(self, array: Any, shape: tuple[int, ...]) -> str:
        """The advice in the error for an array without `shape`."""
        return ""

    def check_initial(self, initial: Any) -> Any:
        """Check `initial`, the signatures to continue: (count, columns)."""
        rows = self.wide(initial, "initial", (self.columns,))
        if self.scalar_column is not None:
            check_scalar_column(rows, self.scalar_column, self.backend)
        return rows

    @on_device
    def tangents(
        self, tangent: Any, basepoint_tangent: Any = None, initial_tangent: Any = None
    ) -> Tangents:
        """Check the tangents. That of a constant basepoint is zero."""
        for name, value in (("basepoint", basepoint_tangent), ("initial", initial_tangent)):
            if value is not None and self.shape_of(name) is None:
                raise ValueError(
                    f"{name}_tangent: expected None, because {name} is not an array, received "
                    f"{_checks.describe(value)}. Pass {name} as an array or leave "
                    f"{name}_tangent out."
                )
        channels = self.array.shape[-1]
        base = self.paths.basepoint
        if basepoint_tangent is not None:
            base = self.wide(basepoint_tangent, "basepoint_tangent", (channels,))
        elif base is not None:
            base = self.backend.xp.zeros_like(base)
        start = None
        if initial_tangent is not None:
            start = self.wide(initial_tangent, "initial_tangent", (self.columns,))
        return Tangents(self._path_tangent(tangent), base, start)

    def _path_tangent(self, tangent: Any) -> Any:
        """Check the tangent of the path; return it in the shape of the points."""
        if self.ragged is None:
            return self.wide(tangent, "tangent", tuple(self.array.shape[-2:]))
        self._join()
        rows = like_points(tangent, "tangent", self.ragged, self.backend)
        if self.pads:
            return self.ragged.pad(rows, self.backend)
        return rows.reshape(self.paths.points.shape)

    def shape_of(self, name: str) -> tuple[int, ...] | None:
        """The shape of `basepoint` or `initial`; None if it is not an array."""
        value = self.given[name]
        if value is None or isinstance(value, (bool, np.bool_)):
            return None
        return tuple(np.shape(value))

    # ---- results ----

    def output(self, out: Any) -> Output:
        """Check `out`, or allocate the result."""
        if out is None:
            refuse_capture(self.backend, self.caller, "out is not given")
            new = self.backend.xp.empty(self.out_shape, self.array.dtype)
            return Output(new, new)
        inputs = {name: self.given[name] for name in ("path", "basepoint", "initial", "lengths")}
        if self.ragged is not None:
            rows = self.ragged.rows
            arrays = [self.ragged.points] if rows is None else rows.items
            inputs.update({f"path[{k}]" if rows else "path": a for k, a in enumerate(arrays)})
        return output(out, self.out_shape, self.array.dtype, self.backend, inputs)

    @on_device
    def value(self, out: Any = None) -> Any:
        """Compute the result, in `out` if it is given."""
        result = self.output(out)
        self.fill(result.rows(*self.flat_shape))
        return result.finish()

    @on_device
    def derivative(self, tangents: Tangents) -> Any:
        """Compute the derivative of the result along the tangents."""
        out = self.backend.xp.empty(self.out_shape, self.array.dtype)
        self.fill_jvp(tangents, out.reshape(self.flat_shape))
        return out

    @on_device
    def gradients(self, cotangent: Any, tangents: Tangents | None = None) -> Any:
        """Compute gradients, or their derivatives along `tangents`.

        Returns the gradient with respect to the path alone, or `SignatureCotangents` if `basepoint`
        or `initial` is an array.
        """
        self._join()
        weights = self.cotangent(cotangent)
        xp, channels = self.backend.xp, self.array.shape[-1]
        path_bar = xp.empty(self.paths.points.shape, self.array.dtype)
        base_bar = initial_bar = None
        if self.shape_of("basepoint") is not None:
            base_bar = xp.empty((self.count, channels), weights.dtype)
        if self.paths.initial is not None:
            initial_bar = xp.empty((self.count, self.paths.initial.shape[1]), weights.dtype)
        into = Cotangents(path_bar, base_bar, initial_bar)
        self.fill_gradients(weights, into, tangents)
        path_bar = self._like_path(path_bar)
        if base_bar is None and initial_bar is None:
            return path_bar
        if initial_bar is not None:
            initial_bar = self.initial_gradient(initial_bar)
        return SignatureCotangents(
            path_bar, self._reduced(base_bar, "basepoint"), self._reduced(initial_bar, "initial")
        )

    @property
    def gradient_dtype(self) -> Any:
        """The dtype that gradients are computed in."""
        return gradient_dtype(self.array.dtype, self.array.shape[-2])

    def fill_gradients(self, weights: Any, into: Cotangents, tangents: Tangents | None) -> None:
        """Compute gradients into `into` from the checked cotangent."""
        fill_gradients(self.fill_vjp, self.backend, self.paths, weights, into, tangents)

    def _like_path(self, path_bar: Any) -> Any:
        """The gradient with respect to the path in the layout of the path."""
        if self.ragged is None:
            return path_bar.reshape(self.array.shape)
        if self.pads:
            path_bar = self.ragged.unpad(path_bar, self.backend)
        return self.ragged.separate(path_bar.reshape(self.ragged.points_shape))

    def _join(self) -> None:
        """Copy separate paths to one array, as derivatives need them."""
        self.paths = self.paths.joined()

    def cotangent(self, cotangent: Any) -> Any:
        """Check the cotangent; return it in `flat_shape` and the dtype of gradients."""
        shape, last = (*self.rows, *self.own_shape), bool(self.own_shape)
        rows = self.wide(cotangent, "cotangent", shape, last=last)
        dtype = self.gradient_dtype
        if dtype != self.array.dtype:  # the first conversion checked the range
            rows = self.wide(cotangent, "cotangent", shape, dtype, last)
        return rows.reshape(self.flat_shape)

    def initial_gradient(self, rows: Any) -> Any:
        """Convert gradients with respect to `initial` (count, columns) to its layout."""
        return rows

    def _reduced(self, rows: Any, name: str) -> Any:
        """Sum gradients (count, columns) over broadcast axes, to the shape of the argument."""
        if rows is None:
            return None
        array = rows.reshape(*self.batch, rows.shape[1])
        summed = _checks.sum_to(array, self.shape_of(name) or ())
        return summed.astype(self.array.dtype, copy=False)

    # ---- operations of the backend ----

    def fill(self, out: Any) -> None:
        """Compute the result into `out`, of `flat_shape`."""
        raise NotImplementedError

    def fill_jvp(self, tangents: Tangents, out: Any) -> None:
        """Compute the derivative of the result into `out`."""
        raise NotImplementedError

    def fill_vjp(
        self, paths: Paths, cotangent: Any, into: Cotangents, tangents: Tangents | None
    ) -> None:
        """Compute gradients into `into`; `paths` have the dtype of gradients."""
        raise NotImplementedError


class SignatureCall(PathCall):
    """A checked call of `signature` or one of its derivatives, without `words`.

    `allocates`: whether the result is a new array, so that it must fit into memory.
    """

    plan: Plan

    def __init__(
        self,
        caller: str,
        path: Any,
        depth: Any,
        options: Mapping[str, Any],
        allocates: bool = True,
    ) -> None:
        super().__init__(caller, path, options)
        depth = _checks.check_depth(depth, words=caller.startswith("signature"))
        channels, scalar = self.paths.channels, self.scalar_term
        try:
            self.check_size(channels, depth, allocates)
        except MemoryError as error:
            raise MemoryError(f"{error}{about_axes(*self.array.shape[-2:])}") from None
        self.plan = plan_for(channels, depth, scalar)
        self.own_shape, self.columns = (self.plan.size,), self.plan.size
        self.scalar_column = 0 if scalar else None
        self.check_rows()

    def check_size(self, channels: int, depth: int, allocates: bool) -> None:
        """Raise MemoryError if the result does not fit."""
        rows, itemsize = prod((*self.batch, *self.rows)), self.array.dtype.itemsize
        backend = self.backend if allocates else None
        check_memory(channels, depth, rows, self.scalar_term, itemsize, backend)

    def advice(self, array: Any, shape: tuple[int, ...]) -> str:
        """The advice if rows have a scalar term unexpectedly, or lack it."""
        with_other_scalar = self.plan.size + (-1 if self.plan.scalar_term else 1)
        if shape[-1:] != (self.plan.size,) or array.shape[-1:] != (with_other_scalar,):
            return ""
        if self.plan.scalar_term:
            return " It has no scalar in front: leave scalar_term out."
        return " If it has the scalar in front, pass scalar_term=True."

    def check_initial(self, initial: Any) -> Any:
        """Check `initial`; return (count, coefficients) without the scalar term."""
        return self._without_scalar(super().check_initial(initial))

    def tangents(
        self, tangent: Any, basepoint_tangent: Any = None, initial_tangent: Any = None
    ) -> Tangents:
        """Check the tangents; that of the scalar term is ignored."""
        along = super().tangents(tangent, basepoint_tangent, initial_tangent)
        return along._replace(initial=self._without_scalar(along.initial))

    def _without_scalar(self, rows: Any) -> Any:
        if rows is None or not self.scalar_term:
            return rows
        return self.backend.xp.ascontiguousarray(rows[:, 1:])

    def initial_gradient(self, rows: Any) -> Any:
        """Prepend zero for the scalar term, which is constant."""
        if not self.scalar_term:
            return rows
        xp = self.backend.xp
        return xp.concatenate([xp.zeros_like(rows[:, :1]), rows], axis=1)

    def fill(self, out: Any) -> None:
        """Compute signatures."""
        self.backend.impl.signature(self.paths, out, self.plan, self.options)

    def fill_jvp(self, tangents: Tangents, out: Any) -> None:
        """Compute derivatives of signatures."""
        self.backend.impl.signature_jvp(self.paths, tangents, out, self.plan, self.options)

    def fill_vjp(
        self, paths: Paths, cotangent: Any, into: Cotangents, tangents: Tangents | None
    ) -> None:
        """Compute gradients of signatures."""
        self.backend.impl.signature_vjp(paths, cotangent, into, self.plan, self.options, tangents)


class DerivativeCall(SignatureCall):
    """A checked call of a derivative of `signature`; its methods depend on the backend."""

    def check_method(self, method: Any) -> str:
        """Check that the backend has the method for this derivative."""
        return check_derivative_method(method, self.backend, self.caller)


def check_derivative_method(method: Any, backend: ArrayBackend, caller: str) -> str:
    """Check that the backend has the method for the derivative `caller`."""
    checked = _checks.check_method(method)
    if checked == "cumsum":
        require_method(backend, 'derivatives: method="cumsum"', checked, caller)
    elif checked == "tile":
        first = caller in ("signature_vjp", "logsignature_vjp")
        group = "signature_vjp" if first else "signature_jvp, signature_hvp"
        require_method(backend, f'{group}: method="tile"', checked, caller)
    return checked


def require_method(backend: ArrayBackend, capability: str, method: str, caller: str) -> None:
    """TypeError if `backend` lacks the method, a row of the table of capabilities."""
    if backend.name not in CAPABILITIES[capability]:
        have = ", ".join(sorted(CAPABILITIES[capability]))
        raise TypeError(
            f"method: expected one that {caller} has for {backend.name} arrays, received "
            f'"{method}", which is for {have} arrays only. Leave it out.'
        )
