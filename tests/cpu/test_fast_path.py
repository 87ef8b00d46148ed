"""Calls without options, which the extension checks (pysig/_api/_fast_path.py): the same bits as by
the checks in Python, and the same errors.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig._api import _memory
from pysig._api._fast_path import fast_call_into
from pysig._api._gradients import MAX_SINGLE_STEPS
from pysig._cpu import (
    fast_logsignature,
    fast_signature,
    fast_signature_jvp,
    fast_signature_vjp,
)
from pysig._plans import basis_tables
from pysig.testing import assert_identical
from support import misaligned, read_only

pytestmark = pytest.mark.quick

BASES = ("expanded", "words", "brackets", "hall")
NAMES = ("signature", "signature_jvp", "signature_vjp", *BASES)
# An option at its default, which the extension does not take for one.
CHECKED = {"stream": np.False_}


def call(name, path, depth, other, **options):
    """The public function, or `logsignature` in the basis `name`."""
    if name in BASES:
        return pysig.logsignature(path, depth, basis=name, **options)
    arguments = () if name == "signature" else (other,)
    return getattr(pysig, name)(path, depth, *arguments, **options)


def in_extension(name, path, depth, other, workers=1, limit=2**20):
    """What the extension says to the call: None if it does not take it."""
    if name == "signature":
        return fast_signature(path, depth, workers, limit)
    if name == "signature_jvp":
        return fast_signature_jvp(path, depth, other, workers, limit)
    if name == "signature_vjp":
        return fast_signature_vjp(path, depth, other, MAX_SINGLE_STEPS, workers, limit)
    return fast_logsignature(path, depth, name, workers, limit)


def companion(rng, name, path, depth):
    """A tangent or cotangent."""
    shape = path.shape
    if name == "signature_vjp":
        shape = (*path.shape[:-2], pysig.signature_size(path.shape[-1], depth))
    return rng.standard_normal(shape).astype(path.dtype)


STRIDED = {
    "contiguous": lambda a: a,
    "fortran": np.asfortranarray,
    "backwards": lambda a: np.ascontiguousarray(a[..., ::-1, ::-1])[..., ::-1, ::-1],
    "every third": lambda a: a.repeat(3, axis=-1)[..., 1::3],
    "every other point": lambda a: a.repeat(2, axis=-2)[..., ::2, :],
    "broadcast": lambda a: np.broadcast_to(a[..., :1, :], a.shape),
    "read-only": read_only,
}


@st.composite
def fast_calls(draw):
    name = draw(st.sampled_from(NAMES))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    channels = draw(st.integers(1, 5))
    depth = draw(st.integers(1, {1: 9, 2: 6, 3: 4}.get(channels, 3)))
    batch = draw(st.sampled_from([(), (0,), (1,), (3,), (17,), (40,)]))
    length = draw(st.sampled_from([1, 2, 3, 8, 33, 300]))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    path = rng.standard_normal((*batch, length, channels)).cumsum(axis=-2).astype(dtype)
    if path.size and draw(st.integers(0, 9)) == 0:
        # NumPy, which computes the derivatives of one channel, warns of infinity.
        path.flat[rng.integers(path.size)] = np.nan if channels == 1 else np.inf
    other = companion(rng, name, path, depth)
    if name == "signature_jvp":
        other = STRIDED[draw(st.sampled_from(sorted(STRIDED)))](other)
    path = STRIDED[draw(st.sampled_from(sorted(STRIDED)))](path)
    return name, path, depth, other, draw(st.sampled_from([None, 1, 2, 7]))


@settings(deadline=None)
@given(fast_calls())
def test_the_same_bits_as_by_the_checks_in_python(drawn):
    name, path, depth, other, workers = drawn
    expected = call(name, path, depth, other, **CHECKED)
    taken = in_extension(name, path, depth, other, 2)
    assert (taken is None) == (path.shape[-1] == 1 and name in ("signature_jvp", "signature_vjp"))
    for result in (call(name, path, depth, other, workers=workers), taken):
        if result is not None:
            assert_identical(result, expected)
            assert type(result) is np.ndarray
            assert result.flags.c_contiguous
            assert result.flags.writeable


class Subclass(np.ndarray):
    pass


def field_of_records(array):
    """Strides that are not multiples of the item size."""
    records = np.zeros(array.shape, [("flag", "u4"), ("value", array.dtype)])
    records["value"] = array
    return records["value"]


OTHERS = {
    "list": lambda a: a.tolist(),
    "subclass": lambda a: a.view(Subclass),
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "misaligned": misaligned,
    "field of records": field_of_records,
    "integers": lambda a: a.astype(np.int64),
}


@pytest.mark.parametrize("form", OTHERS)
@pytest.mark.parametrize("name", NAMES)
def test_other_arrays_are_left_to_python(name, form, rng):
    path = np.round(10 * rng.standard_normal((4, 6, 3)))
    other = np.round(10 * companion(rng, name, path, 2))
    expected = call(name, path, 2, other, **CHECKED)
    strange = OTHERS[form](path)
    assert in_extension(name, strange, 2, other) is None
    assert_identical(call(name, strange, 2, other), expected)
    if name in ("signature_jvp", "signature_vjp"):
        strange = OTHERS[form](other)
        assert in_extension(name, path, 2, strange) is None
        assert_identical(call(name, path, 2, strange), expected)


@pytest.mark.parametrize(
    "cotangent",
    [
        np.ones(12),  # broadcasts
        np.ones((1, 12)),
        np.ones((4, 12), np.float32),
        np.ones((4, 24))[:, ::2],
        np.broadcast_to(np.ones(12), (4, 12)),
    ],
    ids=["one", "one row", "float32", "strided", "broadcast"],
)
def test_other_cotangents_are_left_to_python(cotangent, rng):
    path = rng.standard_normal((4, 6, 3))
    assert in_extension("signature_vjp", path, 2, cotangent) is None
    assert_identical(
        pysig.signature_vjp(path, 2, cotangent), pysig.signature_vjp(path, 2, np.ones((4, 12)))
    )


@pytest.mark.parametrize("tangent", [np.ones(3), np.ones((4, 1, 3)), np.ones((4, 6, 3), "f4")])
def test_other_tangents_are_left_to_python(tangent, rng):
    path = rng.standard_normal((4, 6, 3))
    assert in_extension("signature_jvp", path, 2, tangent) is None
    assert_identical(
        pysig.signature_jvp(path, 2, tangent), pysig.signature_jvp(path, 2, np.ones((4, 6, 3)))
    )


def test_gradients_of_long_paths_of_float32_are_left_to_python(rng):
    for length, taken in [(MAX_SINGLE_STEPS, True), (MAX_SINGLE_STEPS + 1, False)]:
        path = rng.standard_normal((length, 2)).astype(np.float32)
        cotangent = np.ones(6, np.float32)
        assert (in_extension("signature_vjp", path, 2, cotangent) is not None) == taken
        for dtype in (np.float32, np.float64):
            arguments = path.astype(dtype), 2, cotangent.astype(dtype)
            assert_identical(
                pysig.signature_vjp(*arguments), pysig.signature_vjp(*arguments, **CHECKED)
            )


def error_of(name, path, depth, other, **options):
    with pytest.raises((TypeError, ValueError, MemoryError)) as caught:
        call(name, path, depth, other, **options)
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize(
    ("path", "depth"),
    [
        (np.zeros(3), 2),
        (np.zeros((0, 2)), 2),
        (np.zeros((2, 0)), 2),
        (np.zeros((2, 3, 2), complex), 2),
        (np.zeros((3, 2), np.float16), 2),
        (np.zeros((3, 2), "V0"), 2),
        (np.full((3, 2), "x", object), 2),
        (np.ma.masked_array(np.zeros((3, 2)), mask=True), 2),
        (np.zeros((3, 2)), 0),
        (np.zeros((3, 2)), -1),
        (np.zeros((3, 2)), 2.0),
        (np.zeros((3, 2)), True),
        (np.zeros((3, 2)), None),
        (np.zeros((3, 2)), 10**9),
        (np.zeros((0, 3, 2)), 10**30),
        (np.zeros((3, 10)), 30),  # whose tables would take more than any memory
        (None, 2),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_errors_as_by_the_checks_in_python(monkeypatch, name, path, depth):
    monkeypatch.setattr(_memory, "available_memory", lambda backend: 2**34)
    assert in_extension(name, path, depth, np.zeros(6), 1, 2**24) is None
    assert error_of(name, path, depth, np.zeros(6)) == error_of(
        name, path, depth, np.zeros(6), **CHECKED
    )


@pytest.mark.parametrize("other", [np.zeros(5), np.zeros((2, 6), complex), np.zeros((3, 3)), "x"])
@pytest.mark.parametrize("name", ["signature_jvp", "signature_vjp"])
def test_the_same_errors_of_tangents(name, other):
    path = np.zeros((3, 2))
    assert in_extension(name, path, 2, other) is None
    assert error_of(name, path, 2, other) == error_of(name, path, 2, other, **CHECKED)


@pytest.mark.parametrize(
    "options",
    [
        {"workers": 0},
        {"workers": True},
        {"workers": 1.5},
        {"method": "til"},
        {"method": np.array(["auto", "tile"])},
        {"stream": 0},
        {"inverse": None},
        {"basepoint": "x"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_errors_of_options(name, options, rng):
    path = np.zeros((3, 2))
    other = companion(rng, name, path, 2)
    kind, message = error_of(name, path, 2, other, **options)
    assert issubclass(kind, (TypeError, ValueError))
    assert message.startswith(f"{next(iter(options))}: ")


@pytest.mark.parametrize("basis", ["word", None, ["words"], np.array(["words", "hall"])])
def test_the_same_errors_of_bases(basis):
    error = ValueError if isinstance(basis, str) else TypeError
    with pytest.raises(error, match=r"^basis: expected one of"):
        pysig.logsignature(np.zeros((3, 2)), 2, basis=basis)


@pytest.mark.parametrize("name", NAMES)
def test_what_signatures_take_is_limited(monkeypatch, name, rng):
    """By `limit`, whatever the result takes, and by the memory, as the checks in Python say."""
    path = np.zeros((9, 5, 3))
    other = companion(rng, name, path, 5)
    needed = 9 * pysig.signature_size(3, 5) * 8
    assert in_extension(name, path, 5, other, 1, needed) is not None
    assert in_extension(name, path, 5, other, 1, needed - 1) is None
    path, other = path.repeat(5, axis=0), other.repeat(5, axis=0)
    assert 5 * needed > 2**16
    monkeypatch.setattr(_memory, "available_memory", lambda backend: 5 * needed - 1)
    monkeypatch.setattr(_memory, "SMALL_RESULT_BYTES", 0)
    if name in BASES[1:]:  # slices of the batch, whose signatures are never there together
        assert_identical(call(name, path, 5, other), call(name, path, 5, other, **CHECKED))
    else:
        assert error_of(name, path, 5, other)[0] is MemoryError
        assert error_of(name, path, 5, other) == error_of(name, path, 5, other, **CHECKED)


@pytest.mark.parametrize("name", NAMES)
def test_without_workers_only_little_work_is_done(name, rng):
    for length, taken in [(3, True), (30_000, False)]:
        path = rng.standard_normal((length, 2))
        other = companion(rng, name, path, 2)
        assert (in_extension(name, path, 2, other, 0) is not None) == taken


def test_tables_that_do_not_fit_say_so(monkeypatch):
    def full(*arguments):
        raise MemoryError("basis: the tables do not fit")

    monkeypatch.setattr(basis_tables, "conversion_steps", full)
    with pytest.raises(MemoryError, match="the tables do not fit"):
        pysig.logsignature(np.zeros((3, 2)), 13, basis="hall")


@pytest.mark.parametrize("name", NAMES)
def test_calls_from_many_threads_at_once(name, rng):
    paths = [rng.standard_normal((batch, 20, 3)) for batch in (1, 3, 200)]
    jobs = [(name, path, 3, companion(rng, name, path, 3)) for path in paths]
    alone = [call(*job, **CHECKED) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda k: call(*jobs[k % 3], workers=1 + k % 2), range(60))
        for k, result in enumerate(found):
            assert_identical(result, alone[k % 3])


# ---- out ----


def into(out, path, depth, **options):
    given = {"method": "auto", "workers": None, **options}
    return fast_call_into(out, fast_signature, given["method"], given["workers"], path, depth)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 2), (3, 5, 2), (2, 3, 4, 1), (0, 5, 2), (1, 3)])
def test_an_out_takes_the_same_bits(shape, dtype):
    path = np.random.default_rng(0).normal(size=shape).astype(dtype)
    expected = pysig.signature(path, 3, **CHECKED)
    out = np.full_like(expected, 7)
    if fast_signature(path, 3, 1, 2**20) is None:
        assert path.ndim > 3
        assert into(out, path, 3) is None
    else:
        assert into(out, path, 3) is out
        assert_identical(out, expected)
    out[...] = 7
    assert pysig.signature(path, 3, out=out) is out
    assert_identical(out, expected)


def test_an_out_that_needs_checks_is_left_to_them():
    path = np.random.default_rng(0).normal(size=(3, 5, 2))
    block = np.zeros((3, 28))
    memory = np.zeros(100)
    own = memory[:30].reshape(3, 5, 2)
    large = np.zeros((3000, 5, 2))
    for out, points, depth in [
        (None, path, 3),
        (block[:, ::2], path, 3),
        (read_only(np.zeros((3, 14))), path, 3),
        (misaligned(np.zeros((3, 14))), path, 3),
        (np.zeros((3, 14), np.float32), path, 3),
        (np.zeros((3, 14), ">f8"), path, 3),
        (np.zeros((3, 14)).view(np.matrix), path, 3),
        (np.zeros((3, 13)), path, 3),
        (np.zeros((3, 14)), path.tolist(), 3),
        (np.zeros((3, 14)), path, np.int64(3)),
        (np.zeros((3, 14)), path, 0),
        (np.zeros((3, 14)), path, 10**9),
        (np.zeros(14), path[0, 0], 3),
        (memory[29:71].reshape(3, 14), own, 3),
        (np.zeros((3000, 14)), large, 3),
    ]:
        before = None if out is None else np.array(out)
        assert into(out, points, depth) is None
        assert out is None or np.array_equal(out, before)
    assert into(np.zeros((3, 14)), path, 3, method="tile") is None
    assert into(np.zeros((3, 14)), path, 3, workers=-1) is None
