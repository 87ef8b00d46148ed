"""`SignatureIndex` against the signature of each slice: queries, appended points, files."""

from __future__ import annotations

import os
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig._api import _index, _index_file, _index_query, _product_table
from support import assert_close, generator, on_host

TOLERANCE = {"float32": 1e-5, "float64": 1e-13}


def slices(path, depth, bounds):
    return pysig.signature_intervals(path, depth, bounds, workers=1)


def intervals_of(rng, length, count, batch=()):
    return np.sort(rng.integers(0, length + 1, (*batch, count, 2)), axis=-1)


@settings(max_examples=80)
@given(
    st.integers(0, 2**32),
    st.integers(1, 90),
    st.integers(1, 9),
    st.sampled_from([np.float32, np.float64]),
)
def test_queries(seed, length, leaf, dtype):
    rng = generator(f"index {seed}")
    batch = [(), (2,), (2, 1), (0,)][rng.integers(4)]
    path = (rng.normal(size=(*batch, length, 2)) / 4).cumsum(axis=-2).astype(dtype)
    index = pysig.SignatureIndex(path, 3, leaf=leaf)
    bounds = intervals_of(rng, length, 12, batch if rng.random() < 0.5 else ())
    expected = slices(path.astype(np.float64), 3, bounds)
    assert_close(index.query(bounds), expected, dtype, rtol=TOLERANCE, least=1.0)
    previous = index.query(bounds, include_previous=True)
    expected = pysig.signature_intervals(path, 3, bounds, include_previous=True)
    assert_close(previous, expected, dtype, rtol=TOLERANCE, least=1.0)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 5), st.lists(st.integers(0, 40), max_size=6))
def test_appended_points(seed, leaf, counts):
    """Rows are those of an index that is built at once."""
    rng = generator(f"append {seed}")
    path = rng.normal(size=(2, 3 + sum(counts), 2)).cumsum(axis=-2)
    index = pysig.SignatureIndex(path[:, :3], 2, leaf=leaf)
    end = 3
    for count in counts:
        index.append(path[:, end : end + count])
        end += count
        whole = pysig.SignatureIndex(path[:, :end], 2, leaf=leaf)
        assert index.length == whole.length == end
        bounds = intervals_of(rng, end, 10)
        assert_close(index.query(bounds), whole.query(bounds), rtol=1e-14, least=1.0)
    table, expected = index._index.table, pysig.SignatureIndex(path, 2, leaf=leaf)._index.table
    assert len(table.levels) == len(expected.levels)
    for own, other in zip(table.levels, expected.levels, strict=True):
        assert_close(own[:, : table.leaves], other, rtol=1e-14, least=1.0)


def test_on_each_backend(xp, rng):
    path = rng.normal(size=(2, 40, 2)).cumsum(axis=-2)
    index = pysig.SignatureIndex(xp.asarray(path[:, :23]), 3, leaf=4)
    index.append(xp.asarray(path[:, 23:]))
    bounds = intervals_of(rng, 40, 9, (2,))
    expected = slices(path, 3, bounds)
    rows = index.query(bounds)
    assert type(rows) is xp.ndarray
    assert_close(on_host(rows), expected, np.float64, rtol=1e-13)
    out = xp.zeros(rows.shape)
    assert index.query(bounds, out=out) is out
    assert np.array_equal(on_host(out), on_host(rows))
    expected = pysig.signature_to_logsignature(expected, 2, 3, basis="brackets")
    actual = on_host(index.logsignature(bounds, basis="brackets"))
    assert_close(actual, expected, np.float64, rtol=1e-13)
    again = pickle.loads(pickle.dumps(index))
    assert np.array_equal(again.query(bounds), on_host(rows)) or xp is not np


def test_one_query_is_the_same_in_any_company(rng, monkeypatch):
    path = rng.normal(size=(500, 3)).cumsum(axis=0)
    index = pysig.SignatureIndex(path, 3, leaf=8, workers=1)
    bounds = intervals_of(rng, 500, 200)
    rows = index.query(bounds)
    assert np.array_equal(pysig.SignatureIndex(path, 3, leaf=8, workers=3).query(bounds), rows)
    for module in (_index_query, _product_table):
        monkeypatch.setattr(module, "SLAB_BYTES", 3 * 39 * 8)
    some = pysig.SignatureIndex(path, 3, leaf=8).query(bounds)
    assert_close(some, rows, rtol=1e-14)


