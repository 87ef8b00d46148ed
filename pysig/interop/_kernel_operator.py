"""Signature kernels as operators of frameworks, in the family of `_operator`.

The differentiable arrays are the two paths, their basepoints if they are arrays, and parameters of
the static kernel. Only first derivatives exist:

    forward     K(x)    K'(x) v
    backward    K'(x)^T c

A matrix of kernels has two axes of paths and no batch axes, so `run` computes one matrix for each
element of the axes in front that a framework maps over.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

import pysig
from pysig.interop._operator import Operator, freeze, thaw

LENGTHS = ("lengths_x", "lengths_y")
BASES = ("basepoint_x", "basepoint_y")
PATHS = ("x", "y")
PARAMETER = "parameter "  # in front of its name


class KernelOperator(Operator):
    """An operator of the family; `function` is "signature_kernel" or "signature_kernel_matrix"."""

    __slots__ = ()

    @property
    def moving(self) -> tuple[str, ...]:
        return tuple(name for name in self.given if name not in LENGTHS)

    @property
    def paired(self) -> bool:
        return self.function == "signature_kernel"

    def raised(self) -> Operator:
        order = self.tangents + self.backward + 1
        if order > 1:
            raise NotImplementedError(
                f"pysig: expected a derivative of {self.function} of order 1, received order "
                f"{order}. Signature kernels have no second derivatives."
            )
        return self._replace(tangents=1)

    # ---- on arrays ----

    def run(self, *operands: Any) -> tuple[Any, ...]:
        axes = self._mapped_axes(operands)
        if not axes:
            return self._run_once(operands)
        xp = sys.modules[type(operands[0]).__module__.partition(".")[0]]
        results = tuple(xp.empty(shape, operands[0].dtype) for shape in self.shapes(*operands))
        for place in np.ndindex(*operands[0].shape[:axes]):
            parts = self._run_once([array[(*place, ...)] for array in operands])
            for whole, part in zip(results, parts, strict=True):
                whole[(*place, ...)] = part
        return results

    def _mapped_axes(self, operands: Sequence[Any]) -> int:
        """The number of axes in front over which `run` has to loop."""
        if not self.paired:
            return len(operands[0].shape) - 3
        scalars = [k for k, name in enumerate(self.given) if name.startswith(PARAMETER)]
        return len(operands[scalars[0]].shape) if scalars else 0

    def _run_once(self, operands: Sequence[Any]) -> tuple[Any, ...]:
        named = dict(zip(self.given, operands, strict=False))
        dtype, xp = operands[0].dtype, sys.modules[type(operands[0]).__module__.partition(".")[0]]
        options = _options(self, named)
        paths = [named["x"], named.get("y")]
        if self.tangents:
            moves = dict(zip(self.moving, operands[self.slots[-1]], strict=True))
            function = getattr(pysig, f"{self.function}_jvp")
            along = {"basepoint_tangent": _pair(moves, BASES, "y" in named)}
            along["parameters_tangent"] = {k: float(v) for k, v in _parameters(moves).items()}
            paths += [moves["x"], moves.get("y")]
            return (xp.asarray(function(*paths, self.depth, **options, **along)),)
        if not self.backward:
            function = getattr(pysig, self.function)
            return (xp.asarray(function(*paths, self.depth, **options)),)
        function = getattr(pysig, f"{self.function}_vjp")
        bars = function(*paths, operands[len(self.given)], self.depth, **options)
        bases = bars.basepoint if isinstance(bars.basepoint, tuple) else (bars.basepoint, None)
        found = {"x": bars.x, "y": bars.y, **dict(zip(BASES, bases, strict=True))}
        found |= {PARAMETER + name: value for name, value in bars.parameters.items()}
        return tuple(xp.asarray(found[name], dtype) for name in self.moving)

    # ---- shapes ----

    def shapes(self, *operands: Any) -> list[tuple[Any, ...]]:
        pairs = list(zip(self.given, operands, strict=False))
        if self.backward:
            return [tuple(array.shape) for name, array in pairs if name not in LENGTHS]
        shape = tuple(operands[0].shape)
        own = _own_shape(self._replace(tangents=0))
        if self.paired:
            return [(*shape[:-2], *own)]
        other = dict(pairs).get("y", operands[0]).shape[-3]
        return [(*shape[:-2], other, *own)]


def read(text: str) -> Operator:
    """The operator of a text, of either family."""
    fields = ast.literal_eval(text)
    family = KernelOperator if fields[0].startswith("signature_kernel") else Operator
    return family(*fields)


def _parameters(named: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the static kernel among the operands."""
    cut = len(PARAMETER)
    return {name[cut:]: array for name, array in named.items() if name.startswith(PARAMETER)}


