"""`pysig.SignatureStream`: against the law and `signature`, in pieces, copied, stored; errors."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig._reference.signature import signature as law
from pysig.testing import assert_identical, assert_signatures_close, running_scales


@st.composite
def cases(draw):
    channels = draw(st.integers(1, 9))
    depth = draw(st.integers(1, 5 if channels < 4 else 3))
    length = draw(st.integers(1, 30))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    path = rng.standard_normal((length, channels)).cumsum(axis=0) / np.sqrt(length)
    cuts = draw(st.lists(st.integers(0, length), max_size=4))
    return path.astype(dtype), depth, sorted({0, length, *cuts})


@settings(deadline=None, max_examples=60)
@given(cases())
def test_it_obeys_the_law_in_any_pieces(case):
    path, depth, cuts = case
    channels = path.shape[1]
    stream, pieces = (pysig.SignatureStream(channels, depth, path.dtype) for _ in range(2))
    for point in path:
        stream.push(point)
    for begin, end in pairwise(cuts):
        pieces.push(path[begin:end])
    assert stream.points == pieces.points == len(path)
    found = stream.signature()
    assert found.dtype == path.dtype
    assert_identical(found, pieces.signature())
    assert_signatures_close(
        found, law(path, depth), channels, depth, scale=running_scales(path, depth)
    )
    assert_identical(stream.signature(scalar_term=True), np.insert(found, 0, 1))
    for basis in ("words", "brackets", "hall", "expanded"):
        expected = pysig.signature_to_logsignature(found, channels, depth, basis=basis)
        assert_identical(stream.logsignature(basis), expected)


@settings(deadline=None, max_examples=30)
@given(cases())
def test_increments_are_steps(case):
    path, depth, _ = case
    channels = path.shape[1]
    by_steps = pysig.SignatureStream(channels, depth, path.dtype)
    by_steps.push_increments(np.diff(path, axis=0, prepend=np.zeros_like(path[:1])))
    from_origin = np.concatenate([np.zeros_like(path[:1]), path])
    assert by_steps.points == len(from_origin)
    scale = running_scales(from_origin, depth)
    right = law(from_origin, depth)
    assert_signatures_close(by_steps.signature(), right, channels, depth, scale=scale)
    # The point where the increments lead is known: a further point is a step from there.
    further = path[-1] + 1
    by_steps.push(further)
    whole = np.concatenate([from_origin, further[None]])
    scale = running_scales(whole, depth)
    assert_signatures_close(by_steps.signature(), law(whole, depth), channels, depth, scale=scale)


def test_copies_go_their_own_ways():
    stream = pysig.SignatureStream(2, 3)
    stream.push(np.random.default_rng().standard_normal((7, 2)))
    before = stream.signature()
    copies = [stream.copy(), copy.copy(stream), copy.deepcopy(stream)]
    copies.append(pickle.loads(pickle.dumps(stream)))
    stream.push([5.0, 6.0])
    assert np.any(stream.signature() != before)
    for other in copies:
        assert_identical(other.signature(), before)
        assert (other.channels, other.depth, other.dtype, other.points) == (2, 3, np.float64, 7)
        other.push([5.0, 6.0])
        assert_identical(other.signature(), stream.signature())
    before[:] = 7  # what was returned is the caller's
    assert not np.any(copies[0].signature() == 7)


def test_reset_forgets_everything():
    stream = pysig.SignatureStream(3, 2, np.float32)
    stream.push(np.ones((4, 3)))
    stream.push(np.zeros((4, 3)))
    stream.reset()
    assert stream.points == 0
    assert_identical(stream.signature(), np.zeros(12, np.float32))
    stream.push([[9, 9, 9], [10, 9, 9]])
    assert_identical(stream.signature()[:3], np.array([1, 0, 0], np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_flows_through(value):
    stream = pysig.SignatureStream(2, 2)
    stream.push([[0.0, 0.0], [value, 1.0], [1.0, 2.0]])
    found = stream.signature()
    assert np.isnan(found[0])
    assert found[1] == 2.0
    assert found[5] == 2.0


def test_strided_and_integer_points():
    points = np.arange(24).reshape(4, 6)
    expected = pysig.SignatureStream(3, 2)
    expected.push(np.ascontiguousarray(points[:, ::2], dtype=np.float64))
    stream = pysig.SignatureStream(3, 2)
    stream.push(points[:, ::2])
    assert_identical(stream.signature(), expected.signature())
    stream.push(np.empty((0, 3)))
    assert stream.points == 4


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: pysig.SignatureStream(0, 2), ValueError, "channels: expected"),
        (lambda: pysig.SignatureStream(2, 0), ValueError, "depth: expected"),
        (lambda: pysig.SignatureStream(2.0, 2), TypeError, "channels: expected"),
        (lambda: pysig.SignatureStream(2, 2, np.int64), TypeError, "dtype: expected float32"),
        (lambda: pysig.SignatureStream(2, 2, np.float16), TypeError, "dtype: expected float32"),
        (lambda: pysig.SignatureStream(10, 40), MemoryError, "depth"),
        (lambda: pysig.SignatureStream(2, 2).push([1.0]), ValueError, r"points: expected .*\(1,\)"),
        (lambda: pysig.SignatureStream(2, 2).push(1.0), ValueError, "points: expected shape"),
        (lambda: pysig.SignatureStream(2, 2).push(np.zeros((1, 1, 2))), ValueError, "points"),
        (lambda: pysig.SignatureStream(2, 2).push([1j, 1j]), TypeError, "points: expected"),
        (lambda: pysig.SignatureStream(2, 2).push_increments([1.0]), ValueError, "increments"),
        (lambda: pysig.SignatureStream(2, 2).signature(scalar_term=1), TypeError, "scalar_term"),
        (lambda: pysig.SignatureStream(2, 2).logsignature("lyndon"), ValueError, "basis"),
    ],
)
def test_errors_name_the_argument(call, error, says):
    with pytest.raises(error, match=says):
        call()
