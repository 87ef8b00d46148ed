"""The libraries that are timed: their modules, their arrays, their limits of threads.

Every library runs in a separate process (``bench.worker``), possibly in another interpreter.
Threads are limited three times over: by the environment set here, by the library's own switch (here
or in the call), and by the processors that the worker's process may use.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Library:
    """One library as the bench sees it."""

    name: str
    module: str  # name to import
    distribution: str  # name to install
    install: str  # how to install it
    same_as: str = ""  # the library whose calls it uses; empty: its own
    dtypes: tuple[str, ...] = ("float32", "float64")  # in which it computes
    setup: Callable[[int], None] = lambda threads: None
    to_library: Callable[[np.ndarray], Any] = lambda array: array  # NumPy to its array type
    to_numpy: Callable[[Any], np.ndarray] = np.asarray  # and back

    @property
    def key(self) -> str:
        """Key of its calls in `bench.operations`."""
        return self.same_as or self.name

    def load(self, threads: int) -> Any:
        """The library's module, imported and limited to its threads."""
        module = importlib.import_module(self.module)
        self.setup(threads)
        return module

    def version(self) -> str:
        try:
            return importlib.metadata.version(self.distribution)
        except importlib.metadata.PackageNotFoundError:
            return "unknown"


def _torch_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _to_torch(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(array)


def _from_torch(tensor: Any) -> np.ndarray:
    return tensor.detach().numpy()


def _to_jax(array: np.ndarray) -> Any:
    import jax

    return jax.numpy.asarray(array)


_PEERS = (
    Library(
        name="pysiglib",
        module="pysiglib",
        distribution="pysiglib",
        install="pip install pysiglib (it brings torch)",
        setup=_torch_threads,
    ),
    Library(
        name="iisignature",
        module="iisignature",
        distribution="iisignature",
        install="pip install 'setuptools<70' numpy; pip install --no-build-isolation iisignature",
        dtypes=("float64",),  # it takes float32 too, and converts
    ),
    Library(
        name="sig-rust",
        module="sig_rust",
        distribution="sig-rust",
        install="pip install sig-rust",
        dtypes=("float64",),
    ),
    Library(
        name="signatory",
        module="signatory",
        distribution="signatory",
        install="needs Python 3.9 or older and exactly the torch (at most 1.11) it was built for",
        setup=_torch_threads,
        to_library=_to_torch,
        to_numpy=_from_torch,
    ),
    Library(
        name="signax",
        module="signax",
        distribution="signax",
        install="pip install signax",
        to_library=_to_jax,
    ),
    Library(
        name="keras_sig",
        module="keras_sig",
        distribution="keras_sig",
        install="pip install keras_sig jax",
        to_library=_to_jax,
    ),
    Library(
        name="keras_sig-cumsum",
        module="keras_sig",
        distribution="keras_sig",
        install="pip install keras_sig jax",
        to_library=_to_jax,
    ),
    Library(
        name="pysig-other",
        module="pysig",
        distribution="pysig-signatures",
        install="another build of pysig, named by --python pysig-other=INTERPRETER",
        same_as="pysig",
    ),
)

PEERS = {peer.name: peer for peer in _PEERS}

_OWN = (
    Library("pysig", "pysig", "pysig-signatures", "pip install . in the repository root"),
    Library("reference", "pysig._reference", "pysig-signatures", "pip install ."),
    Library("probe", "bench.probe", "pysig-signatures", "needs a C++ compiler: c++, or CXX=..."),
)

LIBRARIES = {library.name: library for library in (*_OWN, *_PEERS)}


def environment(threads: int) -> dict[str, str]:
    """Environment of a worker: limits of threads, no GPU, no spinning while others are timed."""
    pools = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "RAYON", "NUMBA")
    limits = {f"{pool}_NUM_THREADS": str(threads) for pool in pools}
    eigen = "true" if threads > 1 else "false"
    return {
        **limits,
        "OMP_WAIT_POLICY": "PASSIVE",
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1",
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={eigen}",
        "KERAS_BACKEND": "jax",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
