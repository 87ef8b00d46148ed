"""Windows of Dask arrays, whatever their chunks."""

import numpy as np
import pytest

import pysig
from lazy_arrays import check_lazy, drawn_walks

da = pytest.importorskip("dask.array")
sig = pytest.importorskip("pysig.interop.dask")
parts = pytest.importorskip("pysig.interop._dask_windows")

LENGTH = 30


def drawn_times():
    """Irregular times, with ties."""
    return np.random.default_rng(1).integers(0, 4, size=LENGTH).cumsum()


CHUNKS = [(2, LENGTH, 3), (3, 7, 3), (4, (1, 1, 5, 23), 3), (1, (29, 0, 1), 3)]
RULES = {
    "points": (4, {}),
    "of one point": (1, {}),
    "longer than chunks": (12, {"stride": 3}),
    "longer than the path": (40, {}),
    "of the path": (LENGTH, {}),
    "partial": (9, {"stride": 2, "start": "partial"}),
    "with the previous point": (5, {"include_previous": True, "stride": 4}),
    "partly longer than the path": (50, {"start": "partial", "stride": 7}),
    "of time": (5, {"times": drawn_times()}),
    "of time, partial": (5.5, {"times": drawn_times(), "start": "partial", "closed": "left"}),
    "of time, neither": (
        2, {"times": drawn_times(), "closed": "neither", "include_previous": True}
    ),
    "of time, with a stride": (9, {"times": drawn_times(), "stride": 4}),
    "of dates": (
        np.timedelta64(4, "s"),
        {"times": np.datetime64("2024-01-01", "s") + drawn_times(), "start": "partial"},
    ),
}  # fmt: skip
OPTIONS = {
    "inverse": {"inverse": True},
    "origin": {"basepoint": True},
    "basepoint": {"basepoint": np.array([1.0, 2.0, 3.0])},
    "time": {"transform": "time"},
    "times": {"transform": pysig.Time(drawn_times())},
    "times and lead-lag": {"transform": [pysig.Time(drawn_times()), "lead_lag"]},
    "reset": {"transform": ["time", "reset"]},
    "scalar": {"scalar_term": True},
    "words": {"words": [(0, 1), (2,)]},
    "scalar and words": {"words": [(0, 1), (2,)], "scalar_term": True},
}


@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
@pytest.mark.parametrize("name", RULES)
def test_windows(chunks, name):
    window, options = RULES[name]
    path = da.from_array(drawn_walks(), chunks=chunks)
    expected = pysig.signature_windows(drawn_walks(), 2, window, **options)
    if expected.size:
        check_lazy(sig.signature_windows(path, 2, window, **options), expected)
    else:
        lazy = sig.signature_windows(path, 2, window, **options)
        assert lazy.shape == lazy.compute(scheduler="synchronous").shape == expected.shape


@pytest.mark.parametrize("chunks", CHUNKS[:2], ids=str)
@pytest.mark.parametrize("name", OPTIONS)
def test_options_of_windows(chunks, name):
    options = OPTIONS[name]
    depth = None if "words" in options else 2
    path = da.from_array(drawn_walks(), chunks=chunks)
    check_lazy(
        sig.signature_windows(path, depth, 8, stride=3, **options),
        pysig.signature_windows(drawn_walks(), depth, 8, stride=3, **options),
    )


@pytest.mark.parametrize("basis", ["words", "expanded"])
def test_windows_of_logsignatures(basis):
    path = da.from_array(drawn_walks(), chunks=(3, 7, 3))
    options = {"basis": basis, "stride": 2, "transform": "time", "inverse": True}
    check_lazy(
        sig.logsignature_windows(path, 3, 9, **options),
        pysig.logsignature_windows(drawn_walks(), 3, 9, **options),
    )


def test_windows_of_one_path_of_other_dtypes():
    for dtype in (np.float32, np.int64):
        points = (drawn_walks()[0] * 3).astype(dtype)
        lazy = sig.signature_windows(da.from_array(points, chunks=(7, 3)), 2, 6)
        expected = pysig.signature_windows(points, 2, 6)
        assert lazy.dtype == expected.dtype
        check_lazy(lazy, expected, 1e-5 if dtype == np.float32 else 1e-12)


def test_windows_of_padded_paths():
    lengths = np.array([30, 1, 7, 12])
    path = da.from_array(drawn_walks(), chunks=(3, LENGTH, 3))
    for given in (lengths.tolist(), da.from_array(lengths, chunks=1)):
        for compute in (pysig.signature_windows, pysig.logsignature_windows):
            lazy = getattr(sig, compute.__name__)(path, 2, 5, stride=2, lengths=given)
            check_lazy(lazy, compute(drawn_walks(), 2, 5, stride=2, lengths=lengths))


def test_times_may_be_a_dask_array():
    path = da.from_array(drawn_walks(), chunks=(3, 7, 3))
    times = da.from_array(drawn_times(), chunks=4)
    check_lazy(
        sig.signature_windows(path, 2, 6, times=times),
        pysig.signature_windows(drawn_walks(), 2, 6, times=drawn_times()),
    )