def _pair(named: Mapping[str, Any], names: tuple[str, str], both: bool) -> Any:
    """The operands of these names as pysig takes them: a pair, or one for x alone; or None."""
    if not any(name in named for name in names):
        return None
    found = tuple(named.get(name) for name in names)
    return found if both else found[0]


def _options(operator: Operator, named: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of pysig's functions."""
    options = thaw(operator.options)
    options["static_kernel"] = _thawed_kernel(options.get("static_kernel"))
    numbers = {name: float(value) for name, value in _parameters(named).items()}
    if numbers:
        options["static_kernel"] = replace(options["static_kernel"], **numbers)
    for option, names in (("basepoint", BASES), ("lengths", LENGTHS)):
        found = _pair(named, names, "y" in named)
        if found is not None:
            options[option] = found
    return options


@lru_cache(maxsize=1024)
def _own_shape(operator: KernelOperator) -> tuple[int, ...]:
    """The axes of one kernel: those of its levels. Raises pysig's errors on options."""
    path = np.zeros((2, 1) if operator.paired else (1, 2, 1))
    named = {name: np.zeros(1) for name in BASES if name in operator.given}
    y = path if "y" in operator.given else None
    options = _options(operator, named if y is None else named | {"y": y})
    kernels = getattr(pysig, operator.function)(path, y, operator.depth, **options)
    return tuple(kernels.shape[0 if operator.paired else 2 :])


# ---- static kernels as options ----

STATIC = "pysig.kernels"


def _frozen_kernel(kernel: Any) -> Any:
    """A static kernel as a tuple."""
    kernel = pysig.kernels.Linear() if kernel is None else kernel
    name = type(kernel).__name__
    if getattr(pysig.kernels, name, None) is not type(kernel):
        pysig.signature_kernel([[0.0]], [[0.0]], 1, static_kernel=kernel)  # raises pysig's error
    return (STATIC, name, tuple(kernel.get_params().items()))


def _thawed_kernel(frozen: Any) -> Any:
    if frozen is None:
        return pysig.kernels.Linear()
    _, name, parameters = frozen
    return getattr(pysig.kernels, name)(**dict(parameters))


# ---- calls ----


class Framework(NamedTuple):
    """What `prepare` needs of a framework."""

    as_floats: Callable[[Any, Any], Any]  # a value as an array of the dtype and device of another
    as_integers: Callable[[Any, Any], Any]  # a value as an array on the device of another
    broadcast: Callable[[Any, Sequence[Any]], Any]
    sizes: Callable[[Any], Sequence[Any]]  # of an array; symbols where they are unknown


def prepare(
    function: str,
    depth: int | None,
    arrays: dict[str, Any],
    options: dict[str, Any],
    framework: Framework,
) -> tuple[KernelOperator, list[Any]]:
    """Check a call and return its operator and operands.

    `arrays` has x, y (an array or None), lengths and parameters, as they were passed.
    """
    options = _without_arrays(options)
    base = options.pop("basepoint", None)
    x, y = arrays["x"], arrays["y"]
    _check_paths(function, x, y)
    given: dict[str, Any] = {"x": x} if y is None else {"x": x, "y": y}
    batches = [tuple(framework.sizes(path)[:-2]) for path in given.values()]
    if function == "signature_kernel":
        known, batch = _common_batch(x, y, framework)
        for name, path in given.items():
            own = tuple(path.shape[:-2])
            if len(own) != len(known) or any(
                n == 1 and m != 1 for n, m in zip(own, known, strict=True)
            ):
                given[name] = framework.broadcast(path, (*batch, *framework.sizes(path)[-2:]))
        batches = [batch, batch]
    channels = int(x.shape[-1])
    bases = _sides(base, "basepoint", len(given))
    if all(own is None or isinstance(own, (bool, np.bool_)) for own in bases):
        options["basepoint"] = base
    else:
        for name, own, batch in zip(BASES, bases, batches, strict=False):
            if own is not None and own is not False:
                value = np.zeros(channels) if own is True else own
                array = framework.as_floats(value, x)
                given[name] = _broadcast(array, "basepoint", (*batch, channels), framework)
    kernel = _frozen_kernel(options.get("static_kernel"))
    for name, value in _checked_parameters(arrays["parameters"], kernel).items():
        array = framework.as_floats(value, x)
        if tuple(array.shape) != ():
            raise ValueError(
                f"parameters[{name!r}]: expected a number or an array of shape (), received shape "
                f"{tuple(array.shape)}."
            )
        given[PARAMETER + name] = array
    counts = _sides(arrays["lengths"], "lengths", len(batches) if y is not None else 1)
    for name, count, batch in zip(LENGTHS, counts, batches, strict=False):
        if count is not None:
            array = framework.as_integers(count, x)
            given[name] = _broadcast(array, "lengths", batch, framework)
    options["static_kernel"] = kernel
    frozen = {name: freeze(value, name) for name, value in options.items()}
    ordered = tuple((name, frozen[name]) for name in sorted(frozen))
    operator = KernelOperator(function, freeze(depth, "depth"), ordered, tuple(given))
    return operator, list(given.values())


def _without_arrays(options: dict[str, Any]) -> dict[str, Any]:
    """The options without those that frameworks do not have."""
    for name, absent, reason in (
        ("out", None, "functions of a framework return new tensors"),
        ("grid", False, "grids of kernels have no derivatives"),
    ):
        value = options.get(name)
        if value is not None and value is not False:
            raise TypeError(
                f"{name}: expected {absent}, because {reason}, received {type(value).__name__}. "
                "Leave it out."
            )
    kept = {name: value for name, value in options.items() if name not in ("out", "grid")}
    if isinstance(kept.get("weights"), np.ndarray):
        kept["weights"] = kept["weights"].tolist()
    return kept


def _dtype(array: Any) -> str:
    return getattr(array.dtype, "name", None) or str(array.dtype).rpartition(".")[2]


def _check_paths(function: str, x: Any, y: Any) -> None:
    """Raise pysig's errors on the shapes of paths."""
    sides = {"x": x} if y is None else {"x": x, "y": y}
    rank = 2 if function == "signature_kernel" else 3
    if y is None and function == "signature_kernel":
        pysig.signature_kernel([[0.0]], None)
    fits = all(
        (len(a.shape) >= rank if rank == 2 else len(a.shape) == rank) and 0 not in a.shape[-2:]
        for a in sides.values()
    )
    if not fits or (y is not None and x.shape[-1] != y.shape[-1]):
        stubs = [None if a is None else _stub(a) for a in (x, y)]
        getattr(pysig, function)(*stubs, 1)
    for name, array in sides.items():
        if _dtype(array) not in ("float32", "float64"):
            raise TypeError(
                f"{name}: expected dtype float32 or float64, received {_dtype(array)}. Convert it "
                "to float32."
            )
    if y is not None and _dtype(x) != _dtype(y):
        raise TypeError(
            f"y: expected dtype {_dtype(x)} like x, received {_dtype(y)}. Convert one of them."
        )


def _stub(array: Any) -> Any:
    """Zeros of the shape of an array, without memory."""
    return np.broadcast_to(0.0, tuple(2 if n is None else int(n) for n in array.shape))


def _common_batch(x: Any, y: Any, framework: Framework) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The batch axes of pairs, with None and with symbols where they are unknown."""
    sides = [(tuple(a.shape[:-2]), framework.sizes(a)[:-2]) for a in (x, y)]
    batch = []
    for back in range(max(len(known) for known, _ in sides), 0, -1):
        found = [(known[-back], sizes[-back]) for known, sizes in sides if len(known) >= back]
        if len({n for n, _ in found if n not in (1, None)}) > 1:
            pysig.signature_kernel(_stub(x), _stub(y), 1)  # raises pysig's error
        found.sort(key=lambda pair: 2 if pair[0] == 1 else 1 if pair[0] is None else 0)
        batch.append(found[0])
    return tuple(known for known, _ in batch), tuple(sizes for _, sizes in batch)


def _sides(value: Any, name: str, count: int) -> tuple[Any, ...]:
    """The value of an option for each side; a tuple of two is a pair."""
    if count == 1:
        return (value,)
    if isinstance(value, tuple) and len(value) == 2:
        return value
    if name == "lengths" and value is not None:
        raise TypeError(
            f"lengths: expected a tuple (lengths_x, lengths_y), received {type(value).__name__}. "
            "Pass None for the side that has none."
        )
    return value, value


def _checked_parameters(parameters: Any, kernel: tuple[Any, ...]) -> dict[str, Any]:
    """The differentiable parameters of the static kernel."""
    if parameters is None:
        return {}
    if not isinstance(parameters, Mapping):
        raise TypeError(
            "parameters: expected a dict of numbers by name of a parameter of static_kernel, "
            f"received {type(parameters).__name__}."
        )
    known = getattr(pysig.kernels, kernel[1]).GRADIENTS
    for name in parameters:
        if name not in known:
            raise ValueError(
                f"parameters: expected names among {', '.join(known)} of {kernel[1]}, received "
                f"{name!r}."
            )
    return {name: parameters[name] for name in known if name in parameters}


def _broadcast(array: Any, name: str, shape: Sequence[Any], framework: Framework) -> Any:
    known = [n if isinstance(n, int) else None for n in shape]
    own = tuple(array.shape)
    pairs = zip(reversed(own), reversed(known), strict=False)
    if len(own) > len(known) or any(n not in (1, None) and m not in (n, None) for n, m in pairs):
        raise ValueError(
            f"{name}: expected a shape that broadcasts to {tuple(known)}, received {own}."
        )
    return framework.broadcast(array, shape)


# ---- maximum mean discrepancy ----


def check_mmd(x: Any, y: Any, unbiased: bool, options: Mapping[str, Any]) -> None:
    """Raise pysig's errors on the options of `mmd`, and on samples that are too small."""
    if options.get("levels") not in (None, False):
        pysig.mmd(x, y, levels=True)  # type: ignore[call-arg]  # raises pysig's error
    shapes = [tuple(getattr(side, "shape", ())) for side in (x, y)]
    small = [shape for shape in shapes if len(shape) == 3 and shape[0] in (0, 1)]
    if small or not isinstance(unbiased, (bool, np.bool_)):
        stubs = [np.zeros((2 if n is None else n, 1, 1)) for n in (shape[0] for shape in shapes)]
        pysig.mmd(stubs[0], stubs[1], 1, unbiased=unbiased)  # raises pysig's error


def split_sides(base: Any, lengths: Any) -> list[tuple[Any, Any]]:
    """The basepoint and the lengths of x, and those of y."""
    bases, counts = _sides(base, "basepoint", 2), _sides(lengths, "lengths", 2)
    return list(zip(bases, counts, strict=True))


class Sums(NamedTuple):
    """What `mmd_of_sums` needs of a framework, of a matrix."""

    total: Callable[[Any], Any]
    trace: Callable[[Any], Any]
    sizes: Callable[[Any], Any]


def mmd_of_sums(xx: Any, yy: Any, xy: Any, unbiased: bool, sums: Sums) -> Any:
    """``mean(xx) + mean(yy) - 2 mean(xy)``, without diagonals if `unbiased`."""

    def mean(gram: Any) -> Any:
        count = sums.sizes(gram)[0]
        if unbiased:
            return (sums.total(gram) - sums.trace(gram)) / (count * (count - 1))
        return sums.total(gram) / (count * count)

    rows, columns = sums.sizes(xy)
    return mean(xx) + mean(yy) - 2 * sums.total(xy) / (rows * columns)
