"""Common part of all frameworks: a function of pysig and its derivatives as operators.

Let ``S(x)`` be the signature or the log-signature. Let ``x`` be its differentiable arrays: the
path, and `basepoint` and `initial` if they are arrays. An operator is ``S`` differentiated along
`tangents` (0 to 2) vectors ``v``. If it is `backward`, it is the gradient of this derivative,
weighted by a cotangent ``c``:

    forward     S(x)         S'(x) v          S''(x) (v, w)
    backward    S'(x)^T c    (S''(x) v)^T c

A forward operator returns one array of the shape of ``S``, a backward operator one array for each
of ``x``. Each operator is linear in its cotangent and in each of its tangents. Its derivative by
``x`` is the operator with one more tangent. Its adjoint in one of the linear slots is the operator
in which the result and this slot have changed places. The family is therefore closed under forward
and reverse differentiation. A framework needs only `push_forward` and `pull_back`.

This file depends on no framework: `run` takes the arrays that pysig takes.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import inf
from typing import Any, NamedTuple

import numpy as np

import pysig

Apply = Callable[..., Sequence[Any]]  # an operator and its arrays, to the arrays of its result

# Arrays among the arguments of the functions, in the order that all frameworks use, each with the
# number of its axes that are not batch axes.
OWN_AXES = {"path": 2, "basepoint": 1, "initial": 1, "lengths": 0}
UNMOVED = "lengths"


class Operator(NamedTuple):
    """One operator of the family. Hashable; `read` restores it from its `text`."""

    function: str  # "signature" or "logsignature"
    depth: int | None
    options: tuple[tuple[str, Any], ...]  # everything that is not an array
    given: tuple[str, ...]  # the names in OWN_AXES that were passed
    tangents: int = 0
    backward: bool = False

    # ---- operands: given, the cotangent, the tangents ----

    @property
    def moving(self) -> tuple[str, ...]:
        return tuple(name for name in self.given if name != UNMOVED)

    @property
    def slots(self) -> list[slice]:
        """Positions of the operands of each linear slot: the cotangent, then the tangents."""
        at = len(self.given) + self.backward
        width = len(self.moving)
        cotangent = [slice(at - 1, at)] if self.backward else []
        return cotangent + [
            slice(at + k * width, at + (k + 1) * width) for k in range(self.tangents)
        ]

    # ---- derivatives of the operator ----

    def raised(self) -> Operator:
        """The derivative with respect to the moving arrays, along one more tangent."""
        order = self.tangents + self.backward + 1
        if order > 2:
            raise NotImplementedError(
                f"pysig: expected a derivative of {self.function} of order 1 or 2, "
                f"received order {order}."
            )
        return self._replace(tangents=self.tangents + 1)

    def adjoint(
        self, slot: int, operands: Sequence[Any], cotangents: Sequence[Any]
    ) -> tuple[Operator, list[Any]]:
        """The operator, with its operands, that maps `cotangents` of the result to `slot`."""
        others = [operands[place] for k, place in enumerate(self.slots) if k != slot]
        # A cotangent of the result has the shape of a cotangent of a forward operator, and of a
        # tangent of a backward operator.
        filled = [*others, cotangents] if self.backward else [cotangents, *others]
        backward = not (self.backward and slot == 0)
        turned = self._replace(tangents=len(filled) - backward, backward=backward)
        return turned, [*operands[: len(self.given)], *(array for part in filled for array in part)]

    # ---- on arrays ----

    def run(self, *operands: Any) -> tuple[Any, ...]:
        """The result, for NumPy or CuPy arrays with equal batch axes."""
        if self.tangents == 2:
            return (self._second(*operands),)
        path, *others = operands[: len(self.given)]
        named = {**thaw(self.options), **dict(zip(self.given[1:], others, strict=True))}
        positional = list(operands[len(self.given) :][: self.backward])
        if self.tangents:
            tangent, *moves = operands[self.slots[-1]]
            positional.append(tangent)
            named |= {f"{name}_tangent": v for name, v in zip(self.moving[1:], moves, strict=True)}
        kind = {(0, False): "", (1, False): "_jvp", (0, True): "_vjp", (1, True): "_hvp"}
        function = getattr(pysig, self.function + kind[self.tangents, self.backward])
        result = function(path, self.depth, *positional, **named)
        parts = result if isinstance(result, tuple) else (result,)
        return tuple(array for array in parts if array is not None)

    def _second(self, *operands: Any) -> Any:
        """S''(x) (v, w), coefficient by coefficient: a Hessian-vector product for each."""
        (shape,) = self.shapes(*operands)
        path, (first, second) = operands[0], self.slots
        xp, batch = sys.modules[type(path).__module__.partition(".")[0]], path.ndim - 2
        gradient = self._replace(tangents=1, backward=True)
        out = xp.empty(shape, path.dtype)
        for place in np.ndindex(*shape[batch:]):
            unit = xp.zeros(shape, path.dtype)
            unit[(..., *place)] = 1
            gradients = gradient.run(*operands[: first.start], unit, *operands[first])
            out[(..., *place)] = sum(
                (g * w).sum(axis=tuple(range(batch, g.ndim)))
                for g, w in zip(gradients, operands[second], strict=True)
            )
        return out

    # ---- shapes ----

    def shapes(self, *operands: Any) -> list[tuple[Any, ...]]:
        """Shapes of the result, from operands that have a `shape`. All sizes except the number of
        channels may be symbols of a framework, or None if they are unknown.
        """
        if self.backward:
            pairs = zip(self.given, operands, strict=False)
            return [tuple(array.shape) for name, array in pairs if name != UNMOVED]
        *batch, length, channels = operands[0].shape
        rows, more, size = self.extent(int(channels))
        if rows is None:
            return [(*batch, size)]
        return [(*batch, None if length is None else rows + (length - 2) * more, size)]

    def extent(self, channels: int) -> tuple[int | None, int, int]:
        """Number of rows for a path of two points (None: no axis of rows), number of rows for each
        further point, and number of coefficients.
        """
        given = tuple(name for name in self.given if name == "basepoint")
        return _extent(self._replace(given=given, tangents=0, backward=False), channels)

    # ---- as text, for frameworks whose operators take no objects ----

    @property
    def text(self) -> str:
        return repr(tuple(self))

    @staticmethod
    def read(text: str) -> Operator:
        return Operator(*ast.literal_eval(text))


def push_forward(
    apply: Apply,
    operator: Operator,
    operands: Sequence[Any],
    tangents: Sequence[Any],
    zeros: Callable[[Any], Any],
) -> list[Any]:
    """Derivative of the result of `operator` along `tangents` of its operands, of which None is
    zero; `zeros` makes the zero of an operand.
    """

    def filled(place: slice) -> list[Any]:
        pairs = zip(operands[place], tangents[place], strict=True)
        return [zeros(operand) if t is None else t for operand, t in pairs]

    terms = []
    moving = slice(0, len(operator.moving))
    if any(t is not None for t in tangents[moving]):
        terms.append(apply(operator.raised(), *operands, *filled(moving)))
    for place in operator.slots:
        if any(t is not None for t in tangents[place]):
            moved = [*operands[: place.start], *filled(place), *operands[place.stop :]]
            terms.append(apply(operator, *moved))
    return [sum(parts[1:], parts[0]) for parts in zip(*terms, strict=True)]


def pull_back(
    apply: Apply,
    operator: Operator,
    operands: Sequence[Any],
    cotangents: Sequence[Any],
    wanted: Sequence[bool],
) -> list[Any]:
    """Gradients of the result of `operator`, weighted by `cotangents`, by each operand that is
    `wanted`; None for the others.
    """
    gradients: list[Any] = [None] * len(operands)
    moving = slice(0, len(operator.moving))
    if any(wanted[moving]):
        raised = operator.raised()
        turned, turned_operands = raised.adjoint(len(raised.slots) - 1, operands, cotangents)
        gradients[moving] = apply(turned, *turned_operands)
    for slot, place in enumerate(operator.slots):
        if any(wanted[place]):
            turned, turned_operands = operator.adjoint(slot, operands, cotangents)
            gradients[place] = apply(turned, *turned_operands)
    return [g if asked else None for g, asked in zip(gradients, wanted, strict=True)]


@lru_cache(maxsize=1024)
def _extent(operator: Operator, channels: int) -> tuple[int | None, int, int]:
    """As `Operator.extent`. Calls the function itself, so no option has to be known here."""
    options = thaw(operator.options)
    if operator.given:
        options["basepoint"] = np.zeros(channels)
    shapes = []
    for length in (2, 3):
        path = np.zeros((length, channels))
        shapes.append(getattr(pysig, operator.function)(path, operator.depth, **options).shape)
    (*two, size), (*three, _) = shapes
    return (two[0], three[0] - two[0], size) if two else (None, 0, size)


def prepare(
    function: str,
    depth: int | None,
    arrays: dict[str, Any],
    options: dict[str, Any],
    broadcast: Callable[[Any, tuple[Any, ...]], Any],
) -> tuple[Operator, list[Any]]:
    """Check a call and return its operator and operands, broadcast to the batch axes of the path.

    `arrays` has the names of `OWN_AXES`; each value is an array of the framework or None.
    """
    if options.get("out") is not None:
        raise TypeError(
            "out: expected None, because functions of a framework return new tensors, received "
            f"{type(options['out']).__name__}. Leave it out."
        )
    options = {name: value for name, value in options.items() if name != "out"}
    path = arrays["path"]
    *batch, length, channels = shape = (1, 1, *path.shape)[-max(2, len(path.shape)) :]
    given = tuple(name for name, array in arrays.items() if array is not None)
    frozen = {name: freeze(value, name) for name, value in options.items()}
    operator = Operator(function, freeze(depth, "depth"), tuple(sorted(frozen.items())), given)
    dtype = getattr(path.dtype, "name", str(path.dtype).rpartition(".")[2])
    fits = len(path.shape) >= 2 and length != 0 and channels != 0
    if not fits or dtype not in ("float32", "float64"):
        stub = np.zeros(path.shape[-2:])
        getattr(pysig, function)(stub, depth, **options)  # raises pysig's error for this shape
        raise TypeError(
            f"path: expected dtype float32 or float64, received {dtype}. Convert it to float32."
        )
    operands = [path]
    for name in given[1:]:
        array, last = arrays[name], shape[len(shape) :]
        if OWN_AXES[name]:
            last = (channels,) if name == "basepoint" else tuple(array.shape[-1:])
        if not _broadcasts(array.shape, (*batch, *last)):
            raise ValueError(
                f"{name}: expected a shape that broadcasts to {(*batch, *last)}, "
                f"received {tuple(array.shape)}."
            )
        operands.append(broadcast(array, (*batch, *last)))
    return operator, operands


def _broadcasts(shape: Any, target: tuple[Any, ...]) -> bool:
    """Whether `shape` may broadcast to `target`, as far as their sizes are known (not None)."""
    pairs = zip(reversed(tuple(shape)), reversed(target), strict=False)
    return len(shape) <= len(target) and all(n in (1, None) or m in (n, None) for n, m in pairs)


def check_lengths(lengths: Any, path: Any) -> None:
    """Raise pysig's errors on lengths early, for frameworks that hide errors inside their calls."""
    stub = np.broadcast_to(np.zeros(1, np.float32), (*path.shape[:-1], 1))
    pysig.signature(stub, 1, lengths=np.asarray(lengths))


