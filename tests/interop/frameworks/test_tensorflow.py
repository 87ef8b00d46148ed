"""`pysig.interop.tensorflow`: values, gradients of both orders, graphs, errors."""

from __future__ import annotations

import numpy as np
import pytest

import pysig

tf = pytest.importorskip(
    "tensorflow", reason="TensorFlow is not installed (pip install pysig-signatures[tensorflow])"
)

from pysig.interop.tensorflow import logsignature, signature  # noqa: E402

OPTIONS = [
    {},
    {"stream": True, "scalar_term": True},
    {"inverse": True, "basepoint": True},
    {"lengths": [3, 5]},
    {"transform": ["time", "lead_lag"], "stream": True},
    {"words": [(0,), (0, 0, 0)]},
]


def array(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_those_of_numpy(options, dtype):
    path = array(2, 5, 3, dtype=dtype)
    value = signature(tf.constant(path), 3, **options)
    np.testing.assert_array_equal(value.numpy(), pysig.signature(path, 3, **options))


@pytest.mark.parametrize("basis", ["words", "brackets", "hall", "expanded"])
def test_logsignatures(basis):
    path, weights = array(2, 5, 2), array(1)
    with tf.GradientTape() as tape:
        variable = tf.Variable(path)
        value = logsignature(variable, 3, basis=basis)
        loss = tf.reduce_sum(value * weights)
    np.testing.assert_array_equal(value.numpy(), pysig.logsignature(path, 3, basis=basis))
    cotangent = np.broadcast_to(weights, value.shape)
    expected = pysig.logsignature_vjp(path, 3, cotangent, basis=basis)
    np.testing.assert_allclose(tape.gradient(loss, variable).numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("basis", ["words", "brackets", "hall", "expanded"])
def test_second_derivatives_of_logsignatures(basis):
    path, tangent, variable = array(2, 5, 2), array(2, 5, 2, seed=1), tf.Variable(array(2, 5, 2))
    cotangent = array(*pysig.logsignature(path, 3, basis=basis).shape, seed=2)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            loss = tf.reduce_sum(logsignature(variable, 3, basis=basis) * cotangent)
        along = tf.reduce_sum(inner.gradient(loss, variable) * tangent)
    expected = pysig.logsignature_hvp(path, 3, cotangent, tangent, basis=basis)
    second = outer.gradient(along, variable).numpy()
    np.testing.assert_allclose(second, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
def test_gradients_of_both_orders(options, wrap):
    """The gradient of <cotangent, S> and the gradient of <tangent, gradient>."""
    path, tangent = array(2, 5, 2), array(2, 5, 2, seed=1)
    cotangent = array(*pysig.signature(path, 3, **options).shape, seed=2)

    @wrap
    def gradients(x, c):
        with tf.GradientTape() as outer:
            outer.watch([x, c])
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = tf.reduce_sum(signature(x, 3, **options) * c)
            first = inner.gradient(loss, x)
            along = tf.reduce_sum(first * tangent)
        return (first, *outer.gradient(along, [x, c]))

    first, second, by_cotangent = gradients(tf.constant(path), tf.constant(cotangent))
    np.testing.assert_allclose(first, pysig.signature_vjp(path, 3, cotangent, **options), 1e-12)
    expected = pysig.signature_hvp(path, 3, cotangent, tangent, **options)
    np.testing.assert_allclose(second, expected, rtol=1e-10, atol=1e-12)
    expected = pysig.signature_jvp(path, 3, tangent, **options)
    np.testing.assert_allclose(by_cotangent, expected, rtol=1e-10, atol=1e-12)


def test_gradients_by_basepoint_and_initial_in_a_graph_of_unknown_sizes():
    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, 2], tf.float64),
            tf.TensorSpec([2], tf.float64),
            tf.TensorSpec([None, 14], tf.float64),
            tf.TensorSpec([None], tf.int32),
        ]
    )
    def gradients(x, base, initial, lengths):
        with tf.GradientTape() as tape:
            tape.watch([x, base, initial])
            value = signature(x, 3, basepoint=base, initial=initial, lengths=lengths, stream=True)
            assert value.shape.as_list() == [None, None, 14]
        return tape.gradient(value, [x, base, initial])

    for length in (4, 6):
        path, base, initial = array(3, length, 2), array(2), array(3, 14)
        lengths = np.array([4, 1, 3])
        got = gradients(path, base, initial, lengths.astype(np.int32))
        options = {"basepoint": base, "initial": initial, "lengths": lengths, "stream": True}
        expected = pysig.signature_vjp(path, 3, np.ones((3, length, 14)), **options)
        for one, right in zip(got, expected, strict=True):
            np.testing.assert_allclose(one, right, rtol=1e-12)


def test_errors_are_those_of_pysig():
    path = tf.constant(array(5, 2))
    for arguments, options, error, words in [
        ((path, 0), {}, ValueError, "depth: expected an integer of at least 1"),
        ((path[0], 2), {}, ValueError, r"path: expected shape \(\.\.\., length, channels\)"),
        ((tf.cast(path, tf.float16), 2), {}, TypeError, "path: .*received float16"),
        ((path, 2), {"method": "best"}, ValueError, "method: expected one of"),
        ((path, 2), {"lengths": 6}, ValueError, "lengths: expected integers from 1 to"),
        ((path, 2), {"basepoint": array(3)}, ValueError, r"basepoint: expected a shape .*\(2,\)"),
    ]:
        with pytest.raises(error, match=words):
            signature(*arguments, **options)
    unknown = tf.function(lambda p: signature(p, 2))
    with pytest.raises(ValueError, match="known number of axes and of channels"):
        unknown.get_concrete_function(tf.TensorSpec([5, None], tf.float32))


def test_numpy_functions_refuse_tensors():
    with pytest.raises(TypeError, match=r"^path: .* Use pysig\.interop\.tensorflow"):
        pysig.signature(tf.zeros((3, 2)), 2)


def test_the_examples(examples):
    examples("tensorflow", "TensorFlow")
