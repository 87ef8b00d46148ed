"""The cost model of the GPU: what holds for every size, and what it decides where the answer is
known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysig._gpu import schedule

pytestmark = pytest.mark.quick

CHANNELS, DEPTHS = st.integers(2, 300), st.integers(1, 12)
ITEMSIZES = st.sampled_from([4, 8])


@given(CHANNELS, DEPTHS, ITEMSIZES)
def test_a_tile_fits_registers_and_shared_memory(channels, depth, itemsize):
    tile = schedule.tile_for(channels, depth, itemsize)
    assert 1 <= tile.letters <= depth
    assert tile.coefficients <= schedule.COEFFICIENTS[itemsize]
    assert tile.tiles <= schedule.MAX_THREADS
    assert tile.tiles * tile.blocks >= tile.count
    assert (
        tile.count
        * tile.rows ** (tile.letters > 1)
        * tile.columns
        * channels ** max(0, tile.letters - 2)
        >= channels**depth
    )
    assert tile.row >= channels
    assert tile.row % tile.vector == 0
    assert tile.stage_values >= tile.steps * tile.row
    assert tile.stage_values // tile.vector % 2 == 1
    assert 2 * tile.stage_values * itemsize <= 227 * 1024


@pytest.mark.parametrize("itemsize", [4, 8])
def test_the_largest_number_of_channels_still_fit_the_staging(itemsize):
    for depth in (1, 2):
        tile = schedule.tile_for(schedule.MAX_CHANNELS, depth, itemsize)
        assert 2 * tile.stage_values * itemsize <= 227 * 1024


@given(
    CHANNELS,
    st.integers(1, 6),
    ITEMSIZES,
    st.integers(1, 10**6),
    st.integers(0, 10**6),
    st.sampled_from([20, 132, 200]),
    st.booleans(),
)
def test_chunks_cover_the_steps_within_the_scratch(
    channels, depth, itemsize, batch, steps, processors, divisible
):
    tile = schedule.tile_for(channels, depth, itemsize)
    plan = schedule.plan_chunks(tile, batch, steps, processors, divisible)
    assert plan.count * plan.steps >= steps
    assert (plan.count - 1) * plan.steps < max(1, steps)
    assert 1 <= plan.pairs_per_block * tile.tiles <= schedule.MAX_THREADS
    assert 2 * plan.pairs_per_block * tile.stage_values * itemsize <= 227 * 1024
    if plan.count > 1:
        size = sum(channels**k for k in range(1, depth + 1))
        assert divisible
        assert batch * plan.count * size * itemsize <= schedule.SCRATCH
        assert plan.radix >= 2


@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("channels", range(2, 41))
def test_a_tile_of_the_gradient_fits_registers_and_shared_memory(channels, itemsize):
    for depth in range(2, 17):
        tile = schedule.back_tile_for(channels, depth, itemsize)
        # The smallest tile has one row of two letters: docs/gpu.md, docstring of signature_vjp.
        smallest = 2 * channels + depth * (depth + 3) // 2
        assert (tile is not None) == (channels <= 32 and smallest <= {4: 140, 8: 70}[itemsize])
        if tile is None:
            continue
        assert 2 <= tile.letters <= depth
        assert tile.columns == channels
        assert tile.coefficients * itemsize // 4 <= schedule.BACK_REGISTERS
        assert tile.tiles <= schedule.MAX_THREADS
        assert tile.tiles * tile.blocks >= tile.count
        assert tile.count * tile.rows * channels ** (tile.letters - 1) >= channels**depth
        assert tile.row >= max(channels, tile.row_blocks * tile.rows)
        assert tile.stage_values >= tile.steps * tile.row
        assert tile.line % 2 == 1
        assert tile.line >= channels
        assert tile.pitch >= tile.tiles * tile.line
        pairs = schedule.MAX_THREADS // tile.tiles
        assert (
            pairs * (tile.stage_values + tile.bars) * itemsize <= 99 * 1024
        )  # of the devices with the least


@given(
    st.integers(2, 16),
    st.integers(2, 6),
    ITEMSIZES,
    st.integers(1, 10**5),
    st.integers(0, 10**6),
    st.sampled_from([20, 132, 200]),
    st.sampled_from([0, 10**5, schedule.SCRATCH]),
)
def test_chunks_of_whole_segments_of_whole_stages(
    channels, depth, itemsize, batch, steps, processors, scratch
):
    tile = schedule.back_tile_for(channels, depth, itemsize)
    plan = schedule.plan_back_chunks(tile, batch, steps, processors, scratch)
    assert plan.count * plan.steps >= steps
    assert (plan.count - 1) * plan.steps < max(1, steps)
    assert plan.segments * plan.segment_steps == plan.count * plan.steps
    assert plan.segments % plan.count == 0
    assert plan.segment_steps % tile.steps == 0
    assert plan.segment_steps < schedule.SEGMENT + tile.steps
    assert 1 <= plan.pairs_per_block * tile.tiles <= schedule.MAX_THREADS
    if plan.count > 1:
        lower = sum(channels**k for k in range(1, depth))
        assert batch * plan.count * lower * itemsize <= scratch


@given(st.integers(2, 10**6))
def test_joins_end_at_one(chunks):
    radix, joins, left = schedule.radix_for(chunks), 0, chunks
    assert 2 <= radix <= schedule.MAX_RADIX + 1
    while left > 1:
        left, joins = -(-left // radix), joins + 1
    assert schedule.MAX_RADIX ** (joins - 1) < chunks


@pytest.mark.parametrize(
    ("channels", "depth", "itemsize", "issue"),
    [
        (8, 4, 4, 97),
        (5, 4, 4, 52),
        (2, 8, 4, 179.5),
        (3, 6, 4, 88.5),
        (4, 6, 4, 143.5),
        (8, 4, 8, 62.5),
    ],
)
def test_the_model_counts_what_the_assembler_makes(channels, depth, itemsize, issue):
    """Instructions of one step in the machine code for sm_90, by ptxas 13.0."""
    assert abs(schedule.tile_for(channels, depth, itemsize).issue - issue) <= 0.03 * issue + 1


@pytest.mark.parametrize(
    ("channels", "depth", "itemsize", "issue"),
    [
        (8, 4, 4, 246),
        (5, 4, 4, 141),
        (2, 8, 4, 575),
        (3, 6, 4, 263),
        (4, 6, 4, 423),
        (8, 4, 8, 170),
        (16, 3, 4, 215),
    ],
)
def test_the_model_of_the_gradient_counts_what_the_assembler_makes(
    channels, depth, itemsize, issue
):
    """As above; the sums of the lines are another loop."""
    tile = schedule.back_tile_for(channels, depth, itemsize)
    assert abs(tile.issue - 2 * channels - issue) <= 0.05 * issue + 1


def test_a_full_card_is_not_chunked_and_an_empty_one_is():
    tile = schedule.tile_for(8, 4, 4)
    assert schedule.plan_chunks(tile, 4096, 999, 132, True).count == 1
    assert schedule.plan_chunks(tile, 1, 999, 132, True).count >= 8
    assert schedule.plan_chunks(tile, 1, 999, 132, False).count == 1


def test_a_full_card_goes_back_in_one_chunk_and_an_empty_one_in_many():
    tile = schedule.back_tile_for(8, 4, 4)
    assert schedule.plan_back_chunks(tile, 4096, 999, 132).count == 1
    assert schedule.plan_back_chunks(tile, 1, 999, 132).count >= 8
    assert schedule.plan_back_chunks(tile, 1, 999, 132, scratch=1000).count == 1


def test_methods():
    assert schedule.method_for(5, 4, stream=False) == "tile"
    assert schedule.method_for(5, 4, stream=True) == "cumsum"
    assert schedule.method_for(1, 9, stream=False) == "cumsum"
    assert schedule.method_for(schedule.MAX_CHANNELS + 1, 1, stream=False) == "cumsum"