@pytest.mark.parametrize("start", ["full", "partial"])
def test_windows_of_points_are_those_of_window_bounds(start):
    rng = np.random.default_rng(3)
    for _ in range(200):
        length, window, stride = (int(n) for n in rng.integers(1, 30, size=3))
        previous = bool(rng.integers(2))
        rule = parts.Rule(window, stride, start, None, "right", previous)
        expected = pysig.window_bounds(
            length, window, stride=stride, start=start, include_previous=previous
        )
        windows = rule.bounds(length)
        np.testing.assert_array_equal(windows.intervals(0), expected)
        middle = int(rng.integers(length + 1))
        done = windows.until(middle)
        assert done == (expected[:, 1] <= middle).sum()
        np.testing.assert_array_equal(
            windows.part(done, len(expected)).intervals(0), expected[done:]
        )
        if len(expected):
            assert windows.least() == expected[:, 0].min()


def test_the_graph_of_windows_has_at_most_two_tasks_for_a_chunk():
    path = da.from_array(drawn_walks(), chunks=(2, 5, 3))
    for window in (4, 12):
        lazy = sig.signature_windows(path, 3, window)
        assert len(lazy.__dask_graph__()) - len(path.__dask_graph__()) <= 2 * path.npartitions


def test_only_the_points_of_windows_go_to_the_next_chunk():
    points = drawn_walks()
    end = parts.tail(points, 27)
    assert end.base is None
    np.testing.assert_array_equal(end, points[:, 27:])


def test_names_of_results_depend_on_all_arguments():
    path = da.from_array(drawn_walks(), chunks=(2, 7, 3))
    names = {
        sig.signature_windows(path, depth, window, **options).name
        for depth in (1, 2)
        for window in (3, 4)
        for options in ({}, {"stride": 2}, {"transform": "time"}, {"basepoint": True})
    }
    assert len(names) == 16
    again = [sig.signature_windows(path, 2, 3, transform="time").name for _ in range(2)]
    assert again[0] == again[1]
    assert again[0] in names


def test_windows_on_cupy_chunks(cupy):
    blocks = da.from_array(drawn_walks(), chunks=(2, 7, 3)).map_blocks(
        cupy.asarray, dtype=float, meta=cupy.zeros((0, 0, 0))
    )
    lazy = sig.signature_windows(blocks, 2, 9, stride=2)
    assert isinstance(lazy._meta, cupy.ndarray)
    values = [part.compute(scheduler="synchronous") for part in lazy.to_delayed().ravel()]
    assert all(isinstance(value, cupy.ndarray) for value in values)
    expected = pysig.signature_windows(drawn_walks(), 2, 9, stride=2)
    total = np.concatenate([cupy.asnumpy(value).ravel() for value in values])
    assert total.size == expected.size
    np.testing.assert_allclose(np.sort(total), np.sort(expected.ravel()), rtol=1e-9, atol=1e-12)


def test_windows_on_two_processes():
    distributed = pytest.importorskip("distributed")
    path = da.from_array(drawn_walks(), chunks=(2, 7, 3))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        for lazy in (
            sig.signature_windows(path, 3, 10, transform=pysig.Time(drawn_times())),
            sig.signature_windows(path, 3, 4, times=drawn_times()),
            sig.signature_kernel_matrix(path.rechunk({1: -1}), order=3),
        ):
            actual = client.compute(lazy).result(timeout=60)
            np.testing.assert_array_equal(actual, lazy.compute(scheduler="synchronous"))


@pytest.mark.parametrize(
    ("chunks", "window", "options", "error", "message"),
    [
        ((2, 7, 3), 0, {}, ValueError, "window: expected"),
        ((2, 7, 3), 2.5, {}, TypeError, "window: expected a number of points"),
        ((2, 7, 3), 2, {"closed": "left"}, ValueError, 'closed: expected "right"'),
        ((2, 7, 2), 2, {}, ValueError, "one chunk of channels"),
        (
            (2, 7, 3), 2, {"times": np.zeros((4, LENGTH))}, ValueError,
            r"times: expected shape \(30,\), a time for each point, received shape \(4, 30\). Call",
        ),
        ((2, 7, 3), 2, {"times": np.arange(LENGTH)[::-1]}, ValueError, "do not decrease"),
        (
            (2, 7, 3), 2, {"lengths": [1, 2, 3, 4]}, ValueError,
            "lengths: expected None for a path in several chunks of time",
        ),
        (
            (2, LENGTH, 3), 2, {"lengths": [1, 2, 3, 4], "times": np.arange(LENGTH)}, ValueError,
            "lengths: expected None for windows of a length of time",
        ),
        (
            (2, 7, 3), 2, {"transform": pysig.Time(np.zeros((4, LENGTH)))}, ValueError,
            r"times: expected shape \(30,\)",
        ),
        ((2, 7, 3), 2, {"basepoint": np.zeros((4, 3))}, ValueError, "basepoint"),
        (
            (2, 7, 3), 2, {"initial": 1}, TypeError,
            "unexpected keyword argument 'initial'. The options are basepoint, lengths, transform",
        ),
    ],
)  # fmt: skip
def test_errors_of_windows_come_before_the_graph(chunks, window, options, error, message):
    with pytest.raises(error, match=message):
        sig.signature_windows(da.from_array(drawn_walks(), chunks=chunks), 2, window, **options)
