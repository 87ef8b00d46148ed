"""P2. The law of `signature` and of its derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._reference import tensor


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
) -> Any:
    """Signatures of paths, step by step: S <- S (x) exp(x). Options as `pysig.signature`."""
    return _run(
        path,
        None,
        depth,
        stream=stream,
        basepoint=basepoint,
        initial=initial,
        inverse=inverse,
        scalar_term=scalar_term,
        lengths=lengths,
    )


def signature_jvp(
    path: Any, depth: int, tangent: Any, *, stream: bool = False, **options: Any
) -> Any:
    """Derivative of `signature` along `tangent`, exact: the product rule along the path.

    d(S (x) exp(x)) = dS (x) exp(x) + S (x) d exp(x), where level k of d exp(x) is the sum over the
    k places of x(x)..dx..(x)x / k!.  Options: basepoint (constant), initial (constant), inverse,
    scalar_term, lengths.
    """
    return _run(path, tangent, depth, stream=stream, **options)


def signature_vjp(path: Any, depth: int, cotangent: Any, **options: Any) -> Any:
    """Gradient of <cotangent, signature> by the path: one `signature_jvp` for each coordinate."""
    path = _as_law_array(path)
    cotangent = _as_law_array(cotangent)
    gradient = np.empty_like(path)
    batch = path.shape[:-2]
    for t, c in np.ndindex(*path.shape[-2:]):
        tangent = path * 0
        tangent[..., t, c] = tangent[..., t, c] + 1
        change = signature_jvp(path, depth, tangent, **options)
        gradient[..., t, c] = (change * cotangent).reshape(*batch, -1).sum(axis=-1)
    return gradient


def _as_law_array(values: Any) -> Any:
    values = np.asarray(values)
    return values if values.dtype == object else values.astype(np.float64)


def _broadcast_basepoint(basepoint: Any, path: Any) -> Any:
    if basepoint is None or (isinstance(basepoint, (bool, np.bool_)) and not basepoint):
        return None
    shape = (*path.shape[:-2], path.shape[-1])
    return (
        path[..., 0, :] * 0
        if isinstance(basepoint, (bool, np.bool_))
        else np.broadcast_to(_as_law_array(basepoint), shape)
    )


def _run(
    path: Any,
    tangent: Any,
    depth: int,
    *,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    scalar_term: bool = False,
    lengths: Any = None,
) -> Any:
    """Values if `tangent` is None, else derivatives along it."""
    path = _as_law_array(path)
    batch, (length, channels) = path.shape[:-2], path.shape[-2:]
    base = _broadcast_basepoint(basepoint, path)
    starts = None if initial is None else np.broadcast_to(initial, (*batch, np.shape(initial)[-1]))
    counts = np.broadcast_to(length if lengths is None else lengths, batch)
    rows = []
    for b in np.ndindex(*batch):
        steps = np.diff(_with_base(path[b], base, b)[: counts[b] + (base is not None)], axis=0)
        start = (
            tensor.one(channels, depth, path.dtype)
            if starts is None
            else tensor.unflatten(starts[b], channels, depth, scalar_term)
        )
        if tangent is None:
            prefixes = [_finish(s, inverse, scalar_term) for s in _prefixes(steps, start)]
        else:
            moves = _as_law_array(tangent)[b]
            dsteps = np.diff(_with_base(moves, base if base is None else base * 0, b), axis=0)
            prefixes = [
                _finish_dual(s, ds, inverse, scalar_term)
                for s, ds in _dual_prefixes(steps, dsteps, start)
            ]
        prefixes += [prefixes[-1]] * int(length - counts[b])
        rows.append(prefixes[1:] if stream else prefixes[-1:])
    width = sum(channels**k for k in range(1, depth + 1)) + scalar_term
    count = (length - 1 + (base is not None)) if stream else 1
    out = np.array(rows, dtype=path.dtype).reshape(*batch, count, width)
    return out if stream else out[..., 0, :]


def _with_base(points: Any, base: Any, b: Any) -> Any:
    return points if base is None else np.concatenate([base[b][None], points])


def _prefixes(steps: Any, start: tensor.Levels) -> list[tensor.Levels]:
    prefixes = [start]
    for x in steps:
        prefixes.append(tensor.product(prefixes[-1], tensor.exp(x, len(start) - 1)))
    return prefixes


def _dual_prefixes(
    steps: Any, dsteps: Any, start: tensor.Levels
) -> list[tuple[tensor.Levels, tensor.Levels]]:
    depth = len(start) - 1
    s, ds = start, [level * 0 for level in start]
    prefixes = [(s, ds)]
    for x, dx in zip(steps, dsteps, strict=False):
        step = tensor.exp(x, depth)
        ds = tensor.add(tensor.product(ds, step), tensor.product(s, _exp_tangent(x, dx, depth)))
        s = tensor.product(s, step)
        prefixes.append((s, ds))
    return prefixes


def _finish(s: tensor.Levels, inverse: bool, scalar_term: bool) -> Any:
    return tensor.flatten(tensor.inverse(s) if inverse else s, scalar_term)


def _finish_dual(s: tensor.Levels, ds: tensor.Levels, inverse: bool, scalar_term: bool) -> Any:
    if inverse:  # d(S^-1) = -S^-1 (x) dS (x) S^-1
        si = tensor.inverse(s)
        ds = tensor.scale(tensor.product(tensor.product(si, ds), si), -1)
    return tensor.flatten(ds, scalar_term)


def _exp_tangent(x: Any, dx: Any, depth: int) -> tensor.Levels:
    """Level k: (level k-1 of the tangent (x) x + level k-1 of exp (x) dx) / k."""
    exp = tensor.exp(x, depth)
    tangent = tensor.zero(len(x), depth, np.asarray(x).dtype)
    for k in range(1, depth + 1):
        tangent[k] = (np.multiply.outer(tangent[k - 1], x) + np.multiply.outer(exp[k - 1], dx)) / k
    return tangent
