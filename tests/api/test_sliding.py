"""`pysig.SlidingSignature`: against the reference, by number and time, copied, stored; errors."""

from __future__ import annotations

import copy
import datetime
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig._reference.signature import signature as reference
from pysig.testing import assert_identical, assert_signatures_close, running_scales

pytestmark = pytest.mark.quick

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 12)),
        st.tuples(st.just("pop"), st.integers(0, 12)),
        st.tuples(st.just("evict"), st.integers(-2, 20)),
        st.tuples(st.just("reset"), st.just(0)),
        st.tuples(st.just("copy"), st.just(0)),
    ),
    min_size=1,
    max_size=25,
)


def check(window, points):
    """The window has the signature of these points."""
    assert len(window) == len(points)
    found = window.signature()
    assert found.dtype == window.dtype
    if len(points) < 2:
        assert_identical(found, np.zeros_like(found))
        return
    scale = running_scales(points, window.depth)
    expected = reference(points, window.depth)
    assert_signatures_close(found, expected, window.channels, window.depth, scale=scale)


def test_check_sees_a_wrong_digit():
    window = pysig.SlidingSignature(2, 2)
    points = np.array([[0.0, 0.0], [1.0, 0.5], [1.0, 2.0]])
    window.push(points)
    check(window, points)
    points[1, 1] += 1e-12
    with pytest.raises(AssertionError):
        check(window, points)
    window.pop()
    with pytest.raises(AssertionError):
        check(window, points)


@settings(deadline=None, max_examples=150)
@given(
    channels=st.integers(1, 9),
    depth=st.integers(1, 5),
    single=st.booleans(),
    worst_case=st.booleans(),
    capacity=st.integers(0, 20),
    actions=ACTIONS,
    seed=st.integers(0, 2**32),
)
def test_agrees_with_the_reference(channels, depth, single, worst_case, capacity, actions, seed):
    depth = depth if channels < 4 else min(depth, 3)
    dtype = np.float32 if single else np.float64
    rng = np.random.default_rng(seed)
    window = pysig.SlidingSignature(
        channels, depth, dtype=dtype, worst_case=worst_case, capacity=capacity
    )
    kept, times, now = np.empty((0, channels), dtype), [], 0
    for action, number in actions:
        if action == "push":
            points = (rng.standard_normal((number, channels)) / 4).astype(dtype)
            steps = rng.integers(0, 3, number)  # ties happen
            window.push(points, now + steps.cumsum())
            times += list(now + steps.cumsum())
            now += int(steps.sum())
            kept = np.concatenate([kept, points])
        elif action == "pop":
            number = min(number, len(kept))
            window.pop(number)
            kept, times = kept[number:], times[number:]
        elif action == "evict":
            inclusive, previous = (bool(x) for x in rng.integers(0, 2, 2))
            before = now - number
            dropped = sum(t < before or (inclusive and t == before) for t in times)
            dropped -= previous and dropped > 0
            options = {"inclusive": inclusive, "include_previous": previous}
            assert window.evict(before, **options) == dropped
            kept, times = kept[dropped:], times[dropped:]
        elif action == "reset":
            window.reset()
            kept, times = kept[:0], []
        else:
            window = pickle.loads(pickle.dumps(window))
        check(window, kept)
        assert window.capacity >= max(len(kept), capacity)