def test_times(rng):
    times = np.cumsum(rng.exponential(size=(2, 60)), axis=-1)
    path, moments = rng.normal(size=(2, 60, 2)), np.sort(rng.uniform(0, 60, (8, 2)), axis=-1)
    index = pysig.SignatureIndex(path[:, :25], 2, leaf=3, times=times[:, :25])
    index.append(path[:, 25:], times=times[:, 25:])
    expected = pysig.signature_intervals(path, 2, moments, times=times)
    assert_close(index.query(moments), expected, rtol=1e-13)
    dates = np.array(["2026-01-01", "2026-01-02"], "M8[D]")
    index = pysig.SignatureIndex(path[0, :2], 1, times=dates)
    index.append(path[0, 2:3], times=np.array(["2026-01-02T12"], "M8[h]"))
    rows = index.query([(dates[0], np.datetime64("2026-01-02T13", "h"))])
    assert_close(rows[0], path[0, 2] - path[0, 0], rtol=1e-14)
    assert index.nbytes > 24


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("length", [1, 32, 33, 65, 1000, 4097])
def test_bytes_are_known_before(length, dtype):
    for paths, leaf in ((1, 32), (3, 5)):
        index = pysig.SignatureIndex(np.zeros((paths, length, 2), dtype), 3, leaf=leaf)
        expected = pysig.SignatureIndex.estimate_nbytes(
            length, 2, 3, leaf=leaf, paths=paths, dtype=dtype
        )
        assert index.nbytes == expected


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("timed", [False, True])
def test_files(rng, tmp_path, mmap, timed):
    path, file = rng.normal(size=(2, 70, 2)), tmp_path / "path.index"
    times = np.arange(70) * np.timedelta64(1, "s") if timed else None
    index = pysig.SignatureIndex(path, 3, leaf=4, times=times)
    index.save(file)
    index.save(str(file))  # replaces it
    assert [entry.name for entry in tmp_path.iterdir()] == ["path.index"]
    again = pysig.SignatureIndex.load(file, mmap=mmap)
    bounds = intervals_of(rng, 70, 20)
    if timed:
        bounds = bounds * np.timedelta64(1, "s")
    assert np.array_equal(again.query(bounds), index.query(bounds))
    assert isinstance(again._index.points, np.memmap) == mmap
    assert again.nbytes == index.nbytes
    assert repr(again) == repr(index)
    later = np.timedelta64(80, "s") + np.arange(9) * np.timedelta64(1, "s") if timed else None
    for one in (index, again):
        one.append(path[:, :9], times=later)
    bounds = np.array([[0, 79], [3, 75]])
    if timed:
        bounds = bounds * np.timedelta64(1, "s")
    assert np.array_equal(again.query(bounds), index.query(bounds))
    unchanged = pysig.SignatureIndex.load(file)
    assert unchanged.length == 70


def test_a_file_of_an_index_that_has_room(rng, tmp_path):
    path = rng.normal(size=(100, 2))
    index = pysig.SignatureIndex(path[:90], 2, leaf=2)
    index.append(path[90:])
    index.save(tmp_path / "a")
    again = pysig.SignatureIndex.load(tmp_path / "a")
    assert again.nbytes == pysig.SignatureIndex(path, 2, leaf=2).nbytes < index.nbytes
    assert np.array_equal(again.query([(1, 99)]), index.query([(1, 99)]))


def test_damaged_files(rng, tmp_path):
    file = tmp_path / "a"
    pysig.SignatureIndex(rng.normal(size=(100, 2)), 2).save(file)
    whole = file.read_bytes()
    header = int.from_bytes(whole[8:16], "little")
    for content, reason in (
        (b"", "another format"),
        (b"PK" + whole[2:], "another format"),
        (whole[:20], "cut off"),
        (whole[:-200], "cut off"),
        (whole[:16] + b"x" + whole[17:], "header is damaged"),
        (whole.replace(b'"format": 1', b'"format": 9'), "format 9 is unknown"),
        (whole.replace(b'"depth": 2', b'"depth": 3'), "do not fit"),
        (whole.replace(b'"length": 100', b'"length": 101'), "do not fit"),
        (whole.replace(b"float64", b"float16"), "do not fit"),
    ):
        file.write_bytes(content)
        for mmap in (False, True):
            with pytest.raises(
                ValueError, match=f"^file: expected.*{reason}.*Save the index again"
            ):
                pysig.SignatureIndex.load(file, mmap=mmap)
    assert header % 16 == 0
    with pytest.raises(FileNotFoundError):
        pysig.SignatureIndex.load(tmp_path / "absent")
    with pytest.raises(TypeError, match=r"^mmap: expected True or False"):
        pysig.SignatureIndex.load(file, mmap="r")


