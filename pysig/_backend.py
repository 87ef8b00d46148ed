"""The dispatcher: which backend computes on an array, found without importing absent packages.

`CAPABILITIES` is the one table of what each backend can do: errors, the README and the docs are
made from it. `Backend` is the contract that `pysig._cpu` and `pysig._gpu` fulfil.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from pysig._plans.layout import Plan
from pysig._plans.paths import Cotangents, Options, Paths, Tangents
from pysig._plans.projection import Projection
from pysig._plans.signature_kernel import KernelPlan, Pairs
from pysig._plans.sparse_matrix import SparseMatrix

# Operation -> the backends that have it. The keys are the rows of the README's table, in its order.
CAPABILITIES: dict[str, frozenset[str]] = {
    "signature": frozenset({"numpy", "cupy"}),
    "signature: stream": frozenset({"numpy", "cupy"}),
    "signature: basepoint, initial, inverse, scalar_term": frozenset({"numpy", "cupy"}),
    "signature: lengths, offsets, lists of paths (ragged)": frozenset({"numpy", "cupy"}),
    "signature: transform (time, lead-lag, basepoint, reset)": frozenset({"numpy", "cupy"}),
    'signature: method="tile"': frozenset({"numpy", "cupy"}),
    'signature: method="cumsum"': frozenset({"numpy", "cupy"}),
    "signature: words (projections)": frozenset({"numpy", "cupy"}),
    "linear_functional": frozenset({"numpy", "cupy"}),
    "logsignature": frozenset({"numpy", "cupy"}),
    "algebra": frozenset({"numpy", "cupy"}),
    "signature: workers (threads)": frozenset({"numpy"}),
    "signature_vjp": frozenset({"numpy", "cupy"}),
    "signature_jvp": frozenset({"numpy", "cupy"}),
    "signature_hvp": frozenset({"numpy", "cupy"}),
    "signature_windows, signature_intervals": frozenset({"numpy", "cupy"}),
    "signature_windows, signature_intervals: jvp, vjp": frozenset({"numpy", "cupy"}),
    "SignatureIndex": frozenset({"numpy", "cupy"}),
    "signature_kernel": frozenset({"numpy", "cupy"}),
    "signature_kernel_vjp": frozenset({"numpy", "cupy"}),
    "signature_kernel_jvp": frozenset({"numpy", "cupy"}),
    'signature_vjp: method="tile"': frozenset({"numpy", "cupy"}),
    'signature_jvp, signature_hvp: method="tile"': frozenset({"numpy"}),
    'derivatives: method="cumsum"': frozenset({"cupy"}),
}

Maps = tuple[SparseMatrix, ...]
MapsAround = tuple[Maps, Maps]  # applied before and after a series
Pair = tuple[Any, Any]


class Backend(Protocol):
    """The operations of every backend. Arguments are checked; arrays are flat, (batch, ...).

    Every operation writes to arrays of the caller. `out` is contiguous, of the dtype of the paths.
    """

    def available_memory(self) -> int | None:
        """Bytes that can be allocated now on the current device; None where that is unknown."""

    def signature(self, paths: Paths, out: Any, plan: Plan, options: Options) -> None:
        """Signatures (batch, [rows,] plan.size)."""

    def signature_jvp(
        self, paths: Paths, tangents: Tangents, out: Any, plan: Plan, options: Options
    ) -> None:
        """Their derivatives along the tangents."""

    def signature_vjp(
        self,
        paths: Paths,
        cotangent: Any,
        into: Cotangents,
        plan: Plan,
        options: Options,
        tangents: Tangents | None = None,
    ) -> None:
        """Gradients; with `tangents`, their derivatives along them."""

    def signature_intervals(
        self, paths: Paths, bounds: Any, out: Any, plan: Plan, options: Options
    ) -> None:
        """Signatures (batch, q, plan.size) of steps [a, b) of the transformed paths.

        `bounds` (batch or 1, q, 2), int64, on the host: 0 <= a <= b <= steps of that path.
        `paths.initial` and `options.stream` do not apply.
        """

    def signature_intervals_jvp(
        self,
        paths: Paths,
        tangents: Tangents,
        bounds: Any,
        out: Any,
        plan: Plan,
        options: Options,
    ) -> None:
        """Their derivatives along the tangents."""

    def signature_intervals_vjp(
        self,
        paths: Paths,
        cotangent: Any,
        bounds: Any,
        into: Cotangents,
        plan: Plan,
        options: Options,
    ) -> None:
        """Gradients of <cotangent, signature_intervals>; `into.initial` is None."""

    def logsignature(
        self, paths: Paths, out: Any, plan: Plan, maps: Maps, options: Options
    ) -> None:
        """Logarithms of signatures in a basis, to which `maps` lead."""

    def projection(
        self,
        paths: Paths,
        out: Any,
        plan: Projection,
        matrix: Any,
        options: Options,
        tangents: Tangents | None = None,
    ) -> None:
        """Rows of `matrix` (None: the unit matrix) times the words of `plan`, or derivatives."""

    def projection_vjp(
        self,
        paths: Paths,
        cotangent: Any,
        into: Cotangents,
        plan: Projection,
        matrix: Any,
        options: Options,
        tangents: Tangents | None = None,
    ) -> None:
        """Gradients of `projection`; with `tangents`, their derivatives along them."""

    def bilinear(
        self, name: str, factors: Pair, out: Any, plan: Plan, scalar: int = 0, workers: int = 1
    ) -> None:
        """The "product", "shuffle" or "half_shuffle" of rows."""

    def bilinear_jvp(
        self,
        name: str,
        factors: Pair,
        tangents: Pair,
        out: Any,
        plan: Plan,
        scalar: int = 0,
        workers: int = 1,
    ) -> None:
        """Its derivative along the tangents of both factors."""

    def bilinear_vjp(
        self,
        name: str,
        factors: Pair,
        cotangent: Any,
        into: Pair,
        plan: Plan,
        scalar: int = 0,
        workers: int = 1,
    ) -> None:
        """Its gradients by both factors."""

    def series(
        self,
        name: str,
        a: Any,
        out: Any,
        plan: Plan,
        maps: MapsAround = ((), ()),
        workers: int = 1,
    ) -> None:
        """after(f(before(a))) for f = "exp", "log" or "inverse"."""

    def series_jvp(
        self,
        name: str,
        a: Any,
        tangent: Any,
        out: Any,
        plan: Plan,
        maps: MapsAround = ((), ()),
        workers: int = 1,
    ) -> None:
        """Its derivative along the tangent."""

    def series_vjp(
        self,
        name: str,
        a: Any,
        cotangent: Any,
        out: Any,
        plan: Plan,
        maps: MapsAround = ((), ()),
        workers: int = 1,
    ) -> None:
        """Its gradient."""

    def series_hvp(
        self,
        name: str,
        a: Any,
        cotangent: Any,
        tangent: Any,
        out: Any,
        plan: Plan,
        maps: MapsAround = ((), ()),
        workers: int = 1,
    ) -> None:
        """The derivative of its gradient along the tangent."""

    def linear(self, maps: Maps, a: Any, out: Any, plan: Plan, workers: int = 1) -> None:
        """The maps applied to `a`, one after the other."""

    # Signature kernels. (...) are the leading axes `pairs.leading`. Arrays of one call have one
    # dtype, but gradients of parameters are float64. The scheme "levels" weights the levels with
    # `plan.weights`, except where the levels themselves are returned.

    def signature_kernel(
        self, pairs: Pairs, out: Any, plan: KernelPlan, rows: str = "value", workers: int = 1
    ) -> None:
        """Fill `out`. rows="value": kernels (...). "grid": (..., steps_x + 1, steps_y + 1), the
        kernels of all pairs of prefixes; beyond the end of a ragged path they repeat. "levels":
        (..., depth + 1), the terms of the levels 0 to depth, without weights, of the scheme
        "levels".
        """

    def signature_kernel_jvp(
        self,
        pairs: Pairs,
        tangents_x: Any,
        tangents_y: Any,
        out: Any,
        plan: KernelPlan,
        workers: int = 1,
    ) -> None:
        """Derivatives of the kernels: `out` is (...), or (..., depth + 1) for those of the levels.

        `tangents_x` and `tangents_y` are `Tangents`, or None: that side is constant. For given
        increments, `tangents_x` is an array of their shape. Without `pairs.y`, both sides move
        along `tangents_x`, and `tangents_y` is None. The parameters of the static kernel move along
        `plan.static.tangents`.
        """

    def signature_kernel_vjp(
        self,
        pairs: Pairs,
        cotangent: Any,
        into_x: Any,
        into_y: Any,
        into_parameters: Any,
        plan: KernelPlan,
        workers: int = 1,
    ) -> None:
        """Gradients of sum(cotangent * kernels), summed over all pairs of a path.

        `cotangent` is (...), or (..., depth + 1) for the levels, contiguous. `into_x` and `into_y`
        are `Cotangents`, or None: not needed. For given increments, `into_x` is an array of their
        shape. Without `pairs.y`, `into_x` receives the gradient through both sides; the cotangent
        need not be symmetric. `into_parameters`: None, or (3,) of float64, those of `plan.static`.
        """


class HostBackend(Backend, Protocol):
    """The backend of the CPU, whose extension has more.

    The `fast_*` functions check their arguments themselves and return None for calls that they do
    not accept, see `pysig._api._fast_path`.
    """

    build: Any  # versions, instruction sets and the place of the compiled extension

    def fast_signature(self, path: Any, depth: Any, workers: int, limit: int) -> Any:
        """The signature of a call without options."""

    def fast_signature_jvp(
        self, path: Any, depth: Any, tangent: Any, workers: int, limit: int
    ) -> Any:
        """Its derivative."""

    def fast_signature_vjp(
        self, path: Any, depth: Any, cotangent: Any, max_single: int, workers: int, limit: int
    ) -> Any:
        """Its gradient."""

    def fast_logsignature(self, path: Any, depth: Any, basis: str, workers: int, limit: int) -> Any:
        """The log-signature of a call without options."""

    def rows_of_list(self, items: list[Any]) -> tuple[Any, Any] | None:
        """Addresses and lengths of contiguous arrays of one dtype; None for anything else."""

    def new_incremental(self, channels: int, depth: int, dtype: Any) -> Any:
        """An incremental signature without points."""

    def restored_incremental(self, data: bytes, dtype: Any) -> Any:
        """The incremental signature that was serialised to `data`."""

    def new_sliding(self, channels: int, depth: int, dtype: Any, worst_case: bool) -> Any:
        """A sliding signature without points."""

    def restored_sliding(self, data: bytes, dtype: Any) -> Any:
        """The sliding signature that was serialised to `data`."""


@dataclass(frozen=True)
class ArrayBackend:
    """An array library, and the backend that computes on its arrays."""

    name: str
    package: str

    @property
    def xp(self) -> ModuleType:
        """The array library."""
        return sys.modules.get(self.name) or import_module(self.name)

    @property
    def captures(self) -> bool:
        """Whether the current stream is captured into a CUDA graph."""
        return self is CUPY and bool(self.xp.cuda.get_current_stream().is_capturing())

    @property
    def impl(self) -> Backend:
        """The operations, under the same names in every backend."""
        return cast(Backend, sys.modules.get(self.package) or import_module(self.package))

    @property
    def host(self) -> HostBackend:
        """The operations and the extension of the CPU."""
        assert self is NUMPY
        return cast(HostBackend, self.impl)


if TYPE_CHECKING:  # both modules fulfil the contract
    import pysig._cpu
    import pysig._gpu

    _host: HostBackend = pysig._cpu
    _device: Backend = pysig._gpu

NUMPY = ArrayBackend("numpy", "pysig._cpu")
CUPY = ArrayBackend("cupy", "pysig._gpu")


def is_cupy(array: Any) -> bool:
    """Whether `array` is CuPy's; False where CuPy was never imported."""
    cupy = sys.modules.get("cupy")
    return cupy is not None and isinstance(array, getattr(cupy, "ndarray", ()))


