"""The libraries that are timed: what to import, what they take, how they are held to their threads.

Every contestant runs in a process of its own (``bench.worker``), possibly in another interpreter.
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
class Contestant:
    """One library as the harness sees it."""

    name: str
    module: str  # what is imported
    distribution: str  # what is installed
    install: str  # what to do when it is absent
    plays: str = ""  # the key of its calls in bench.operations; its name when empty
    dtypes: tuple[str, ...] = ("float32", "float64")  # what it computes in
    setup: Callable[[int], None] = lambda threads: None
    take: Callable[[np.ndarray], Any] = lambda array: array  # NumPy to the library's array
    give: Callable[[Any], np.ndarray] = np.asarray  # and back

    @property
    def role(self) -> str:
        return self.plays or self.name

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
    Contestant(
        name="pysiglib",
        module="pysiglib",
        distribution="pysiglib",
        install="pip install pysiglib (it brings torch)",
        setup=_torch_threads,
    ),
    Contestant(
        name="iisignature",
        module="iisignature",
        distribution="iisignature",
        install="pip install 'setuptools<70' numpy; pip install --no-build-isolation iisignature",
        dtypes=("float64",),  # it takes float32 too, and converts
    ),
    Contestant(
        name="sig-rust",
        module="sig_rust",
        distribution="sig-rust",
        install="pip install sig-rust",
        dtypes=("float64",),
    ),
    Contestant(
        name="signatory",
        module="signatory",
        distribution="signatory",
        install="needs Python 3.9 or older and exactly the torch (at most 1.11) it was built for",
        setup=_torch_threads,
        take=_to_torch,
        give=_from_torch,
    ),
    Contestant(
        name="signax",
        module="signax",
        distribution="signax",
        install="pip install signax",
        take=_to_jax,
    ),
    Contestant(
        name="keras_sig",
        module="keras_sig",
        distribution="keras_sig",
        install="pip install keras_sig jax",
        take=_to_jax,
    ),
    Contestant(
        name="keras_sig-cumsum",
        module="keras_sig",
        distribution="keras_sig",
        install="pip install keras_sig jax",
        take=_to_jax,
    ),
    Contestant(
        name="pysig-other",
        module="pysig",
        distribution="pysig-signatures",
        install="another build of pysig, named by --python pysig-other=INTERPRETER",
        plays="pysig",
    ),
)

PEERS = {peer.name: peer for peer in _PEERS}

_HOUSE = (
    Contestant("pysig", "pysig", "pysig-signatures", "pip install . in the repository root"),
    Contestant("law", "pysig._reference", "pysig-signatures", "pip install ."),
    Contestant("probe", "bench.probe", "pysig-signatures", "needs a C++ compiler: c++, or CXX=..."),
)

CONTESTANTS = {contestant.name: contestant for contestant in (*_HOUSE, *_PEERS)}


def environment(threads: int) -> dict[str, str]:
    """Environment of a worker: so many threads, no GPU, no spinning while others are timed."""
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
