"""Calls of libraries that take more than one expression: see `operations`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from .operation import Call, Task


def jit(function: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    import jax

    compiled = jax.jit(function)
    return lambda: jax.block_until_ready(compiled(*args))


def jax_backward(function: Callable[[Any], Any], t: Task) -> Callable[[], Any]:
    """Only the backward pass: the forward pass, which stores intermediate values, is not timed."""
    import jax

    _, pull = jax.vjp(function, t.path)
    backward = jax.jit(lambda pull, cotangent: pull(cotangent)[0])
    cotangent = t.inputs["cotangent"]
    return lambda: jax.block_until_ready(backward(pull, cotangent))


def jax_forward_mode(function: Callable[[Any], Any], t: Task) -> Callable[[], Any]:
    import jax

    return jit(lambda x, v: jax.jvp(function, (x,), (v,))[1], t.path, t.inputs["tangent"])


def signatory_backward(m: Any, t: Task) -> Callable[[], Any]:
    import torch

    path = t.path.requires_grad_()
    value = m.signature(path, t.depth)
    cotangent = t.inputs["cotangent"]
    return lambda: torch.autograd.grad(value, path, cotangent, retain_graph=True)[0]


def pysiglib_backward(m: Any, t: Task) -> Callable[[], Any]:
    value = m.sig(t.path, t.depth)
    cotangent = t.inputs["cotangent"]
    return lambda: m.sig_backprop(t.path, value, cotangent, t.depth, n_jobs=t.threads)


def pysiglib_log(method: int) -> Call:
    def call(m: Any, t: Task) -> Callable[[], Any]:
        m.prepare_log_sig(t.channels, t.depth, method)
        return lambda: m.log_sig(t.path, t.depth, method=method, n_jobs=t.threads)

    return call


def prepared_log(*methods: str) -> Call:
    """logsig of iisignature and of the libraries that copy its interface."""

    def call(m: Any, t: Task) -> Callable[[], Any]:
        tables = m.prepare(t.channels, t.depth, *methods)
        return lambda: m.logsig(t.path, tables, *methods)

    return call


def sig_rust_expanded(m: Any, t: Task) -> Callable[[], Any]:
    tables = m.prepare(t.channels, t.depth)
    return lambda: m.logsig_expanded(t.path, tables)


def signatory_log(mode: str) -> Call:
    def call(m: Any, t: Task) -> Callable[[], Any]:
        transform = m.LogSignature(t.depth, mode=mode)
        transform.prepare(t.channels)
        return lambda: transform(t.path)

    return call


def pysig_log(basis: str) -> Call:
    return lambda m, t: lambda: m.logsignature(t.path, t.depth, basis=basis, workers=t.threads)


def reference_log(basis: str) -> Call:
    return lambda m, t: (
        lambda: reference(m, "logsignature").logsignature(t.path, t.depth, basis=basis)
    )


def pysig_method(method: str) -> Call:
    return lambda m, t: lambda: m.signature(t.path, t.depth, method=method, workers=t.threads)


def pysig_stream(m: Any, t: Task) -> Callable[[], Any]:
    """``out=`` is given: a new array costs page faults, which this case leaves out."""
    out = t.empty()
    return lambda: m.signature(t.path, t.depth, stream=True, out=out, workers=t.threads)


def reference(m: Any, stem: str) -> Any:
    """A module of the reference: one stem for each family of operations."""
    return importlib.import_module(f"{m.__name__}.{stem}")


def reference_signature(m: Any, t: Task) -> Callable[[], Any]:
    return lambda: reference(m, "signature").signature(t.path, t.depth)


def reference_stream(m: Any, t: Task) -> Callable[[], Any]:
    return lambda: reference(m, "signature").signature(t.path, t.depth, stream=True)


def reference_tangent(m: Any, t: Task) -> Callable[[], Any]:
    return lambda: reference(m, "signature").signature_jvp(t.path, t.depth, t.inputs["tangent"])


def reference_pairing(m: Any, t: Task) -> Callable[[], Any]:
    """<cotangent, derivative of the signature along the tangent>, one number per path."""
    tangent = reference_tangent(m, t)
    return lambda: (tangent() * t.inputs["cotangent"]).sum(axis=-1)
