"""Chosen coefficients of signatures, and their derivatives: `signature(..., words=...)` and
`linear_functional` come here after they know what is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._signature_vjp import fill_gradients, gradient_dtype, in_double
from pysig._api._words_argument import check_words
from pysig._api.config import check_workers
from pysig._api.transform import check_transform
from pysig._backend import NUMPY, ArrayBackend, require
from pysig._plans.paths import Cotangents, Options, Paths, Tangents
from pysig._plans.projection import Projection, projection_for
from pysig._plans.transform import channels_after, steps_after


@dataclass
class ProjectionCall:
    """A checked call; arrays in `options` are (batch, ...)."""

    backend: ArrayBackend
    array: Any  # the path as it came
    plan: Projection
    matrix: Any  # (outputs, columns) of a linear functional, None for the columns themselves
    single: bool  # one functional: no axis of outputs
    rows: tuple[int, ...]
    basepoint_shape: tuple[int, ...] | None  # of the arrays that were passed
    initial_shape: tuple[int, ...] | None
    paths: Paths
    options: Options

    @property
    def batch(self) -> tuple[int, ...]:
        """Leading dimensions."""
        return tuple(self.array.shape[:-2])

    @property
    def count(self) -> int:
        """Paths."""
        return prod(self.batch)

    @property
    def columns(self) -> int:
        """Width of `initial`."""
        return len(self.plan.outputs)

    @property
    def outputs(self) -> int:
        """Width of a row that the backend computes."""
        return self.columns if self.matrix is None else len(self.matrix)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """What the caller gets."""
        return (*self.batch, *self.rows, *(() if self.single else (self.outputs,)))

    def flat(self, array: Any) -> Any:
        """An array of the shape of the path as (batch, length, channels)."""
        return array.reshape(self.count, *self.array.shape[-2:])

    def wide(self, value: Any, name: str, shape: tuple[int, ...]) -> Any:
        """`value` broadcast to (*batch, *shape) and flattened to (batch, *shape)."""
        array = _checks.as_numeric(value, name, self.backend)
        whole = (*self.batch, *shape)
        array = _checks._broadcast(array, name, whole, self.array.dtype, self.backend.xp)
        return array.reshape(self.count, *shape)

    def empty(self, *shape: int) -> Any:
        """An array like the path's."""
        return self.backend.xp.empty(shape, self.array.dtype)


def check_projection(
    what: str,
    path: Any,
    depth: Any,
    words: Any,
    *,
    stream: bool,
    basepoint: Any,
    initial: Any,
    inverse: bool,
    scalar_term: bool,
    lengths: Any,
    transform: Any = None,
    method: str,
    workers: int | None,
    matrix: Any = None,
    single: bool = False,
) -> ProjectionCall:
    """Everything but `out` and what derivatives add."""
    backend, array = _checks.check_path(path)
    require(backend, what)
    require(backend, "signature: words (projections)")
    base, transform_ = check_transform(transform, basepoint, array, backend)
    channels = channels_after(transform_, array.shape[-1])
    checked = check_words(words, channels, depth)
    stream, inverse = _checks.check_flag(stream, "stream"), _checks.check_flag(inverse, "inverse")
    scalar_term = _checks.check_flag(scalar_term, "scalar_term")
    if scalar_term and () in checked:
        raise ValueError(
            "words: expected no empty word with scalar_term=True, which puts it in front already."
        )
    if _checks.check_method(method) != "auto":
        raise ValueError(f'method: expected "auto" with words, received "{method}".')
    plan = projection_for(channels, checked, inverse, scalar_term)
    rows = (steps_after(transform_, array.shape[-2] - 1 + (base is not None)),) if stream else ()
    given = basepoint is not None and not isinstance(basepoint, (bool, np.bool_))
    points = array.reshape(prod(array.shape[:-2]), *array.shape[-2:])
    call = ProjectionCall(
        backend,
        array,
        plan,
        matrix,
        single,
        rows,
        np.shape(basepoint) if given else None,
        None if initial is None else np.shape(initial),
        Paths(points, base, transform=transform_),
        Options(stream, inverse, workers=check_workers(workers)),
    )
    start = None
    if initial is not None:
        _check_continues(plan)
        start = call.wide(initial, "initial", (call.columns,))
    checked_lengths = _checks.check_lengths(lengths, array, backend)
    call.paths = call.paths._replace(initial=start, lengths=checked_lengths)
    return call


def _check_continues(plan: Projection) -> None:
    missing = plan.missing
    if missing is not None:
        how = "backwards, " if plan.inverse else ""
        raise ValueError(
            f"initial: expected words that hold every prefix of their words {how}because these are "
            f"continued, too; {missing} is missing. Take "
            + (
                "all parts of the words, forwards and backwards."
                if plan.inverse
                else "words=pysig.prefix_closure(words)."
            )
        )