@pytest.mark.parametrize("worst_case", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rolls_over_a_long_path(dtype, worst_case, rng):
    """Windows of more points than a block of the front has; errors do not grow along the path."""
    path = (rng.standard_normal((3000, 5)) / 30 + 0.1).cumsum(axis=0).astype(dtype)
    window = pysig.SlidingSignature(5, 4, dtype=dtype, worst_case=worst_case)
    for length in (200, 40):
        for end in range(len(path)):
            window.push(path[end])
            while len(window) > length:
                window.pop()
            if end % 333 == 1:
                points = path[max(end - length + 1, 0) : end + 1]
                expected = reference(points, 4)
                assert_signatures_close(window.signature(), expected, 5, 4)
        window.reset()


@pytest.mark.parametrize("worst_case", [False, True])
def test_does_not_depend_on_how_points_are_grouped(worst_case, rng):
    path = rng.standard_normal((300, 3))
    one, other = (pysig.SlidingSignature(3, 3, worst_case=worst_case) for _ in range(2))
    end = 0
    while end < len(path):
        count = int(rng.integers(1, 30))
        one.push(path[end : end + count])
        for point in path[end : end + count]:
            other.push(point)
        end += count
        count = int(rng.integers(0, len(one)))
        one.pop(count)
        for _ in range(count):
            other.pop()
        assert_identical(one.signature(), other.signature())


@pytest.mark.parametrize("basis", ["words", "brackets", "hall", "expanded"])
@pytest.mark.parametrize("worst_case", [False, True])
def test_other_forms_of_the_signature(basis, worst_case, rng):
    window = pysig.SlidingSignature(3, 3, worst_case=worst_case)
    window.push(rng.standard_normal((9, 3)))
    window.pop(4)
    window.push(rng.standard_normal((2, 3)))
    found = window.signature()
    assert_identical(window.signature(scalar_term=True), np.insert(found, 0, 1))
    expected = pysig.signature_to_logsignature(found, 3, 3, basis=basis)
    assert_identical(window.logsignature(basis), expected)


@pytest.mark.parametrize("worst_case", [False, True])
def test_copies_go_their_own_ways(worst_case, rng):
    """The same bits, also after further points: the state is copied, not the signature alone."""
    window = pysig.SlidingSignature(2, 3, worst_case=worst_case, dtype=np.float32, capacity=50)
    for count in (7, 4, 9):
        window.push(rng.standard_normal((count, 2)), np.full(count, len(window)))
    window.pop(5)
    before = window.signature()
    copies = [window.copy(), copy.copy(window), copy.deepcopy(window)]
    copies.append(pickle.loads(pickle.dumps(window)))
    points = rng.standard_normal((20, 2))
    for other in [window, *copies]:
        assert_identical(other.signature(), before)
        assert (other.channels, other.depth, other.dtype, len(other)) == (2, 3, np.float32, 15)
        assert (other.worst_case, other.capacity, repr(other)) == (worst_case, 50, repr(window))
    for point in points:
        window.push(point, 500)
        window.pop()
        for other in copies:
            other.push(point, 500)
            other.pop()
            assert_identical(other.signature(), window.signature())
    assert np.any(window.signature() != before)
    assert copies[-1].evict(500) == window.evict(500)


@pytest.mark.parametrize("worst_case", [False, True])
def test_a_nan_leaves_with_its_point(worst_case, rng):
    window = pysig.SlidingSignature(2, 3, worst_case=worst_case)
    path = rng.standard_normal((30, 2))
    path[4, 1] = np.nan
    for point in path:
        window.push(point)
        if len(window) > 6:
            window.pop()
    check(window, path[-6:])


def test_the_same_memory_serves_a_window_that_keeps_its_length(rng):
    window = pysig.SlidingSignature(2, 2)
    window.push(rng.standard_normal((10, 2)))
    capacity = window.capacity
    for _ in range(3 * capacity):
        window.pop()
        window.push(rng.standard_normal(2))
    assert window.capacity == capacity


TIMES = [
    ([0, 1, 2], 1),
    ([0.0, 0.5, 2.5], 0.5),
    ([2**60, 2**60 + 1, 2**60 + 2], 2**60 + 1),
    (np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "M8[D]"), np.datetime64("2020-01-02")),
    (np.array([1, 2, 3], "m8[s]"), np.timedelta64(2000, "ms")),
    ([datetime.datetime(2020, 1, 1, k) for k in range(3)], np.datetime64("2020-01-01T01", "h")),
    (np.array([-3, -2, -1], "m8[fs]"), np.timedelta64(-2, "fs")),
    (np.array(["0900-01-01", "0900-02-01", "0900-03-01"], "M8[D]"), np.datetime64("0900-02-01")),
]  # fmt: skip


@pytest.mark.parametrize(("times", "middle"), TIMES)
@pytest.mark.parametrize(
    ("options", "dropped"),
    [({}, 1), ({"inclusive": True}, 2), ({"inclusive": True, "include_previous": True}, 1)],
)
def test_times_of_every_kind(times, middle, options, dropped):
    window = pysig.SlidingSignature(1, 1)
    window.push([[1.0], [2.0], [4.0]], times)
    window.push([8.0], times[2])  # a tie
    assert window.evict(middle, **options) == dropped
    assert len(window) == 4 - dropped


