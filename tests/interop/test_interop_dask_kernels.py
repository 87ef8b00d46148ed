"""Matrices of signature kernels of Dask arrays."""

import doctest

import numpy as np
import pytest

import pysig
from lazy_arrays import check_lazy

da = pytest.importorskip("dask.array")
sig = pytest.importorskip("pysig.interop.dask")


def drawn_paths(count=5, length=6):
    return np.random.default_rng(count).normal(size=(count, length, 3)).cumsum(axis=1) / 4


OPTIONS = {
    "depth": {"depth": 3},
    "order": {"order": 2},
    "levels": {"depth": 2, "levels": True, "weights": [1.0, 2.0, 3.0]},
    "grid": {"order": 2, "grid": True},
    "grid with a basepoint": {"order": 2, "grid": True, "basepoint": True, "transform": "lead_lag"},
    "normalised": {"depth": 2, "normalize": "levels"},
    "static": {"order": 2, "static_kernel": pysig.kernels.RBF(0.7), "basepoint": [1.0, 2.0, 3.0]},
    "times": {"order": 2, "transform": ["time"], "dyadic_order": 1},
    "finite differences": {"method": "finite_difference"},
}


@pytest.mark.parametrize("chunks", [1, 2, 5, (2, 3)], ids=str)
@pytest.mark.parametrize("name", OPTIONS)
def test_matrix_of_a_set_of_paths(chunks, name):
    paths = drawn_paths()
    lazy = sig.signature_kernel_matrix(da.from_array(paths, chunks=(chunks, 6, 3)), **OPTIONS[name])
    check_lazy(lazy, pysig.signature_kernel_matrix(paths, **OPTIONS[name]))
    if lazy.ndim == 2:
        values = lazy.compute(scheduler="synchronous")
        np.testing.assert_array_equal(values, values.T)


@pytest.mark.parametrize("name", OPTIONS)
def test_matrix_of_two_sets_of_paths(name):
    x, y = drawn_paths(), drawn_paths(4, 8)
    options = dict(OPTIONS[name])
    if name == "static":
        options["basepoint"] = (options["basepoint"], None)
    lazy = sig.signature_kernel_matrix(
        da.from_array(x, chunks=(2, 6, 3)), da.from_array(y, chunks=(3, 8, 3)), **options
    )
    check_lazy(lazy, pysig.signature_kernel_matrix(x, y, **options))


def test_matrix_of_padded_paths():
    x, y = drawn_paths(), drawn_paths(4, 8)
    counts = np.array([6, 1, 3, 2, 5]), np.array([8, 7, 1, 2])
    lazy_x, lazy_y = da.from_array(x, chunks=(2, 6, 3)), da.from_array(y, chunks=(3, 8, 3))
    check_lazy(
        sig.signature_kernel_matrix(lazy_x, lengths=counts[0].tolist(), depth=2),
        pysig.signature_kernel_matrix(x, lengths=counts[0], depth=2),
    )
    for given in (counts, (None, counts[1]), (da.from_array(counts[0]), None)):
        expected = tuple(None if n is None else np.asarray(n) for n in given)
        check_lazy(
            sig.signature_kernel_matrix(lazy_x, lazy_y, lengths=given, depth=2),
            pysig.signature_kernel_matrix(x, y, lengths=expected, depth=2),
        )


def test_dtypes_of_matrices():
    x = drawn_paths().astype(np.float32)
    lazy = sig.signature_kernel_matrix(da.from_array(x, chunks=(2, 6, 3)), depth=2)
    assert lazy.dtype == np.float32
    check_lazy(lazy, pysig.signature_kernel_matrix(x, depth=2), 1e-5)
    y = da.from_array((drawn_paths(4, 8) * 4).astype(int), chunks=(3, 8, 3))
    mixed = sig.signature_kernel_matrix(da.from_array(x, chunks=(2, 6, 3)), y, depth=2)
    assert mixed.dtype == mixed.compute(scheduler="synchronous").dtype == np.float64


def test_a_task_for_each_chunk_of_the_matrix():
    paths = da.from_array(drawn_paths(), chunks=(2, 6, 3))
    lazy = sig.signature_kernel_matrix(paths, depth=2)
    assert len(lazy.__dask_graph__()) - len(paths.__dask_graph__()) == lazy.npartitions == 9
    assert lazy.name == sig.signature_kernel_matrix(paths, depth=2).name
    assert lazy.name != sig.signature_kernel_matrix(paths, order=2).name


def test_matrix_on_cupy_chunks(cupy):
    paths = drawn_paths()
    blocks = da.from_array(paths, chunks=(2, 6, 3)).map_blocks(
        cupy.asarray, dtype=float, meta=cupy.zeros((0, 0, 0))
    )
    lazy = sig.signature_kernel_matrix(blocks, depth=2, workers=None)
    assert isinstance(lazy._meta, cupy.ndarray)
    expected = pysig.signature_kernel_matrix(paths, depth=2)
    for i, j in np.ndindex(3, 3):
        block = lazy.blocks[i, j].compute(scheduler="synchronous")
        assert isinstance(block, cupy.ndarray)
        rows, columns = slice(2 * i, 2 * i + 2), slice(2 * j, 2 * j + 2)
        np.testing.assert_allclose(cupy.asnumpy(block), expected[rows, columns], rtol=1e-9)


@pytest.mark.parametrize(
    ("make", "options", "error", "message"),
    [
        (lambda x: x.compute(), {}, TypeError, "x: expected a dask.array.Array, received ndarray"),
        (lambda x: x[None], {}, ValueError, r"x: expected shape \(paths, length, channels\)"),
        (lambda x: x.rechunk({1: 2}), {}, ValueError, r"one chunk of time.*x.rechunk\(\{1: -1\}\)"),
        (lambda x: x.rechunk({2: 1}), {}, ValueError, "x: expected one chunk of channels"),
        (lambda x: x, {"depth": None}, ValueError, "order: expected an order or a depth"),
        (lambda x: x, {"depth": 0}, ValueError, "depth: expected"),
        (lambda x: x, {"lengths": [1, 2]}, ValueError, r"lengths: expected shape \(5,\)"),
        (lambda x: x, {"y": "same", "lengths": [1] * 5}, TypeError, "lengths: expected a tuple"),
        (lambda x: x, {"basepoint": np.zeros((5, 3))}, ValueError, "basepoint: expected shape"),
        (
            lambda x: x, {"transform": pysig.Time(np.zeros((5, 6)))}, ValueError,
            r"times: expected shape \(length,\)",
        ),
        (lambda x: x, {"y": "short"}, ValueError, "y: expected 3 channels like x"),
    ],
)  # fmt: skip
def test_errors_of_matrices_come_before_the_graph(make, options, error, message):
    x = da.from_array(drawn_paths(), chunks=(2, 6, 3))
    others = {"same": x, "short": x[..., :2]}
    given = {"depth": 2, **options, "y": others.get(options.get("y"))}
    with pytest.raises(error, match=message):
        sig.signature_kernel_matrix(make(x), **given)


@pytest.mark.parametrize("name", ["_dask_windows", "_dask_kernels"])
def test_the_examples_of_dask_run(name):
    module = pytest.importorskip(f"pysig.interop.{name}")
    found = doctest.testmod(module)
    assert found.attempted >= 5
    assert found.failed == 0
