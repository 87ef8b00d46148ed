"""`pysig.interop.jax`: values, derivatives under nested transformations, errors."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import pysig

jax = pytest.importorskip("jax", reason="JAX is not installed (pip install pysig-signatures[jax])")
jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

from pysig.interop.jax import logsignature, signature  # noqa: E402

OPTIONS = [
    {},
    {"stream": True, "scalar_term": True},
    {"inverse": True, "basepoint": True},
    {"lengths": [3, 5]},
    {"transform": ["time", "lead_lag"], "stream": True},
    {"words": [(0,), (0, 0, 0)]},
    {"method": "tile", "workers": 1},
]
close = partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-10)


def array(*shape, seed=0, dtype=np.float64):
    rng = np.random.default_rng([seed, *shape])
    return jnp.asarray(rng.normal(size=shape).astype(dtype))


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_those_of_numpy(options, dtype):
    path = array(2, 5, 3, dtype=dtype)
    expected = pysig.signature(np.asarray(path), 3, **options)
    for function in (lambda f: f, jax.jit):
        value = function(lambda p: signature(p, 3, **options))(path)
        assert value.dtype == dtype
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("basis", ["words", "brackets", "hall", "expanded"])
def test_logsignatures(basis):
    path, base = array(2, 5, 2), array(2)
    value = logsignature(path, 3, basis=basis, basepoint=base)
    close(value, pysig.logsignature(np.asarray(path), 3, basis=basis, basepoint=np.asarray(base)))

    def function(p, b):
        return logsignature(p, 3, basis=basis, basepoint=b, stream=True)

    check_grads(function, (path, base), order=2)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("channels", [1, 2])
def test_derivatives_of_both_orders_in_all_modes(options, channels):
    """Central differences, of forward and reverse mode over each other."""
    check_grads(lambda p: signature(p, 3, **options), (array(2, 5, channels),), order=2)


def test_derivatives_by_basepoint_and_initial():
    arguments = (array(3, 4, 2), array(2), array(3, 14))

    def function(p, b, i):
        return signature(p, 3, basepoint=b, initial=i, stream=True)

    check_grads(function, arguments, order=2)
    check_grads(partial(function, arguments[0]), arguments[1:], order=2)


def loss(path, base):
    return (signature(path, 3, basepoint=base) ** 2).sum()


def test_the_four_hessians_agree():
    path, base = array(4, 2), array(2)
    modes = [jax.jacfwd, jax.jacrev]
    hessians = [outer(inner(loss))(path, base) for outer in modes for inner in modes]
    for hessian in hessians[1:]:
        close(hessian, hessians[0])


def test_the_third_derivative_is_refused():
    third = jax.grad(lambda p: jax.hessian(loss)(p, array(2)).sum())
    with pytest.raises(NotImplementedError, match=r" of signature of order 1 or 2, .*order 3"):
        third(array(4, 2))
    third = jax.grad(lambda p: jax.hessian(lambda q: logsignature(q, 3).sum())(p).sum())
    with pytest.raises(NotImplementedError, match=r" of logsignature of order 1 or 2, .*order 3"):
        third(array(4, 2))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_vmap_of_any_axis(axis):
    paths, base = array(4, 2, 5, 3), array(2, 3)
    moved = jnp.moveaxis(paths, 0, axis)
    value = jax.vmap(lambda p: signature(p, 2, basepoint=base), in_axes=axis)(moved)
    np.testing.assert_array_equal(value, signature(paths, 2, basepoint=base))
    bases = array(4, 3)
    value = jax.vmap(lambda b: signature(paths[0], 2, basepoint=b))(bases)
    # A batch of another size is cut into other chunks of time.
    expected = jnp.stack([signature(paths[0], 2, basepoint=b) for b in bases])
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-14)


def test_nested_transformations():
    """Per-path gradients under jit of vmap of vmap of grad, and lengths that are mapped too."""
    paths, base, lengths = array(2, 3, 5, 2), array(2), jnp.array([[5, 4, 3], [2, 5, 1]])

    def short(p, b, n):
        return (signature(p, 3, basepoint=b, lengths=n) ** 2).sum()

    gradient = jax.grad(short, argnums=(0, 1))
    mapped = jax.vmap(jax.vmap(gradient, (0, None, 0)), (0, None, 0))
    for got, part in zip(jax.jit(mapped)(paths, base, lengths), (0, 1), strict=True):
        for place in np.ndindex(2, 3):
            close(got[place], gradient(paths[place], base, lengths[place])[part])
    numpy_gradient = pysig.signature_vjp(
        np.asarray(paths[0, 1, :4]),
        3,
        2 * np.asarray(signature(paths[0, 1, :4], 3, basepoint=base)),
        basepoint=np.asarray(base),
    )
    close(jax.jit(mapped)(paths, base, lengths)[0][0, 1, :4], numpy_gradient.path)


def test_scan_and_checkpoint():
    """A path in chunks by `initial`, its chunks computed again on the way back."""
    path = array(3, 4, 2)

    def step(state, chunk):
        return signature(chunk[1:], 3, initial=state, basepoint=chunk[0]), None

    def chunked(chunks):
        state, _ = jax.lax.scan(jax.checkpoint(step), jnp.zeros(14), chunks)
        return (state**2).sum()

    def whole(chunks):
        state = signature(chunks[0], 3)
        for chunk in chunks[1:]:
            state = signature(chunk, 3, initial=state)
        return (state**2).sum()

    close(jax.jit(chunked)(path), whole(path))
    close(jax.jit(jax.grad(chunked))(path), jax.grad(whole)(path))


def test_large_arrays_under_jit_do_not_wait_for_each_other():
    paths = array(3, 64, 400, 4, dtype=np.float32)

    @jax.jit
    def chain(p):
        return sum(signature(p[k] * 2, 4).sum() for k in range(3))

    expected = sum(pysig.signature(np.asarray(2 * p), 4).sum() for p in paths)
    np.testing.assert_allclose(chain(paths), expected, rtol=1e-3)


def test_a_call_in_a_program_that_was_compiled_for_other_options():
    path = array(5, 2)
    compiled = jax.jit(lambda p, n: signature(p, n, scalar_term=n > 2), static_argnums=1)
    assert [compiled(path, n).shape for n in (1, 2, 3)] == [(2,), (6,), (15,)]


def test_errors_are_those_of_pysig():
    path = array(5, 2)
    for arguments, options, error, words in [
        ((path, 0), {}, ValueError, "depth: expected an integer of at least 1"),
        ((path[0], 2), {}, ValueError, r"path: expected shape \(\.\.\., length, channels\)"),
        ((path.astype(jnp.float16), 2), {}, TypeError, "path: .*received float16"),
        ((path.astype(jnp.int32), 2), {}, TypeError, "path: .*received int32"),
        ((path[:0], 2), {}, ValueError, "path: expected at least one point"),
        ((path, 2), {"method": "best"}, ValueError, "method: expected one of"),
        (
            (path, 2),
            {"out": path},
            TypeError,
            "out: expected None, because .* received .*Leave it out",
        ),
        ((path, 2), {"lengths": 6}, ValueError, "lengths: expected integers from 1 to"),
        ((path, 2), {"basepoint": array(3)}, ValueError, r"basepoint: expected a shape .*\(2,\)"),
        ((path, 2), {"nonsense": 1}, TypeError, "nonsense"),
    ]:
        with pytest.raises(error, match=words):
            signature(*arguments, **options)
        if "lengths" not in options:
            with pytest.raises(error, match=words):
                jax.jit(lambda p, a=arguments, o=options: signature(p, a[1], **o))(arguments[0])


def test_numpy_functions_refuse_tensors():
    with pytest.raises(TypeError, match=r"^path: .* Use pysig\.interop\.jax"):
        pysig.signature(jnp.zeros((3, 2)), 2)


def test_the_examples(examples):
    jax.config.update("jax_enable_x64", False)  # the default of JAX
    try:
        examples("jax", "JAX")
    finally:
        jax.config.update("jax_enable_x64", True)
