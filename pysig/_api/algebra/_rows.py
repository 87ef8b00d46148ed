"""Operations on rows of coefficients: argument checks, broadcasting, and results in their shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._device import device_of, on_device, refuse_capture
from pysig._api._memory import check_memory
from pysig._api._output import check_out, is_direct
from pysig._api.config import check_workers
from pysig._backend import NUMPY, ArrayBackend, backend_of
from pysig._plans.layout import Plan, plan_for


def check_sizes(channels: Any, depth: Any, scalar_term: Any = False) -> Plan:
    """The plan of these sizes, one row of which fits into memory."""
    channels = _checks.check_integer(channels, "channels", 1)
    depth = _checks.check_depth(depth)
    scalar_term = _checks.check_flag(scalar_term, "scalar_term")
    check_memory(channels, depth, 1, scalar_term, 8, NUMPY)
    return plan_for(channels, depth, scalar_term)


@dataclass(frozen=True)
class RowsCall:
    """Arrays of one backend and dtype whose leading dimensions broadcast to `batch`."""

    backend: ArrayBackend
    dtype: Any
    arrays: dict[str, Any]
    given: dict[str, Any]
    batch: tuple[int, ...]
    threads: int

    @property
    def xp(self) -> Any:
        """The array library."""
        return self.backend.xp

    @property
    def count(self) -> int:
        """Rows of the whole batch."""
        return prod(self.batch)

    @property
    def first(self) -> Any:
        """The array whose device is that of the call."""
        return next(iter(self.arrays.values()))

    @on_device
    def rows(self, name: str, own: int = 1) -> Any:
        """The argument as (count, ...), or (1, ...) if one row serves the whole batch.

        Its last `own` axes are not broadcast.
        """
        array = self.arrays[name]
        lead, own_shape = array.shape[: array.ndim - own], array.shape[array.ndim - own :]
        if prod(lead) == 1:
            return self.xp.ascontiguousarray(array.reshape(1, *own_shape))
        if lead != self.batch:
            array = self.xp.broadcast_to(array, (*self.batch, *own_shape))
        return self.xp.ascontiguousarray(array.reshape(self.count, *own_shape))

    @on_device
    def empty(self, width: int) -> Any:
        """New rows, not initialised."""
        return self.xp.empty((self.count, width), self.dtype)

    @on_device
    def reduced(self, gradient: Any, name: str, own: int = 1) -> Any:
        """Sum gradient rows (count, ...) over the axes where the argument was broadcast."""
        array = self.arrays[name]
        own_shape = array.shape[array.ndim - own :]
        lead = array.shape[: array.ndim - own]
        wide = gradient.reshape(*self.batch, *own_shape)
        extra = len(self.batch) - len(lead)
        axes = tuple(range(extra)) + tuple(
            extra + i for i, n in enumerate(lead) if n == 1 and self.batch[extra + i] != 1
        )
        return (wide.sum(axis=axes) if axes else wide).reshape(array.shape)

    @on_device
    def target(self, out: Any, width: int) -> tuple[Any, Any]:
        """The rows to fill, and `out` if it is given; a call ends with `finish`."""
        shape = (*self.batch, width)
        result = check_out(out, shape, self.dtype, self.backend, self.given)
        direct = result is not None and is_direct(result, self.backend)
        return (result.reshape(self.count, width) if direct else self.empty(width)), result

    @on_device
    def finish(self, rows: Any, result: Any) -> Any:
        """The result in its shape: `rows` themselves, or copied to `result`."""
        shaped = rows.reshape(*self.batch, rows.shape[-1])
        if result is None:
            return shaped
        if not self.xp.may_share_memory(rows, result):
            result[...] = shaped
        return result


def prepare(
    given: dict[str, Any],
    shapes: Mapping[str, tuple[int | None, ...]],
    workers: Any = None,
    broadcast: bool = True,
    follows: Mapping[str, str] | None = None,
) -> RowsCall:
    """Check arguments. `shapes` are their last axes (None: any number).

    `follows` names what these depend on, if not on `channels`, `depth` and `scalar_term`.
    """
    backend = backend_of(next(iter(given.values())))
    refuse_capture(backend, next(iter(given)), "the algebra takes scratch memory")
    with device_of(next(iter(given.values()))):
        arrays = {name: _checks.as_numeric(value, name, backend) for name, value in given.items()}
    for name, array in arrays.items():
        own = shapes[name]
        last = array.shape[max(array.ndim - len(own), 0) :]
        if len(last) < len(own) or any(
            n is not None and n != m for n, m in zip(own, last, strict=True)
        ):
            expected = ", ".join("n" if n is None else str(n) for n in own)
            given_by = (follows or {}).get(name, "channels, depth and scalar_term")
            raise ValueError(
                f"{name}: expected shape (..., {expected}), received {tuple(array.shape)}. "
                f"The last axis follows from {given_by}."
            )
    single = all(a.dtype.kind == "f" and a.dtype.itemsize == 4 for a in arrays.values())
    dtype = np.dtype(np.float32 if single else np.float64)
    arrays = {name: a.astype(dtype, copy=False) for name, a in arrays.items()}
    leads = {n: tuple(a.shape[: a.ndim - len(shapes[n])]) for n, a in arrays.items()}
    first = next(iter(leads.values()))
    same = all(lead == first for lead in leads.values())  # np.broadcast_shapes takes microseconds
    try:
        batch = (first if same else np.broadcast_shapes(*leads.values())) if broadcast else ()
    except ValueError:
        text = ", ".join(f"{name} {lead}" for name, lead in leads.items())
        raise ValueError(
            f"{next(iter(leads))}: expected leading dimensions that broadcast, received {text}."
        ) from None
    return RowsCall(backend, dtype, arrays, given, batch, check_workers(workers))
