"""The operations that are timed, one entry each.

An entry (`operation.Operation`) has a name, a sentence, its minimal cost, and a *call* for each
library: a function of the library's module ``m`` and the task ``t`` (`operation.Task`) that does
all preparation and returns a function without arguments, the only thing that is timed. A new
operation is one entry of :data:`OPERATIONS`.

A peer may prepare all that it can (tables, compiled functions, the forward pass of a
derivative): peers are timed at their best, which makes pysig's ratios conservative.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from . import training
from .calls import (
    jax_backward,
    jax_forward_mode,
    jit,
    prepared_log,
    pysig_log,
    pysig_method,
    pysig_stream,
    pysiglib_backward,
    pysiglib_log,
    reference,
    reference_log,
    reference_pairing,
    reference_signature,
    reference_stream,
    reference_tangent,
    sig_rust_expanded,
    signatory_backward,
    signatory_log,
)
from .cases import Case
from .data import DATA
from .kernels import KERNELS
from .operation import Operation, Task, lyndon_shape, stream_shape
from .windows import WINDOWS

SHARES = (64, 8, 1)  # one word in SHARES of the top level


# Projections: some words of the top level.


@functools.cache
def some_words(channels: int, depth: int, share: int) -> tuple[tuple[int, ...], ...]:
    """One in `share` words of `depth` letters."""
    top = itertools.product(range(channels), repeat=depth)
    return tuple(itertools.islice(top, 0, None, share))


def prefix_madds(case: Case, share: int) -> int:
    """Multiply-adds of the words and their prefixes: one for each, and one for each entry of its
    chain, which are as many as its longest continuation has letters; each prefix once.
    """
    words = some_words(case.channels, case.depth, share)
    closure = {word[:k] for word in words for k in range(1, case.depth + 1)}
    step = sum(1 + case.depth - len(word) for word in closure)
    return case.paths * (case.length - 1) * step


def _projection(share: int) -> Operation:
    """One in `share` words of the top level."""

    def words(t: Task) -> tuple[tuple[int, ...], ...]:
        return some_words(t.channels, t.depth, share)

    return Operation(
        name=f"projection-{share}",
        does=f"one in {share} coefficients of the top level, and no others"
        if share > 1
        else "the coefficients of the top level as chosen words",
        groups=("logsignature",),
        answer=lambda case: (*case.shape[:-2], len(some_words(case.channels, case.depth, share))),
        count=lambda case: prefix_madds(case, share),
        calls={
            "reference": lambda m, t: (
                lambda: reference(m, "projection").projection(t.path, words(t))
            ),
            "pysig": lambda m, t: lambda: m.signature(t.path, words=words(t), workers=t.threads),
            "pysiglib": lambda m, t: lambda: m.sig_coef(t.path, list(words(t)), n_jobs=t.threads),
        },
    )


def _first_log(basis: str) -> Operation:
    """A log-signature whose tables are computed anew."""

    def line(m: Any, t: Task) -> Callable[[], Any]:
        """A straight line has the logarithm of its increment: a closed form."""
        size = lyndon_shape(Case(None, 2, t.channels, t.depth))[0]
        return lambda: np.concatenate([t.path[1] - t.path[0], np.zeros(size - t.channels)])

    def call(m: Any, t: Task) -> Callable[[], Any]:
        prefix = f"{m.__name__}."

        def first() -> Any:
            # Of all modules: a list of those that keep tables would be wrong with the next one.
            own = [sys.modules[name] for name in list(sys.modules) if name.startswith(prefix)]
            for value in [value for module in own for value in vars(module).values()]:
                getattr(value, "cache_clear", lambda: None)()
            return m.logsignature(t.path, t.depth, basis=basis, workers=t.threads)

        return first

    return Operation(
        name=f"tables-{basis}",
        does=f'log-signature of a line in the basis "{basis}", its tables built at each call',
        groups=("tables",),
        answer=lyndon_shape,
        calls={"reference": line, "pysig": call},
        # The change to brackets amplifies the rounding of the logarithm: where the answer is zero,
        # float64 is about 2**29 times closer to it than float32.
        tolerance={"float32": 1e-4 if basis == "words" else 1e-3, "float64": 1e-10},
    )


_TABLE = (
    Operation(
        name="signature",
        does="signature of every path, method chosen by pysig",
        groups=("core", "authors", "tiny", "derivative", "logsignature"),
        calls={
            "reference": reference_signature,
            "pysig": lambda m, t: lambda: m.signature(t.path, t.depth, workers=t.threads),
            "pysiglib": lambda m, t: lambda: m.sig(t.path, t.depth, n_jobs=t.threads),
            "iisignature": lambda m, t: lambda: m.sig(t.path, t.depth),
            "sig-rust": lambda m, t: lambda: m.sig(t.path, t.depth),
            "signatory": lambda m, t: lambda: m.signature(t.path, t.depth),
            "signax": lambda m, t: jit(lambda x: m.signature(x, t.depth), t.path),
            "keras_sig": lambda m, t: jit(lambda x: m.signature(x, t.depth), t.path),
            "keras_sig-cumsum": lambda m, t: jit(
                lambda x: m.signature(x, t.depth, gpu_optimized=True), t.path
            ),
        },
    ),
    Operation(
        name="signature-tile",
        does="signature, method='tile'",
        groups=("core",),
        checked_as="signature",
        calls={"reference": reference_signature, "pysig": pysig_method("tile")},
    ),
    Operation(
        name="signature-cumsum",
        does="signature, method='cumsum', the reformulation of the paper",
        groups=("core",),
        checked_as="signature",
        calls={"reference": reference_signature, "pysig": pysig_method("cumsum")},
    ),
    Operation(
        name="signature-stream",
        does="signatures of all prefixes, into an array that exists already",
        groups=("stream",),
        answer=stream_shape,
        bound="store",
        calls={
            "reference": reference_stream,
            "pysig": pysig_stream,
            "iisignature": lambda m, t: lambda: m.sig(t.path, t.depth, 2),
            "sig-rust": lambda m, t: lambda: m.sig(t.path, t.depth, 2),
            "signatory": lambda m, t: lambda: m.signature(t.path, t.depth, stream=True),
            "signax": lambda m, t: jit(lambda x: m.signature(x, t.depth, stream=True), t.path),
            "keras_sig": lambda m, t: jit(lambda x: m.signature(x, t.depth, stream=True), t.path),
            "keras_sig-cumsum": lambda m, t: jit(
                lambda x: m.signature(x, t.depth, stream=True, gpu_optimized=True), t.path
            ),
        },
    ),
    Operation(
        name="signature-sweep",
        does="signature along sweeps of batch, length and coefficients: is the cost linear?",
        groups=("sweep-batch", "sweep-length", "sweep-size"),
        checked_as="signature",
        calls={
            "reference": reference_signature,
            "pysig": lambda m, t: lambda: m.signature(t.path, t.depth, workers=t.threads),
        },
    ),
    Operation(
        name="signature_vjp",
        does="cotangent of the path, the backward pass alone",
        groups=("derivative",),
        against="signature",
        work=2.0,
        inputs=("path", "cotangent"),
        answer=lambda case: case.shape,
        # <vjp(cotangent), v> = <cotangent, jvp(v)> for a random v: wrong gradients do not pass.
        extra_inputs=("tangent",),
        project=lambda answer, given: (answer * given["tangent"]).sum(axis=(-2, -1)),
        calls={
            "reference": reference_pairing,
            "pysig": lambda m, t: (
                lambda: m.signature_vjp(t.path, t.depth, t.inputs["cotangent"], workers=t.threads)
            ),
            "pysiglib": pysiglib_backward,
            "iisignature": lambda m, t: (
                lambda: m.sigbackprop(t.inputs["cotangent"], t.path, t.depth)
            ),
            "sig-rust": lambda m, t: lambda: m.sigbackprop(t.inputs["cotangent"], t.path, t.depth),
            "signatory": signatory_backward,
            "signax": lambda m, t: jax_backward(lambda x: m.signature(x, t.depth), t),
            "keras_sig": lambda m, t: jax_backward(lambda x: m.signature(x, t.depth), t),
            "keras_sig-cumsum": lambda m, t: jax_backward(
                lambda x: m.signature(x, t.depth, gpu_optimized=True), t
            ),
        },
        # Reversible backward passes drift along the path.
        tolerance={"float32": 1e-3, "float64": 1e-10},
    ),
    Operation(
        name="signature_jvp",
        does="tangent of the signature along a tangent of the path",
        groups=("derivative",),
        against="signature",
        work=2.0,
        inputs=("path", "tangent"),
        calls={
            "reference": reference_tangent,
            "pysig": lambda m, t: (
                lambda: m.signature_jvp(t.path, t.depth, t.inputs["tangent"], workers=t.threads)
            ),
            "signax": lambda m, t: jax_forward_mode(lambda x: m.signature(x, t.depth), t),
            "keras_sig": lambda m, t: jax_forward_mode(lambda x: m.signature(x, t.depth), t),
        },
    ),
    Operation(
        name="training-step",
        does="a step of gradient descent of Dense, signature, Dense, by Keras on JAX",
        groups=("training",),
        work=3.0,
        answer=lambda case: (case.channels, case.channels),
        coupled=True,
        project=training.project,
        calls=training.CALLS,
        # Read off weights that moved little.
        tolerance={"float32": 1e-3, "float64": 1e-10},
    ),
    Operation(
        name="logsignature-words",
        does="log-signature, coefficients of the Lyndon words",
        groups=("logsignature",),
        against="signature",
        answer=lyndon_shape,
        calls={
            "reference": reference_log("words"),
            "pysig": pysig_log("words"),
            "pysiglib": pysiglib_log(1),
            "signatory": signatory_log("words"),
            "signax": lambda m, t: jit(lambda x: m.logsignature(x, t.depth), t.path),
        },
    ),
    Operation(
        name="logsignature-brackets",
        does="log-signature, coordinates in the Lyndon bracket basis",
        groups=("logsignature",),
        against="signature",
        answer=lyndon_shape,
        calls={
            "reference": reference_log("brackets"),
            "pysig": pysig_log("brackets"),
            "pysiglib": pysiglib_log(2),
            "iisignature": prepared_log("S"),
            "sig-rust": prepared_log(),
            "signatory": signatory_log("brackets"),
        },
        # The change from words to brackets amplifies rounding, the more so at high depths.
        tolerance={"float32": 1e-3, "float64": 1e-10},
    ),
    Operation(
        name="logsignature-hall",
        does="log-signature, coordinates in the standard Hall basis",
        groups=("logsignature",),
        against="signature",
        answer=lyndon_shape,
        # No peer: iisignature, the only one with this basis, keeps its matrices in single
        # precision, so that its answers are not float64 answers.
        calls={"reference": reference_log("hall"), "pysig": pysig_log("hall")},
        tolerance={"float32": 1e-3, "float64": 1e-10},
    ),
    Operation(
        name="logsignature-expanded",
        does="log-signature as a tensor series",
        groups=("logsignature",),
        against="signature",
        calls={
            "reference": reference_log("expanded"),
            "pysig": pysig_log("expanded"),
            "pysiglib": pysiglib_log(0),
            "iisignature": prepared_log("X"),
            "sig-rust": sig_rust_expanded,
            "signatory": signatory_log("expand"),
        },
    ),
    *(_projection(share) for share in SHARES),
    *WINDOWS,
    *KERNELS,
    *DATA,
    *(_first_log(basis) for basis in ("words", "brackets", "hall")),
)

OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in _TABLE}
