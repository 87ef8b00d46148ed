"""Which backend an array belongs to, found without importing what is absent; what each can do.

`CAPABILITIES` is the one table: errors, the README and the docs are made from it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

# What -> the backends that have it. The keys are the rows of the README's table, in its order.
CAPABILITIES: dict[str, frozenset[str]] = {
    "signature": frozenset({"numpy", "cupy"}),
    "signature: stream": frozenset({"numpy", "cupy"}),
    "signature: basepoint, initial, inverse, scalar_term": frozenset({"numpy", "cupy"}),
    "signature: lengths (ragged batches)": frozenset({"numpy", "cupy"}),
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
    'signature_vjp: method="tile"': frozenset({"numpy", "cupy"}),
    'signature_jvp, signature_hvp: method="tile"': frozenset({"numpy"}),
    'derivatives: method="cumsum"': frozenset({"cupy"}),
}


@dataclass(frozen=True)
class Backend:
    """An array library and pysig's implementation for it."""

    name: str
    package: str

    @property
    def xp(self) -> ModuleType:
        """The array library."""
        return sys.modules.get(self.name) or import_module(self.name)

    @property
    def impl(self) -> ModuleType:
        """The operations, under the same names in every backend."""
        return sys.modules.get(self.package) or import_module(self.package)


NUMPY = Backend("numpy", "pysig._cpu")
CUPY = Backend("cupy", "pysig._gpu")


def is_cupy(array: Any) -> bool:
    """Whether `array` is CuPy's; False where CuPy was never imported."""
    cupy = sys.modules.get("cupy")
    return cupy is not None and isinstance(array, getattr(cupy, "ndarray", ()))


def backend_of(array: Any) -> Backend:
    """CuPy for CuPy's arrays, NumPy for everything else."""
    return CUPY if is_cupy(array) else NUMPY


def require(backend: Backend, what: str) -> None:
    """TypeError if `backend` lacks the row `what` of the table."""
    if backend.name not in CAPABILITIES[what]:
        have = ", ".join(sorted(CAPABILITIES[what]))
        raise TypeError(f"{what} is not available for {backend.name} arrays; it is for: {have}.")


def as_array(value: Any, name: str, backend: Backend) -> Any:
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
