"""Other libraries on a CUDA device, for ``python -m bench gpu --vs``: each as a function that
computes one signature and synchronises."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import cases


def peers(
    case: cases.Case, dtype: str, path: np.ndarray
) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Triples: name, reason for skipping it or "", maker of a function that computes and waits."""
    if case.batch is None:
        return
    yield "keras_sig", _absent("keras_sig", "jax"), lambda: _keras_sig(case, path)
    yield "pysiglib", _absent("pysiglib", "pysiglib_cuda", "torch"), lambda: _pysiglib(case, path)
    yield "pathsig", _absent("pathsig", "torch"), lambda: _pathsig(case, path)


def _absent(*modules: str) -> str:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


def _keras_sig(case: cases.Case, path: np.ndarray) -> Callable[[], Any]:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import jax
    import keras_sig

    if jax.default_backend() != "gpu":
        raise RuntimeError("JAX finds no GPU")
    jax.config.update("jax_enable_x64", path.dtype == np.float64)
    x = jax.numpy.asarray(path)
    run = jax.jit(lambda points: keras_sig.signature(points, case.depth, gpu_optimized=True))
    return lambda: run(x).block_until_ready()


def _pysiglib(case: cases.Case, path: np.ndarray) -> Callable[[], Any]:
    import pysiglib
    import torch

    x = torch.from_numpy(path).cuda()

    def run() -> Any:
        result = pysiglib.sig(x, case.depth)
        torch.cuda.synchronize()
        return result

    return run


def _pathsig(case: cases.Case, path: np.ndarray) -> Callable[[], Any]:
    import pathsig
    import torch

    x, signature = torch.from_numpy(path).cuda(), pathsig.Signature(depth=case.depth)

    def run() -> Any:
        result = signature(x)
        torch.cuda.synchronize()
        return result

    return run
