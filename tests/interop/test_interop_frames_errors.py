"""Data frames of unusual columns and options: right, or refused with a way out."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

import pysig
from pysig.interop import frames

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")

DATA = {
    "id": ["a", "b", "a", "b"],
    "ts": pandas.to_datetime([0, 1, 4, 3], unit="s"),
    "x": [1.0, 2.0, 3.0, 5.0],
    "y": [1.0, 0.0, 3.0, 2.0],
}
FRAME = pandas.DataFrame(DATA)


def renamed(old, new):
    return FRAME.rename(columns={old: new})


ERRORS = [
    ({"stream": True}, TypeError, r"argument .stream.. Pass arrays to pysig\.signature for other"),
    ({"tranform": "time"}, TypeError, 'argument .tranform.. Did you mean "transform"'),
    ({"tiem": "ts"}, TypeError, 'argument .tiem.. Did you mean "time"'),
    ({"lengths": [1]}, TypeError, r"Pass arrays to pysig\.signature for other options"),
    ({"out": np.zeros(2)}, TypeError, r"Pass arrays to pysig\.signature for other options"),
    ({"start": "partial"}, ValueError, r"^start: expected None without window.* Pass window="),
    ({"by": "idd"}, ValueError, r'^by: expected columns.*Did you mean "id"\?'),
    ({"time": "tss"}, ValueError, r'^time: expected columns.*Did you mean "ts"\?'),
    (
        {"channels": ["x", "yy"]},
        ValueError,
        "^channels: expected columns.*The columns are 'id', 'ts'",
    ),
    ({"channels": 3}, ValueError, "^channels: expected columns of the frame, received 3"),
    ({"by": np.array(list("abab"))}, TypeError, "^by: expected names of columns, received ndarray"),
    ({"by": FRAME["id"]}, TypeError, "^by: expected names of columns, received Series. Put"),
    ({"time": FRAME["ts"]}, TypeError, "^time: expected names of columns, received Series"),
    ({"time": ["ts"]}, TypeError, "^time: expected names of columns, received list"),
    ({"by": "ts"}, ValueError, "^time: expected a column that is not in by, received 'ts'. Leave"),
    ({"window": "NaT"}, ValueError, "^window: expected a length of time such as .*Pass a number"),
    ({"window": "9q"}, ValueError, "^window: expected a length of time such as .*Pass a number"),
    ({"depth": None}, TypeError, "^depth: expected an integer.* Pass it, or words="),
    ({"depth": None, "words": ["q"]}, ValueError, "^words: expected names of channels"),
    ({"depth": None, "words": "x,y"}, TypeError, "^words: expected a sequence of str"),
    ({"words": ["x"], "scalar_term": True}, ValueError, "^scalar_term: expected False with words"),
    (
        {"transform": pysig.Time([1, 2])},
        ValueError,
        "^transform: expected a time for each of the 4",
    ),
    ({"transform": ["lead_lag", "times"]}, ValueError, "^transform: expected the times as the fir"),
]


@pytest.mark.parametrize(("options", "error", "message"), ERRORS)
def test_errors_name_the_way_out(options, error, message):
    given = {"depth": 1, "by": "id", "time": "ts", **options}
    with pytest.raises(error, match=message):
        frames.signature(FRAME, given.pop("depth"), **given)


@pytest.mark.parametrize("library", [pandas, polars])
@pytest.mark.parametrize(("old", "window"), [("id", None), ("id", 2), ("ts", 2)])
def test_a_key_called_like_a_result_is_refused(library, old, window):
    frame = renamed(old, "S(x)")
    frame = frame if library is pandas else polars.from_pandas(frame)
    names = {"by": "id", "time": "ts"}
    names["by" if old == "id" else "time"] = "S(x)"
    with pytest.raises(ValueError, match=r"^by: expected columns that are not.*'S\(x\)'. Rename"):
        frames.signature(frame, 1, window=window, **names)


def test_columns_of_integers():
    points = np.random.default_rng(2).normal(size=(6, 3))
    found = frames.signature(pandas.DataFrame(points), 2)
    assert list(found.columns)[:4] == ["S(0)", "S(1)", "S(2)", "S(0,0)"]
    np.testing.assert_allclose(found.to_numpy()[0], pysig.signature(points, 2))
    points[:, 0] = [0, 0, 0, 1, 1, 1]
    found = frames.signature(pandas.DataFrame(points), 1, by=0, channels=[2, 1])
    assert list(found.columns) == ["S(2)", "S(1)"]
    np.testing.assert_allclose(found.to_numpy()[1], (points[5] - points[3])[[2, 1]])
    with pytest.raises(ValueError, match=r"^by: expected columns of the frame, received 'z'"):
        frames.signature(pandas.DataFrame(points), 1, by="z")


def test_columns_of_several_levels_are_refused():
    columns = pandas.MultiIndex.from_tuples([("a", "x"), ("a", "y")])
    frame = pandas.DataFrame(np.zeros((3, 2)), columns=columns)
    with pytest.raises(TypeError, match=r"^frame: expected columns of one level.*Join its levels"):
        frames.signature(frame, 1)
    frame.columns = ["_".join(map(str, name)) for name in frame.columns]  # the advice
    assert list(frames.signature(frame, 1).columns) == ["S(a_x)", "S(a_y)"]


@pytest.mark.parametrize("library", [pandas, polars])
@pytest.mark.parametrize("window", [2, datetime.timedelta(seconds=3)])
def test_ends_of_windows_keep_the_time_zone(library, window):
    zoned = FRAME.assign(ts=FRAME["ts"].dt.tz_localize("Europe/Berlin"))
    if library is pandas:
        frame = frames.signature(zoned, 1, by="id", time="ts", window=window)
        ends = frame.reset_index()["ts"]
        assert ends.dtype == zoned["ts"].dtype
    else:
        source = polars.from_pandas(zoned)
        ends = frames.signature(source, 1, by="id", time="ts", window=window)["ts"]
        assert ends.dtype == source["ts"].dtype
    expected = {zoned["ts"][2]} if window != 2 else {zoned["ts"][2], zoned["ts"][3]}
    assert {time.timestamp() for time in ends} == {time.timestamp() for time in expected}


def test_no_rows_have_no_windows():
    found = frames.signature(FRAME[:0], 1, by="id", time="ts", window=2)
    assert found.shape == (0, 2)
    assert frames.signature(FRAME[:0][["x"]], 1, window=2).shape == (0, 1)


@pytest.mark.parametrize("window", [None, 2])
def test_times_are_those_of_the_rows_of_the_frame(window):
    times = pysig.Time([10.0, 20.0, 15.0, 28.0])  # of a, b, a, b
    found = frames.signature(FRAME[::-1], 1, by="id", time="ts", transform="times", window=window)
    assert found.columns[-1] == "S(ts)"
    own = frames.signature(FRAME, 1, by="id", time="ts", transform=times, window=window)
    assert own["S(ts)"].tolist() == [5.0, 8.0]
    shuffled = frames.signature(
        FRAME.iloc[[2, 1, 0, 3]],
        1,
        by="id",
        time="ts",
        transform=pysig.Time([15.0, 20.0, 10.0, 28.0]),
        window=window,
    )
    assert shuffled["S(ts)"].tolist() == [5.0, 8.0]


def test_a_basepoint_beside_times_has_the_first_time():
    found = frames.signature(FRAME, 1, by="id", time="ts", transform="times", basepoint=True)
    np.testing.assert_allclose(found.to_numpy(), [[3.0, 3.0, 4.0], [5.0, 2.0, 2.0]])
