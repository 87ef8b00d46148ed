"""Each error of windows and intervals: argument, index, remedy; nothing is written before it."""

from __future__ import annotations

import numpy as np
import pytest

import pysig
from pysig._api import _intervals, _windows

PATH = np.random.default_rng(0).normal(size=(2, 8, 2))
TIMES = np.arange(8.0)
MINUTE = np.timedelta64(1, "m")
DATES = np.datetime64("2026-01-05") + np.arange(8) * MINUTE


def windows(window=3, path=PATH, **options):
    return pysig.signature_windows(path, 2, window, **options)


def intervals(rows, path=PATH, **options):
    return pysig.signature_intervals(path, 2, rows, **options)


WINDOWS = [
    ({"window": 0}, ValueError, "^window: expected an integer of at least 1, received 0"),
    ({"window": -3}, ValueError, "^window: expected an integer of at least 1, received -3"),
    ({"window": 60.0}, TypeError, "^window: expected a number of points.*float 60.0. Pass times="),
    ({"window": MINUTE}, TypeError, "^window: expected a number of points.*Pass times="),
    ({"window": True}, TypeError, "^window: expected a number of points"),
    ({"window": "60s"}, TypeError, "^window: expected a number of points"),
    ({"stride": 0}, ValueError, "^stride: expected an integer of at least 1, received 0"),
    ({"stride": -1}, ValueError, "^stride: expected an integer of at least 1"),
    ({"stride": 1.5}, TypeError, "^stride: expected a number of points"),
    ({"start": "all"}, ValueError, '^start: expected one of "full", "partial", received str'),
    ({"closed": "open"}, ValueError, '^closed: expected one of "right", "left", "both", "neither"'),
    ({"closed": "left"}, ValueError, '^closed: expected "right" for windows of a number of points'),
    ({"include_previous": 1}, TypeError, "^include_previous: expected True or False"),
    (
        {"times": TIMES[:7]},
        ValueError,
        "^times: expected a time for each of the 8 points, received",
    ),
    ({"times": TIMES, "window": MINUTE}, TypeError, "^window: expected a number, because times"),
    ({"times": DATES, "window": 60}, TypeError, "^window: expected timedelta64, because times are"),
    ({"times": DATES, "window": MINUTE, "stride": 60}, TypeError, "^stride: expected timedelta64"),
    ({"times": TIMES, "stride": 0.0}, ValueError, "^stride: expected a positive length of time"),
    ({"times": TIMES, "window": 0}, ValueError, "^window: expected a positive length of time"),
    ({"times": TIMES[::-1]}, ValueError, "^times: expected times that do not decrease.*at index 1"),
    (
        {"times": np.ones((3, 8))},
        ValueError,
        r"^times: expected a shape that broadcasts to \(2, 8\)",
    ),
    (
        {"times": TIMES * np.nan},
        ValueError,
        "^times: expected finite times, received nan at index 0",
    ),
    ({"lengths": [0, 3]}, ValueError, "^lengths: expected integers from 1 to the length 8"),
    ({"path": np.zeros(8)}, ValueError, "^path: expected shape"),
    ({"words": [(0, 1), (0, 1)]}, ValueError, r"^words\[\d\]: expected distinct words"),
    ({"words": [()], "scalar_term": True}, ValueError, "^words: expected no empty word"),
    ({"transform": "lag"}, ValueError, "^transform: expected"),
    (
        {"transform": ["reset", pysig.Time(np.arange(10))]},
        ValueError,
        r"^transform: expected pysig\.Time\(times\) before basepoint and reset.*after reset",
    ),
    (
        {"transform": pysig.Time(np.arange(9)), "basepoint": True},
        ValueError,
        r'^transform: expected no pysig\.Time.* pass .*\[pysig\.Time\(times\), "basepoint"\]',
    ),
]


@pytest.mark.parametrize(("options", "error", "message"), WINDOWS)
def test_errors_of_windows(options, error, message):
    with pytest.raises(error, match=message):
        windows(**options)


INTERVALS = [
    (
        [(0, 2), (3, 1)],
        {},
        ValueError,
        r"^intervals: expected begin <= end, received \(3, 1\) at ind",
    ),
    (
        [[(0, 2)], [(0, 9)]],
        {},
        ValueError,
        r"from 0 to the length 8 of path, received \(0, 9\) at in",
    ),
    ([(-1, 2)], {}, ValueError, r"received \(-1, 2\) at index 0\. Clip the intervals"),
    ([(0.0, 2.0)], {}, TypeError, "^intervals: expected integers.*dtype float64. Pass times="),
    ([("a", "b")], {}, TypeError, "^intervals: expected integers, numbers of points"),
    ([(0, 1, 2)], {}, ValueError, r"^intervals: expected shape \(\.\.\., intervals, 2\)"),
    ((0, 2), {}, ValueError, r"^intervals: expected shape .* received \(2,\)"),
    (np.zeros((3, 1, 2), int), {}, ValueError, r"whose first axes broadcast to \(2,\)"),
    ([(0, 1), (2,)], {}, ValueError, "^intervals: expected rows"),
    (np.ma.masked_array([(0, 1)], [(1, 0)]), {}, TypeError, "^intervals: .*masked array"),
    (
        [(2.0, 1.0)],
        {"times": TIMES},
        ValueError,
        r"begin <= end, received \(2\.0, 1\.0\) at index 0",
    ),
    ([(MINUTE, MINUTE)], {"times": TIMES}, TypeError, "^intervals: expected numbers, as times are"),
    ([(0, 1)], {"times": DATES}, TypeError, "^intervals: expected datetime64, as times are"),
    (
        [(0, 1)],
        {"times": TIMES[:3]},
        ValueError,
        "^times: expected a time for each of the 8 points",
    ),
    ([(0, 1)], {"times": -TIMES}, ValueError, "^times: expected times that do not decrease"),
    ([(0, 1)], {"times": np.ones((3, 8))}, ValueError, "^times: expected a shape that broadcasts"),
    (
        [(0, np.nan)],
        {"times": TIMES},
        ValueError,
        r"^intervals: expected times, received a missing.*\(0, 1\)",
    ),
    ([(0, 1)], {"include_previous": None}, TypeError, "^include_previous: expected True or False"),
]