def test_times_are_compared_exactly():
    window = pysig.SlidingSignature(1, 1)
    window.push([[0.0], [1.0]], np.array([0, 1], "M8[s]"))
    window.push([2.0], np.datetime64(1001, "ms"))  # finer times are kept
    assert window.evict(np.datetime64(1000, "ms")) == 1
    assert window.evict(np.datetime64(10**15 + 1, "fs")) == 1
    assert window.evict(np.datetime64(1001, "ms")) == 0
    assert window.evict(np.datetime64("9999-01-01")) == 1
    integers = pysig.SlidingSignature(1, 1)
    integers.push([[0.0], [1.0]], [2**60, 2**60 + 1])
    assert integers.evict(2.5, inclusive=True) == 0
    assert integers.evict(2**60 + 1, include_previous=True) == 0
    assert integers.evict(2**60 + 1) == 1
    floats = pysig.SlidingSignature(1, 1)
    floats.push([[0.0], [1.0], [2.0]], [0, 0.5, 2.0**60])
    assert floats.evict(2**60 + 1) == 3
    floats.push([[0.0], [1.0]], [-0.0, 0.0])
    assert floats.evict(-0.0) == 0
    assert floats.evict(0, inclusive=True) == 2


def test_an_empty_window_takes_other_times():
    window = pysig.SlidingSignature(1, 1)
    assert window.evict(before="whatever") == 0
    window.push([1.0], 5)
    window.pop()
    window.push([[1.0], [3.0]])
    window.reset()
    window.push([2.0], np.datetime64("2020-01-01"))
    window.push(np.empty((0, 1)), np.empty(0, "M8[s]"))
    assert len(window) == 1


def test_what_is_refused_changes_nothing(rng):
    window = pysig.SlidingSignature(2, 2, worst_case=True)
    window.push(rng.standard_normal((5, 2)), range(5))
    before, stored = window.signature(), pickle.dumps(window)
    for call in (
        lambda: window.push(np.zeros((2, 2)), [7, 6]),
        lambda: window.push(np.zeros((2, 2)), [3, 9]),
        lambda: window.push(np.zeros((2, 2))),
        lambda: window.pop(6),
        lambda: window.evict(np.nan),
    ):
        with pytest.raises((ValueError, TypeError)):
            call()
    assert_identical(window.signature(), before)
    assert pickle.dumps(window) == stored


def filled(times=None, **options):
    window = pysig.SlidingSignature(2, 2, **options)
    window.push(np.zeros((3, 2)), times)
    return window


