"""Dask arrays give what NumPy arrays give, whatever their chunks."""

import doctest

import numpy as np
import pytest

import pysig
from lazy_arrays import check_lazy, drawn_walks

da = pytest.importorskip("dask.array")
sig = pytest.importorskip("pysig.interop.dask")
last_point = pytest.importorskip("pysig.interop._dask_graph").last_point


CHUNKS = [(2, 30, 3), (3, 7, 3), (4, (1, 1, 5, 23), 3), (1, (29, 0, 1), 3)]
OPTIONS = {
    "plain": {},
    "stream": {"stream": True},
    "inverse": {"inverse": True},
    "inverse of prefixes": {"inverse": True, "stream": True},
    "origin": {"basepoint": True, "stream": True},
    "basepoint": {"basepoint": np.array([1.0, 2.0, 3.0])},
    "no basepoint": {"basepoint": False},
    "time": {"transform": "time", "stream": True},
    "time from the basepoint": {"transform": "time", "basepoint": True},
    "time to 3": {"transform": pysig.Time(end=3.0)},
    "times": {"transform": pysig.Time(np.arange(30.0) ** 2)},
    "times of the basepoint": {"transform": pysig.Time(np.arange(30.0) ** 2), "stream": True},
    "lead-lag": {"transform": ["lead_lag"], "stream": True},
    "lead-lag from the basepoint": {"transform": "lead_lag", "basepoint": True, "stream": True},
    "time and lead-lag": {"transform": ["time", "lead_lag"], "basepoint": True},
}
OF_SIGNATURES = {
    "scalar": {"scalar_term": True},
    "scalar of prefixes": {"scalar_term": True, "stream": True},
    "words": {"words": [(0, 1), (2,)]},
    "scalar and words": {"words": [(0, 1), (2,)], "scalar_term": True},
    "scalar and words of prefixes": {"words": [(2,)], "scalar_term": True, "stream": True},
    "words of prefixes": {"words": [(0, 1), (2,)], "stream": True},
}


def test_the_check_notices_a_wrong_value_and_a_wrong_shape():
    right = np.ones((2, 3))
    with pytest.raises(AssertionError):
        check_lazy(da.from_array(right + 1e-9), right)
    wrong = da.map_blocks(lambda b: b[:, :2], da.from_array(right), dtype=float)
    with pytest.raises(AssertionError):
        check_lazy(wrong, right)


@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
@pytest.mark.parametrize("name", [*OPTIONS, *OF_SIGNATURES])
def test_signatures(chunks, name):
    options = {**OPTIONS, **OF_SIGNATURES}[name]
    depth = None if "words" in options else 3
    lazy = sig.signature(da.from_array(drawn_walks(), chunks=chunks), depth, **options)
    check_lazy(lazy, pysig.signature(drawn_walks(), depth, **options))


@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
@pytest.mark.parametrize("name", ["stream", "inverse", "time", "lead-lag"])
@pytest.mark.parametrize("basis", ["words", "expanded"])
def test_logsignatures(chunks, name, basis):
    options = OPTIONS[name]
    lazy = sig.logsignature(da.from_array(drawn_walks(), chunks=chunks), 3, basis=basis, **options)
    check_lazy(lazy, pysig.logsignature(drawn_walks(), 3, basis=basis, **options), 1e-11)


def test_one_path_float32_integers_and_lengths():
    for dtype in (np.float32, np.int64):
        points = (drawn_walks()[0] * 3).astype(dtype)
        lazy = sig.signature(da.from_array(points, chunks=(7, 3)), 3)
        assert lazy.dtype == pysig.signature(points, 3).dtype
        check_lazy(lazy, pysig.signature(points, 3), 1e-5 if dtype == np.float32 else 1e-12)
    lengths = [30, 1, 7, 12]
    for given in (lengths, np.array(lengths), da.from_array(np.array(lengths), chunks=1)):
        lazy = sig.signature(da.from_array(drawn_walks(), chunks=(3, 30, 3)), 2, lengths=given)
        check_lazy(lazy, pysig.signature(drawn_walks(), 2, lengths=lengths))


def test_the_transforms_of_whole_paths_need_one_chunk_of_time():
    for transform in ("reset", ["basepoint"], ["time", "reset"]):
        whole = sig.signature(
            da.from_array(drawn_walks(), chunks=(3, 30, 3)), 2, transform=transform
        )
        check_lazy(whole, pysig.signature(drawn_walks(), 2, transform=transform))
        with pytest.raises(ValueError, match=r"several chunks of time.*rechunk\(\{-2: -1\}\)"):
            sig.signature(da.from_array(drawn_walks(), chunks=(3, 7, 3)), 2, transform=transform)


