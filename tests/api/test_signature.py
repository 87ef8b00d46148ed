"""`pysig.signature` against the reference: random shapes, memory layouts, dtypes, options."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pysig
from pysig._reference.signature import signature as float_reference
from pysig.testing import assert_signatures_close, running_scales
from support import antipode, generator, misaligned, on_device, on_host, read_only

METHODS = ["tile", "cumsum", "auto"]
DTYPES = [np.float32, np.float64]
CHANNELS = [*range(1, 15), 17, 40]
MAX_COEFFICIENTS = 3000
# On a GPU every size is a kernel of its own, and compiling takes seconds: few sizes, which reach
# every shape of tile.
GPU_SIZES = [(1, 3), (2, 1), (2, 3), (2, 8), (3, 4), (4, 4), (5, 3), (7, 2), (11, 2), (40, 1)]


def depths(channels, most=MAX_COEFFICIENTS):
    """Depths up to 12 whose signatures are small enough for the reference; always the first two."""
    return [n for n in range(1, 13) if n <= 2 or pysig.signature_size(channels, n) <= most]


SIZES = [(d, n) for d in CHANNELS for n in depths(d)]


def check_path(actual, path, depth, *, stream=False, inverse=False, scalar_term=False, **options):
    """Compare with the reference; the tolerance of a row is relative to its running maximum.

    Inverses by the antipode: the series of the reference loses digits in floating point, and for an
    `initial` that was rounded it is another number. Exactly they agree (test_reference.py). One
    channel is computed from its end points, without an error that grows along the path as that of
    the reference does, so there the reference is exact.
    """
    channels = path.shape[-1]
    reference = exact_reference if channels == 1 else float_reference
    options["scalar_term"] = scalar_term
    for name in ("initial", "basepoint"):
        if isinstance(options.get(name), np.ndarray):
            options[name] = options[name].astype(np.float64)
    prefixes = reference(path, depth, stream=True, **options)
    if stream:
        expected = prefixes
    else:  # of a single point there are no prefixes
        expected = prefixes[..., -1, :] if prefixes.shape[-2] else reference(path, depth, **options)
    if inverse:
        expected = antipode(expected, channels, depth, scalar_term)
    scales = running_scales(path, depth, stream=stream, prefixes=prefixes, **options)
    assert_signatures_close(
        actual, expected, channels, depth, scale=scales, scalar_term=scalar_term
    )


def exact_reference(path, depth, **options):
    """The reference in fractions, rounded at the end; NaN, which follows the end, becomes zero."""

    def exact(values):
        return np.vectorize(Fraction, otypes=[object])(np.nan_to_num(values))

    for name in ("initial", "basepoint"):
        if isinstance(options.get(name), np.ndarray):
            options[name] = exact(options[name]) if options[name].size else options[name]
    path = exact(path) if path.size else path
    return float_reference(path, depth, **options).astype(np.float64)


def random_walk(rng, shape, dtype=np.float64, size=1.0):
    """A random walk that ends about `size` away, so that every level has weight."""
    steps = rng.standard_normal(shape) * (size / np.sqrt(max(1, shape[-2])))
    return steps.cumsum(axis=-2).astype(dtype)


# What is made on the host, and the view of it that has the values of the path: strides of every
# kind, on every device.
VIEWS = {
    "contiguous": (lambda p: p, lambda a: a),
    "backwards in time": (lambda p: p[..., ::-1, :], lambda a: a[..., ::-1, :]),
    "backwards in channels": (lambda p: p[..., ::-1], lambda a: a[..., ::-1]),
    "every other point": (lambda p: p.repeat(2, axis=-2), lambda a: a[..., ::2, :]),
    "every third channel": (lambda p: p.repeat(3, axis=-1), lambda a: a[..., 1::3]),
    "channels first": (
        lambda p: np.moveaxis(p, -1, 0),
        lambda a: a.transpose(*range(1, a.ndim), 0),
    ),
    "time first": (
        lambda p: np.moveaxis(p, -2, 0),
        lambda a: a.transpose(*range(1, a.ndim - 1), 0, a.ndim - 1),
    ),
}


def field(p):
    records = np.zeros(p.shape, [("flag", "u1"), ("value", p.dtype)])
    records["value"] = p
    return records["value"]


# What only NumPy has.
HOST_FORMS = {
    "fortran": np.asfortranarray,
    "read-only": read_only,
    "byte-swapped": lambda p: p.astype(p.dtype.newbyteorder()),
    "misaligned": misaligned,
    "field of records": field,
    "list": lambda p: p.tolist() if p.size and p.dtype == np.float64 else p,
}


def lay_out(xp, path, form):
    """The path on the device of `xp`, in that form."""
    if form in HOST_FORMS:
        assert xp is np
        return HOST_FORMS[form](path)
    make, view = VIEWS[form]
    return view(xp.asarray(np.ascontiguousarray(make(path))))


def out_array(xp, shape, dtype, form):
    """An array to write into, and the larger array around it, all of which is 7."""
    if form == "strided":
        around = xp.full((*shape[:-1], 2 * shape[-1] + 1), 7, dtype)
        return around[..., 1::2], around
    if form == "backwards":
        around = xp.full(shape, 7, dtype)
        return around[..., ::-1], around
    around = xp.full(shape, 7, dtype)
    return around, around


@st.composite
def signature_cases(draw, on_gpu):
    """A path and how to call: (path, depth, form, out form, method, workers, options)."""
    channels, depth = draw(st.sampled_from(GPU_SIZES if on_gpu else SIZES))
    dtype = draw(st.sampled_from(DTYPES))
    batch = tuple(
        draw(
            st.one_of(
                st.just(()),
                st.tuples(st.integers(0, 20)),
                st.tuples(st.integers(0, 4), st.integers(0, 5)),
                st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 3)),
            )
        )
    )
    long = 40 if on_gpu or np.prod(batch) > 3 else 300
    length = draw(st.one_of(st.integers(1, 12), st.integers(1, long)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    path = random_walk(rng, (*batch, length, channels), dtype, draw(st.sampled_from([0.5, 1, 2])))
    if draw(st.booleans()):
        path += dtype(100) * rng.standard_normal(channels).astype(dtype)  # far from zero
    options = {name: draw(st.booleans()) for name in ("stream", "inverse", "scalar_term")}
    kind = draw(st.sampled_from(["none", "none", "true", "one", "each"]))
    if kind == "true":
        options["basepoint"] = True
        path = path - path[..., :1, :] + dtype(0.1)  # or level n would be about 100**n / n!
    elif kind != "none":
        shape = (channels,) if kind == "one" else (*batch, channels)
        center = path.reshape(-1, channels).mean(axis=0) if path.size else 0
        options["basepoint"] = (center + random_walk(rng, (1, *shape))[0]).astype(dtype)
    if draw(st.booleans()):
        before = random_walk(rng, (*batch, 4, channels))
        start = float_reference(before, depth, scalar_term=options["scalar_term"]).astype(dtype)
        options["initial"] = start
    if draw(st.booleans()):
        lengths = rng.integers(1, length + 1, batch)
        for index in np.ndindex(*batch):
            path[index][lengths[index] :] = np.nan  # is not to be read
        options["lengths"] = np.asarray(lengths)
    form = draw(st.sampled_from([*VIEWS, *([] if on_gpu else HOST_FORMS)]))
    out = draw(st.sampled_from([None, None, "plain", "strided", "backwards"]))
    method, workers = draw(st.sampled_from(METHODS)), draw(st.sampled_from([None, 1, 2, 3]))
    return path, depth, form, out, method, workers, options


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_random_cases(xp, data):
    path, depth, form, out, method, workers, options = data.draw(signature_cases(xp is not np))
    x = lay_out(xp, path, form)
    stored = path.copy()
    given_options = {name: on_device(xp, value) for name, value in options.items()}
    call = {"method": method, "workers": workers, **given_options}
    if out is None:
        result = pysig.signature(x, depth, **call)
    else:
        rows = (path.shape[-2] - 1 + ("basepoint" in options),) if options["stream"] else ()
        size = pysig.signature_size(path.shape[-1], depth, options["scalar_term"])
        target, around = out_array(xp, (*path.shape[:-2], *rows, size), path.dtype, out)
        result = pysig.signature(x, depth, out=target, **call)
        assert result is target
        if out == "strided":
            assert (on_host(around)[..., ::2] == 7).all()
    assert isinstance(result, xp.ndarray)
    assert result.dtype == path.dtype
    check_path(result, path, depth, **options)
    np.testing.assert_array_equal(path, stored)  # inputs are as they were


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", CHANNELS)
def test_every_size(channels, dtype, rng):
    """All channels with all depths, batches around the number of lanes."""
    for depth in depths(channels):
        path = random_walk(
            rng, (int(rng.integers(1, 21)), int(rng.integers(2, 12)), channels), dtype
        )
        for method in ("tile", "cumsum"):
            check_path(pysig.signature(path, depth, method=method), path, depth)


@pytest.mark.quick
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stream", [False, True])
def test_every_batch_size_around_the_lanes(dtype, stream, rng):
    whole = random_walk(rng, (20, 9, 3), dtype)
    expected = float_reference(whole, 3, stream=stream)
    scales = running_scales(whole, 3, stream=stream)
    for method, batch in itertools.product(METHODS, range(1, 21)):
        result = pysig.signature(whole[:batch], 3, method=method, stream=stream)
        assert_signatures_close(result, expected[:batch], 3, 3, scale=scales[:batch])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("batch", "length", "channels", "depth"),
    [
        (1, 2500, 2, 6),
        (1, 1200, 5, 3),
        (1, 700, 3, 5),
        (2, 777, 2, 10),
        (3, 401, 4, 4),
        (5, 200, 7, 2),
        (1, 1500, 1, 6),
        (2, 500, 1, 12),
        (1, 900, 17, 2),
        (1, 1025, 40, 1),
    ],
)
def test_long_paths_cross_blocks_and_chunks(batch, length, channels, depth, dtype):
    rng = generator(f"long paths {batch} {length} {channels} {depth} {np.dtype(dtype).name}")
    path = random_walk(rng, (batch, length, channels), dtype)
    lengths = rng.integers(length // 2, length + 1, batch)
    start = float_reference(random_walk(rng, (batch, 4, channels)), depth).astype(dtype)
    for method in ("tile", "cumsum"):
        result = pysig.signature(path, depth, method=method, workers=2)
        check_path(result, path, depth)
        options = {"basepoint": True, "lengths": lengths, "initial": start, "inverse": True}
        result = pysig.signature(path, depth, method=method, **options)
        check_path(result, path, depth, **options)
    check_path(pysig.signature(path, depth, stream=True), path, depth, stream=True)


def test_a_row_smaller_than_its_terms():
    """The rounding error of a row is relative to the terms at all cuts before it.

    In row 563 of this walk level 8 is small: its terms cancel between early cuts, which the scale
    of all rows does not consider. The scale of the path that ends there does.
    """
    path = random_walk(np.random.default_rng([3289013305, 0]), (2, 777, 2), np.float32)[1]
    row = pysig.signature(path, 10, stream=True)[563]
    whole = path[:565].astype(np.float64)
    narrow = running_scales(whole, 10, stream=True)[563]
    scales = running_scales(whole, 10)
    assert scales[7] > 100 * narrow[7]
    expected = float_reference(whole, 10)
    assert_signatures_close(row, expected, 2, 10, scale=scales)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("channels", "depth"), [(2, 12), (3, 8), (4, 6), (5, 5), (6, 5), (7, 4)])
def test_joins_of_chunks(channels, depth, dtype, rng):
    """Large products: rows of all lengths, and levels that are made in several parts."""
    path = random_walk(rng, (1, 300, channels), dtype)
    check_path(pysig.signature(path, depth), path, depth)


@pytest.mark.parametrize("channels", range(2, 9))
def test_joins_keep_what_is_not_finite_to_its_words(channels, rng):
    depth = 6 if channels < 5 else 4
    path = random_walk(rng, (1, 300, channels))
    path[0, 137, 0] = np.nan
    seen = np.array([0 in word for word in pysig.words(channels, depth)])
    assert np.array_equal(np.isnan(pysig.signature(path, depth)[0]), seen)


OPTIONS = {
    "stream": True,
    "basepoint": True,
    "initial": True,
    "inverse": True,
    "scalar_term": True,
    "lengths": True,
}


@pytest.mark.parametrize("method", ["tile", "cumsum"])
@pytest.mark.parametrize(("channels", "depth"), [(1, 3), (2, 8), (3, 4), (11, 2)])
def test_every_combination_of_options(xp, method, channels, depth, rng):
    """All 64, so that no pair waits for Hypothesis to meet it."""
    path = random_walk(rng, (3, 7, channels))
    base = random_walk(rng, (3, 1, channels))[:, 0]
    before = random_walk(rng, (3, 4, channels))
    for chosen in itertools.product([False, True], repeat=len(OPTIONS)):
        on = dict(zip(OPTIONS, chosen, strict=True))
        options = {name: on[name] for name in ("stream", "inverse", "scalar_term")}
        if on["basepoint"]:
            options["basepoint"] = base
        if on["initial"]:
            options["initial"] = float_reference(before, depth, scalar_term=on["scalar_term"])
        if on["lengths"]:
            options["lengths"] = np.array([1, 7, 4])
        device = {name: on_device(xp, value) for name, value in options.items()}
        result = pysig.signature(xp.asarray(path), depth, method=method, **device)
        check_path(result, path, depth, **options)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batch", [(), (2,), (0,), (3, 0), (0, 2, 1)])
@pytest.mark.parametrize("scalar_term", [False, True])
def test_a_path_of_one_point_has_the_trivial_signature(xp, method, batch, scalar_term):
    path = xp.asarray(np.full((*batch, 1, 3), 5.0))
    options = {"method": method, "scalar_term": scalar_term}
    result = on_host(pysig.signature(path, 2, **options))
    assert result.shape == (*batch, 12 + scalar_term)
    np.testing.assert_array_equal(result[..., scalar_term:], 0)
    np.testing.assert_array_equal(result[..., :scalar_term], 1)
    assert pysig.signature(path, 2, stream=True, **options).shape == (*batch, 0, 12 + scalar_term)
    with_base = on_host(pysig.signature(path, 2, stream=True, basepoint=True, **options))
    assert with_base.shape == (*batch, 1, 12 + scalar_term)
    assert (with_base[..., scalar_term:] == np.array([5.0] * 3 + [12.5] * 9)).all()


@pytest.mark.parametrize(("channels", "depth"), [(2, 3), (10, 5), (10, 8)])
def test_an_empty_batch_has_rows_of_the_right_width(channels, depth):
    size = pysig.signature_size(channels, depth)
    assert pysig.signature(np.zeros((0, 5, channels)), depth).shape == (0, size)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64, np.bool_])
def test_integers_become_float64(xp, dtype, rng):
    path = rng.integers(0, 2, (2, 6, 2)).astype(dtype)
    result = pysig.signature(xp.asarray(path), 3)
    assert result.dtype == np.float64
    check_path(result, path.astype(np.float64), 3)
    if xp is np:
        check_path(pysig.signature(path.tolist(), 3), path.astype(np.float64), 3)


@pytest.mark.quick
def test_options_may_be_lists_and_broadcast(rng):
    path = random_walk(rng, (2, 3, 5, 2))
    result = pysig.signature(path, 2, basepoint=[0, 1], lengths=[1, 5, 3], initial=[0] * 6)
    options = {"basepoint": np.array([0.0, 1.0]), "lengths": np.array([1, 5, 3])}
    check_path(result, path, 2, **options)
    check_path(pysig.signature(path, 2, lengths=4), path, 2, lengths=np.array(4))
    check_path(pysig.signature(path, 2, lengths=[[2], [3]]), path, 2, lengths=np.array([[2], [3]]))
    check_path(pysig.signature(path[0, 0], 2, lengths=np.int8(4)), path[0, 0], 2, lengths=4)


def test_options_take_the_dtype_of_the_path(rng):
    path = random_walk(rng, (5, 2), np.float32)
    options = {"basepoint": np.array([0.1, 0.2]), "initial": np.linspace(0, 1, 6)}
    result = pysig.signature(path, 2, **options)
    assert result.dtype == np.float32
    check_path(result, path, 2, **options)
    check_path(pysig.signature(path, np.int16(2)), path, 2)


def test_a_path_broadcast_over_the_batch_is_read_in_place(rng):
    one = random_walk(rng, (9, 3))
    many = np.broadcast_to(one, (4, 5, 9, 3))
    np.testing.assert_array_equal(
        pysig.signature(many, 3, method="tile")[3, 4], pysig.signature(many, 3, method="tile")[0, 0]
    )
    check_path(pysig.signature(many, 3), many, 3)


def test_subclasses_and_buffers_give_plain_arrays(tmp_path, rng):
    path = random_walk(rng, (2, 5, 3))
    file = np.memmap(tmp_path / "path.bin", path.dtype, "w+", shape=path.shape)
    file[...] = path
    out = np.memmap(tmp_path / "out.bin", path.dtype, "w+", shape=(2, 39))
    assert pysig.signature(file, 3, out=out) is out
    check_path(np.asarray(out), path, 3)
    assert type(pysig.signature(file, 3)) is np.ndarray
    check_path(pysig.signature(memoryview(path), 3), path, 3)


@pytest.mark.quick
def test_tiny_and_huge_numbers_keep_their_digits(rng):
    """Every level scales with a power of the path: powers of two change no digit."""
    path = random_walk(rng, (3, 20, 2))
    plain = pysig.signature(path, 4, method="tile")
    for exponent in (-200, 200):
        factor = 2.0**exponent
        scaled = pysig.signature(path * factor, 4, method="tile")
        for level, part in enumerate([slice(0, 2), slice(2, 6), slice(6, 14), slice(14, 30)], 1):
            np.testing.assert_array_equal(scaled[:, part], plain[:, part] * factor**level)


@pytest.mark.sweep
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("channels", "depth"), [(2, 4), (3, 3)])
def test_a_hundred_thousand_points(channels, depth, dtype, rng):
    path = random_walk(rng, (1, 100_000, channels), dtype)
    for method in ("tile", "cumsum"):
        check_path(pysig.signature(path, depth, method=method), path, depth)


@pytest.mark.sweep
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("channels", "depth"),
    [
        (2, 14),
        (2, 16),
        (3, 10),
        (4, 8),
        (5, 7),
        (7, 6),
        (9, 5),
        (13, 4),
        (40, 3),
        (100, 2),
        (300, 2),
    ],
)
def test_large_signatures(channels, depth, dtype, rng):
    for batch, method in itertools.product((1, 3), ("tile", "cumsum")):
        path = random_walk(rng, (batch, 7, channels), dtype)
        check_path(pysig.signature(path, depth, method=method, workers=2), path, depth)


@pytest.mark.sweep
@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=signature_cases(on_gpu=False))
def test_many_random_cases(case):
    path, depth, form, _, method, workers, options = case
    x = lay_out(np, path, form)
    check_path(
        pysig.signature(x, depth, method=method, workers=workers, **options), path, depth, **options
    )
