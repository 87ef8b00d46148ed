"""The record of an operation, a row of the table in `operations`, and the shapes of answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .cases import ITEMSIZE, Case

Call = Callable[[Any, "Task"], Callable[[], Any]]


@dataclass
class Task:
    """Arguments of a call: the input arrays, in the type of its library, and the sizes."""

    inputs: dict[str, Any]
    depth: int
    channels: int
    threads: int
    empty: Callable[[], Any]  # a new NumPy array of the answer's shape and dtype

    @property
    def path(self) -> Any:
        return self.inputs["path"]


@dataclass(frozen=True)
class Operation:
    """One row of the table."""

    name: str
    does: str
    calls: dict[str, Call]
    groups: tuple[str, ...]  # the cases timed when none is named
    work: float = 1.0  # minimal cost, as a multiple of the multiply-adds of the signature
    bound: str = "multiply-add"  # the ceiling that binds: a name of bench.probe.PROBES
    inputs: tuple[str, ...] = ("path",)
    # If the answer is too large for the reference implementation, its call computes only the
    # projection of the answer, for which it may use more inputs, `extra_inputs`.
    extra_inputs: tuple[str, ...] = ()
    project: Callable[[np.ndarray, dict[str, np.ndarray]], np.ndarray] | None = None
    answer: Callable[[Case], tuple[int, ...]] = field(default=lambda case: signature_shape(case))
    # Largest difference from the float64 answer, relative to the largest coefficient of the level,
    # by the dtype of the answer. Far above rounding, far below a wrong formula.
    tolerance: dict[str, float] = field(default_factory=lambda: {"float32": 1e-4, "float64": 1e-10})
    coupled: bool = False  # the answer is one for the whole batch
    checked_as: str = ""  # the operation whose float64 answer is right; empty: this one
    # Another operation of pysig, timed in the same rounds on the same inputs and threads, to whose
    # time that of this one is related.
    against: str = ""
    count: Callable[[Case], int] | None = None  # multiply-adds, where they are not such a multiple

    def madds(self, case: Case) -> int:
        """Minimum number of multiply-adds."""
        return round(self.work * case.madds) if self.count is None else self.count(case)

    def bytes(self, case: Case, dtype: str) -> int:
        """Minimum traffic in bytes: every input read once, every answer written once."""
        shapes = [self.answer(case), *(self.input_shape(case, name) for name in self.inputs)]
        return ITEMSIZE[dtype] * sum(_count(shape) for shape in shapes)

    def input_shape(self, case: Case, name: str) -> tuple[int, ...]:
        return {"path": case.shape, "tangent": case.shape, "cotangent": signature_shape(case)}[name]


def _count(shape: tuple[int, ...]) -> int:
    total = 1
    for extent in shape:
        total *= extent
    return total


# Shapes of answers.


def signature_shape(case: Case) -> tuple[int, ...]:
    return (*case.shape[:-2], case.size)


def stream_shape(case: Case) -> tuple[int, ...]:
    return (*case.shape[:-2], case.length - 1, case.size)


def lyndon_shape(case: Case) -> tuple[int, ...]:
    return (*case.shape[:-2], sum(_necklaces(case.channels, k) for k in range(1, case.depth + 1)))


def _necklaces(channels: int, length: int) -> int:
    """Lyndon words of a length: Witt's formula (1/k) sum over e dividing k of mu(e) d^(k/e)."""

    def mobius(n: int) -> int:
        sign, p = 1, 2
        while p * p <= n:
            if n % p == 0:
                n //= p
                if n % p == 0:
                    return 0
                sign = -sign
            p += 1
        return -sign if n > 1 else sign

    divisors = [e for e in range(1, length + 1) if length % e == 0]
    return sum(mobius(e) * channels ** (length // e) for e in divisors) // length
