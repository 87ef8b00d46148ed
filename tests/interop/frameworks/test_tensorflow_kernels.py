"""Signature kernels in `pysig.interop.tensorflow`: values, gradients, graphs, errors."""

from __future__ import annotations

import numpy as np
import pytest

import pysig
from kernel_options import OPTIONS, PARAMETERS, one_set, pairs_of, paths, split

tf = pytest.importorskip(
    "tensorflow", reason="TensorFlow is not installed (pip install pysig-signatures[tensorflow])"
)

from pysig.interop.tensorflow import mmd, signature_kernel, signature_kernel_matrix  # noqa: E402

WRAPS = pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_those_of_numpy(options, dtype):
    x, y = paths(3, 4).astype(dtype), paths(2, 5).astype(dtype)
    for second, given in ((y, options), (None, one_set(options))):
        depth, given = split(given)
        value = signature_kernel_matrix(
            tf.constant(x), None if second is None else tf.constant(y), depth, **given
        )
        right = pysig.signature_kernel_matrix(x, second, depth, **given)
        np.testing.assert_array_equal(value.numpy(), right)
    depth, given = split(pairs_of(options))
    other = np.concatenate([y, y[:1]])
    value = signature_kernel(tf.constant(x), tf.constant(other), depth, **given)
    np.testing.assert_array_equal(value.numpy(), pysig.signature_kernel(x, other, depth, **given))


def gradients_of(depth, options, cotangent):
    """The gradients of a matrix as a function of the paths."""

    def gradients(*arrays):
        with tf.GradientTape() as tape:
            tape.watch(arrays)
            value = signature_kernel_matrix(*arrays, depth=depth, **options)
        return tape.gradient(value, arrays, output_gradients=cotangent)

    return gradients


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@WRAPS
def test_gradients(options, wrap):
    x, y = paths(3, 4), paths(2, 5)
    for second, given in ((y, options), (None, one_set(options))):
        depth, given = split(given)
        cotangent = np.random.default_rng(0).normal(
            size=pysig.signature_kernel_matrix(x, second, depth, **given).shape
        )
        sides = [tf.constant(x)] if second is None else [tf.constant(x), tf.constant(y)]
        found = wrap(gradients_of(depth, given, tf.constant(cotangent)))(*sides)
        right = pysig.signature_kernel_matrix_vjp(x, second, cotangent, depth, **given)
        np.testing.assert_allclose(found[0], right.x, rtol=1e-12)
        if second is not None:
            np.testing.assert_allclose(found[1], right.y, rtol=1e-12)


@pytest.mark.parametrize(("static", "parameters"), PARAMETERS, ids=str)
@WRAPS
def test_gradients_by_parameters_and_basepoints(static, parameters, wrap):
    x, y, base = paths(2, 4), paths(2, 3), np.array([0.3, -0.2])
    names = list(parameters)
    changed = type(static)(**{**static.get_params(), **parameters})
    for function in (signature_kernel, signature_kernel_matrix):

        @wrap
        def gradients(p, *values, f=function):
            with tf.GradientTape() as tape:
                tape.watch([p, *values])
                given = dict(zip(names, values, strict=True))
                value = f(
                    tf.constant(x), tf.constant(y), order=2, static_kernel=static,
                    parameters=given, basepoint=p,
                )  # fmt: skip
            return tape.gradient(value, [p, *values])

        values = [tf.constant(v, tf.float64) for v in parameters.values()]
        found = gradients(tf.constant(base), *values)
        vjp = getattr(pysig, f"{function.__name__}_vjp")
        right = vjp(x, y, 1.0, order=2, static_kernel=changed, basepoint=base)
        np.testing.assert_allclose(found[0], right.basepoint, rtol=1e-10, atol=1e-12)
        for value, name in zip(found[1:], names, strict=True):
            np.testing.assert_allclose(value, right.parameters[name], rtol=1e-10)


