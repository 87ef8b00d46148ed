"""Interoperability with frameworks, one file for each. pysig itself does not import them."""

from importlib import import_module as _import_module
from types import ModuleType as _ModuleType

_LAZY_MODULES = (
    "aeon",
    "dask",
    "frames",
    "jax",
    "keras",
    "sklearn",
    "sktime",
    "tensorflow",
    "torch",
    "xarray",
)  # imported at first use


def __getattr__(name: str) -> _ModuleType:
    if name in _LAZY_MODULES:
        return _import_module(f"pysig.interop.{name}")
    raise AttributeError(f"module 'pysig.interop' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY_MODULES})
