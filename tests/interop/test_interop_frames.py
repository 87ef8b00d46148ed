"""Data frames of pandas and polars: grouped, ordered, with named columns."""

import doctest
import importlib

import numpy as np
import pytest

import pysig
from pysig.interop import frames

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
LIBRARIES = ["pandas", "polars"]


def ticks():
    """Rows of three symbols, not in order, with ties."""
    rng = np.random.default_rng(5)
    count = 60
    return {
        "symbol": [("b", "a", "long name")[k] for k in rng.integers(0, 3, size=count)],
        "ts": rng.permutation(np.arange(count) // 2 * 30),
        "price": rng.normal(size=count).cumsum(),
        "size": rng.integers(0, 9, size=count),
    }


def frame_of(name, data):
    library = pytest.importorskip(name)
    return library.DataFrame(data)


def expected_paths(data):
    """Symbol -> points and times, in order of first rows, ordered by time."""
    found = {}
    for symbol in dict.fromkeys(data["symbol"]):
        rows = [k for k, other in enumerate(data["symbol"]) if other == symbol]
        rows.sort(key=lambda k: data["ts"][k])
        points = np.column_stack([data["price"], data["size"]]).astype(float)[rows]
        found[symbol] = points, np.array(data["ts"])[rows]
    return found


def contents(frame):
    """Keys, names of columns and values of a result of either library."""
    if type(frame).__module__.startswith("pandas"):
        frame = frame.reset_index()
        return {name: frame[name].tolist() for name in frame.columns}
    return {name: frame[name].to_list() for name in frame.columns}


def check_frame(frame, keys, labels, values):
    """A frame of these keys and values, in this order."""
    found = contents(frame)
    assert list(found) == [*keys, *labels]
    for name, column in keys.items():
        assert found[name] == column
    actual = np.array([found[label] for label in labels]).T
    np.testing.assert_allclose(actual, values, rtol=1e-12, atol=1e-12)


def test_the_check_notices_a_wrong_value_and_a_wrong_order():
    frame = frame_of("pandas", {"k": [1, 2], "S(x)": [1.0, 2.0]}).set_index("k")
    check_frame(frame, {"k": [1, 2]}, ["S(x)"], [[1.0], [2.0]])
    for keys, values in (([2, 1], [[1.0], [2.0]]), ([1, 2], [[1.0], [2.1]])):
        with pytest.raises(AssertionError):
            check_frame(frame, {"k": keys}, ["S(x)"], values)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"basepoint": True},
        {"inverse": True},
        {"transform": ["times", "lead_lag"]},
        {"transform": "time"},
        {"transform": "reset"},
        {"scalar_term": True},
    ],
    ids=str,
)
def test_rows_are_grouped_and_ordered(library, options):
    data = ticks()
    result = frames.signature(frame_of(library, data), 2, by="symbol", time="ts", **options)
    paths = expected_paths(data)
    values = []
    for points, times in paths.values():
        given = dict(options)
        if given.get("transform") == ["times", "lead_lag"]:
            given["transform"] = [pysig.Time(times), "lead_lag"]
        values.append(pysig.signature(points, 2, **given))
    names = {
        "reset": ["price", "size", "reset"],
        "time": ["price", "size", "ts"],
        "None": ["price", "size"],
    }.get(str(options.get("transform")))
    if names is None:
        names = [f"{side}_{n}" for side in ("lag", "lead") for n in ("price", "size", "ts")]
    labels = [f"S({x})" for x in pysig.labels(len(names), 2, names=names)]
    if options.get("scalar_term"):
        labels = ["S()", *labels]
    check_frame(result, {"symbol": list(paths)}, labels, values)


@pytest.mark.parametrize("library", LIBRARIES)
def test_logsignatures_and_words(library):
    data = ticks()
    frame = frame_of(library, data)
    paths = expected_paths(data)
    result = frames.logsignature(frame, 3, basis="brackets", by=["symbol"], time="ts")
    values = [pysig.logsignature(points, 3, basis="brackets") for points, _ in paths.values()]
    labels = [
        "L(price)",
        "L(size)",
        "L[price,size]",
        "L[price,[price,size]]",
        "L[[price,size],size]",
    ]
    check_frame(result, {"symbol": list(paths)}, labels, values)
    result = frames.signature(
        frame, by="symbol", time="ts", channels=["size", "price"], words=["size", "S(price,size)"]
    )
    values = [pysig.signature(points, None, words=[(1,), (0, 1)]) for points, _ in paths.values()]
    check_frame(result, {"symbol": list(paths)}, ["S(size)", "S(price,size)"], values)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("window", "stride"), [(4, None), (3, 2), (90.0, None)])