_TIME = "pysig.Time"


def freeze(value: Any, name: str) -> Any:
    """`value` with nested lists converted to tuples and NumPy scalars to Python numbers.

    ``Time(end=...)``, which holds no array, becomes a tuple that `thaw` reads.
    """
    if isinstance(value, pysig.Time) and value.times is None:
        return _TIME, float(value.end)
    if isinstance(value, (list, tuple)):
        return tuple(freeze(entry, name) for entry in value)
    value = value.item() if isinstance(value, np.generic) else value
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise TypeError(
            f"{name}: expected numbers, strings, or tuples of these, received "
            f"{type(value).__name__}. An option of a framework's function is fixed when a program "
            "is compiled; pass arrays such as times as a channel of the path."
        )
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # The same number. While torch.compile traces with symbolic sizes it may be a symbol, of
        # which this makes a constant.
        if not -inf < value < inf:
            return value
        numerator, denominator = value.as_integer_ratio()
        return numerator if isinstance(value, int) else numerator / denominator
    return value


def thaw(options: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """Frozen options as the functions take them."""

    def thawed(value: Any) -> Any:
        if not isinstance(value, tuple):
            return value
        if value[:1] == (_TIME,):
            return pysig.Time(end=value[1])
        return tuple(map(thawed, value))

    return {name: thawed(value) for name, value in options}
