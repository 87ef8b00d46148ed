"""Calls that users tried, in Python: each is right, or refused with the way to the right call."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest

import pysig

pytestmark = pytest.mark.quick

PATH = np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 1.0]])
EXPECTED = pysig.signature(PATH, 2)
LARGE = np.array([[0.0], [1e200], [1.0], [-1e200]])


def signature(path=PATH, depth=2, **options):
    return pysig.signature(path, depth, **options)


def with_times(times):
    return signature(transform=pysig.Time(times))


def pandas():
    return pytest.importorskip("pandas")


def polars():
    return pytest.importorskip("polars")


def xarray():
    return pytest.importorskip("xarray")


def sparse():
    return pytest.importorskip("scipy.sparse")


def frame(**columns):
    return pandas().DataFrame({"x": PATH[:, 0], "y": PATH[:, 1], **columns})


def frames(table, depth=2, **options):
    return pytest.importorskip("pysig.interop.frames").signature(table, depth, **options)


def stamps():
    return pandas().date_range("2024-01-31", periods=3, freq="s")


def transformer(X, **options):
    pytest.importorskip("sklearn")
    from pysig.interop.sklearn import SignatureTransformer

    return SignatureTransformer(depth=2, **options).fit_transform(X)


# ---- accepted ----

SECONDS = np.array([0, 1, 2])
RIGHT = {
    "signature(np.ma.array(path))": (lambda: signature(np.ma.array(PATH)), EXPECTED),
    "signature(frame of Float64)": (lambda: signature(frame().astype("Float64")), EXPECTED),
    "signature(frame of Int64)": (lambda: signature(frame().astype("Int64")), EXPECTED),
    "signature(frame of polars)": (
        lambda: signature(polars().DataFrame({"x": PATH[:, 0], "y": PATH[:, 1]})),
        EXPECTED,
    ),
    "signature(path of int8)": (lambda: signature(PATH.astype(np.int8)), EXPECTED),
    "signature([path, path[:2]])[1]": (lambda: signature([PATH, PATH[:2]])[1], signature(PATH[:2])),
    "signature(DataArray) by the order of its axes": (
        lambda: signature(xarray().DataArray(PATH, dims=("ch", "time"))),
        EXPECTED,
    ),
    "Time(index of dates)": (lambda: with_times(stamps()), with_times(SECONDS)),
    "Time(index of lengths of time)": (
        lambda: with_times(stamps() - stamps()[0]),
        with_times(SECONDS),
    ),
    "Time(datetime64)": (lambda: with_times(np.array(stamps())), with_times(SECONDS)),
    "Time(integers of nanoseconds)": (
        lambda: with_times(1704067200000000100 + 64 * SECONDS),
        with_times(64 * SECONDS),
    ),
    "Time(ties)": (
        lambda: with_times([5, 5, 7]),
        signature(np.column_stack([PATH, [0, 0, 2]])),
    ),
    "words_of_labels(labels(2, 2))": (
        lambda: signature(words=pysig.words_of_labels(pysig.labels(2, 2), 2)),
        EXPECTED,
    ),
    "SignatureTransformer of a list of frames of Float64": (
        lambda: transformer([frame().astype("Float64")]),
        lambda: transformer([PATH]),
    ),
    "SignatureTransformer(float16)": (
        lambda: transformer(PATH[None].astype(np.float16)),
        lambda: transformer(PATH[None]),
    ),
    "frames.signature(column of Float64)": (
        lambda: frames(frame().astype("Float64")),
        EXPECTED[None],
    ),
    "frames.signature(column of float16)": (
        lambda: frames(frame().astype({"x": np.float16})),
        EXPECTED[None],
    ),
    "frames.signature(times of integers of nanoseconds)": (
        lambda: frames(frame(t=1704067200000000100 + 64 * SECONDS), time="t", transform=["times"]),
        with_times(64 * SECONDS)[None],
    ),
    "frames.signature(ties)": (
        lambda: frames(frame(t=[5, 5, 7]), time="t", transform=["times"]),
        with_times([5, 5, 7])[None],
    ),
}


@pytest.mark.parametrize("call", RIGHT)
def test_right(call):
    compute, expected = RIGHT[call]
    expected = expected() if callable(expected) else expected
    np.testing.assert_allclose(compute(), expected, rtol=1e-14, atol=1e-14)


def test_the_comparison_notices_a_wrong_value(monkeypatch):
    monkeypatch.setitem(RIGHT, "wrong", (lambda: EXPECTED + 1e-9, EXPECTED))
    with pytest.raises(AssertionError):
        test_right("wrong")


# ---- refused ----

REFUSED = {
    # ---- times ----
    "Time([3, 2, 1])": (
        lambda: with_times([3, 2, 1]),
        ValueError,
        "times: expected times that do not decrease, received 2 after 3 at index 1. Sort the",
    ),
    "Time([3, nan, 4])": (
        lambda: with_times([3, np.nan, 4]),
        ValueError,
        "times: expected finite times, received nan at index 1. Drop these points.",
    ),
    "Time(texts)": (
        lambda: with_times(["2024-01-01", "2024-01-02", "2024-01-03"]),
        TypeError,
        "Convert texts: numpy.array(times, 'datetime64[ns]').",
    ),
    "frames.signature(times that are texts)": (
        lambda: frames(frame(t=list("abc")), time="t"),
        TypeError,
        "t: expected a column of times, received {}. Convert it with pandas.to_datetime.",
    ),
    "frames.signature(missing time)": (
        lambda: frames(frame(t=[stamps()[0], None, stamps()[2]]), time="t"),
        ValueError,
        "t: expected times, received a missing one in row 1. Drop the row.",
    ),
    # ---- values of options ----
    "initial=[5, 1, 1], scalar_term=True": (
        lambda: signature(depth=1, initial=[5.0, 1, 1], scalar_term=True),
        ValueError,
        "initial: expected 1 as its first entry, the coefficient of the empty word, received 5.0.",
    ),
    **{
        f"basepoint={value!r}": (
            lambda value=value: signature(basepoint=value),
            ValueError,
            "basepoint: expected True, False or the 2 coordinates of a point, received "
            f"{type(value).__name__} {value}. Pass True for a point at zero.",
        )
        for value in (0, 0.0, 1)
    },
    "frames.signature(basepoint=0)": (
        lambda: frames(frame(), basepoint=0),
        ValueError,
        "received int 0. Pass True for a point at zero.",
    ),
    "depth=np.float64(2)": (
        lambda: signature(depth=np.float64(2)),
        TypeError,
        "depth: expected an integer, received float64 2.0. Pass int(depth).",
    ),
    "depth=2.5": (
        lambda: signature(depth=2.5),
        TypeError,
        "depth: expected an integer, received float 2.5.",
    ),
    "depth=nan": (
        lambda: signature(depth=np.float32("nan")),
        TypeError,
        "depth: expected an integer, received float32 nan.",
    ),
    "words=[(0,), (1,), (0,)]": (
        lambda: signature(depth=None, words=[(0,), (1,), (0,)]),
        ValueError,
        "words[2]: expected distinct words, received (0,) more than once: it is words[0] too.",
    ),
    "words=labels(2, 2)": (
        lambda: signature(depth=None, words=pysig.labels(2, 2)),
        TypeError,
        "words[0]: expected a sequence of 0-based letters, received str '0'. Write a word as a "
        "tuple of channel numbers, such as (0, 1). If it is a label, convert all labels: "
        "pysig.words_of_labels(labels, channels=2).",
    ),
    "basepoint=[1e200, 0] of float32": (
        lambda: signature(PATH.astype(np.float32), basepoint=[1e200, 0]),
        ValueError,
        "basepoint: expected numbers that float32 holds, up to 3.4e+38, received larger ones.",
    ),
    # ---- paths ----
    "signature(None)": (
        lambda: signature(None),
        TypeError,
        "path: expected an array, received NoneType None. Pass it.",
    ),
    "signature(masked array)": (
        lambda: signature(np.ma.array(PATH, mask=PATH == 2)),
        TypeError,
        "Drop or fill the masked points, or pass lengths= if they are at the end.",
    ),
    "signature(path of float16)": (
        lambda: signature(PATH.astype(np.float16)),
        TypeError,
        "received dtype float16. Convert it: path.astype(numpy.float32) or path.astype(",
    ),
    "signature(structured array)": (
        lambda: signature(np.zeros(3, [("x", float), ("y", float)])),
        TypeError,
        "Pass its fields as channels: numpy.lib.recfunctions.structured_to_unstructured(path).",
    ),
    "SignatureTransformer(structured array)": (
        lambda: transformer(np.zeros(3, [("x", float), ("y", float)])),
        TypeError,
        "Pass its fields as channels: numpy.lib.recfunctions.structured_to_unstructured(X).",
    ),
    "signature(csr_matrix)": (
        lambda: signature(sparse().csr_matrix(PATH)),
        TypeError,
        "path: expected an array, received csr_matrix of scipy. Make it dense: path.toarray().",
    ),
    "signature([coo_array])": (
        lambda: signature([sparse().coo_array(PATH)]),
        TypeError,
        "path[0]: expected an array, received coo_array of scipy. Make it dense: path[0].toarray()",
    ),
    "SignatureTransformer(csr_matrix)": (
        lambda: transformer(sparse().csr_matrix(PATH)),
        TypeError,
        "toarray()",
    ),
    "signature(frame.groupby('id'))": (
        lambda: signature(frame(id=[0, 0, 1]).groupby("id")),
        TypeError,
        "path: expected an array, received DataFrameGroupBy of pandas. Use "
        "pysig.interop.frames.signature(frame, depth, by=...), or pass a list",
    ),
    "SignatureTransformer(frame.groupby('id'))": (
        lambda: transformer(frame(id=[0, 0, 1]).groupby("id")),
        TypeError,
        "X: expected an array, received DataFrameGroupBy of pandas. Use pysig.interop.frames",
    ),
    "frames.signature(frame.groupby('id'))": (
        lambda: frames(frame(id=[0, 0, 1]).groupby("id")),
        TypeError,
        "received DataFrameGroupBy. Pass the frame before it was grouped, and by=.",
    ),
    "frames.signature(frame.x)": (
        lambda: frames(frame().x),
        TypeError,
        "received Series. Make it a frame: frame.to_frame().",
    ),
    "signature(LazyFrame)": (
        lambda: signature(polars().LazyFrame({"x": [1.0, 2.0]})),
        TypeError,
        "path: expected an array, received LazyFrame of polars. Read it: path.collect().",
    ),
    "signature(Dataset)": (
        lambda: signature(xarray().Dataset({"x": ("time", PATH[:, 0])})),
        TypeError,
        "path: expected an array, received Dataset of xarray. Use pysig.interop.xarray, or pass an "
        "array: path.to_dataarray().",
    ),
    "signature(a generator)": (
        lambda: signature(path for path in [PATH]),
        TypeError,
        "path: expected an array, received generator. Make it a list: list(path).",
    ),
    "signature(a file)": (
        lambda: signature(io.StringIO("x,y\n1,2\n")),
        TypeError,
        "path: expected an array, received StringIO of _io. Load the file first.",
    ),
    "frame.rolling('60s').apply(signature)": (
        lambda: frame().set_index(stamps()).rolling("60s").apply(signature),
        ValueError,
        "received shape (1,). A path of one channel is path.to_frame(). For windows of the rows of "
        "a frame, use pysig.interop.frames.signature(frame, depth, window=...).",
    ),
    "frames.signature(frame with names of paths, without by=)": (
        lambda: frames(frame(id=list("aab"))),
        TypeError,
        "id: expected a column of numbers, received {}. Name the channels with channels=, or "
        "convert the column. If it names the paths, pass it as by=;",
    ),
    "frames.signature(missing number)": (
        lambda: frames(frame(z=[1.0, None, 2.0]).astype({"z": "Float64"})),
        ValueError,
        "z: expected numbers, received 1 missing values, the first in row 1. Fill or drop them.",
    ),
}


def leads(message, says):
    """Whether `says` is in the message; ``{}`` in it is any word."""
    before, _, after = says.partition("{}")
    return before in message and after in message.partition(before)[2]


@pytest.mark.parametrize("call", REFUSED)
def test_refused(call):
    compute, error, says = REFUSED[call]
    with pytest.raises(error) as caught:
        compute()
    assert type(caught.value) is error
    assert leads(str(caught.value), says), str(caught.value)


def test_the_check_of_messages_notices_a_missing_part():
    assert leads("x: received str. Pass y.", "x: received {}. Pass y.")
    for wrong in ("x: received str. Pass z.", "y: received str. Pass y.", ""):
        assert not leads(wrong, "x: received {}. Pass y.")


# ---- sizes ----


def test_the_advice_on_windows_gives_rows_of_the_frame():
    found = frames(frame().set_index(stamps()), window="60s", start="partial")
    np.testing.assert_allclose(found.iloc[-1], EXPECTED)


def test_the_advice_on_fields_gives_a_path():
    from numpy.lib import recfunctions

    records = np.zeros(3, [("x", float), ("y", float)])
    records["x"], records["y"] = PATH.T
    assert np.array_equal(signature(recfunctions.structured_to_unstructured(records)), EXPECTED)


def test_the_limit_is_the_memory_that_is_available(monkeypatch):
    """depth=30 of 2 channels needs 16 GiB, on a machine that has them but uses them."""
    from pysig._api import _memory

    monkeypatch.setattr(_memory, "available_memory", lambda backend: 2**30)
    with pytest.raises(MemoryError, match=r"needs 17179869168 bytes, but only 1073741824 are avai"):
        signature(depth=30)


def test_results_that_are_too_large_are_infinite_without_a_warning():
    ones = np.ones(3)
    calls = [
        lambda: signature(LARGE, 3),
        lambda: pysig.signature_windows(LARGE, 3, 2),
        lambda: pysig.signature_intervals(LARGE, 3, [[0, 2]]),
        lambda: pysig.signature_jvp(LARGE, 3, LARGE),
        lambda: pysig.signature_vjp(LARGE, 3, ones),
        lambda: pysig.signature_hvp(LARGE, 3, ones, LARGE),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = [call() for call in calls]
    assert not any(np.isfinite(values).all() for values in found)