@pytest.mark.parametrize("start", ["full", "partial"])
def test_windows_are_named_by_their_last_point(library, window, stride, start):
    data = ticks()
    result = frames.signature(
        frame_of(library, data),
        2,
        by="symbol",
        time="ts",
        window=window,
        stride=stride,
        start=start,
    )
    symbols, ends, values = [], [], []
    for symbol, (points, times) in expected_paths(data).items():
        given = {"times": times} if isinstance(window, float) else {"stride": stride}
        bounds = pysig.window_bounds(len(points), window, start=start, **given)
        for a, b in bounds:
            symbols.append(symbol)
            values.append(pysig.signature(points[a:b], 2))
        last = bounds[:, 1] - 1
        ends += (times[last] if "stride" in given else times[len(times) - len(bounds) :]).tolist()
    labels = [f"S({x})" for x in pysig.labels(2, 2, names=["price", "size"])]
    check_frame(result, {"symbol": symbols, "ts": ends}, labels, values)


@pytest.mark.parametrize("library", LIBRARIES)
def test_windows_without_times_are_numbered(library):
    frame = frame_of(library, {"x": [0.0, 1.0, 3.0, 6.0]})
    check_frame(
        frames.signature(frame, 1, window=2), {"point": [1, 2, 3]}, ["S(x)"], [[1.0], [2.0], [3.0]]
    )


@pytest.mark.parametrize("library", LIBRARIES)
def test_dates_and_time_zones(library):
    stamps = np.array(["2024-01-01T09:00", "2024-01-01T09:00:30", "2024-01-01T09:02"], "M8[ns]")
    frame = frame_of(library, {"when": stamps, "x": [0.0, 1.0, 3.0]})
    minute = np.timedelta64(60, "s")
    plain = frames.signature(frame, 1, time="when", window=minute, start="partial")
    assert contents(plain)["S(x)"] == [0.0, 1.0, 0.0]
    if library == "pandas":
        text = frames.signature(frame, 1, time="when", window="1min", start="partial")
        assert text.equals(plain)
    for text in ("60s", "soon"):
        if library == "polars" or text == "soon":
            with pytest.raises((TypeError, ValueError), match="window: expected"):
                frames.signature(frame, 1, time="when", window=text)
    result = frames.signature(frame, 1, time="when", transform="times")
    assert contents(result)["S(when)"] == [120.0]
    if library == "pandas":
        zoned = frame.assign(when=frame["when"].dt.tz_localize("Europe/Berlin"))
    else:
        zoned = frame.with_columns(frame["when"].dt.replace_time_zone("Europe/Berlin"))
    assert contents(frames.signature(zoned, 1, time="when", transform="times"))["S(when)"] == [120]


def test_an_index_of_pandas_may_hold_keys_and_times():
    pandas = pytest.importorskip("pandas")
    stamps = pandas.to_datetime(["2024-01-02", "2024-01-01"])
    frame = pandas.DataFrame({"x": [5.0, 2.0]}, index=stamps)
    assert contents(frames.signature(frame, 1, transform="times"))["S(time)"] == [86400.0]
    assert contents(frames.signature(frame, 1))["S(x)"] == [3.0]
    index = pandas.MultiIndex.from_tuples([("a", 1), ("a", 0), ("b", 0)], names=["id", "t"])
    frame = pandas.DataFrame({"x": [5.0, 2.0, 1.0]}, index=index)
    result = frames.signature(frame, 1, by="id", time="t")
    check_frame(result, {"id": ["a", "b"]}, ["S(x)"], [[3.0], [0.0]])
    assert result.index.name == "id"


