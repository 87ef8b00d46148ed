"""Arrays with named dimensions."""

import doctest

import numpy as np
import pytest

import pysig

xr = pytest.importorskip("xarray")
sig = pytest.importorskip("pysig.interop.xarray")
DATES = np.datetime64("2024-01-01", "s") + np.array([0, 1, 3, 3, 7, 20, 21, 30])


def wind_at_stations(dates=True):
    """Dimensions (time, station, channel, run), with coordinates for all but the last."""
    values = np.random.default_rng(2).normal(size=(8, 3, 2, 4)).cumsum(axis=0)
    return xr.DataArray(
        values,
        dims=["time", "station", "channel", "run"],
        coords={
            "station": ["a", "b", "c"],
            "channel": ["x", "y"],
            "height": ("station", [1.0, 2.0, 3.0]),
            "hour": ("time", np.arange(8) * 3),
            "unit": ("channel", ["m", "s"]),
            "place": "here",
            **({"time": DATES} if dates else {}),
        },
        name="wind",
        attrs={"source": "drawn"},
    )


def paths_of(array):
    return array.transpose("station", "run", "time", "channel").values


def chunked_array(array, chunks):
    pytest.importorskip("dask")
    return array.chunk(chunks)


CHUNKS = [None, {"station": 2, "time": 8}, {"run": 2, "time": 3}]
OPTIONS = {
    "plain": {},
    "scalar": {"scalar_term": True},
    "inverse from the origin": {"inverse": True, "basepoint": True},
    "time": {"transform": "time"},
    "times and lead-lag": {"transform": ["times", "lead_lag"]},
    "words": {"words": [(0,), (0, 1)]},
    "prefixes": {"stream": True},
    "prefixes from the origin": {"stream": True, "basepoint": True, "transform": ["lead_lag"]},
    "windows": {"window": 4, "stride": 2},
    "partial windows": {"window": 3, "start": "partial", "include_previous": True},
    "windows of dates": {"window": np.timedelta64(5, "s"), "closed": "both", "start": "partial"},
    "windows as text": {"window": "10s"},
}


def expected_rows(compute, depth, options):
    """What the function of pysig returns for the same paths."""
    given = dict(options)
    if "times" in (given.get("transform") or ()):
        given["transform"] = [pysig.Time(DATES), *given["transform"][1:]]
    if "window" not in given:
        return getattr(pysig, compute)(paths_of(wind_at_stations()), depth, **given)
    window = given.pop("window")
    if window == "10s":
        window = np.timedelta64(10, "s")
    if isinstance(window, np.timedelta64):
        given["times"] = DATES
    return getattr(pysig, f"{compute}_windows")(
        paths_of(wind_at_stations()), depth, window, **given
    )


@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
@pytest.mark.parametrize("name", OPTIONS)
def test_signatures_of_named_dimensions(chunks, name):
    options = OPTIONS[name]
    depth = None if "words" in options else 2
    array = wind_at_stations() if chunks is None else chunked_array(wind_at_stations(), chunks)
    found = sig.signature(array, depth, **options)
    values = expected_rows("signature", depth, options)
    rows = values.ndim == 4
    assert found.dims == ("station", "run", *(("time",) if rows else ()), "word")
    assert found.shape == values.shape
    assert (found.chunks is None) == (chunks is None)
    np.testing.assert_allclose(found.values, values, rtol=1e-9, atol=1e-12)
    kept = {"station", "height", "place", "word", "level"} | ({"time", "hour"} if rows else set())
    assert set(found.coords) == kept
    assert found.level.dims == ("word",)
    words = [label.split(",") if label != "()" else [] for label in found.word.values.tolist()]
    assert found.level.values.tolist() == list(map(len, words))


@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
@pytest.mark.parametrize("basis", ["words", "brackets", "hall", "expanded"])
@pytest.mark.parametrize("options", [{}, {"window": 3}, {"stream": True}], ids=str)
def test_logsignatures_of_named_dimensions(chunks, basis, options):
    array = wind_at_stations() if chunks is None else chunked_array(wind_at_stations(), chunks)
    found = sig.logsignature(array, 3, basis=basis, **options)
    values = expected_rows("logsignature", 3, {"basis": basis, **options})
    np.testing.assert_allclose(found.values, values, rtol=1e-9, atol=1e-11)
    assert found.word.values.tolist() == pysig.logsignature_labels(2, 3, basis, names=["x", "y"])
    if basis == "brackets":
        levels = dict(zip(found.word.values.tolist(), found.level.values.tolist(), strict=True))
        assert (levels["x"], levels["[x,y]"], levels["[x,[x,y]]"]) == (1, 2, 3)


