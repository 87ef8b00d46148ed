"""What is timed: one entry per operation.

An entry has a name, a sentence, a floor, and for each contestant a *call*: a function of the
contestant's module ``m`` and the task ``t`` (see :class:`Task`) that does all preparation and
returns a function without arguments, the only thing that is timed. A new operation is one entry
of :data:`OPERATIONS`.

A peer may prepare whatever it can prepare (tables, compiled functions, the forward pass of a
derivative): peers are timed at their best, which makes pysig's ratios conservative.
"""

from __future__ import annotations

import functools
import importlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import training
from .cases import ITEMSIZE, Case

Call = Callable[[Any, "Task"], Callable[[], Any]]
SHARES = (64, 8, 1)  # of the top level: one in so many words


@dataclass
class Task:
    """What a call works on: the input arrays, in the form its library takes, and the sizes."""

    inputs: dict[str, Any]
    depth: int
    channels: int
    threads: int
    empty: Callable[[], Any]  # a new NumPy array of the answer's shape and dtype

    @property
    def path(self) -> Any:
        return self.inputs["path"]


@dataclass(frozen=True)
class Operation:
    """One row of the table."""

    name: str
    does: str
    calls: dict[str, Call]
    groups: tuple[str, ...]  # the cases timed when none is named
    work: float = 1.0  # floor, as a multiple of the multiply-adds of the signature
    bound: str = "multiply-add"  # the ceiling that binds: a name of bench.probe.PROBES
    inputs: tuple[str, ...] = ("path",)
    # The law of an answer that is too large to compute plainly: the law's call then gives only the
    # projection of the answer, for which it may use more inputs, the witnesses.
    witnesses: tuple[str, ...] = ()
    project: Callable[[np.ndarray, dict[str, np.ndarray]], np.ndarray] | None = None
    answer: Callable[[Case], tuple[int, ...]] = field(default=lambda case: signature_shape(case))
    # Largest difference from the float64 answer, relative to the largest coefficient of the level,
    # by the dtype of the answer. Far above rounding, far below a wrong formula.
    tolerance: dict[str, float] = field(default_factory=lambda: {"float32": 1e-4, "float64": 1e-10})
    coupled: bool = False  # the answer is one for the whole batch
    judge: str = ""  # the operation whose float64 answer is right; its own when empty
    count: Callable[[Case], int] | None = None  # multiply-adds, where they are no such multiple

    def madds(self, case: Case) -> int:
        """Multiply-adds that cannot be avoided."""
        return round(self.work * case.madds) if self.count is None else self.count(case)

    def bytes(self, case: Case, dtype: str) -> int:
        """Bytes that cannot be avoided: every input read once, every answer written once."""
        shapes = [self.answer(case), *(self.input_shape(case, name) for name in self.inputs)]
        return ITEMSIZE[dtype] * sum(_count(shape) for shape in shapes)

    def input_shape(self, case: Case, name: str) -> tuple[int, ...]:
        return {"path": case.shape, "tangent": case.shape, "cotangent": signature_shape(case)}[name]


def _count(shape: tuple[int, ...]) -> int:
    total = 1
    for extent in shape:
        total *= extent
    return total


# Shapes of answers.


def signature_shape(case: Case) -> tuple[int, ...]:
    return (*case.shape[:-2], case.size)


def stream_shape(case: Case) -> tuple[int, ...]:
    return (*case.shape[:-2], case.length - 1, case.size)


def lyndon_shape(case: Case) -> tuple[int, ...]:
    return (*case.shape[:-2], sum(_necklaces(case.channels, k) for k in range(1, case.depth + 1)))


