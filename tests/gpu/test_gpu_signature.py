"""`pysig.signature` of CuPy arrays against the reference: every method, every option."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pysig
from pysig._gpu import schedule, signature_tile
from pysig._reference.signature import signature as reference
from pysig.testing import assert_signatures_close, running_scales
from support import antipode

METHODS = ["tile", "cumsum", "auto"]


def random_path(rng, *shape, dtype=np.float64):
    """Random walks of size 1: no level vanishes against the steps that it is the sum of."""
    steps = rng.standard_normal(shape) / np.sqrt(shape[-2])
    return np.cumsum(steps, axis=-2).astype(dtype)


def check_signature(cp, path, depth, method, *, keep=None, **options):
    """Against the reference of the same rounded numbers, relative to the scale of the sums.

    The inverse is the antipode of the reference value. A rounded `initial` is not a signature, and
    its inverse series differs from its antipode; in exact numbers they agree (test_reference.py).
    """
    on_gpu = {k: cp.asarray(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    x = cp.asarray(path) if keep is None else keep
    result = pysig.signature(x, depth, method=method, **on_gpu)
    assert isinstance(result, cp.ndarray)
    assert result.dtype == path.dtype
    wide = {
        k: v.astype(np.float64) if isinstance(v, np.ndarray) and k != "lengths" else v
        for k, v in options.items()
    }
    path = path.astype(np.float64)
    inverse = wide.pop("inverse", False)
    expected = reference(path, depth, **wide)
    if inverse:
        expected = antipode(expected, path.shape[-1], depth, wide.get("scalar_term", False))
    assert_signatures_close(
        result,
        expected,
        path.shape[-1],
        depth,
        scale=running_scales(path, depth, **wide),
        scalar_term=options.get("scalar_term", False),
    )


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_agrees_with_the_reference(cupy, gpu_sizes, data):
    draw = data.draw
    method = draw(st.sampled_from(METHODS))
    channels, depth = draw(st.sampled_from(gpu_sizes))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    batch = draw(st.lists(st.integers(0, 3), max_size=2))
    length = draw(st.one_of(st.integers(1, 6), st.integers(20, 90)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    path = random_path(rng, *batch, length, channels, dtype=dtype)
    options = {name: draw(st.booleans()) for name in ("stream", "inverse", "scalar_term")}
    if draw(st.booleans()):
        options["basepoint"] = draw(
            st.sampled_from([True, rng.standard_normal((*batch, channels)).astype(dtype)])
        )
    if draw(st.booleans()):
        before = random_path(rng, *batch, 5, channels)
        options["initial"] = reference(before, depth, scalar_term=options["scalar_term"]).astype(
            dtype
        )
    if draw(st.booleans()) and length:
        options["lengths"] = np.asarray(rng.integers(1, length + 1, batch))
        path = path.copy()
        for index in np.ndindex(*batch):
            path[index][options["lengths"][index] :] = 0  # the reference does not read it
    with pysig.set_gpu_memory_limit(draw(st.sampled_from([None, 1, 20_000]))):
        check_signature(cupy, path, depth, method, **options)


@pytest.mark.parametrize("method", ["tile", "cumsum"])
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_stored_after_the_end_is_not_read(cupy, method, stream, rng):
    path = random_path(rng, 4, 30, 3)
    lengths = np.array([1, 7, 29, 30])
    clean = pysig.signature(cupy.asarray(path), 4, lengths=lengths, method=method, stream=stream)
    for b, n in enumerate(lengths):
        path[b, n:] = np.nan
    dirty = pysig.signature(cupy.asarray(path), 4, lengths=lengths, method=method, stream=stream)
    np.testing.assert_array_equal(dirty.get(), clean.get())


@pytest.mark.parametrize("method", ["tile", "cumsum"])
def test_strided_paths_are_read_in_place(cupy, method, rng):
    wide = random_path(rng, 6, 44, 8)
    x = cupy.asarray(wide)
    for view in [(slice(1, None, 2), slice(None, None, -1), slice(0, 6, 2)),
                 (slice(None), slice(2, None, 3), slice(7, 4, -1))]:  # fmt: skip
        check_signature(cupy, wide[view], 3, method, keep=x[view])
    turned = x.transpose(2, 1, 0)[:, :, :3]
    check_signature(cupy, wide.transpose(2, 1, 0)[:, :, :3], 3, method, keep=turned)


@pytest.mark.parametrize("method", ["tile", "cumsum"])
def test_nan_stays_in_its_path_and_channel(cupy, method, rng):
    path = random_path(rng, 3, 20, 2)
    path[1, 5, 0] = np.nan
    result = pysig.signature(cupy.asarray(path), 3, method=method).get()
    assert np.isfinite(result[[0, 2]]).all()
    only_second = [pysig.word_index((1,) * k, 2) for k in (1, 2, 3)]
    assert np.isfinite(result[1, only_second]).all()
    assert np.isnan(np.delete(result[1], only_second)).all()


@pytest.mark.parametrize("method", ["tile", "cumsum"])
def test_writes_into_out(cupy, method, rng):
    path = random_path(rng, 4, 9, 3)
    out = cupy.empty((4, 39))
    assert pysig.signature(cupy.asarray(path), 3, method=method, out=out) is out
    assert_signatures_close(out, reference(path, 3), 3, 3)
    turned = cupy.empty((39, 4)).T
    pysig.signature(cupy.asarray(path), 3, method=method, out=turned)
    assert_signatures_close(turned, reference(path, 3), 3, 3)


@pytest.mark.parametrize(
    ("batch", "length", "channels", "depth", "chunks", "radix"),
    [(1, 200, 3, 4, 17, 4), (3, 60, 2, 8, 5, 8), (2, 101, 2, 3, 100, 3), (2, 30, 11, 2, 3, 2)],
)
@pytest.mark.parametrize("options", [{}, {"inverse": True, "scalar_term": True, "basepoint": True}])
def test_chunks_of_time_are_joined(
    cupy, batch, length, channels, depth, chunks, radix, options, monkeypatch, rng
):
    """Chunks, and joins of joins, also where the chunks do not divide the steps nor the radix the
    chunks."""
    steps = -(-(length - ("basepoint" not in options)) // chunks)
    chunks = -(-(length - ("basepoint" not in options)) // steps)
    plan = schedule.ChunkPlan(chunks, steps, 2, radix)
    monkeypatch.setattr(signature_tile, "plan_chunks", lambda *arguments: plan)
    path = random_path(rng, batch, length, channels)
    initial = reference(
        random_path(rng, batch, 4, channels), depth, scalar_term="scalar_term" in options
    )
    lengths = rng.integers(1, length + 1, batch)
    for more in [{}, {"initial": initial}, {"lengths": lengths}]:
        check_signature(cupy, path, depth, "tile", **options, **more)


def test_a_long_path_alone_is_chunked_by_itself(cupy, rng):
    path = random_path(rng, 1, 3000, 2)
    tile = schedule.tile_for(2, 3, 8)
    assert schedule.plan_chunks(tile, 1, 2999, 132, True).count > 32
    check_signature(cupy, path, 3, "tile")


@pytest.mark.parametrize(("channels", "depth", "threads"), [(3, 4, 2), (2, 8, 7), (4, 4, 3)])
def test_tiles_that_do_not_fill_their_blocks(cupy, channels, depth, threads, monkeypatch, rng):
    """The threads that are left over bring increments of their own path, not of the first one."""
    monkeypatch.setattr(schedule, "MAX_THREADS", threads)
    monkeypatch.setattr(signature_tile, "tile_for", schedule.tile_for.__wrapped__)
    tile = schedule.tile_for.__wrapped__(channels, depth, 8)
    assert tile.blocks > 1
    assert tile.count < tile.blocks * tile.tiles
    check_signature(cupy, random_path(rng, 3, 40, channels), depth, "tile")


@pytest.mark.parametrize("method", ["tile", "cumsum"])
def test_results_are_the_same_to_the_last_bit(cupy, method, rng):
    """Run to run, and alone or in a batch."""
    path = cupy.asarray(random_path(rng, 300, 33, 3, dtype=np.float32))
    first = pysig.signature(path, 4, method=method).get()
    np.testing.assert_array_equal(pysig.signature(path, 4, method=method).get(), first)


def test_a_long_path_of_small_steps_keeps_its_digits(cupy, rng):
    path = np.cumsum(rng.standard_normal((1, 3000, 2)), axis=1) / 60
    for method in ("tile", "cumsum"):
        check_signature(cupy, path.astype(np.float32), 3, method)


@pytest.mark.parametrize("method", ["tile", "cumsum"])
@pytest.mark.parametrize("stream", [False, True])
def test_runs_on_the_current_stream_and_waits_for_nothing(emulator, method, stream, rng):
    path = emulator.asarray(random_path(rng, 2, 50, 3))
    lengths = np.array([50, 3])
    mine = emulator.cuda.Stream(non_blocking=True)
    with mine, emulator.recorded() as events:
        pysig.signature(path, 3, method=method, stream=stream, lengths=lengths, basepoint=True)
    launches = [event for event in events if event[0] == "launch"]
    assert launches
    assert launches == events
    assert {event[2] for event in events} == {mine}


@pytest.mark.quick
def test_one_launch_for_all_levels(emulator, rng):
    path = emulator.asarray(random_path(rng, 500, 30, 4))
    out = emulator.empty((500, 340))
    with emulator.recorded() as events:
        pysig.signature(path, 4, out=out)
    assert [name for _, name, _ in events] == ["pysig_signature_tile"]


@pytest.mark.parametrize("length", [20, 3000])
@pytest.mark.parametrize("stream", [False, True])
def test_a_graph_replays_the_call_on_new_points(cupy, length, stream, rng):
    """Nothing is left over that the memory pool could hand to others: no scratch, even where
    chunks of time would take some."""
    rows = (length - 1,) if stream else ()
    path, out = cupy.empty((2, length, 2)), cupy.empty((2, *rows, 6))
    path[...] = cupy.asarray(random_path(rng, 2, length, 2))
    pysig.signature(path, 2, method="tile", stream=stream, out=out)  # compiles
    used = cupy.get_default_memory_pool().used_bytes()
    mine = cupy.cuda.Stream(non_blocking=True)
    cupy.cuda.Device().synchronize()
    with mine:
        mine.begin_capture()
        pysig.signature(path, 2, stream=stream, out=out)
        graph = mine.end_capture()
    assert cupy.get_default_memory_pool().used_bytes() == used
    fresh = random_path(rng, 2, length, 2)
    path[...] = cupy.asarray(fresh)
    cupy.cuda.Device().synchronize()
    with mine:
        graph.launch()
        mine.synchronize()
    scale = running_scales(fresh, 2, stream=stream)
    assert_signatures_close(out, reference(fresh, 2, stream=stream), 2, 2, scale=scale)


def test_running_sums_are_not_captured(cupy):
    path, out, mine = cupy.ones((2, 9, 2)), cupy.empty((2, 6)), cupy.cuda.Stream(non_blocking=True)
    with mine:
        mine.begin_capture()
        try:
            with pytest.raises(RuntimeError, match='method="tile"'):
                pysig.signature(path, 2, method="cumsum", out=out)
        finally:
            mine.end_capture()


@pytest.mark.parametrize("limit", [100_000, 1_000_000])
@pytest.mark.parametrize("stream", [False, True])
def test_running_sums_keep_to_the_limit(emulator, limit, stream, rng):
    """The limit holds for what is beyond path and out; level 4 at all times would take 66 MB."""
    path = emulator.asarray(random_path(rng, 8, 400, 4))
    out = emulator.empty((8, 399, 340) if stream else (8, 340))
    pool = emulator.get_default_memory_pool()
    pool.reset_peak()
    before = pool.used_bytes()
    with pysig.set_gpu_memory_limit(limit):
        pysig.signature(path, 4, method="cumsum", stream=stream, out=out)
    chunk_sums = 8 * 8 * 4**4 * 25  # of the short blocks of time
    assert pool.peak - before <= limit + chunk_sums + 20 * 512
    wanted = reference(path.get()[:1], 4, stream=stream)
    assert_signatures_close(out[:1], wanted, 4, 4)


def test_tiles_take_no_memory_beyond_the_output(emulator, rng):
    path = emulator.asarray(random_path(rng, 400, 40, 4))
    out = emulator.empty((400, 340))
    pool = emulator.get_default_memory_pool()
    pool.reset_peak()
    before = pool.used_bytes()
    pysig.signature(path, 4, method="tile", out=out)
    assert pool.peak == before


def test_no_room_is_a_memory_error_and_the_process_goes_on(emulator, rng):
    path = emulator.asarray(random_path(rng, 4, 40, 4))
    out = emulator.empty((4, 340))
    pool = emulator.get_default_memory_pool()
    pool.set_limit(pool.used_bytes() + 4096)
    try:
        with pytest.raises(MemoryError, match="set_gpu_memory_limit"):
            pysig.signature(path, 4, method="cumsum", out=out)
    finally:
        pool.set_limit(0)
    pysig.signature(path, 4, method="cumsum", out=out)
    assert_signatures_close(out, reference(path.get(), 4), 4, 4)


def test_a_kernel_that_does_not_compile_says_what_to_do(emulator, monkeypatch):
    from pysig._gpu import compile as build

    monkeypatch.setattr(build, "options", lambda **sizes: ("-std=c++17",))
    build.raw_kernel.cache_clear()
    with pytest.raises(RuntimeError, match="Check that CuPy matches"):
        pysig.signature(emulator.ones((2, 3, 6)), 2, method="tile")
    build.raw_kernel.cache_clear()


@pytest.mark.parametrize(
    ("argument", "error"), [(0, ValueError), (-3, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_a_wrong_limit_is_refused(argument, error):
    with pytest.raises(error, match=r"limit: expected a positive integer \(bytes\) or None"):
        pysig.set_gpu_memory_limit(argument)
    assert pysig.get_gpu_memory_limit() is None


def test_mixed_devices_are_refused(cupy):
    path, base = np.zeros((3, 4, 2)), np.zeros(2)
    with pytest.raises(TypeError, match="basepoint: expected a CuPy array"):
        pysig.signature(cupy.asarray(path), 2, basepoint=base)
    with pytest.raises(TypeError, match="basepoint: expected a NumPy array"):
        pysig.signature(path, 2, basepoint=cupy.asarray(base))
    with pytest.raises(TypeError, match="out: expected a cupy array"):
        pysig.signature(cupy.asarray(path), 2, out=np.zeros((3, 6)))


def test_both_devices_agree(cupy, rng):
    path = random_path(rng, 5, 25, 3)
    for method in METHODS:
        ours = pysig.signature(cupy.asarray(path), 4, method=method).get()
        assert_signatures_close(ours, pysig.signature(path, 4), 3, 4)
