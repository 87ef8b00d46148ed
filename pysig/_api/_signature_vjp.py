"""What the derivatives of the signature share: the checked call, tangents, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api.config import check_workers
from pysig._api.transform import check_transform
from pysig._backend import NUMPY, ArrayBackend, require
from pysig._plans.layout import Plan, plan_for
from pysig._plans.paths import Cotangents, Options, Paths, Tangents
from pysig._plans.transform import Transform, channels_after, steps_after

# The gradient at a point is the difference of what its two increments want, which on a path of T
# steps differ by 1 / sqrt(T) of themselves or less: beyond so many steps float32 would lose a
# fourth digit, and gradients are computed in float64.
MOST_SINGLE_STEPS = 2**13
# Then so many paths at a time, on a CPU: enough for the lanes of some cores, little for memory.
PATHS_IN_DOUBLE = 64


@dataclass
class DerivativeCall:
    """One call of `signature`, checked: what all derivatives need of it."""

    backend: ArrayBackend
    path: Any
    plan: Plan
    rows: tuple[int, ...]
    basepoint_shape: tuple[int, ...] | None  # of the arrays that were passed
    initial_shape: tuple[int, ...] | None
    paths: Paths
    options: Options

    @property
    def batch(self) -> tuple[int, ...]:
        return tuple(self.path.shape[:-2])

    @property
    def flat(self) -> Any:
        return self.paths.points

    @property
    def out_shape(self) -> tuple[int, ...]:
        return (*self.batch, *self.rows, self.plan.size)

    def array(self, value: Any, name: str, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """`value`, broadcast to `shape` and flattened to (batch, ...), as `dtype` or the path's."""
        array = _checks.as_numeric(value, name, self.backend)
        advice = _checks.about_scalar(array, self.plan) if shape[-1:] == (self.plan.size,) else ""
        dtype = dtype or self.path.dtype
        wide = _checks._broadcast(array, name, shape, dtype, self.backend.xp, advice=advice)
        return wide.reshape(prod(self.batch), *shape[len(self.batch) :])

    def empty(self, *shape: int) -> Any:
        return self.backend.xp.empty(shape, self.path.dtype)


def wants_double(path: Any) -> bool:
    """Whether gradients of this path are computed in float64 and rounded."""
    return bool(path.dtype == np.float32 and path.shape[-2] > MOST_SINGLE_STEPS)


def in_double(value: Any) -> Any:
    """float32 arrays as float64, also the times of a transform; everything else as it is."""
    if isinstance(value, Transform):
        return value._replace(times=in_double(value.times))
    single = getattr(value, "dtype", None) == np.float32
    return value.astype(np.float64) if single else value


def _method_row(what: str, method: str) -> str:
    """The row of the table of capabilities."""
    if method == "cumsum":
        return 'derivatives: method="cumsum"'
    kind = what if what == "signature_vjp" else "signature_jvp, signature_hvp"
    return f'{kind}: method="{method}"'


def check_call(
    what: str,
    path: Any,
    depth: Any,
    stream: bool,
    basepoint: Any,
    initial: Any,
    inverse: bool,
    scalar_term: bool,
    lengths: Any,
    transform: Any,
    method: str,
    workers: int | None,
) -> DerivativeCall:
    backend, array = _checks.check_path(path)
    require(backend, what)
    depth = _checks.check_integer(depth, "depth", 1)
    stream, inverse = _checks.check_flag(stream, "stream"), _checks.check_flag(inverse, "inverse")
    scalar_term = _checks.check_flag(scalar_term, "scalar_term")
    method = _checks.check_method(method)
    if method != "auto":
        require(backend, _method_row(what, method))
    threads = check_workers(workers)
    *batch, length, channels = array.shape
    base, checked = check_transform(transform, basepoint, array, backend)
    rows = (steps_after(checked, length - 1 + (base is not None)),) if stream else ()
    channels = channels_after(checked, channels)
    limit = _checks.memory_limit(backend)
    _checks.check_memory(
        channels, depth, prod((*batch, *rows)), scalar_term, array.dtype.itemsize, limit
    )
    plan = plan_for(channels, depth, scalar_term)
    given = not isinstance(basepoint, (bool, np.bool_)) and basepoint is not None
    return DerivativeCall(
        backend,
        array,
        plan,
        rows,
        tuple(np.shape(basepoint)) if given else None,
        None if initial is None else tuple(np.shape(initial)),
        Paths(
            array.reshape(prod(batch), length, array.shape[-1]),
            base,
            _checks.check_initial(initial, array, plan, backend),
            _checks.check_lengths(lengths, array, backend),
            transform=checked,
        ),
        Options(stream, inverse, method, threads),
    )


