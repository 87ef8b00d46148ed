"""Signature kernels in `pysig.interop.jax`: values, derivatives, nested transformations, errors."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import pysig
from kernel_options import OPTIONS, PARAMETERS, one_set, pairs_of, paths, split

jax = pytest.importorskip("jax", reason="JAX is not installed (pip install pysig-signatures[jax])")
jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

from pysig.interop.jax import mmd, signature_kernel, signature_kernel_matrix  # noqa: E402

close = partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-10)
RBF = pysig.kernels.RBF()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_those_of_numpy(options, dtype):
    x, y = paths(3, 4).astype(dtype), paths(2, 5).astype(dtype)
    for second, given in ((y, options), (None, one_set(options))):
        depth, given = split(given)
        right = pysig.signature_kernel_matrix(x, second, depth, **given)
        arguments = [jnp.asarray(x)] if second is None else [jnp.asarray(x), jnp.asarray(y)]
        for wrap in (lambda f: f, jax.jit):
            value = wrap(lambda *p, d=depth, o=given: signature_kernel_matrix(*p, depth=d, **o))(
                *arguments
            )
            assert value.dtype == dtype
            np.testing.assert_array_equal(value, right)
    depth, given = split(pairs_of(options))
    other = np.concatenate([y, y[:1]])
    value = signature_kernel(jnp.asarray(x), jnp.asarray(other), depth, **given)
    np.testing.assert_array_equal(value, pysig.signature_kernel(x, other, depth, **given))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_derivatives_in_both_modes(options):
    x, y, more = (jnp.asarray(a) for a in (paths(3, 4), paths(2, 5), paths(3, 5)))
    depth, given = split(options)
    check_grads(lambda a, b: signature_kernel_matrix(a, b, depth, **given), (x, y), order=1)
    depth, alone = split(one_set(options))
    check_grads(lambda a: signature_kernel_matrix(a, None, depth, **alone), (x,), order=1)
    depth, given = split(pairs_of(options))
    check_grads(lambda a, b: signature_kernel(a, b, depth, **given), (x, more), order=1)


@pytest.mark.parametrize(("static", "parameters"), PARAMETERS, ids=str)
def test_derivatives_by_parameters_and_basepoints(static, parameters):
    x, y, base = (jnp.asarray(a) for a in (paths(2, 4), paths(2, 3), [0.3, -0.2]))
    for function in (signature_kernel, signature_kernel_matrix):

        def kernels(values, p, q, f=function):
            return f(x, y, order=2, static_kernel=static, parameters=values, basepoint=(p, q))

        check_grads(kernels, (parameters, base, 2 * base), order=1)
        changed = type(static)(**{**static.get_params(), **parameters})
        right = getattr(pysig, function.__name__)(
            np.asarray(x), np.asarray(y), order=2, static_kernel=changed,
            basepoint=(np.asarray(base), 2 * np.asarray(base)),
        )  # fmt: skip
        close(jax.jit(kernels)(parameters, base, 2 * base), right)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_vmap_of_any_axis(axis):
    x, y = (jnp.asarray(paths(8, n).reshape(4, 2, n, 2)) for n in (5, 3))
    moved = jnp.moveaxis(x, 0, axis)
    bandwidths, lengths = jnp.array([0.5, 1.0, 1.5, 2.0]), jnp.array([[5, 2]] * 3 + [[1, 4]])

    def matrix(a, b, width, count):
        return signature_kernel_matrix(
            a, b, order=2, static_kernel=RBF, parameters={"bandwidth": width}, lengths=(count, None)
        )

    found = jax.jit(jax.vmap(matrix, (axis, None, 0, 0)))(moved, y[0], bandwidths, lengths)
    for k in range(4):
        close(found[k], matrix(x[k], y[0], bandwidths[k], lengths[k]))
    found = jax.vmap(lambda a: signature_kernel(a, y[0], order=2), axis)(moved)
    close(found, signature_kernel(x, y[0], order=2))
    gradient = jax.grad(lambda *p: matrix(*p).sum(), argnums=(0, 1, 2))
    found = jax.jit(jax.vmap(gradient, (0, None, 0, 0)))(x, y[0], bandwidths, lengths)
    for k in range(4):
        for one, right in zip(found, gradient(x[k], y[0], bandwidths[k], lengths[k]), strict=True):
            close(one[k], right)
    twice = jax.vmap(jax.vmap(lambda a: signature_kernel_matrix(a[None], order=2)))(x)
    assert twice.shape == (4, 2, 1, 1)
    close(twice[..., 0, 0], signature_kernel(x, x, order=2))


def test_jacobians_of_both_modes_agree():
    x = jnp.asarray(paths(2, 4))
    close(
        jax.jacfwd(lambda a: signature_kernel_matrix(a, depth=3))(x),
        jax.jacrev(lambda a: signature_kernel_matrix(a, depth=3))(x),
    )


def test_the_second_derivative_is_refused():
    x = jnp.asarray(paths(2, 4))
    for function in (
        lambda a: signature_kernel_matrix(a, order=2).sum(),
        lambda a: signature_kernel(a, x, order=2).sum(),
    ):
        for outer, inner in ((jax.jacfwd, jax.jacrev), (jax.jacrev, jax.jacfwd)):
            with pytest.raises(NotImplementedError, match=r"of order 1, .*no second derivatives"):
                outer(inner(function))(x)


def test_checkpoints_and_descent_on_mmd():
    """A descent along the gradient of the loss makes two samples alike."""
    x, y = jnp.asarray(paths(6, 5)), jnp.asarray(paths(6, 5, seed=1) + 1)
    loss = jax.jit(
        jax.value_and_grad(
            jax.checkpoint(lambda p: mmd(p, y, depth=2, unbiased=False, basepoint=True))
        )
    )
    first, _ = loss(x)
    for _ in range(200):
        value, gradient = loss(x)
        x = x - 0.05 * gradient
    assert value < first / 20
    for unbiased in (True, False):
        close(
            mmd(x, y, 3, unbiased=unbiased),
            pysig.mmd(np.asarray(x), np.asarray(y), 3, unbiased=unbiased),
        )


def test_options_are_static_and_compiled_once():
    x = jnp.asarray(paths(2, 4))
    compiled = jax.jit(
        lambda p, n: signature_kernel_matrix(p, depth=n, levels=True), static_argnums=1
    )
    assert [compiled(x, n).shape for n in (1, 2, 3)] == [(2, 2, 2), (2, 2, 3), (2, 2, 4)]


def test_errors_are_those_of_pysig():
    x, y = jnp.zeros((3, 4, 2)), jnp.zeros((2, 4, 2))
    matrix = signature_kernel_matrix
    for call, error, message in [
        (lambda p: signature_kernel(p, None), TypeError, "y: expected an array of paths"),
        (lambda p: matrix(p[0]), ValueError, r"x: expected shape \(paths, length, channels\)"),
        (lambda p: matrix(p, y[..., :1]), ValueError, "y: expected 2 channels like x"),
        (lambda p: matrix(p, y[:, :0]), ValueError, "y: expected at least one point"),
        (lambda p: signature_kernel(p, y), ValueError, "y: expected batch axes that broadcast"),
        (lambda p: matrix(p.astype(jnp.float16)), TypeError, "x: .*received float16"),
        (lambda p: matrix(p.astype(int)), TypeError, "x: .*received int64"),
        (lambda p: matrix(p, y.astype(jnp.float32)), TypeError, "y: expected dtype float64 like"),
        (lambda p: matrix(p, depth=0), ValueError, "depth: expected an integer of at least 1"),
        (lambda p: matrix(p, order=17), ValueError, "order: expected an integer from 1 to 16"),
        (lambda p: matrix(p, orders=1), TypeError, "unexpected keyword argument 'orders'"),
        (lambda p: matrix(p, grid=True), TypeError, "grid: expected False"),
        (lambda p: matrix(p, basepoint=jnp.zeros(3)), ValueError, "basepoint: expected a shape"),
        (lambda p: matrix(p, static_kernel="rbf"), TypeError, "static_kernel: expected a kernel"),
        (lambda p: matrix(p, parameters={"alpha": 1.0}), ValueError, "names among scale of Lin"),
        (lambda p: matrix(p, weights=p[0, 0]), TypeError, "weights: expected numbers"),
    ]:
        with pytest.raises(error, match=message):
            call(x)
        with pytest.raises(error, match=message):
            jax.jit(call)(x)
    with pytest.raises(ValueError, match="lengths: expected integers from 1 to"):
        matrix(x, y, lengths=([1, 2, 3], [5, 1]))
    with pytest.raises(Exception, match="scale: expected a positive"):
        matrix(x, parameters={"scale": -1.0})


def test_numpy_functions_refuse_arrays():
    with pytest.raises(TypeError, match=r"Use pysig\.interop\.jax"):
        pysig.signature_kernel_matrix(jnp.zeros((2, 3, 2)))
