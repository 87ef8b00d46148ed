"""`pysig.signature_vjp` of CuPy arrays by tiles against the reference and the CPU: every option,
every cut of a path."""

from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pysig
from pysig._gpu import schedule, signature_vjp_tile
from pysig._reference.signature import signature_cotangents as reference
from support import assert_close as close_within
from support import on_device, parts

RTOL = {"float32": 1e-5, "float64": 1e-12}
assert_close = partial(close_within, rtol=RTOL)
# One and several tiles; prefixes of 0 to 4 letters; the last 2 to 4 letters; blocks of first
# letters, with and without overhang.
SIZES = [(2, 2), (2, 4), (2, 8), (3, 3), (3, 4), (4, 4), (5, 3), (7, 2), (11, 2)]
SETTINGS = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_assertion_fails_on_wrong_answers(dtype):
    right = np.linspace(-1, 1, 7)
    assert_close(right.astype(dtype), right)
    for wrong in (right[:-1], right + 3 * RTOL[np.dtype(dtype).name], right * 0, right * np.nan):
        with pytest.raises(AssertionError):
            assert_close(wrong.astype(dtype), right)


def random_points(rng, *shape):
    return rng.standard_normal(shape).cumsum(axis=-2) / np.sqrt(shape[-2])


def check_vjp(cupy, path, depth, cotangent, *, right=None, keep=None, rtol=None, **options):
    """Against `right`, by default the CPU's answer for the same numbers in float64."""
    wide = {
        k: v.astype(np.float64) if isinstance(v, np.ndarray) and k != "lengths" else v
        for k, v in options.items()
    }
    expected = (right or pysig.signature_vjp)(path.astype(float), depth, cotangent, **wide)
    x = cupy.asarray(path) if keep is None else keep
    actual = pysig.signature_vjp(
        x, depth, cupy.asarray(cotangent), method="tile", **on_device(cupy, options)
    )
    for bar, other in zip(parts(actual), parts(expected), strict=True):
        assert (bar is None) == (other is None)
        if bar is not None:
            assert isinstance(bar, cupy.ndarray)
            assert bar.dtype == path.dtype
            assert_close(bar.get(), other, rtol=rtol or RTOL)


@pytest.fixture
def cuts(monkeypatch):
    """cut(chunks, segment, threads): fixed numbers of chunks, steps of a segment, and threads of a
    block instead of those of the cost model."""

    def cut(chunks=1, segment=schedule.SEGMENT, threads=schedule.MAX_THREADS):
        monkeypatch.setattr(schedule, "SEGMENT", segment)
        monkeypatch.setattr(schedule, "MAX_THREADS", threads)
        for name in ("tile_for", "back_tile_for"):
            monkeypatch.setattr(signature_vjp_tile, name, getattr(schedule, name).__wrapped__)
        monkeypatch.setattr(
            signature_vjp_tile,
            "plan_back_chunks",
            lambda tile, batch, steps, processors, scratch: schedule._equal_chunks(
                tile, batch, steps, chunks, processors
            ),
        )

    return cut