def test_the_graph_has_at_most_three_tasks_for_a_chunk():
    path = da.from_array(drawn_walks(), chunks=(2, 1, 3))
    own = len(sig.signature(path, 3).__dask_graph__()) - len(path.__dask_graph__())
    assert own <= 3 * path.npartitions
    own = len(sig.signature(path, 3, stream=True).__dask_graph__()) - len(path.__dask_graph__())
    assert own <= 4 * path.npartitions


def test_only_a_point_goes_to_the_next_chunk():
    """What `last` holds is a copy of one point, not a view that keeps a chunk."""
    points = drawn_walks()
    last = last_point(points)
    assert last.base is None
    assert last.shape == (4, 3)


def test_the_result_depends_on_the_chunks_only():
    path = da.from_array(drawn_walks(), chunks=(2, 7, 3))
    first = sig.signature(path, 3).compute(scheduler="synchronous")
    again = sig.signature(path, 3, workers=2).compute(scheduler="threads", num_workers=2)
    np.testing.assert_array_equal(first, again)
    assert sig.signature(path, 3).name == sig.signature(path, 3).name
    assert sig.signature(path, 3).name != sig.signature(path, 2).name


def test_on_cupy_chunks(cupy):
    """The chunks stay on the device; Dask is told so."""
    blocks = da.from_array(drawn_walks(), chunks=(2, 7, 3)).map_blocks(
        cupy.asarray, dtype=float, meta=cupy.zeros((0, 0, 0))
    )
    for options in ({}, {"stream": True, "scalar_term": True}, {"transform": "time"}):
        lazy = sig.signature(blocks, 2, **options)
        assert isinstance(lazy._meta, cupy.ndarray)
        parts = lazy.to_delayed().ravel()
        values = [part.compute(scheduler="synchronous") for part in parts]
        assert all(isinstance(value, cupy.ndarray) for value in values)
        expected = pysig.signature(drawn_walks(), 2, **options)
        total = np.concatenate([cupy.asnumpy(value).ravel() for value in values])
        assert total.size == expected.size
        np.testing.assert_allclose(np.sort(total), np.sort(expected.ravel()), rtol=1e-9, atol=1e-12)


def test_two_processes_of_a_cluster():
    distributed = pytest.importorskip("distributed")
    path = da.from_array(drawn_walks(), chunks=(2, 7, 3))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        for options in ({}, {"stream": True}):
            actual = client.compute(sig.signature(path, 3, **options)).result(timeout=60)
            expected = sig.signature(path, 3, **options).compute(scheduler="synchronous")
            np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    ("make", "options", "error", "message"),
    [
        (lambda x: x, {}, TypeError, "path: expected a dask.array.Array, received ndarray."),
        (lambda x: da.from_array(x[0, 0]), {}, ValueError, r"path: expected shape \(..., length"),
        (
            lambda x: da.from_array(x, chunks=(2, 7, 2)), {}, ValueError,
            r"one chunk of channels, received chunks \(2, 1\). Rechunk it: path.rechunk\(\{-1: -1",
        ),
        (lambda x: da.from_array(x)[:, :0], {}, ValueError, "at least one point"),
        (
            lambda x: da.from_array(x, chunks=(1, 7, 3))[da.from_array(np.ones(4)) > 0], {},
            ValueError, "known sizes, received unknown ones. Call path.compute_chunk_sizes",
        ),
        (
            lambda x: da.from_array(x, chunks=(2, 7, 3)), {"lengths": [1, 2, 3, 4]}, ValueError,
            "lengths: expected None for a path in several chunks of time",
        ),
        (
            lambda x: da.from_array(x, chunks=(2, 7, 3)), {"transform": pysig.Time([1.0, 2.0])},
            ValueError, r"times: expected shape \(30,\)",
        ),
        (
            lambda x: da.from_array(x, chunks=(2, 7, 3)), {"split_every": 1}, ValueError,
            "split_every: expected an integer of at least 2, received 1",
        ),
        (lambda x: da.from_array(x), {"basepoint": [1.0]}, ValueError, "basepoint: expected"),
        (lambda x: da.from_array(x), {"words": [(7,)]}, ValueError, "words"),
        (lambda x: da.from_array(x), {"transform": "lag"}, ValueError, "transform: expected"),
    ],
)  # fmt: skip
def test_errors_come_before_the_graph(make, options, error, message):
    with pytest.raises(error, match=message):
        sig.signature(make(drawn_walks()), None if "words" in options else 2, **options)


def test_the_examples_run():
    found = doctest.testmod(sig)
    assert found.attempted >= 10
    assert found.failed == 0
