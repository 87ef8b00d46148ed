"""Messages that lead to the right call: the argument, its place, its type, a similar name."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import pysig
from pysig import algebra

pytestmark = pytest.mark.quick

PATH = np.random.default_rng(0).normal(size=(4, 6, 2))
ROW = np.zeros(6)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        # ---- a missing array ----
        (lambda: pysig.signature_vjp(PATH, 2, None), TypeError, "cotangent: .*None. Pass it"),
        (lambda: pysig.signature_jvp(PATH, 2, None), TypeError, "tangent: .*None. Pass it"),
        (lambda: algebra.combine_jvp(ROW, ROW, 2, 2, ROW), TypeError, "tangent_b: .*Pass it"),
        (lambda: pysig.signature(None, 2), TypeError, "path: expected an array, .*Pass it"),
        (
            lambda: pysig.signature([[None, 1.0]], 2),
            TypeError,
            r"path: .* at \[0, 0\]: fill or drop missing values",
        ),
        # ---- a type and a value ----
        (lambda: pysig.signature(PATH, 2, method=1), TypeError, 'method: .*"cumsum", received int'),
        (lambda: pysig.signature(PATH, 2, method=None), TypeError, "method: .*received NoneType"),
        (
            lambda: pysig.signature(PATH, 2, method="tiles"),
            ValueError,
            """method: .*received str 'tiles'.* Did you mean "tile"\\?""",
        ),
        (lambda: pysig.logsignature(PATH, 2, basis=1), TypeError, "basis: .*received int 1"),
        (lambda: pysig.logsignature(PATH, 2, basis=None), TypeError, "basis: .*NoneType None"),
        (
            lambda: pysig.logsignature(PATH, 2, basis="word"),
            ValueError,
            'basis: .*Did you mean "words"',
        ),
        (lambda: pysig.data.load(5), TypeError, "name: expected one of .*received int 5"),
        (lambda: pysig.data.load("basic_motion"), ValueError, 'name: .*mean "basic_motions"'),
        # ---- a word and its place ----
        (
            lambda: pysig.signature(PATH, words=[(0,), (10**30,)]),
            ValueError,
            r"words\[1\]: expected letters from 0 to 1, received tuple \(10{30},\)",
        ),
        (
            lambda: pysig.signature(PATH, words=((0,), (2,))),
            ValueError,
            r"words\[1\]: expected letters from 0 to 1",
        ),
        (
            lambda: pysig.signature(PATH, words=[(0,), (1, -1)]),
            ValueError,
            r"words\[1\]\[1\]: expected an integer of at least 0, received -1",
        ),
        (
            lambda: pysig.signature(PATH, words=[(0,), (1,), (0,)]),
            ValueError,
            r"words\[2\]: .*received \(0,\) more than once: it is words\[0\] too",
        ),
        (
            lambda: pysig.labels(2, words=[(0,), (0,) * 65]),
            ValueError,
            r"words\[1\]: expected at most 64 letters in a word, received 65",
        ),
        (
            lambda: pysig.linear_functional(PATH, {(0,): 1.0, (0, 3): 1.0}),
            ValueError,
            "functional: expected letters from 0 to 1",
        ),
        # ---- an option without effect, or impossible ----
        (
            lambda: algebra.combine(ROW, ROW, 2, 2, axis=0),
            ValueError,
            "axis: expected no axis with two factors, received int 0. Leave it out",
        ),
        (lambda: algebra.combine_vjp(ROW, ROW, 2, 2, ROW, axis=0), ValueError, "axis: .*two fact"),
        (
            lambda: algebra.combine_jvp(ROW, ROW, 2, 2, ROW, ROW, axis="0"),
            ValueError,
            "axis: expected no axis with two factors, received str",
        ),
        (lambda: pysig.Time(np.zeros(0)), ValueError, r"times: .*received shape \(0,\)"),
        (
            lambda: pysig.signature_size(10**400, -(10**5000)),
            ValueError,
            "depth: expected an integer of at least 1, received an integer of 16610 bits",
        ),
        # ---- the axis that is wrong ----
        (
            lambda: algebra.map_channels(ROW, np.zeros((2, 3)), 2, 2),
            ValueError,
            "matrix: .*The last axis follows from channels.$",
        ),
        (
            lambda: algebra.dilate(ROW, np.zeros(3), 2, 2),
            ValueError,
            "factors: .*The last axis follows from channels.$",
        ),
        (
            lambda: algebra.map_channels(ROW, np.zeros((2, 2)), 2, 3),
            ValueError,
            "a: .*The last axis follows from channels, depth and scalar_term.$",
        ),
        # ---- a similar name ----
        (
            lambda: pysig.signature(PATH, 2, base_point=True),
            TypeError,
            r"""signature\(\) got an unexpected .*'base_point'. Did you mean "basepoint"\?$""",
        ),
        (lambda: pysig.signature(PATH, degree=2), TypeError, 'signature.* Did you mean "depth"'),
        (lambda: pysig.signature(PATH, 2, n_jobs=2), TypeError, 'Did you mean "workers"'),
        (lambda: pysig.signature(PATH, 2, xyzzy=2), TypeError, "signature.* argument 'xyzzy'.$"),
    ],
)
def test_messages(call, error, says):
    with pytest.raises(error, match=says if says.startswith("Did") else "^" + says):
        call()


# ---- tensors of frameworks ----

PLACES = {
    "path": lambda tensor: pysig.signature(tensor, 2),
    "cotangent": lambda tensor: pysig.signature_vjp(PATH, 2, tensor),
    "tangent": lambda tensor: pysig.signature_jvp(PATH, 2, tensor),
    "basepoint": lambda tensor: pysig.signature(PATH, 2, basepoint=tensor),
    "initial": lambda tensor: pysig.logsignature(PATH, 2, initial=tensor),
    "lengths": lambda tensor: pysig.signature(PATH, 2, lengths=tensor),
    "times": lambda tensor: pysig.Time(tensor),
    "a": lambda tensor: algebra.exp(tensor, 2, 2),
    "b": lambda tensor: algebra.combine(ROW, tensor, 2, 2),
    "functional": lambda tensor: pysig.linear_functional(PATH, tensor, 2),
    "points": lambda tensor: pysig.IncrementalSignature(2, 2).push(tensor),
}


def tensor_of(module):
    """A value of a type that looks like a tensor of a framework, which need not be installed."""
    kind = type("Tensor", (), {"__module__": module, "dtype": "float32", "shape": (3, 2)})
    return kind()


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize(
    ("module", "framework"),
    [
        ("torch", "torch"),
        ("torch.nn.parameter", "torch"),
        ("jaxlib._jax", "jax"),
        ("jax._src.interpreters.partial_eval", "jax"),
        ("tensorflow.python.framework.ops", "tensorflow"),
        ("keras.src.backend", "keras"),
    ],
)
def test_tensors_are_sent_to_interop(name, module, framework):
    says = (
        rf"^{name}: expected an array of NumPy or CuPy, received Tensor of {framework}, of dtype "
        rf"float32\. Use pysig\.interop\.{framework}, or pass a NumPy array"
    )
    with pytest.raises(TypeError, match=says):
        PLACES[name](tensor_of(module))


@pytest.mark.parametrize("name", ["path", "a", "lengths"])
def test_lists_of_tensors_are_sent_to_interop(name):
    with pytest.raises(TypeError, match=rf"^{name}(\[0\])?: .* Use pysig\.interop\.torch"):
        PLACES[name]([tensor_of("torch"), tensor_of("torch")])


def test_other_objects_with_a_dtype_are_arrays():
    like = SimpleNamespace(__array_interface__=PATH.__array_interface__, dtype=PATH.dtype)
    assert np.array_equal(pysig.signature(like, 2), pysig.signature(PATH, 2))


def test_the_namespace_lists_public_names():
    shown = [name for name in dir(pysig) if not name.startswith("__")]
    assert shown == sorted({*pysig.__all__, "data", "interop", "testing"})
