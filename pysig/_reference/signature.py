"""Reference implementation of `signature` and of its derivative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pysig._reference import tensor
from pysig._reference.transform import points_after, stages_of, transformed


@dataclass(frozen=True)
class _Options:
    """Options of `signature`, and the tangents of its arrays."""

    stream: bool = False
    basepoint: Any = None
    initial: Any = None
    inverse: bool = False
    scalar_term: bool = False
    lengths: Any = None
    transform: Any = None
    basepoint_tangent: Any = None
    initial_tangent: Any = None


def signature(
    path: Any,
    depth: int,
    *,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    scalar_term: bool = False,
    lengths: Any = None,
    transform: Any = None,
) -> Any:
    """Signatures of paths, step by step: S <- S (x) exp(x). Options as `pysig.signature`."""
    options = _Options(stream, basepoint, initial, inverse, scalar_term, lengths, transform)
    return _run(path, None, depth, options)


def signature_jvp(path: Any, depth: int, tangent: Any, **options: Any) -> Any:
    """Derivative of `signature` along `tangent`, exact: the product rule along the path.

    d(S (x) exp(x)) = dS (x) exp(x) + S (x) d exp(x), where level k of d exp(x) is the sum over the
    k places of x(x)..dx..(x)x / k!. Options as `signature`, and basepoint_tangent and
    initial_tangent, which do not move if None. The inverse is the antipode, which is linear.
    """
    return _run(path, tangent, depth, _Options(**options))


def signature_vjp(path: Any, depth: int, cotangent: Any, **options: Any) -> Any:
    """Gradient of <cotangent, signature> by the path: one `signature_jvp` for each coordinate."""
    path = _as_reference_array(path)

    def change(tangent: Any) -> Any:
        return signature_jvp(path, depth, tangent, **options)

    return _gradient(path, change, cotangent, path.shape[:-2])


def signature_cotangents(
    path: Any,
    depth: int,
    cotangent: Any,
    *,
    basepoint: Any = None,
    initial: Any = None,
    **options: Any,
) -> tuple[Any, Any, Any]:
    """Gradients of <cotangent, signature> by path, basepoint and initial, each broadcast to the
    batch of the path; None for an absent argument.
    """
    path = _as_reference_array(path)
    batch, channels = path.shape[:-2], path.shape[-1]
    options = {"basepoint": basepoint, "initial": initial, **options}
    gradients = [signature_vjp(path, depth, cotangent, **options), None, None]
    for k, (name, value) in enumerate((("basepoint", basepoint), ("initial", initial)), start=1):
        if value is None or isinstance(value, (bool, np.bool_)):
            continue
        width = channels if name == "basepoint" else np.shape(value)[-1]
        wide = np.broadcast_to(_as_reference_array(value), (*batch, width))

        def change(tangent: Any, name: str = name) -> Any:
            return signature_jvp(path, depth, path * 0, **{f"{name}_tangent": tangent}, **options)

        gradients[k] = _gradient(wide, change, cotangent, batch)
    return gradients[0], gradients[1], gradients[2]


def _gradient(at: Any, change: Any, cotangent: Any, batch: tuple[int, ...]) -> Any:
    """Coordinate by coordinate of `at` (*batch, ...): <cotangent, change(unit tangent)>."""
    gradient = np.empty_like(at)
    for index in np.ndindex(*at.shape[len(batch) :]):
        tangent = at * 0
        tangent[(..., *index)] = tangent[(..., *index)] + 1
        moved = change(tangent) * _as_reference_array(cotangent)
        gradient[(..., *index)] = moved.sum(axis=tuple(range(len(batch), moved.ndim)))
    return gradient


def _as_reference_array(values: Any) -> Any:
    values = np.asarray(values)
    return values if values.dtype == object else values.astype(np.float64)


def _broadcast_basepoint(basepoint: Any, path: Any) -> Any:
    if basepoint is None or (isinstance(basepoint, (bool, np.bool_)) and not basepoint):
        return None
    shape = (*path.shape[:-2], path.shape[-1])
    return (
        path[..., 0, :] * 0
        if isinstance(basepoint, (bool, np.bool_))
        else np.broadcast_to(_as_reference_array(basepoint), shape)
    )


def _broadcast_initial(initial: Any, batch: tuple[int, ...]) -> Any:
    return None if initial is None else np.broadcast_to(initial, (*batch, np.shape(initial)[-1]))


def _run(path: Any, tangent: Any, depth: int, options: _Options) -> Any:
    """Values if `tangent` is None, else derivatives along it."""
    path = _as_reference_array(path)
    batch, (length, channels) = path.shape[:-2], path.shape[-2:]
    inverse, scalar_term = options.inverse, options.scalar_term
    base = _broadcast_basepoint(options.basepoint, path)
    base_moves = None if base is None else _broadcast_basepoint(options.basepoint_tangent, path)
    if base is not None and base_moves is None:
        base_moves = base * 0
    starts = _broadcast_initial(options.initial, batch)
    start_moves = _broadcast_initial(options.initial_tangent, batch)
    counts = np.broadcast_to(length if options.lengths is None else options.lengths, batch)
    stages = stages_of(options.transform)
    points, channels = points_after((length + (base is not None), channels), options.transform)
    count = points - 1

    def steps_of(points: Any, starts: Any, b: Any, moves: bool) -> Any:
        points = _with_base(points, starts, b)[: counts[b] + (base is not None)]
        return np.diff(transformed(points, stages, batch, b, moves), axis=0)

    rows = []
    for b in np.ndindex(*batch):
        steps = steps_of(path[b], base, b, False)
        start = (
            tensor.one(channels, depth, path.dtype)
            if starts is None
            else tensor.unflatten(starts[b], channels, depth, scalar_term)
        )
        if tangent is None:
            prefixes = [_finish(s, inverse, scalar_term) for s in _prefixes(steps, start)]
        else:
            moves = _as_reference_array(tangent)[b]
            dsteps = steps_of(moves, base_moves, b, True)
            dstart = [level * 0 for level in start]
            if start_moves is not None:
                dstart[1:] = tensor.unflatten(start_moves[b], channels, depth, scalar_term)[1:]
            prefixes = [
                _finish_tangent(ds, inverse, scalar_term)
                for ds in _tangent_prefixes(steps, dsteps, start, dstart)
            ]
        prefixes += [prefixes[-1]] * (count + 1 - len(prefixes))
        rows.append(prefixes[1:] if options.stream else prefixes[-1:])
    width = sum(channels**k for k in range(1, depth + 1)) + scalar_term
    out = np.array(rows, dtype=path.dtype).reshape(*batch, count if options.stream else 1, width)
    return out if options.stream else out[..., 0, :]


def _with_base(points: Any, base: Any, b: Any) -> Any:
    return points if base is None else np.concatenate([base[b][None], points])


def _prefixes(steps: Any, start: tensor.Levels) -> list[tensor.Levels]:
    prefixes = [start]
    for x in steps:
        prefixes.append(tensor.product(prefixes[-1], tensor.exp(x, len(start) - 1)))
    return prefixes


def _tangent_prefixes(
    steps: Any, dsteps: Any, start: tensor.Levels, dstart: tensor.Levels
) -> list[tensor.Levels]:
    depth = len(start) - 1
    s, ds = start, dstart
    tangents = [ds]
    for x, dx in zip(steps, dsteps, strict=False):
        step = tensor.exp(x, depth)
        ds = tensor.add(tensor.product(ds, step), tensor.product(s, _exp_tangent(x, dx, depth)))
        s = tensor.product(s, step)
        tangents.append(ds)
    return tangents


def _finish(s: tensor.Levels, inverse: bool, scalar_term: bool) -> Any:
    return tensor.flatten(tensor.inverse(s) if inverse else s, scalar_term)


def _finish_tangent(ds: tensor.Levels, inverse: bool, scalar_term: bool) -> Any:
    if inverse:
        ds = [(-1) ** k * np.transpose(level) for k, level in enumerate(ds)]
    return tensor.flatten(ds, scalar_term)


def _exp_tangent(x: Any, dx: Any, depth: int) -> tensor.Levels:
    """Level k: (level k-1 of the tangent (x) x + level k-1 of exp (x) dx) / k."""
    exp = tensor.exp(x, depth)
    tangent = tensor.zero(len(x), depth, np.asarray(x).dtype)
    for k in range(1, depth + 1):
        tangent[k] = (np.multiply.outer(tangent[k - 1], x) + np.multiply.outer(exp[k - 1], dx)) / k
    return tangent