def tangents_of(
    call: DerivativeCall, tangent: Any, basepoint_tangent: Any, initial_tangent: Any
) -> Tangents:
    """The tangents of path, basepoint and initial, flat; zero for a basepoint that stays."""
    base, plan = call.paths.basepoint, call.plan
    for name, value, shape in (
        ("basepoint", basepoint_tangent, call.basepoint_shape),
        ("initial", initial_tangent, call.initial_shape),
    ):
        if value is not None and shape is None:
            raise ValueError(
                f"{name}_tangent: expected None, because {name} is no array, received "
                f"{_checks.describe(value)}. Pass {name} as an array or leave {name}_tangent out."
            )
    tangents = Tangents(
        call.array(tangent, "tangent", tuple(call.path.shape)),
        None if base is None else call.backend.xp.zeros_like(base),
    )
    if basepoint_tangent is not None:
        shape = (*call.batch, call.path.shape[-1])
        rows = call.array(basepoint_tangent, "basepoint_tangent", shape)
        tangents = tangents._replace(basepoint=rows)
    if initial_tangent is not None:
        rows = call.array(initial_tangent, "initial_tangent", (*call.batch, plan.size))
        rows = call.backend.xp.ascontiguousarray(rows[:, 1:]) if plan.scalar_term else rows
        tangents = tangents._replace(initial=rows)
    return tangents


def gradient_dtype(path: Any) -> Any:
    """What gradients of this path are computed in."""
    return np.dtype(np.float64) if wants_double(path) else path.dtype


def fill_gradients(
    fill: Callable[..., None],
    backend: ArrayBackend,
    paths: Paths,
    cotangent: Any,
    into: Cotangents,
    tangents: Tangents | None,
) -> None:
    """``fill(paths, cotangent, into, tangents)``, in float64 where that is wanted: the cotangent
    and the gradients of basepoint and initial are float64 then, and the call takes some paths at a
    time.
    """
    points = paths.points
    if not wants_double(points):
        fill(paths, cotangent, into, tangents)
        return
    each = PATHS_IN_DOUBLE if backend is NUMPY else max(len(points), 1)
    path_bar = backend.xp.empty((min(each, len(points)), *points.shape[1:]), np.float64)
    for first in range(0, len(points), each):
        rows = slice(first, first + each)
        part, target = paths.part(rows), into.part(rows)
        wide = path_bar[: part.batch]
        along = None if tangents is None else Tangents(*map(in_double, tangents.part(rows)))
        part = Paths(*map(in_double, part))
        fill(part, cotangent[rows], target._replace(path=wide), along)
        target.path[...] = wide


def cotangents(call: DerivativeCall, cotangent: Any, tangents: Tangents | None) -> Any:
    """Both derivatives that go backwards: the gradient, or the derivative of the gradient."""
    path, plan, xp, dtype = call.flat, call.plan, call.backend.xp, gradient_dtype(call.path)
    rows = call.array(cotangent, "cotangent", call.out_shape)
    if dtype != path.dtype:  # and is not out of range in the dtype of the path
        rows = call.array(cotangent, "cotangent", call.out_shape, dtype)
    path_bar = call.empty(*call.path.shape)
    base_bar: Any = None
    initial_bar: Any = None
    if call.basepoint_shape is not None:
        base_bar = xp.empty((len(path), path.shape[2]), dtype)
    if call.initial_shape is not None:
        initial_bar = xp.empty((len(path), plan.coefficients), dtype)
    into = Cotangents(path_bar.reshape(path.shape), base_bar, initial_bar)

    def fill(paths: Paths, cotangent: Any, into: Cotangents, tangents: Any) -> None:
        call.backend.impl.signature_vjp(paths, cotangent, into, plan, call.options, tangents)

    fill_gradients(fill, call.backend, call.paths, rows, into, tangents)
    if call.basepoint_shape is None and call.initial_shape is None:
        return path_bar
    if call.basepoint_shape is not None:
        base_bar = base_bar.reshape(*call.batch, path.shape[2])
        base_bar = _checks.sum_to(base_bar, call.basepoint_shape).astype(path.dtype, copy=False)
    if call.initial_shape is not None:
        if plan.scalar_term:  # the scalar of `initial` is not read
            initial_bar = xp.concatenate([xp.zeros_like(initial_bar[:, :1]), initial_bar], axis=1)
        initial_bar = initial_bar.reshape(*call.batch, plan.size)
        initial_bar = _checks.sum_to(initial_bar, call.initial_shape)
        initial_bar = initial_bar.astype(path.dtype, copy=False)
    return _checks.SignatureCotangents(path_bar, base_bar, initial_bar)