DATES = np.arange(3).astype("M8[s]")


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: pysig.SlidingSignature(0, 2), ValueError, "channels: expected"),
        (lambda: pysig.SlidingSignature(2, 0), ValueError, "depth: expected"),
        (lambda: pysig.SlidingSignature(2, None), TypeError, "depth: expected an integer"),
        (lambda: pysig.SlidingSignature(2.0, 2), TypeError, "channels: expected"),
        (lambda: pysig.SlidingSignature(2, 2, dtype=int), TypeError, "dtype: expected float32"),
        (lambda: pysig.SlidingSignature(2, 2, worst_case=1), TypeError, "worst_case: expected"),
        (lambda: pysig.SlidingSignature(2, 2, capacity=-1), ValueError, "capacity: expected"),
        (lambda: pysig.SlidingSignature(10, 40), MemoryError, "depth"),
        (
            lambda: pysig.SlidingSignature(5, 4, worst_case=True, capacity=2**40),
            MemoryError,
            r"capacity: a window of 1099511627776 points needs \d+ bytes, but only .*"
            "or worst_case=False",
        ),
        (lambda: pysig.SlidingSignature(2, 2, capacity=2**62), MemoryError, "capacity: a window"),
        (lambda: pysig.SlidingSignature(2, 2, capacity=2**70), MemoryError, "capacity: a window"),
        (lambda: filled().push([1.0]), ValueError, r"points: expected .*\(1,\)"),
        (lambda: filled().push(np.zeros((1, 1, 2))), ValueError, "points: expected shape"),
        (lambda: filled().push([1j, 1j]), TypeError, "points: expected"),
        (lambda: filled().push([1.0, 2.0], 1), TypeError, "times: expected None"),
        (
            lambda: filled([1, 2]),
            ValueError,
            r"times: expected shape \(3,\).*\(2,\)",
        ),
        (lambda: filled([[1, 2, 3]]), ValueError, r"times: expected shape \(3,\)"),
        (lambda: filled([1, 3, 2]), ValueError, "times: .*do not decrease.*index 2"),
        (lambda: filled([1, np.nan, 2]), ValueError, "times: expected finite.*index 1"),
        (lambda: filled(["a", "b", "c"]), TypeError, "times: expected numbers"),
        (lambda: filled([1, 2, 3]).push([0, 0]), TypeError, "times: expected a time for each"),
        (
            lambda: filled([1, 2, 3]).push([0, 0], 2),
            ValueError,
            "times: .*do not decrease, received 2.0 after 3.0 in the window",
        ),
        (lambda: filled(DATES).push([0, 0], 5), TypeError, "times: expected datetime64.*numbers"),
        (lambda: filled([1, 2, 3]).push([0, 0], DATES[2]), TypeError, "times: expected numbers"),
        (
            lambda: filled([2**53, 2**53 + 1, 2**53 + 2]).push([0, 0], 0.5),
            ValueError,
            r"times: expected numbers that int64 holds exactly.*0\.5",
        ),
        (
            lambda: filled([0.5, 1, 2]).push([0, 0], 2**53 + 1),
            ValueError,
            "times: expected numbers that float64 holds exactly",
        ),
        (
            lambda: filled(np.array([0, 1, 2], "m8[s]")).push([0, 0], np.timedelta64(2**62, "ps")),
            ValueError,
            "times: expected timedelta64 in units of ns or longer.*ps",
        ),
        (lambda: filled().pop(4), ValueError, "count: expected at most 3.*received 4"),
        (lambda: filled().pop(-1), ValueError, "count: expected"),
        (lambda: filled().pop(1.0), TypeError, "count: expected"),
        (lambda: filled().evict(1), ValueError, "before: expected a window with times"),
        (lambda: filled([1, 2, 3]).evict([1]), ValueError, "before: expected one time"),
        (lambda: filled([1, 2, 3]).evict(None), TypeError, "before: expected"),
        (lambda: filled([1, 2, 3]).evict(np.nan), ValueError, "before: expected finite"),
        (lambda: filled([1, 2, 3]).evict(DATES[0]), TypeError, "before: expected numbers"),
        (lambda: filled(DATES).evict(1), TypeError, "before: expected datetime64"),
        (lambda: filled([1, 2, 3]).evict(1, inclusive=1), TypeError, "inclusive: expected"),
        (
            lambda: filled([1, 2, 3]).evict(1, include_previous=None),
            TypeError,
            "include_previous: expected",
        ),
        (lambda: filled().signature(scalar_term=1), TypeError, "scalar_term"),
        (lambda: filled().logsignature("lyndon"), ValueError, "basis"),
    ],
)
def test_errors_name_the_argument(call, error, says):
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize("worst_case", [False, True])
def test_damaged_pickles_are_refused(worst_case, rng):
    window = pysig.SlidingSignature(2, 2, worst_case=worst_case)
    for _ in range(4):
        window.push(rng.standard_normal((5, 2)), np.ones(5))
        window.pop(2)
    restore, (dtype, form, capacity, data) = window.__reduce__()
    assert_identical(restore(dtype, form, capacity, data).signature(), window.signature())
    for wrong in (b"", data[:8], data[:79], data[:-1], data + b"0", data[:80]):
        with pytest.raises(ValueError, match="bytes: expected"):
            restore(dtype, form, capacity, wrong)
    for position in range(len(data)):
        wrong = bytearray(data)
        wrong[position] ^= 1 << int(rng.integers(8))
        with pytest.raises(ValueError, match="expected"):
            restore(dtype, form, capacity, bytes(wrong))
    with pytest.raises(ValueError, match="bytes: expected reals of 4 bytes"):
        restore("float32", form, capacity, data)