def test_words_have_the_names_of_channels():
    found = sig.signature(wind_at_stations(), 2, transform=["times"])
    assert found.word.values.tolist()[:5] == ["x", "y", "time", "x,x", "x,y"]
    area = found.sel(word="x,y")
    np.testing.assert_array_equal(
        area, sig.signature(wind_at_stations(), words=["x,y"]).isel(word=0)
    )
    np.testing.assert_array_equal(
        area, sig.signature(wind_at_stations(), words=["S(x,y)"]).isel(word=0)
    )
    nameless = wind_at_stations().drop_vars("channel")
    assert sig.signature(nameless, 1).word.values.tolist() == ["0", "1"]
    lag = sig.signature(wind_at_stations(), 1, transform=["time", "lead_lag"])
    assert lag.word.values.tolist() == [
        "lag_x",
        "lag_y",
        "lag_time",
        "lead_x",
        "lead_y",
        "lead_time",
    ]


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ({"stream": True}, [1, 2, 3, 4, 5, 6, 7]),
        ({"stream": True, "basepoint": True}, range(8)),
        ({"stream": True, "transform": ["basepoint"]}, range(8)),
        ({"stream": True, "transform": "lead_lag"}, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]),
        ({"stream": True, "transform": "reset"}, [1, 2, 3, 4, 5, 6, 7, 7, 7]),
        ({"window": 3, "stride": 3}, [2, 5]),
        ({"window": "5s"}, [4, 5, 6, 7]),
    ],
)
def test_rows_have_the_coordinate_of_their_last_point(options, times):
    found = sig.signature(wind_at_stations(), 1, **options)
    np.testing.assert_array_equal(found.time.values, DATES[list(times)])
    np.testing.assert_array_equal(found.hour.values, np.array(times) * 3)


def test_prefixes_at_a_time_are_signatures_until_then():
    """The coordinates of prefixes select the path that they belong to."""
    array = wind_at_stations().isel(time=[0, 1, 2, 4, 5])  # without ties
    found = sig.signature(array, 2, stream=True, basepoint=True)
    for time in array.time.values:
        until = sig.signature(array.sel(time=slice(None, time)), 2, basepoint=True)
        np.testing.assert_allclose(found.sel(time=time), until, rtol=1e-12, atol=1e-12)


def test_a_dataset_is_an_array_of_channels():
    array = wind_at_stations()
    data = array.to_dataset("channel")
    xr.testing.assert_allclose(
        sig.signature(data, 2).transpose("station", "run", "word"),
        sig.signature(array, 2).drop_attrs(),
    )
    chunked = sig.signature(chunked_array(data, {"run": 1}), 2)
    assert chunked.chunks is not None
    np.testing.assert_allclose(
        chunked.transpose("station", "run", "word"), sig.signature(array, 2), atol=1e-12
    )


def test_an_array_of_one_channel():
    series = wind_at_stations().isel(channel=0, drop=True)
    found = sig.signature(series, 2, channel=None, transform="time")
    assert found.word.values.tolist()[:2] == ["wind", "time"]
    expected_values = pysig.signature(paths_of(wind_at_stations())[..., :1], 2, transform="time")
    np.testing.assert_allclose(found, expected_values, rtol=1e-12)


