"""The functions of cupy that make, join and add up arrays."""

import sys

import numpy as np

from ._array import _from_host, _operand, current_device, ndarray, note


def empty(shape, dtype=float, order="C"):
    _only_c(order)
    return ndarray(shape, dtype)


def zeros(shape, dtype=float, order="C"):
    return full(shape, 0, dtype, order)


def ones(shape, dtype=float, order="C"):
    return full(shape, 1, dtype, order)


def full(shape, fill_value, dtype=None, order="C"):
    _only_c(order)
    fresh = ndarray(shape, np.asarray(_operand(fill_value)).dtype if dtype is None else dtype)
    fresh.fill(_operand(fill_value))
    return fresh


def _only_c(order):
    if order != "C":
        raise NotImplementedError(f"the CuPy emulator does not know order={order!r}")


def empty_like(prototype, dtype=None):
    return ndarray(prototype.shape, dtype or prototype.dtype)


def zeros_like(a, dtype=None):
    return zeros(a.shape, dtype or a.dtype)


def array(obj, dtype=None, copy=True, order="K"):
    if isinstance(obj, ndarray):
        return _from_host(obj._host if dtype is None else obj._host.astype(dtype), order=order)
    return _from_host(np.asarray(obj, dtype), order=order)


def asarray(a, dtype=None, order=None):
    here = isinstance(a, ndarray) and a._memory.device_id == current_device()
    if here and (dtype is None or a.dtype == np.dtype(dtype)):
        return a
    return array(a, dtype)


def ascontiguousarray(a, dtype=None):
    if isinstance(a, ndarray) and a.flags.c_contiguous and dtype in (None, a.dtype):
        return a
    return array(a, dtype, order="C")


def asnumpy(a, stream=None, order="C", out=None):
    return a.get(out=out) if isinstance(a, ndarray) else np.asarray(a)


def arange(start, stop=None, step=1, dtype=None):
    first, end = (0, start) if stop is None else (start, stop)
    return _from_host(np.arange(first, end, step, dtype))


def broadcast_to(array, shape):
    host = np.lib.stride_tricks.as_strided(
        array._host, *_broadcast(array.shape, array.strides, shape)
    )
    return array._view(host)


def _broadcast(shape, strides, target):
    target = (target,) if isinstance(target, int) else tuple(target)
    lead = len(target) - len(shape)
    if lead < 0 or any(a not in (1, b) for a, b in zip(shape, target[lead:], strict=True)):
        raise ValueError(f"Broadcasting from {shape} to {target} is not possible")
    kept = (s if a == b else 0 for a, b, s in zip(shape, target[lead:], strides, strict=True))
    return target, (0,) * lead + tuple(kept)


def concatenate(tup, axis=0):
    return _from_host(np.concatenate([a._host for a in tup], axis))


def cumsum(a, axis=None, dtype=None, out=None):
    with np.errstate(all="ignore"):
        host = np.cumsum(a._host, axis, dtype)
    note("launch", "cumsum")
    if out is None:
        return _from_host(host)
    if out.shape != host.shape:
        raise ValueError("Out shape is mismatched")
    out._host[...] = host
    return out


def take(a, indices, axis=None, out=None):
    note("launch", "take")
    return _from_host(np.take(a._host, _operand(indices), axis))


def where(condition, x=None, y=None):
    note("launch", "where")
    return _from_host(np.where(_operand(condition), _operand(x), _operand(y)))


def sqrt(x):
    note("launch", "sqrt")
    with np.errstate(all="ignore"):
        return _from_host(np.sqrt(_operand(x)))


def shares_memory(a, b, max_work=None):
    return np.shares_memory(a._host, b._host)


def may_share_memory(a, b, max_work=None):
    return np.may_share_memory(a._host, b._host)


def matmul(x1, x2):
    note("launch", "matmul")
    return _from_host(np.matmul(x1._host, x2._host))


def get_array_module(*args):
    return sys.modules["cupy"] if any(isinstance(a, ndarray) for a in args) else np