def backend_of(array: Any) -> ArrayBackend:
    """CuPy for CuPy's arrays, NumPy for everything else."""
    return CUPY if is_cupy(array) else NUMPY


def require(backend: ArrayBackend, capability: str, caller: str = "") -> None:
    """TypeError, which names the caller, if `backend` lacks the row `capability` of the table."""
    if backend.name not in CAPABILITIES[capability]:
        have = ", ".join(sorted(CAPABILITIES[capability]))
        option = capability.partition(": ")[2]
        text = f"{caller}: {option}" if caller and option else capability
        raise TypeError(f"{text} is not available for {backend.name} arrays; it is for: {have}.")


def as_array(value: Any, name: str, backend: ArrayBackend) -> Any:
    """`value` as an array of `backend`; a TypeError if it lives on the other device."""
    other = backend_of(value)
    if backend is CUPY:
        if other is not CUPY and isinstance(value, np.ndarray) and value.ndim:
            raise TypeError(
                f"{name}: expected a CuPy array like path, received a NumPy array. "
                f"Move it with cupy.asarray({name})."
            )
        return backend.xp.asarray(value)
    if other is CUPY:
        raise TypeError(
            f"{name}: expected a NumPy array like path, received a CuPy array. "
            f"Move it with cupy.asnumpy({name})."
        )
    return np.asarray(value)