@pytest.mark.parametrize(("rows", "options", "error", "message"), INTERVALS)
def test_errors_of_intervals(rows, options, error, message):
    with pytest.raises(error, match=message):
        intervals(rows, **options)


def test_no_intervals():
    assert intervals([]).shape == (2, 0, 6)
    assert intervals(np.zeros((0, 2))).shape == (2, 0, 6)
    assert intervals([], times=TIMES).shape == (2, 0, 6)


@pytest.mark.parametrize("name", ["vjp", "jvp"])
def test_shapes_of_derivatives(name):
    function = getattr(pysig, f"signature_windows_{name}")
    argument = "cotangent" if name == "vjp" else "tangent"
    with pytest.raises(ValueError, match=f"^{argument}: expected a shape that broadcasts"):
        function(PATH, 2, 3, np.zeros((5, 7, 9)))
    with pytest.raises(TypeError, match="unexpected keyword argument 'initial'"):
        function(PATH, 2, 3, PATH, initial=np.zeros(6))


def test_a_cotangent_without_the_scalar():
    with pytest.raises(ValueError, match="It has no scalar in front: leave scalar_term out"):
        pysig.signature_windows_vjp(PATH, 2, 3, np.zeros(6), scalar_term=True)
    with pytest.raises(ValueError, match="pass scalar_term=True"):
        pysig.signature_windows_vjp(PATH, 2, 3, np.zeros(7))


def test_a_tangent_of_a_constant_basepoint():
    with pytest.raises(ValueError, match=r"^basepoint_tangent: expected None"):
        pysig.signature_windows_jvp(PATH, 2, 3, PATH, basepoint_tangent=np.zeros(2))


@pytest.mark.parametrize(("name", "remedy"), [("window", "larger stride"), ("intervals", "fewer")])
def test_an_output_that_does_not_fit_is_refused(monkeypatch, name, remedy):
    monkeypatch.setattr(_intervals, "available_memory", lambda backend: 10**6)
    path = np.zeros((2**16, 2))
    message = rf"^{name}: the output of shape \(65536, 6\) needs 3145728 bytes, but only 1000000 a"
    out = np.empty((2**16, 6))
    compute = pysig.signature_windows if name == "window" else pysig.signature_intervals
    argument = 1 if name == "window" else np.zeros((2**16, 2), int)
    with pytest.raises(MemoryError, match=f"{message}.*{remedy}.*smaller depth"):
        compute(path, 2, argument)
    assert compute(path, 2, argument, out=out) is out


def test_windows_that_do_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr(_windows, "available_memory", lambda backend: 10**7)
    with pytest.raises(
        MemoryError, match=r"^window: the list of \d+ windows needs \d+ bytes.*strid"
    ):
        pysig.window_bounds(2, 1.0, times=[0.0, 1e9], stride=1e-9)
    with pytest.raises(MemoryError, match="Take a larger stride"):
        pysig.window_bounds(10**9, 2)


@pytest.mark.parametrize("depth", [0, 60])
def test_a_depth_that_does_not_fit(depth):
    with pytest.raises((ValueError, MemoryError), match=r"^depth: "):
        pysig.signature_windows(PATH, depth, 3)


BOUNDS = [
    ((0, 2), {}, ValueError, "^length: expected an integer of at least 1"),
    ((8, 2), {"lengths": [1.5]}, TypeError, "^lengths: expected integers"),
    ((8, 2), {"lengths": [9]}, ValueError, "^lengths: expected integers from 1 to the length 8"),
    (
        (8, 2),
        {"lengths": [3, 4, 5], "times": TIMES * np.ones((2, 1))},
        ValueError,
        r"^lengths: expected a shape that broadcasts with \(2,\), the paths of times",
    ),
]


@pytest.mark.parametrize(("arguments", "options", "error", "message"), BOUNDS)
def test_errors_of_bounds(arguments, options, error, message):
    with pytest.raises(error, match=message):
        pysig.window_bounds(*arguments, **options)


def test_errors_of_dyadic_windows():
    with pytest.raises(ValueError, match=r"^depth: expected at most 3, since a path of 8 points"):
        pysig.dyadic_windows(8, 4)
    with pytest.raises(ValueError, match=r"^depth: expected an integer of at least 0"):
        pysig.dyadic_windows(8, -1)
    with pytest.raises(TypeError, match=r"^length: expected an integer"):
        pysig.dyadic_windows(8.0, 1)