@st.composite
def gpu_vjp_calls(draw, sizes=tuple(SIZES), lengths=(1, 2, 3, 9, 40, 77)):
    """A path with options and a cotangent."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    channels, depth = draw(st.sampled_from(sizes))
    batch = draw(st.sampled_from([(), (3,), (2, 2), (0,)]))
    length = draw(st.sampled_from(lengths))
    options = {name: draw(st.booleans()) for name in ("inverse", "scalar_term")}

    def normal(*shape):
        return rng.normal(size=shape).astype(dtype)

    if draw(st.booleans()):
        base = draw(st.sampled_from([True, (channels,), (*batch, channels)]))
        options["basepoint"] = base if base is True else normal(*base)
    size = pysig.signature_size(channels, depth, options["scalar_term"])
    if draw(st.booleans()):
        options["initial"] = normal(*draw(st.sampled_from([(), batch])), size)
        if options["scalar_term"]:
            options["initial"][..., 0] = 1
    if draw(st.booleans()):
        options["lengths"] = np.asarray(rng.integers(1, length + 1, size=batch))
    path = random_points(rng, *batch, length, channels).astype(dtype)
    return path, depth, normal(*draw(st.sampled_from([(), batch])), size), options


@settings(max_examples=100, **SETTINGS)
@given(call=gpu_vjp_calls(), cut=st.sampled_from([(1, 512), (1, 8), (3, 512), (4, 5)]))
def test_all_options_as_the_cpu(cupy, cuts, call, cut):
    path, depth, cotangent, options = call
    cuts(*cut)
    with pysig.set_gpu_memory_limit(None if path.shape[-2] % 2 else 20_000):
        check_vjp(cupy, path, depth, cotangent, **options)


@settings(max_examples=25, **SETTINGS)
@given(gpu_vjp_calls(sizes=[(2, 2), (2, 4), (3, 3)], lengths=(1, 2, 5)))
def test_agrees_with_the_reference(cupy, call):
    path, depth, cotangent, options = call
    if not path.size or options["inverse"]:  # the reference differs if `initial` is not a signature
        return
    for name in ("basepoint", "initial"):  # the reference gives a gradient for each path
        if isinstance(options.get(name), np.ndarray):
            shape = (*path.shape[:-2], options[name].shape[-1])
            options[name] = np.broadcast_to(options[name], shape)
    cotangent = np.broadcast_to(cotangent, (*path.shape[:-2], cotangent.shape[-1]))
    check_vjp(cupy, path, depth, cotangent, right=reference, **options)


@pytest.mark.parametrize("method", ["auto", "tile"])
@pytest.mark.parametrize(
    "transform", ["time", "lead_lag", ("basepoint", "reset"), ("lead_lag", pysig.Time(end=2.0))]
)
def test_transformed_paths(cupy, cuts, transform, method, rng):
    cuts(2)
    path, lengths = random_points(rng, 3, 30, 2), np.array([30, 1, 17])
    width = pysig.transformed_shape(1, 2, transform)[1]
    cotangent = rng.normal(size=(3, pysig.signature_size(width, 2)))
    base = {} if "basepoint" in transform else {"basepoint": rng.normal(size=2)}
    for options in ({}, base, {"lengths": lengths}):
        check_vjp(cupy, path, 2, cotangent, transform=transform, **options)


@pytest.mark.parametrize(
    ("channels", "depth", "threads"), [(3, 4, 2), (2, 8, 5), (4, 4, 3), (11, 2, 2)]
)
def test_tiles_of_several_blocks(cupy, cuts, channels, depth, threads, rng):
    """Also where they do not fill the last one; added up together or one after the other, with the
    same result to the last bit."""
    cuts(threads=threads)
    tile = schedule.back_tile_for.__wrapped__(channels, depth, 8)
    assert tile.blocks > 1
    path = random_points(rng, 3, 40, channels)
    cotangent = rng.normal(size=(3, pysig.signature_size(channels, depth)))
    check_vjp(cupy, path, depth, cotangent, lengths=np.array([40, 7, 22]))
    arrays = cupy.asarray(path), depth, cupy.asarray(cotangent)
    together = pysig.signature_vjp(*arrays)
    with pysig.set_gpu_memory_limit(1):
        alone = pysig.signature_vjp(*arrays)
    np.testing.assert_array_equal(alone.get(), together.get())


def test_some_of_these_tiles_do_not_fill_their_blocks(cuts):
    tiles = []
    for channels, depth, threads in [(3, 4, 2), (2, 8, 5), (4, 4, 3), (11, 2, 2)]:
        cuts(threads=threads)
        tiles.append(schedule.back_tile_for.__wrapped__(channels, depth, 8))
    assert any(tile.count < tile.blocks * tile.tiles for tile in tiles)


@pytest.mark.parametrize("lengths", [None, np.array([200, 61])])
def test_cut_as_uncut(cupy, cuts, lengths, rng):
    """Chunks of time, and segments of chunks, change nothing but roundings."""
    path = cupy.asarray(random_points(rng, 2, 200, 3))
    arrays = path, 3, cupy.asarray(rng.normal(size=(2, 39)))
    options = {"initial": cupy.asarray(rng.normal(size=39)), "lengths": lengths}
    cuts()
    whole = pysig.signature_vjp(*arrays, **options)
    for chunks, segment in [(1, 16), (2, 512), (7, 512), (3, 16), (199, 1)]:
        cuts(chunks, segment)
        cut = pysig.signature_vjp(*arrays, **options)
        for bar, other in zip(cut, whole, strict=True):
            if bar is not None:
                assert_close(bar.get(), other.get(), rtol=1e-13)


@pytest.mark.parametrize("batch", [1, 300])
def test_results_are_the_same_to_the_last_bit(cupy, batch, rng):
    path = cupy.asarray(random_points(rng, batch, 90, 3).astype(np.float32))
    cotangent = cupy.asarray(rng.normal(size=(batch, 120)).astype(np.float32))
    first = pysig.signature_vjp(path, 4, cotangent).get()
    np.testing.assert_array_equal(pysig.signature_vjp(path, 4, cotangent).get(), first)


def exact_gradient(path, cotangent):
    """Of <cotangent, signature of depth 2>, increment by increment, in long double: level 2 is the
    sum of x_s (x) x_t over s < t, and of half of x_t (x) x_t."""
    x = np.diff(path.astype(np.longdouble), axis=0)
    channels = x.shape[1]
    first, second = np.split(cotangent.astype(np.longdouble), [channels])
    second = second.reshape(channels, channels)
    before = np.cumsum(x, axis=0) - x / 2
    after = x.sum(axis=0) - before
    bar = first + before @ second + after @ second.T
    zero = np.zeros_like(bar[:1])
    return np.concatenate([zero, bar]) - np.concatenate([bar, zero])


@pytest.mark.parametrize("chunks", [1, None])
def test_a_path_of_100000_points_keeps_its_digits(cupy, cuts, chunks, rng):
    if chunks:
        cuts(chunks)
    path, cotangent = random_points(rng, 100_000, 2), rng.normal(size=6)
    bar = pysig.signature_vjp(cupy.asarray(path), 2, cupy.asarray(cotangent)).get()
    expected = exact_gradient(path, cotangent).astype(np.float64)
    assert_close(bar, expected, rtol=1e-10)
    assert_close(bar[1:-1], expected[1:-1], rtol=1e-10)
    assert_close(bar.cumsum(axis=0)[:-1], expected.cumsum(axis=0)[:-1], rtol=1e-10)


def test_every_piece_starts_from_its_own_state(cupy, cuts, monkeypatch, rng):
    """What happens to the states of one segment is not carried to those before it."""
    found = signature_vjp_tile._Gradient._states

    def spoilt(self, signatures):
        states = found(self, signatures)
        states[3] = np.nan
        return states

    monkeypatch.setattr(signature_vjp_tile._Gradient, "_states", spoilt)
    cuts(2, 16)
    path = cupy.asarray(random_points(rng, 97, 3))
    bar = pysig.signature_vjp(path, 3, cupy.ones(39)).get()
    assert np.isnan(bar[48:65]).all()  # the points of steps 48 to 63
    assert np.isfinite(bar[:48]).all()
    assert np.isfinite(bar[65:]).all()


def test_long_paths_of_more_levels(cupy, cuts, rng):
    cuts(2, 64)
    check_vjp(cupy, random_points(rng, 3000, 2), 4, rng.normal(size=30), rtol=1e-12)


def test_what_is_stored_after_the_end_is_not_read(cupy, rng):
    path, cotangent = random_points(rng, 4, 30, 3), cupy.asarray(rng.normal(size=(4, 120)))
    lengths = np.array([1, 7, 29, 30])
    clean = pysig.signature_vjp(cupy.asarray(path), 4, cotangent, lengths=lengths)
    for b, n in enumerate(lengths):
        path[b, n:] = np.nan
    dirty = pysig.signature_vjp(cupy.asarray(path), 4, cotangent, lengths=lengths)
    np.testing.assert_array_equal(dirty.get(), clean.get())
    for b, n in enumerate(lengths):
        assert (clean.get()[b, n:] == 0).all()


def test_nan_stays_in_its_path(cupy, rng):
    path, cotangent = random_points(rng, 3, 20, 2), cupy.asarray(rng.normal(size=(3, 14)))
    path[1, 5, 0] = np.nan
    bar = pysig.signature_vjp(cupy.asarray(path), 3, cotangent).get()
    assert np.isfinite(bar[[0, 2]]).all()
    assert np.isnan(bar[1]).any()


def test_arrays_of_any_strides(cupy, rng):
    wide, rows = random_points(rng, 6, 44, 8), rng.normal(size=(78, 6))
    x, w = cupy.asarray(wide), cupy.asarray(rows)
    for view in [(slice(1, None, 2), slice(None, None, -1), slice(0, 6, 2)),
                 (slice(None, 3), slice(2, None, 3), slice(7, 4, -1))]:  # fmt: skip
        expected = pysig.signature_vjp(wide[view], 3, rows.T[::2, ::-2])
        actual = pysig.signature_vjp(x[view], 3, w.T[::2, ::-2], method="tile")
        assert_close(actual.get(), expected)


def launched(emulator, *arguments, **options):
    with emulator.recorded() as events:
        pysig.signature_vjp(*arguments, **options)
    return [name for kind, name, _ in events if kind == "launch"], events


def test_tiles_are_taken_where_there_are_any(emulator, rng):
    path, cotangent = emulator.asarray(random_points(rng, 500, 30, 3)), emulator.zeros(39)
    forth_and_back = ["pysig_signature_tile", "pysig_signature_vjp", "pysig_point_bars"]
    for method in ("auto", "tile"):
        assert launched(emulator, path, 3, cotangent, method=method)[0] == forth_and_back
    assert "pysig_signature_vjp" not in launched(emulator, path, 3, cotangent, method="cumsum")[0]
    rows = emulator.zeros((500, 29, 39))
    assert "pysig_signature_vjp" not in launched(emulator, path, 3, rows, stream=True)[0]
    for channels, depth in [(1, 3), (40, 2), (3, 1)]:
        narrow = emulator.ones((2, 3, channels))
        weights = emulator.zeros(pysig.signature_size(channels, depth))
        names = launched(emulator, narrow, depth, weights, method="tile")[0]
        assert "pysig_signature_vjp" not in names
    moved = emulator.ones((2, 3, 2))
    with emulator.recorded() as events:
        pysig.signature_hvp(moved, 2, emulator.zeros(6), moved)
    assert "pysig_signature_vjp" not in [event[1] for event in events]


def test_runs_on_the_current_stream_and_waits_for_nothing(emulator, rng):
    path, cotangent = emulator.asarray(random_points(rng, 2, 500, 3)), emulator.zeros(39)
    initial, mine = emulator.zeros(39), emulator.cuda.Stream(non_blocking=True)
    with mine:
        names, events = launched(
            emulator, path, 3, cotangent, initial=initial, lengths=np.array([500, 3])
        )
    assert "pysig_link_bars" in names  # chunks of time
    assert {event[0] for event in events} == {"launch"}
    assert {event[2] for event in events} == {mine}


@pytest.mark.parametrize("limit", [60_000, 1_000_000])
@pytest.mark.parametrize("options", [{}, {"inverse": True, "scalar_term": True}])
def test_scratch_keeps_to_the_limit(emulator, cuts, limit, options, rng):
    """The limit holds for what is beyond the arguments, of which the cotangent is copied, and the
    result."""
    cuts(2, 64, threads=4)
    path = emulator.asarray(random_points(rng, 40, 100, 3))
    cotangent = emulator.asarray(rng.normal(size=(40, 120 + len(options) // 2)))
    pool = emulator.get_default_memory_pool()
    pool.reset_peak()
    before = pool.used_bytes()
    with pysig.set_gpu_memory_limit(limit):
        bar = pysig.signature_vjp(path, 4, cotangent, **options)
    assert pool.peak - before <= limit + path.nbytes + cotangent.nbytes + 20 * 512
    assert_close(bar.get(), pysig.signature_vjp(path.get(), 4, cotangent.get(), **options))


def test_no_room_is_a_memory_error_and_the_process_goes_on(emulator):
    path, cotangent = emulator.ones((4, 300, 4)), emulator.ones((4, 340))
    pool = emulator.get_default_memory_pool()
    pool.set_limit(pool.used_bytes() + path.nbytes + cotangent.nbytes + 8192)
    try:
        with pytest.raises(MemoryError, match="signature_vjp: the GPU has no room"):
            pysig.signature_vjp(path, 4, cotangent)
    finally:
        pool.set_limit(0)
    assert np.isfinite(pysig.signature_vjp(path, 4, cotangent).get()).all()


def test_derivatives_are_not_captured(cupy):
    path, mine = cupy.ones((2, 9, 2)), cupy.cuda.Stream(non_blocking=True)
    cotangent = cupy.ones(6)
    with mine:
        mine.begin_capture()
        try:
            with pytest.raises(RuntimeError, match="signature_vjp: cannot be captured"):
                pysig.signature_vjp(path, 2, cotangent)
            with pytest.raises(RuntimeError, match="signature_jvp: cannot be captured"):
                pysig.signature_jvp(path, 2, path)
        finally:
            mine.end_capture()


def test_bad_input_is_refused(cupy):
    path = cupy.zeros((4, 2))
    with pytest.raises(TypeError, match="cotangent: expected a CuPy array"):
        pysig.signature_vjp(path, 2, np.zeros(6), method="tile")
    with pytest.raises(ValueError, match="cotangent"):
        pysig.signature_vjp(path, 2, cupy.zeros(7), method="tile")
    with pytest.raises(ValueError, match="method: expected one of"):
        pysig.signature_vjp(path, 2, cupy.zeros(6), method="tiles")
    with pytest.raises(TypeError, match='numpy arrays, received "cumsum"'):
        pysig.signature_vjp(np.zeros((4, 2)), 2, np.zeros(6), method="cumsum")


def test_both_ways_of_a_gpu_agree(cupy, rng):
    path, cotangent = random_points(rng, 5, 25, 4), rng.normal(size=(5, 340))
    arrays = cupy.asarray(path), 4, cupy.asarray(cotangent)
    tile, sums = (pysig.signature_vjp(*arrays, method=m).get() for m in ("tile", "cumsum"))
    assert (tile != sums).any()  # other roundings: two methods ran
    assert_close(tile, sums)