def test_options_with_named_dimensions():
    array, paths = wind_at_stations(), paths_of(wind_at_stations())
    lengths = xr.DataArray([[3, 8, 1, 4]], dims=["station", "run"]).isel(station=0)
    counts = np.broadcast_to([3, 8, 1, 4], (3, 4))
    for source in (array, chunked_array(array, {"station": 1})):
        np.testing.assert_allclose(
            sig.signature(source, 2, lengths=lengths),
            pysig.signature(paths, 2, lengths=counts), rtol=1e-12,
        )  # fmt: skip
        base = xr.DataArray([1.0, 2.0], dims="channel", coords={"channel": ["x", "y"]})
        np.testing.assert_allclose(
            sig.signature(source, 2, basepoint=base),
            pysig.signature(paths, 2, basepoint=[1.0, 2.0]), rtol=1e-12, atol=1e-12,
        )  # fmt: skip
    bases = xr.DataArray(
        [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
        dims=["station", "channel"],
        coords={"station": ["a", "b", "c"], "channel": ["x", "y"]},
    )
    np.testing.assert_allclose(
        sig.signature(array, 2, basepoint=bases.transpose()),
        pysig.signature(paths, 2, basepoint=bases.values[:, None]), rtol=1e-12, atol=1e-12,
    )  # fmt: skip


def test_attributes_are_kept_on_demand():
    for keep in (True, False):
        found = sig.signature(wind_at_stations(), 1, keep_attrs=keep)
        assert found.attrs == ({"source": "drawn"} if keep else {})
        assert found.name == "wind"


def test_other_names_of_dimensions():
    array = wind_at_stations().rename(time="t", channel="axis", run="level")
    with pytest.raises(ValueError, match="level: expected a name that the result does not have"):
        sig.signature(array, 1, dim="t", channel="axis")
    found = sig.signature(array, 1, dim="t", channel="axis", word="term", level="letters", window=4)
    assert found.dims == ("station", "level", "t", "term")
    assert found.letters.values.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("make", "options", "error", "message"),
    [
        (lambda a: a.values, {}, TypeError, "array: expected an xarray.DataArray or Dataset"),
        (lambda a: a, {"dim": "t"}, ValueError, "dim: expected a dimension of the array, received"),
        (lambda a: a, {"channel": "t"}, ValueError, "The dimensions are 'time', 'station'"),
        (lambda a: a, {"channel": "time"}, ValueError, "channel: expected another dimension"),
        (lambda a: a, {"word": "height"}, ValueError, "word: expected a name that the result"),
        (lambda a: a, {"word": "w", "level": "w"}, ValueError, "word: expected a name"),
        (lambda a: a, {"words": "x,y"}, TypeError, "words: expected a sequence of words"),
        (lambda a: a, {"words": ["z"]}, ValueError, "expected names of channels"),
        (lambda a: a, {"stride": 2}, ValueError, "stride: expected None without window"),
        (lambda a: a, {"window": "2s", "stride": 2}, ValueError, "stride: expected None with a"),
        (lambda a: a, {"window": "soon"}, ValueError, "window: expected a number of points or a"),
        (
            lambda a: a.drop_vars("time"), {"window": 2.5}, ValueError,
            r"window: expected a coordinate of 'time'.*Assign it: array.assign_coords\(time=",
        ),
        (lambda a: a.drop_vars("time"), {"transform": "times"}, ValueError, "transform: expected"),
        (lambda a: a, {"transform": ["lead_lag", "times"]}, ValueError, "Put it first"),
        (lambda a: a, {"initial": 3}, (TypeError, ValueError), "initial"),
        (
            lambda a: a, {"lengths": xr.DataArray([1, 2], dims="no")}, ValueError,
            r"lengths: expected dimensions among \('station', 'run'\)",
        ),
        (
            lambda a: a,
            {"lengths": xr.DataArray([1, 2], dims="station", coords={"station": ["a", "c"]})},
            ValueError, "lengths: expected the coordinates of the array",
        ),
    ],
)  # fmt: skip
def test_errors_name_the_dimension(make, options, error, message):
    depth = None if "words" in options else 1
    with pytest.raises(error, match=message):
        sig.signature(make(wind_at_stations()), depth, **options)


def test_the_examples_of_xarray_run():
    found = doctest.testmod(sig)
    assert found.attempted >= 10
    assert found.failed == 0


def test_arrays_of_cupy_stay_there(cupy, monkeypatch):
    def dispatched(self, function, types, positional, named):
        return getattr(cupy, function.__name__)(*positional, **named)

    if not hasattr(cupy.ndarray, "__array_function__"):  # the emulator; CuPy has it
        monkeypatch.setattr(cupy.ndarray, "__array_function__", dispatched, raising=False)
    paths = paths_of(wind_at_stations())
    named = xr.DataArray(cupy.asarray(paths), dims=["station", "run", "time", "channel"])
    found = sig.signature(named, 2)
    assert isinstance(found.data, cupy.ndarray)
    np.testing.assert_allclose(cupy.asnumpy(found.data), pysig.signature(paths, 2), rtol=1e-12)