def compute(call: ProjectionCall, out: Any, inputs: dict[str, Any]) -> Any:
    """The values, in `out` if it is an array."""
    shape, xp = call.out_shape, call.backend.xp
    _check_fits(call, out)
    result = _checks.check_out(out, shape, call.array, call.backend, inputs)
    direct = result is not None and result.flags.c_contiguous
    if call.backend is NUMPY:
        direct = direct and result.flags.aligned
    target = result if direct else xp.empty(shape, call.array.dtype)
    rows = target.reshape(call.count, *call.rows, call.outputs)
    call.backend.impl.projection(call.paths, rows, call.plan, call.matrix, call.options)
    if result is None:
        return target
    if not direct:
        result[...] = target
    return result


def _check_fits(call: ProjectionCall, out: Any) -> None:
    limit = None if out is not None else _checks.memory_limit(call.backend)
    needed = prod(call.out_shape) * call.array.dtype.itemsize
    if limit is not None and needed > limit:
        raise MemoryError(
            f"words: the output of shape {call.out_shape} needs {needed} bytes, {limit} bytes can "
            "be had. Take fewer words or paths."
        )


def tangents_of(
    call: ProjectionCall, tangent: Any, basepoint_tangent: Any, initial_tangent: Any
) -> Tangents:
    """The tangents of path, basepoint and initial; zero for a basepoint that stays."""
    for name, value, shape in (
        ("basepoint", basepoint_tangent, call.basepoint_shape),
        ("initial", initial_tangent, call.initial_shape),
    ):
        if value is not None and shape is None:
            raise ValueError(
                f"{name}_tangent: expected None, because {name} is no array, received "
                f"{_checks.describe(value)}. Pass {name} as an array or leave {name}_tangent out."
            )
    length, channels = call.array.shape[-2:]
    base = call.paths.basepoint
    base_moves = None if base is None else call.backend.xp.zeros_like(base)
    if basepoint_tangent is not None:
        base_moves = call.wide(basepoint_tangent, "basepoint_tangent", (channels,))
    start_moves = None
    if initial_tangent is not None:
        start_moves = call.wide(initial_tangent, "initial_tangent", (call.columns,))
    return Tangents(call.wide(tangent, "tangent", (length, channels)), base_moves, start_moves)


def derivative(call: ProjectionCall, tangents: Tangents | None) -> Any:
    """The derivative of the values along tangents."""
    _check_fits(call, None)
    out = call.empty(*call.out_shape)
    rows = out.reshape(call.count, *call.rows, call.outputs)
    call.backend.impl.projection(call.paths, rows, call.plan, call.matrix, call.options, tangents)
    return out


def cotangents(
    call: ProjectionCall, cotangent: Any, tangents: Tangents | None
) -> tuple[Any, Any, Any]:
    """Gradients by path, basepoint and initial, in the shapes that were passed; with `tangents`
    the derivatives of the gradients. None for what is no array.
    """
    channels, dtype, xp = call.array.shape[-1], gradient_dtype(call.array), call.backend.xp
    path_bar = call.empty(*call.array.shape)
    base_bar: Any = None
    initial_bar: Any = None
    if call.basepoint_shape is not None:
        base_bar = xp.empty((call.count, channels), dtype)
    if call.initial_shape is not None:
        initial_bar = xp.empty((call.count, call.columns), dtype)
    weights = in_double(cotangent) if dtype == np.float64 else cotangent
    into = Cotangents(call.flat(path_bar), base_bar, initial_bar)

    def fill(paths: Paths, weights: Any, into: Cotangents, along: Tangents | None) -> None:
        call.backend.impl.projection_vjp(
            paths, weights, into, call.plan, call.matrix, call.options, along
        )

    fill_gradients(fill, call.backend, call.paths, weights, into, tangents)
    if call.basepoint_shape is not None:
        base_bar = base_bar.reshape(*call.batch, channels)
        base_bar = _checks.sum_to(base_bar, call.basepoint_shape).astype(path_bar.dtype, copy=False)
    if call.initial_shape is not None:
        initial_bar = initial_bar.reshape(*call.batch, call.columns)
        initial_bar = _checks.sum_to(initial_bar, call.initial_shape)
        initial_bar = initial_bar.astype(path_bar.dtype, copy=False)
    return path_bar, base_bar, initial_bar


def flat_cotangent(call: ProjectionCall, cotangent: Any) -> Any:
    """The cotangent as the backend takes it: (batch, [rows,] outputs)."""
    array = _checks.as_numeric(cotangent, "cotangent", call.backend)
    shape, xp = call.out_shape, call.backend.xp
    wide = _checks._broadcast(array, "cotangent", shape, call.array.dtype, xp, last=not call.single)
    return wide.reshape(call.count, *call.rows, call.outputs)


def named_cotangents(call: ProjectionCall, gradients: tuple[Any, Any, Any]) -> Any:
    """As `signature_vjp` returns them: the first alone where there is no other."""
    if call.basepoint_shape is None and call.initial_shape is None:
        return gradients[0]
    return _checks.SignatureCotangents(*gradients)