def test_graphs_of_unknown_sizes():
    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, 2], tf.float64),
            tf.TensorSpec([None, None, 2], tf.float64),
            tf.TensorSpec([None], tf.int32),
        ]
    )
    def both(x, y, lengths):
        with tf.GradientTape() as tape:
            tape.watch(x)
            gram = signature_kernel_matrix(
                x, y, order=2, basepoint=(tf.ones([2], tf.float64), None), lengths=(lengths, None)
            )
            pairs = signature_kernel(x, y[:1], order=2)
            loss = mmd(x, y, order=2)
            assert gram.shape.as_list() == [None, None]
            assert pairs.shape.as_list() == [None]
            total = tf.reduce_sum(gram) + tf.reduce_sum(pairs) + loss
        return gram, pairs, loss, tape.gradient(total, x)

    for count, length in ((3, 4), (2, 6)):
        x, y, lengths = paths(count, length), paths(4, 5), np.array([4, 1, 3][:count], np.int32)
        gram, pairs, loss, gradient = both(x, y, lengths)
        options = {"basepoint": (np.ones(2), None), "lengths": (lengths, None)}
        right = pysig.signature_kernel_matrix(x, y, order=2, **options)
        np.testing.assert_allclose(gram, right, rtol=1e-14)
        np.testing.assert_allclose(pairs, pysig.signature_kernel(x, y[:1], order=2), rtol=1e-14)
        np.testing.assert_allclose(loss, pysig.mmd(x, y, order=2), rtol=1e-10)
        assert gradient.shape == x.shape
        assert np.isfinite(gradient).all()


def test_mmd_is_that_of_numpy():
    x, y = paths(4, 5), paths(3, 6) * 1.5
    for unbiased in (True, False):
        value = mmd(tf.constant(x), tf.constant(y), 3, unbiased=unbiased)
        np.testing.assert_allclose(value, pysig.mmd(x, y, 3, unbiased=unbiased), rtol=1e-11)


def test_the_second_derivative_is_refused():
    x = tf.constant(paths(2, 4))
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = signature_kernel_matrix(x, order=2)
        first = inner.gradient(value, x)
    with pytest.raises(NotImplementedError, match=r"of order 1, .*no second derivatives"):
        outer.gradient(first, x)


def test_errors_are_those_of_pysig():
    x, y = tf.zeros((3, 4, 2)), tf.zeros((2, 4, 2))
    matrix = signature_kernel_matrix
    for call, error, message in [
        (lambda: signature_kernel(x, None), TypeError, "y: expected an array of paths"),
        (lambda: matrix(x[0]), ValueError, r"x: expected shape \(paths, length, channels\)"),
        (lambda: matrix(x, y[..., :1]), ValueError, "y: expected 2 channels like x"),
        (lambda: signature_kernel(x, y), ValueError, "y: expected batch axes that broadcast"),
        (lambda: matrix(tf.cast(x, tf.int32)), TypeError, "x: .*received int32"),
        (lambda: matrix(x, tf.cast(y, tf.float64)), TypeError, "y: expected dtype float32 like"),
        (lambda: matrix(x, depth=0), ValueError, "depth: expected an integer of at least 1"),
        (lambda: matrix(x, orders=1), TypeError, "unexpected keyword argument 'orders'"),
        (lambda: matrix(x, grid=True), TypeError, "grid: expected False"),
        (lambda: matrix(x, y, lengths=(9, None)), ValueError, "lengths: expected integers from 1"),
        (lambda: matrix(x, parameters={"alpha": 1.0}), ValueError, "names among scale of Linear"),
        (lambda: mmd(x[:1], y, order=1), ValueError, "x: expected at least 2 paths for mmd"),
    ]:
        with pytest.raises(error, match=message):
            call()
    unknown = tf.function(lambda p: matrix(p))
    with pytest.raises(ValueError, match="known number of axes and of channels"):
        unknown.get_concrete_function(tf.TensorSpec([3, 5, None], tf.float32))