def test_nullable_and_categorical_columns_of_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "id": pandas.Categorical(["b", "b", "a"], categories=["a", "b", "unused"]),
            "x": pandas.array([1, 2, 3], dtype="Int64"),
            "y": pandas.array([0.5, 1.5, 2.5], dtype="Float64"),
            "z": [True, False, True],
        }
    )
    result = frames.signature(frame, 1, by="id")
    check_frame(result, {"id": ["b", "a"]}, ["S(x)", "S(y)", "S(z)"], [[1, 1, -1], [0, 0, 0]])
    single = pandas.DataFrame({"x": np.array([0, 2], np.float32)})
    assert frames.signature(single, 2).dtypes.tolist() == [np.float32] * 2


def test_two_keys_and_no_rows():
    for library in LIBRARIES:
        frame = frame_of(
            library, {"a": [1, 1, 2, 2], "b": ["x", "x", "x", "y"], "v": [0.0, 1, 5, 7]}
        )
        result = frames.signature(frame, 1, by=["a", "b"])
        check_frame(result, {"a": [1, 2, 2], "b": ["x", "x", "y"]}, ["S(v)"], [[1.0], [0.0], [0.0]])
        empty = frames.signature(frame[:0], 1, by=["a", "b"])
        assert len(empty) == 0
        assert list(contents(empty)) == ["a", "b", "S(v)"]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        ({"x": [1.0]}, {"by": "id"}, ValueError, "by: expected columns of the frame"),
        ({"x": [1.0]}, {"time": "t"}, ValueError, "time: expected columns.*The columns are 'x'"),
        ({"x": [1.0]}, {"channels": ["y"]}, ValueError, "channels: expected columns"),
        ({"x": [1.0]}, {"by": "x"}, ValueError, "channels: expected at least one column"),
        ({"x": ["a"]}, {}, TypeError, "x: expected a column of numbers.*Name the channels"),
        ({"x": [1.0, None]}, {}, ValueError, "x: expected numbers, received 1 missing.*row 1"),
        ({"x": [1.0, 2], "t": ["1", "2"]}, {"time": "t", "channels": ["x"]}, TypeError,
         "t: expected a column of times"),
        ({"x": [1.0, 2], "t": [1.0, None]}, {"time": "t"}, ValueError,
         "t: expected times, received a missing one in row 1"),
        ({"x": [1.0, 2], "id": ["a", None]}, {"by": "id"}, ValueError,
         "by: expected names of paths, received a missing one in column 'id', row 1"),
        ({"x": [1.0, 2]}, {"stride": 2}, ValueError, "stride: expected None without window"),
        ({"x": [1.0, 2]}, {"window": 2.5}, ValueError, "window: expected a number of points"),
        ({"x": [1.0, 2], "t": [0, 1]}, {"time": "t", "window": 2.5, "stride": 1}, ValueError,
         "stride: expected None with a window of time"),
        ({"x": [1.0, 2]}, {"transform": "times"}, ValueError,
         "transform: expected a column of times"),
        ({"x": [1.0, 2], "t": [0, 1]}, {"time": "t", "transform": ["lead_lag", "times"]},
         ValueError, 'transform: expected the times as the first stage'),
        ({"x": [1.0, 2]}, {"words": ["y"]}, ValueError, "words: expected names of channels"),
        ({"x": [1.0, 2]}, {"depht": 2}, TypeError, "depht"),
    ],
)  # fmt: skip
def test_errors_name_the_column(library, data, options, error, message):
    frame = frame_of(library, data)
    with pytest.raises(error, match=message):
        frames.signature(frame, None if "words" in options else 2, **options)


def test_other_things_are_not_frames():
    with pytest.raises(TypeError, match=r"frame: expected a DataFrame.*received ndarray"):
        frames.signature(np.zeros((3, 2)), 2)
    lazy = frame_of("polars", {"x": [1.0]}).lazy()
    with pytest.raises(TypeError, match=r"received a LazyFrame. Call frame.collect"):
        frames.signature(lazy, 2)
    pandas = pytest.importorskip("pandas")
    twice = pandas.DataFrame([[1.0, 2.0]], columns=["x", "x"])
    with pytest.raises(ValueError, match="columns of different names, received 'x' twice"):
        frames.signature(twice, 2)


def test_the_examples_run():
    pytest.importorskip("pandas")
    found = doctest.testmod(
        importlib.import_module("pysig.interop.frames"), optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert found.attempted >= 6
    assert found.failed == 0
