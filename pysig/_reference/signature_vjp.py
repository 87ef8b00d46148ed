"""Derivatives of the reference implementation by dual numbers, exact for exact input.

Every operation of the reference consists of +, -, * and / by constants, so it accepts dual numbers
a + a' e with e*e = 0. The coefficient of e in the result is the derivative along a'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Dual:
    """value + tangent * e, e*e = 0. Arrays of them combine element by element."""

    value: Any
    tangent: Any

    def __add__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = dual(other)
        return Dual(self.value + other.value, self.tangent + other.tangent)

    __radd__ = __add__

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.tangent)

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        return self + -dual(other)

    def __rsub__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        return dual(other) - self

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = dual(other)
        return Dual(
            self.value * other.value, self.value * other.tangent + self.tangent * other.value
        )

    __rmul__ = __mul__

    def __truediv__(self, constant: Any) -> Dual:
        return Dual(self.value / constant, self.tangent / constant)


def dual(x: Any) -> Dual:
    """`x` as a dual number: constants do not move."""
    return x if isinstance(x, Dual) else Dual(x, x * 0)


def _array_of(values: Any, tangents: Any) -> Any:
    values, tangents = np.broadcast_arrays(np.asarray(values), np.asarray(tangents))
    out = np.empty(values.shape, object)
    for index in np.ndindex(*values.shape):
        out[index] = Dual(values[index], tangents[index])
    return out


def jvp(operation: Callable[..., Any], inputs: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The derivative of ``operation(*inputs)`` when every input moves along its tangent."""
    moving = [_array_of(x, dx) for x, dx in zip(inputs, tangents, strict=True)]
    result = np.asarray(operation(*moving))
    out = np.empty(result.shape, object)
    for index in np.ndindex(*result.shape):
        out[index] = dual(result[index]).tangent
    exact = any(np.asarray(x).dtype == object for x in inputs)
    return out if exact else out.astype(np.float64)


def vjp(operation: Callable[..., Any], inputs: Sequence[Any], cotangent: Any) -> tuple[Any, ...]:
    """The gradients of <cotangent, operation(*inputs)>: one `jvp` for each coordinate."""
    gradients = []
    for which, x in enumerate(inputs):
        x = np.asarray(x)
        gradient = np.empty(x.shape, object)
        for index in np.ndindex(*x.shape):
            tangents = [np.asarray(y) * 0 for y in inputs]
            tangents[which][index] = tangents[which][index] + 1
            gradient[index] = np.sum(jvp(operation, inputs, tangents) * cotangent)
        gradients.append(gradient if x.dtype == object else gradient.astype(np.float64))
    return tuple(gradients)
