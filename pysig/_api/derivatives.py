"""P4. Derivatives of the signature, as plain functions on plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api.config import check_workers
from pysig._api.projection import (
    check_projection,
    cotangents,
    derivative,
    flat_cotangent,
    named_cotangents,
    tangents_of,
)
from pysig._api.transform import check_transform
from pysig._backend import Backend, require
from pysig._plan import Plan, plan_for
from pysig._transform import channels_after, steps_after


@dataclass
class _Call:
    """One call of `signature`, checked: what all derivatives need of it."""

    backend: Backend
    path: Any
    plan: Plan
    rows: tuple[int, ...]
    basepoint_shape: tuple[int, ...] | None  # of the arrays that were passed
    initial_shape: tuple[int, ...] | None
    options: dict[str, Any]

    @property
    def batch(self) -> tuple[int, ...]:
        return tuple(self.path.shape[:-2])

    @property
    def flat(self) -> Any:
        return self.path.reshape(prod(self.batch), *self.path.shape[-2:])

    @property
    def out_shape(self) -> tuple[int, ...]:
        return (*self.batch, *self.rows, self.plan.size)

    def array(self, value: Any, name: str, shape: tuple[int, ...]) -> Any:
        """`value`, broadcast to `shape` and flattened to (batch, ...)."""
        array = _checks.as_numeric(value, name, self.backend)
        wide = _checks._broadcast(array, name, shape, self.path.dtype, self.backend.xp)
        return wide.reshape(prod(self.batch), *shape[len(self.batch) :])

    def empty(self, *shape: int) -> Any:
        return self.backend.xp.empty(shape, self.path.dtype)


def _method_row(what: str, method: str) -> str:
    """The row of the table of capabilities."""
    if method == "cumsum":
        return 'derivatives: method="cumsum"'
    kind = what if what == "signature_vjp" else "signature_jvp, signature_hvp"
    return f'{kind}: method="{method}"'


def _check(
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
) -> _Call:
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
    return _Call(
        backend,
        array,
        plan,
        rows,
        tuple(np.shape(basepoint)) if given else None,
        None if initial is None else tuple(np.shape(initial)),
        {
            "plan": plan,
            "stream": stream,
            "basepoint": base,
            "initial": _checks.check_initial(initial, array, plan, backend),
            "inverse": inverse,
            "lengths": _checks.check_lengths(lengths, array, backend),
            "transform": checked,
            "method": method,
            "workers": threads,
        },
    )


def _tangents(
    call: _Call, tangent: Any, basepoint_tangent: Any, initial_tangent: Any
) -> dict[str, Any]:
    """The tangents of path, basepoint and initial, flat; zero for a basepoint that stays."""
    base, plan = call.options["basepoint"], call.plan
    for name, value, shape in (
        ("basepoint", basepoint_tangent, call.basepoint_shape),
        ("initial", initial_tangent, call.initial_shape),
    ):
        if value is not None and shape is None:
            raise ValueError(
                f"{name}_tangent: expected None, because {name} is no array, received "
                f"{_checks.describe(value)}. Pass {name} as an array or leave {name}_tangent out."
            )
    tangents = {
        "tangent": call.array(tangent, "tangent", tuple(call.path.shape)),
        "basepoint_tangent": None if base is None else call.backend.xp.zeros_like(base),
        "initial_tangent": None,
    }
    if basepoint_tangent is not None:
        shape = (*call.batch, call.path.shape[-1])
        tangents["basepoint_tangent"] = call.array(basepoint_tangent, "basepoint_tangent", shape)
    if initial_tangent is not None:
        rows = call.array(initial_tangent, "initial_tangent", (*call.batch, plan.size))
        rows = call.backend.xp.ascontiguousarray(rows[:, 1:]) if plan.scalar_term else rows
        tangents["initial_tangent"] = rows
    return tangents


def _cotangents(call: _Call, cotangent: Any, tangents: dict[str, Any]) -> Any:
    """Both derivatives that go backwards: the gradient, or the derivative of the gradient."""
    path, plan, xp = call.flat, call.plan, call.backend.xp
    path_bar = call.empty(*call.path.shape)
    base_bar = None if call.basepoint_shape is None else call.empty(*call.batch, path.shape[2])
    initial_bar: Any = None
    if call.initial_shape is not None:
        initial_bar = call.empty(len(path), plan.coefficients)
    call.backend.impl.signature_vjp(
        path,
        call.array(cotangent, "cotangent", call.out_shape),
        path_bar.reshape(path.shape),
        None if base_bar is None else base_bar.reshape(len(path), path.shape[2]),
        initial_bar,
        **tangents,
        **call.options,
    )
    if call.basepoint_shape is None and call.initial_shape is None:
        return path_bar
    if call.basepoint_shape is not None:
        base_bar = _checks.sum_to(base_bar, call.basepoint_shape)
    if call.initial_shape is not None:
        if plan.scalar_term:  # the scalar of `initial` is not read
            initial_bar = xp.concatenate([xp.zeros_like(initial_bar[:, :1]), initial_bar], axis=1)
        initial_bar = _checks.sum_to(
            initial_bar.reshape(*call.batch, plan.size), call.initial_shape
        )
    return _checks.SignatureCotangents(path_bar, base_bar, initial_bar)


def signature_jvp(
    path: Any,
    depth: int | None,
    tangent: Any,
    *,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    scalar_term: bool = False,
    words: Any = None,
    lengths: Any = None,
    transform: Any = None,
    method: str = "auto",
    workers: int | None = None,
) -> Any:
    """Derivative of `signature` in a direction (Jacobian-vector product).

    How the signature changes, to first order, when every point of the path moves along `tangent`.

    Parameters
    ----------
    path, depth, stream, basepoint, initial, inverse, scalar_term, words
        As for `signature`; ``depth=None`` with `words`.
    lengths, transform, method, workers
        As for `signature`.
    tangent : array_like, shape of `path`
        How the points move; a shape that broadcasts to that of `path` will do.
    basepoint_tangent, initial_tangent : array_like, optional
        How `basepoint` and `initial` move, if they are arrays; None: they do not.

    Returns
    -------
    array
        Shape and dtype of ``signature(path, depth, ...)``. The scalar does not move: with
        `scalar_term` the first coefficient is zero.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

    Notes
    -----
    Cost: about twice that of the signature, whose top level is not computed: two multiply-adds for
    each of its coefficients and steps, ``A'[i, j] += H'[i] x[j] + H[i] x'[j]`` where the signature
    takes one. The formula is that of `signature` on dual numbers, ``a + a' e`` with ``e * e = 0``
    [1]_. With `inverse` it is the derivative of the antipode, which is linear.

    References
    ----------
    .. [1] A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, SIAM 2008, section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> tangent = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    >>> pysig.signature_jvp(path, 2, tangent)
    array([1., 0., 1., 1., 1., 0.])

    The end point moves to the right: the first level sees its increment.
    """
    if words is not None:
        projected = check_projection(
            "signature_jvp",
            path,
            depth,
            words,
            stream=stream,
            basepoint=basepoint,
            initial=initial,
            inverse=inverse,
            scalar_term=scalar_term,
            lengths=lengths,
            transform=transform,
            method=method,
            workers=workers,
        )
        moves = tangents_of(projected, tangent, basepoint_tangent, initial_tangent)
        return derivative(projected, moves)
    call = _check(
        "signature_jvp",
        path,
        depth,
        stream,
        basepoint,
        initial,
        inverse,
        scalar_term,
        lengths,
        transform,
        method,
        workers,
    )
    tangents = _tangents(call, tangent, basepoint_tangent, initial_tangent)
    out = call.empty(*call.out_shape)
    call.backend.impl.signature_jvp(
        call.flat,
        tangents.pop("tangent"),
        out.reshape(len(call.flat), *call.rows, call.plan.size),
        **tangents,
        **call.options,
    )
    return out


def signature_vjp(
    path: Any,
    depth: int | None,
    cotangent: Any,
    *,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    scalar_term: bool = False,
    words: Any = None,
    lengths: Any = None,
    transform: Any = None,
    method: str = "auto",
    workers: int | None = None,
) -> Any:
    """Gradient of ``(cotangent * signature(path, depth, ...)).sum()`` (vector-Jacobian product).

    If a loss depends on the path through its signature only, and `cotangent` is the gradient of
    the loss with respect to the signature, this is its gradient with respect to the path.

    Parameters
    ----------
    path, depth, stream, basepoint, initial, inverse, scalar_term, words
        As for `signature`; ``depth=None`` with `words`.
    lengths, transform, method, workers
        As for `signature`.
    cotangent : array_like, shape of ``signature(path, depth, ...)``
        The weight of each coefficient; a shape that broadcasts to it will do. That of the scalar
        has no effect.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        The gradient with respect to the path. If `basepoint` or `initial` is an array, a named
        tuple ``(path, basepoint, initial)`` of the gradients with respect to each, in the shapes
        that were passed (what was broadcast is summed), None for what is no array. Points beyond
        `lengths` have gradient zero.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

    Notes
    -----
    Cost: about twice that of the signature, two multiply-adds for each coefficient of the top
    level and step; memory beyond the result is bounded by a few times the size of the path. Going
    back along the path the states are rebuilt, ``S <- S ⊗ exp(-x)`` [1]_, starting anew from a
    stored one every few hundred steps, so that rounding does not grow with the length. The result
    does not depend on `workers`.

    For CuPy arrays ``method="tile"`` goes back in this way, ``"cumsum"`` by reversed running sums,
    and ``"auto"`` takes tiles. With `stream`, for one channel or more than 32, and at depths whose
    chains do not fit the registers of a thread (beyond 9 in float64, 14 in float32; for two
    channels one more), both take running sums.

    References
    ----------
    .. [1] J. Reizenstein, B. Graham, "Algorithm 1004: The iisignature library", ACM Transactions
       on Mathematical Software 46(1), 2020, arXiv:1802.08252, section 4.9; P. Kidger, T. Lyons,
       "Signatory", ICLR 2021, arXiv:2001.00706, appendix C.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 3.0]])
    >>> area = np.array([0.0, 0.0, 0.0, 0.5, -0.5, 0.0])  # (S01 - S10) / 2
    >>> pysig.signature_vjp(path, 2, area)
    array([[-1. , -0.5],
           [ 1.5, -0.5],
           [-0.5,  1. ]])

    Moving the corner to the right adds area, moving it up takes some away.
    """
    if words is not None:
        projected = check_projection(
            "signature_vjp",
            path,
            depth,
            words,
            stream=stream,
            basepoint=basepoint,
            initial=initial,
            inverse=inverse,
            scalar_term=scalar_term,
            lengths=lengths,
            transform=transform,
            method=method,
            workers=workers,
        )
        weights = flat_cotangent(projected, cotangent)
        return named_cotangents(projected, cotangents(projected, weights, {}))
    call = _check(
        "signature_vjp",
        path,
        depth,
        stream,
        basepoint,
        initial,
        inverse,
        scalar_term,
        lengths,
        transform,
        method,
        workers,
    )
    return _cotangents(call, cotangent, {})


def signature_hvp(
    path: Any,
    depth: int | None,
    cotangent: Any,
    tangent: Any,
    *,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    scalar_term: bool = False,
    words: Any = None,
    lengths: Any = None,
    transform: Any = None,
    method: str = "auto",
    workers: int | None = None,
) -> Any:
    """Derivative of `signature_vjp` in a direction (Hessian-vector product).

    The Hessian of ``(cotangent * signature(path, depth, ...)).sum()`` with respect to the path, and
    to `basepoint` and `initial` where they are arrays, applied to the tangents.

    Parameters
    ----------
    path, depth, stream, basepoint, initial, inverse, scalar_term, words
        As for `signature`; ``depth=None`` with `words`.
    lengths, transform, method, workers
        As for `signature`.
    cotangent : array_like, shape of ``signature(path, depth, ...)``
        As for `signature_vjp`; it does not move. (The gradient is linear in it.)
    tangent, basepoint_tangent, initial_tangent
        As for `signature_jvp`.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        As `signature_vjp` returns.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

    Notes
    -----
    Cost: that of `signature_jvp` and about three times that of `signature_vjp`, whose formulas are
    run on dual numbers (forward over reverse [1]_).

    References
    ----------
    .. [1] A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, SIAM 2008, chapter 5.

    Examples
    --------
    The signed area is a quadratic form of the points: its Hessian, applied to the path itself, is
    its gradient.

    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 3.0]])
    >>> area = np.array([0.0, 0.0, 0.0, 0.5, -0.5, 0.0])
    >>> pysig.signature_hvp(path, 2, area, path)
    array([[-1. , -0.5],
           [ 1.5, -0.5],
           [-0.5,  1. ]])
    """
    if words is not None:
        projected = check_projection(
            "signature_hvp",
            path,
            depth,
            words,
            stream=stream,
            basepoint=basepoint,
            initial=initial,
            inverse=inverse,
            scalar_term=scalar_term,
            lengths=lengths,
            transform=transform,
            method=method,
            workers=workers,
        )
        moves = tangents_of(projected, tangent, basepoint_tangent, initial_tangent)
        weights = flat_cotangent(projected, cotangent)
        return named_cotangents(projected, cotangents(projected, weights, moves))
    call = _check(
        "signature_hvp",
        path,
        depth,
        stream,
        basepoint,
        initial,
        inverse,
        scalar_term,
        lengths,
        transform,
        method,
        workers,
    )
    tangents = _tangents(call, tangent, basepoint_tangent, initial_tangent)
    return _cotangents(call, cotangent, tangents)