def test_a_file_that_cannot_be_written_leaves_nothing(rng, tmp_path, monkeypatch):
    index = pysig.SignatureIndex(rng.normal(size=(100, 2)), 2)

    def fail(*names):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        index.save(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
    assert _index_file.FORMAT == 1


PATH, TIMES = np.zeros((40, 2)), np.arange(40.0)
BUILD = [
    ({"leaf": 0}, ValueError, "leaf: expected an integer of at least 1"),
    ({"leaf": 2.0}, TypeError, "leaf: expected an integer"),
    ({"depth": 0}, ValueError, "depth: expected an integer of at least 1"),
    ({"depth": None}, TypeError, "depth: expected an integer"),
    ({"depth": 62}, MemoryError, "depth: the output of depth 62"),
    ({"path": np.zeros(3)}, ValueError, "path: expected shape"),
    ({"times": TIMES[:3]}, ValueError, "times: expected a time for each of the 40 points"),
    ({"times": -TIMES}, ValueError, "times: expected times that do not decrease"),
    ({"times": np.ones((2, 40))}, ValueError, "times: expected a shape that broadcasts"),
    ({"workers": 0}, ValueError, "workers: expected"),
]


@pytest.mark.parametrize(("options", "error", "message"), BUILD)
def test_errors_of_building(options, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        pysig.SignatureIndex(**{"path": PATH, "depth": 2, **options})


@pytest.mark.parametrize(
    ("points", "times", "error", "message"),
    [
        (np.zeros((3, 3)), None, ValueError, r"points: expected shape \(\.\.\., points, 2\)"),
        (np.zeros(2), None, ValueError, "points: expected shape"),
        (np.zeros((2, 3, 2)), None, ValueError, "points: expected a shape that broadcasts"),
        (PATH, TIMES, ValueError, "times: expected None, as when the index was built"),
        (["a"], None, TypeError, "points: expected float32"),
    ],
)
def test_errors_of_appending(points, times, error, message):
    index = pysig.SignatureIndex(PATH, 2)
    with pytest.raises(error, match=f"^{message}"):
        index.append(points, times=times)
    assert index.length == 40


@pytest.mark.parametrize(
    ("times", "error", "message"),
    [
        (None, ValueError, "times: expected the times of the points"),
        (TIMES, ValueError, "times: expected times that do not decrease"),
        (TIMES[:2], ValueError, "times: expected a time for each of the 40 points"),
        (TIMES.astype("m8[s]"), TypeError, "times: expected numbers, as those of the index"),
        (TIMES + np.nan, ValueError, "times: expected finite times"),
    ],
)
def test_errors_of_later_times(times, error, message):
    index = pysig.SignatureIndex(PATH, 2, times=TIMES)
    with pytest.raises(error, match=f"^{message}"):
        index.append(PATH, times=times)
    assert index.length == 40
    assert index.query([(0.0, 40.0)]).shape == (1, 6)


def test_errors_of_queries(monkeypatch):
    index = pysig.SignatureIndex(PATH, 2)
    with pytest.raises(ValueError, match=r"^intervals: expected numbers of points from 0 to the"):
        index.query([(0, 41)])
    with pytest.raises(TypeError, match=r"^include_previous: expected True or False"):
        index.query([(0, 4)], include_previous=1)
    with pytest.raises(ValueError, match=r"^out: expected shape \(1, 6\)"):
        index.query([(0, 4)], out=np.zeros((2, 6)))
    monkeypatch.setattr(_index, "available_memory", lambda backend: 1000)
    with pytest.raises(MemoryError, match=r"^intervals: the output of shape \(65536, 6\) needs"):
        index.query(np.zeros((2**16, 2), int))
    with pytest.raises(MemoryError, match=r"^leaf: the index of 500000 points needs.*larger"):
        pysig.SignatureIndex(np.zeros((500_000, 2)), 2)