def _necklaces(channels: int, length: int) -> int:
    """Lyndon words of a length: Witt's formula (1/k) sum over e dividing k of mu(e) d^(k/e)."""

    def mobius(n: int) -> int:
        sign, p = 1, 2
        while p * p <= n:
            if n % p == 0:
                n //= p
                if n % p == 0:
                    return 0
                sign = -sign
            p += 1
        return -sign if n > 1 else sign

    divisors = [e for e in range(1, length + 1) if length % e == 0]
    return sum(mobius(e) * channels ** (length // e) for e in divisors) // length


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


# Calls that are more than one expression.


def _jit(function: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    import jax

    compiled = jax.jit(function)
    return lambda: jax.block_until_ready(compiled(*args))


def _jax_backward(function: Callable[[Any], Any], t: Task) -> Callable[[], Any]:
    """Only the backward pass: the forward pass, with what it stores, happens beforehand."""
    import jax

    _, pull = jax.vjp(function, t.path)
    backward = jax.jit(lambda pull, cotangent: pull(cotangent)[0])
    cotangent = t.inputs["cotangent"]
    return lambda: jax.block_until_ready(backward(pull, cotangent))


def _jax_forward_mode(function: Callable[[Any], Any], t: Task) -> Callable[[], Any]:
    import jax

    return _jit(lambda x, v: jax.jvp(function, (x,), (v,))[1], t.path, t.inputs["tangent"])


def _signatory_backward(m: Any, t: Task) -> Callable[[], Any]:
    import torch

    path = t.path.requires_grad_()
    value = m.signature(path, t.depth)
    cotangent = t.inputs["cotangent"]
    return lambda: torch.autograd.grad(value, path, cotangent, retain_graph=True)[0]


def _pysiglib_backward(m: Any, t: Task) -> Callable[[], Any]:
    value = m.sig(t.path, t.depth)
    cotangent = t.inputs["cotangent"]
    return lambda: m.sig_backprop(t.path, value, cotangent, t.depth, n_jobs=t.threads)


def _pysiglib_log(method: int) -> Call:
    def call(m: Any, t: Task) -> Callable[[], Any]:
        m.prepare_log_sig(t.channels, t.depth, method)
        return lambda: m.log_sig(t.path, t.depth, method=method, n_jobs=t.threads)

    return call


def _prepared_log(*methods: str) -> Call:
    """logsig of iisignature and of the libraries that copy its interface."""

    def call(m: Any, t: Task) -> Callable[[], Any]:
        tables = m.prepare(t.channels, t.depth, *methods)
        return lambda: m.logsig(t.path, tables, *methods)

    return call


def _sig_rust_expanded(m: Any, t: Task) -> Callable[[], Any]:
    tables = m.prepare(t.channels, t.depth)
    return lambda: m.logsig_expanded(t.path, tables)


def _signatory_log(mode: str) -> Call:
    def call(m: Any, t: Task) -> Callable[[], Any]:
        transform = m.LogSignature(t.depth, mode=mode)
        transform.prepare(t.channels)
        return lambda: transform(t.path)

    return call


def _pysig_log(basis: str) -> Call:
    return lambda m, t: lambda: m.logsignature(t.path, t.depth, basis=basis, workers=t.threads)


def _law_log(basis: str) -> Call:
    return lambda m, t: lambda: _law(m, "logsignature").logsignature(t.path, t.depth, basis=basis)


def _pysig_method(method: str) -> Call:
    return lambda m, t: lambda: m.signature(t.path, t.depth, method=method, workers=t.threads)


def _pysig_stream(m: Any, t: Task) -> Callable[[], Any]:
    """``out=`` is given: a new array costs page faults, which are not what is measured here."""
    out = t.empty()
    return lambda: m.signature(t.path, t.depth, stream=True, out=out, workers=t.threads)


def _law(m: Any, stem: str) -> Any:
    """A module of the law: one stem for each family of operations."""
    return importlib.import_module(f"{m.__name__}.{stem}")


def _law_signature(m: Any, t: Task) -> Callable[[], Any]:
    return lambda: _law(m, "signature").signature(t.path, t.depth)


def _law_stream(m: Any, t: Task) -> Callable[[], Any]:
    return lambda: _law(m, "signature").signature(t.path, t.depth, stream=True)


def _law_tangent(m: Any, t: Task) -> Callable[[], Any]:
    return lambda: _law(m, "signature").signature_jvp(t.path, t.depth, t.inputs["tangent"])


def _law_pairing(m: Any, t: Task) -> Callable[[], Any]:
    """<cotangent, derivative of the signature along the tangent>, one number per path."""
    tangent = _law_tangent(m, t)
    return lambda: (tangent() * t.inputs["cotangent"]).sum(axis=-1)


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
            "law": lambda m, t: lambda: _law(m, "projection").projection(t.path, words(t)),
            "pysig": lambda m, t: lambda: m.signature(t.path, words=words(t), workers=t.threads),
            "pysiglib": lambda m, t: lambda: m.sig_coef(t.path, list(words(t)), n_jobs=t.threads),
        },
    )


def _first_log(basis: str) -> Operation:
    """A log-signature with no tables at hand."""

    def line(m: Any, t: Task) -> Callable[[], Any]:
        """A straight line has the logarithm of its increment: a closed form."""
        size = lyndon_shape(Case(None, 2, t.channels, t.depth))[0]
        return lambda: np.concatenate([t.path[1] - t.path[0], np.zeros(size - t.channels)])

    def call(m: Any, t: Task) -> Callable[[], Any]:
        floors = [importlib.import_module(f"{m.__name__}.{name}") for name in _TABLE_MODULES]

        def first() -> Any:
            for floor in floors:
                for value in list(vars(floor).values()):
                    getattr(value, "cache_clear", lambda: None)()
            return m.logsignature(t.path, t.depth, basis=basis, workers=t.threads)

        return first

    return Operation(
        name=f"tables-{basis}",
        does=f'log-signature of a line in the basis "{basis}", its tables made anew at each call',
        groups=("tables",),
        answer=lyndon_shape,
        calls={"law": line, "pysig": call},
        # The change to brackets amplifies what the logarithm rounds: where the answer is zero,
        # float64 is about 2**29 times closer to it than float32.
        tolerance={"float32": 1e-4 if basis == "words" else 1e-3, "float64": 1e-10},
    )


_TABLE_MODULES = (
    "_lie",
    "_algebra.expansion",
    "_algebra.functionals",
    "_algebra.hall",
    "_algebra.lie",
)

_TABLE = (
    Operation(
        name="signature",
        does="signature of every path, method chosen by pysig",
        groups=("core", "authors", "tiny", "derivative", "logsignature"),
        calls={
            "law": _law_signature,
            "pysig": lambda m, t: lambda: m.signature(t.path, t.depth, workers=t.threads),
            "pysiglib": lambda m, t: lambda: m.sig(t.path, t.depth, n_jobs=t.threads),
            "iisignature": lambda m, t: lambda: m.sig(t.path, t.depth),
            "sig-rust": lambda m, t: lambda: m.sig(t.path, t.depth),
            "signatory": lambda m, t: lambda: m.signature(t.path, t.depth),
            "signax": lambda m, t: _jit(lambda x: m.signature(x, t.depth), t.path),
            "keras_sig": lambda m, t: _jit(lambda x: m.signature(x, t.depth), t.path),
            "keras_sig-cumsum": lambda m, t: _jit(
                lambda x: m.signature(x, t.depth, gpu_optimized=True), t.path
            ),
        },
    ),
    Operation(
        name="signature-tile",
        does="signature, method='tile'",
        groups=("core",),
        judge="signature",
        calls={"law": _law_signature, "pysig": _pysig_method("tile")},
    ),
    Operation(
        name="signature-cumsum",
        does="signature, method='cumsum', the reformulation of the paper",
        groups=("core",),
        judge="signature",
        calls={"law": _law_signature, "pysig": _pysig_method("cumsum")},
    ),
    Operation(
        name="signature-stream",
        does="signatures of all prefixes, into an array that exists already",
        groups=("stream",),
        answer=stream_shape,
        bound="store",
        calls={
            "law": _law_stream,
            "pysig": _pysig_stream,
            "iisignature": lambda m, t: lambda: m.sig(t.path, t.depth, 2),
            "sig-rust": lambda m, t: lambda: m.sig(t.path, t.depth, 2),
            "signatory": lambda m, t: lambda: m.signature(t.path, t.depth, stream=True),
            "signax": lambda m, t: _jit(lambda x: m.signature(x, t.depth, stream=True), t.path),
            "keras_sig": lambda m, t: _jit(lambda x: m.signature(x, t.depth, stream=True), t.path),
            "keras_sig-cumsum": lambda m, t: _jit(
                lambda x: m.signature(x, t.depth, stream=True, gpu_optimized=True), t.path
            ),
        },
    ),
    Operation(
        name="signature-sweep",
        does="signature along sweeps of batch, length and coefficients: is the cost linear?",
        groups=("sweep-batch", "sweep-length", "sweep-size"),
        judge="signature",
        calls={
            "law": _law_signature,
            "pysig": lambda m, t: lambda: m.signature(t.path, t.depth, workers=t.threads),
        },
    ),
    Operation(
        name="signature_vjp",
        does="cotangent of the path, the backward pass alone",
        groups=("derivative",),
        work=2.0,
        inputs=("path", "cotangent"),
        answer=lambda case: case.shape,
        # <vjp(cotangent), v> = <cotangent, jvp(v)> for a random v: wrong gradients do not pass.
        witnesses=("tangent",),
        project=lambda answer, given: (answer * given["tangent"]).sum(axis=(-2, -1)),
        calls={
            "law": _law_pairing,
            "pysig": lambda m, t: (
                lambda: m.signature_vjp(t.path, t.depth, t.inputs["cotangent"], workers=t.threads)
            ),
            "pysiglib": _pysiglib_backward,
            "iisignature": lambda m, t: (
                lambda: m.sigbackprop(t.inputs["cotangent"], t.path, t.depth)
            ),
            "sig-rust": lambda m, t: lambda: m.sigbackprop(t.inputs["cotangent"], t.path, t.depth),
            "signatory": _signatory_backward,
            "signax": lambda m, t: _jax_backward(lambda x: m.signature(x, t.depth), t),
            "keras_sig": lambda m, t: _jax_backward(lambda x: m.signature(x, t.depth), t),
            "keras_sig-cumsum": lambda m, t: _jax_backward(
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
        work=2.0,
        inputs=("path", "tangent"),
        calls={
            "law": _law_tangent,
            "pysig": lambda m, t: (
                lambda: m.signature_jvp(t.path, t.depth, t.inputs["tangent"], workers=t.threads)
            ),
            "signax": lambda m, t: _jax_forward_mode(lambda x: m.signature(x, t.depth), t),
            "keras_sig": lambda m, t: _jax_forward_mode(lambda x: m.signature(x, t.depth), t),
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
        answer=lyndon_shape,
        calls={
            "law": _law_log("words"),
            "pysig": _pysig_log("words"),
            "pysiglib": _pysiglib_log(1),
            "signatory": _signatory_log("words"),
            "signax": lambda m, t: _jit(lambda x: m.logsignature(x, t.depth), t.path),
        },
    ),
    Operation(
        name="logsignature-brackets",
        does="log-signature, coordinates in the Lyndon bracket basis",
        groups=("logsignature",),
        answer=lyndon_shape,
        calls={
            "law": _law_log("brackets"),
            "pysig": _pysig_log("brackets"),
            "pysiglib": _pysiglib_log(2),
            "iisignature": _prepared_log("S"),
            "sig-rust": _prepared_log(),
            "signatory": _signatory_log("brackets"),
        },
        # The change from words to brackets amplifies rounding, the more so at high depths.
        tolerance={"float32": 1e-3, "float64": 1e-10},
    ),
    Operation(
        name="logsignature-expanded",
        does="log-signature as a tensor series",
        groups=("logsignature",),
        calls={
            "law": _law_log("expanded"),
            "pysig": _pysig_log("expanded"),
            "pysiglib": _pysiglib_log(0),
            "iisignature": _prepared_log("X"),
            "sig-rust": _sig_rust_expanded,
            "signatory": _signatory_log("expand"),
        },
    ),
    *(_projection(share) for share in SHARES),
    *(_first_log(basis) for basis in ("words", "brackets", "hall")),
)

OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in _TABLE}
