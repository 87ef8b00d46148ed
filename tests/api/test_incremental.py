"""`pysig.IncrementalSignature`: against the reference, in pieces, copied, stored; errors."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig._reference.signature import signature as reference
from pysig.testing import assert_identical, assert_signatures_close, running_scales

pytestmark = pytest.mark.quick


@st.composite
def pushes(draw):
    channels = draw(st.integers(1, 9))
    depth = draw(st.integers(1, 5 if channels < 4 else 3))
    length = draw(st.integers(1, 30))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    path = rng.standard_normal((length, channels)).cumsum(axis=0) / np.sqrt(length)
    cuts = draw(st.lists(st.integers(0, length), max_size=4))
    return path.astype(dtype), depth, sorted({0, length, *cuts})


@settings(deadline=None, max_examples=60)
@given(pushes())
def test_agrees_with_the_reference_in_any_pieces(case):
    path, depth, cuts = case
    channels = path.shape[1]
    incremental, pieces = (
        pysig.IncrementalSignature(channels, depth, path.dtype) for _ in range(2)
    )
    for point in path:
        incremental.push(point)
    for begin, end in pairwise(cuts):
        pieces.push(path[begin:end])
    assert incremental.points == pieces.points == len(path)
    found = incremental.signature()
    assert found.dtype == path.dtype
    assert_identical(found, pieces.signature())
    assert_signatures_close(
        found, reference(path, depth), channels, depth, scale=running_scales(path, depth)
    )
    assert_identical(incremental.signature(scalar_term=True), np.insert(found, 0, 1))
    for basis in ("words", "brackets", "hall", "expanded"):
        expected = pysig.signature_to_logsignature(found, channels, depth, basis=basis)
        assert_identical(incremental.logsignature(basis), expected)


@settings(deadline=None, max_examples=30)
@given(pushes())
def test_increments_are_steps(case):
    path, depth, _ = case
    channels = path.shape[1]
    by_steps = pysig.IncrementalSignature(channels, depth, path.dtype)
    by_steps.push_increments(np.diff(path, axis=0, prepend=np.zeros_like(path[:1])))
    from_origin = np.concatenate([np.zeros_like(path[:1]), path])
    assert by_steps.points == len(from_origin)
    scale = running_scales(from_origin, depth)
    right = reference(from_origin, depth)
    assert_signatures_close(by_steps.signature(), right, channels, depth, scale=scale)
    # The point where the increments lead is known: a further point is a step from there.
    further = path[-1] + 1
    by_steps.push(further)
    whole = np.concatenate([from_origin, further[None]])
    scale = running_scales(whole, depth)
    assert_signatures_close(
        by_steps.signature(), reference(whole, depth), channels, depth, scale=scale
    )


def test_copies_go_their_own_ways(rng):
    incremental = pysig.IncrementalSignature(2, 3)
    incremental.push(rng.standard_normal((7, 2)))
    before = incremental.signature()
    copies = [incremental.copy(), copy.copy(incremental), copy.deepcopy(incremental)]
    copies.append(pickle.loads(pickle.dumps(incremental)))
    incremental.push([5.0, 6.0])
    assert np.any(incremental.signature() != before)
    for other in copies:
        assert_identical(other.signature(), before)
        assert (other.channels, other.depth, other.dtype, other.points) == (2, 3, np.float64, 7)
        other.push([5.0, 6.0])
        assert_identical(other.signature(), incremental.signature())
    before[:] = 7  # what was returned is the caller's
    assert not np.any(copies[0].signature() == 7)


def test_reset_forgets_everything():
    incremental = pysig.IncrementalSignature(3, 2, np.float32)
    incremental.push(np.ones((4, 3)))
    incremental.push(np.zeros((4, 3)))
    incremental.reset()
    assert incremental.points == 0
    assert_identical(incremental.signature(), np.zeros(12, np.float32))
    incremental.push([[9, 9, 9], [10, 9, 9]])
    assert_identical(incremental.signature()[:3], np.array([1, 0, 0], np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_flows_through(value):
    incremental = pysig.IncrementalSignature(2, 2)
    incremental.push([[0.0, 0.0], [value, 1.0], [1.0, 2.0]])
    found = incremental.signature()
    assert np.isnan(found[0])
    assert found[1] == 2.0
    assert found[5] == 2.0


def test_strided_and_integer_points():
    points = np.arange(24).reshape(4, 6)
    expected = pysig.IncrementalSignature(3, 2)
    expected.push(np.ascontiguousarray(points[:, ::2], dtype=np.float64))
    incremental = pysig.IncrementalSignature(3, 2)
    incremental.push(points[:, ::2])
    assert_identical(incremental.signature(), expected.signature())
    incremental.push(np.empty((0, 3)))
    assert incremental.points == 4


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: pysig.IncrementalSignature(0, 2), ValueError, "channels: expected"),
        (lambda: pysig.IncrementalSignature(2, 0), ValueError, "depth: expected"),
        (lambda: pysig.IncrementalSignature(2.0, 2), TypeError, "channels: expected"),
        (lambda: pysig.IncrementalSignature(2, 2, np.int64), TypeError, "dtype: expected float32"),
        (
            lambda: pysig.IncrementalSignature(2, 2, np.float16),
            TypeError,
            "dtype: expected float32",
        ),
        (lambda: pysig.IncrementalSignature(10, 40), MemoryError, "depth"),
        (
            lambda: pysig.IncrementalSignature(2, 2).push([1.0]),
            ValueError,
            r"points: expected .*\(1,\)",
        ),
        (lambda: pysig.IncrementalSignature(2, 2).push(1.0), ValueError, "points: expected shape"),
        (lambda: pysig.IncrementalSignature(2, 2).push(np.zeros((1, 1, 2))), ValueError, "points"),
        (lambda: pysig.IncrementalSignature(2, 2).push([1j, 1j]), TypeError, "points: expected"),
        (lambda: pysig.IncrementalSignature(2, 2).push_increments([1.0]), ValueError, "increments"),
        (
            lambda: pysig.IncrementalSignature(2, 2).signature(scalar_term=1),
            TypeError,
            "scalar_term",
        ),
        (lambda: pysig.IncrementalSignature(2, 2).logsignature("lyndon"), ValueError, "basis"),
    ],
)
def test_errors_name_the_argument(call, error, says):
    with pytest.raises(error, match=says):
        call()
