"""The cost model of the GPU: what holds for every size, and what it decides where the answer is
known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysig._gpu import schedule

CHANNELS, DEPTHS = st.integers(2, 300), st.integers(1, 12)
ITEMSIZES = st.sampled_from([4, 8])


@given(CHANNELS, DEPTHS, ITEMSIZES)
def test_a_tile_fits_registers_and_shared_memory(channels, depth, itemsize):
    tile = schedule.tile_for(channels, depth, itemsize)
    assert 1 <= tile.letters <= depth
    assert tile.coefficients <= schedule.COEFFICIENTS[itemsize]
    assert tile.tiles <= schedule.THREADS
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
    assert tile.ride >= tile.steps * tile.row
    assert tile.ride // tile.vector % 2 == 1
    assert 2 * tile.ride * itemsize <= 227 * 1024


@pytest.mark.parametrize("itemsize", [4, 8])
def test_the_most_channels_still_fit_the_staging(itemsize):
    for depth in (1, 2):
        tile = schedule.tile_for(schedule.MOST_CHANNELS, depth, itemsize)
        assert 2 * tile.ride * itemsize <= 227 * 1024


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
    ride = schedule.ride_for(tile, batch, steps, processors, divisible)
    assert ride.chunks * ride.steps >= steps
    assert (ride.chunks - 1) * ride.steps < max(1, steps)
    assert 1 <= ride.side * tile.tiles <= schedule.THREADS
    assert 2 * ride.side * tile.ride * itemsize <= 227 * 1024
    if ride.chunks > 1:
        size = sum(channels**k for k in range(1, depth + 1))
        assert divisible
        assert batch * ride.chunks * size * itemsize <= schedule.SCRATCH
        assert ride.radix >= 2


@given(st.integers(2, 10**6))
def test_joins_end_at_one(chunks):
    radix, joins, left = schedule.radix_for(chunks), 0, chunks
    assert 2 <= radix <= schedule.RADIX + 1
    while left > 1:
        left, joins = -(-left // radix), joins + 1
    assert schedule.RADIX ** (joins - 1) < chunks


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


def test_a_full_card_is_not_chunked_and_an_empty_one_is():
    tile = schedule.tile_for(8, 4, 4)
    assert schedule.ride_for(tile, 4096, 999, 132, True).chunks == 1
    assert schedule.ride_for(tile, 1, 999, 132, True).chunks >= 8
    assert schedule.ride_for(tile, 1, 999, 132, False).chunks == 1


def test_methods():
    assert schedule.method_for(5, 4, stream=False) == "tile"
    assert schedule.method_for(5, 4, stream=True) == "cumsum"
    assert schedule.method_for(1, 9, stream=False) == "cumsum"
    assert schedule.method_for(schedule.MOST_CHANNELS + 1, 1, stream=False) == "cumsum"
