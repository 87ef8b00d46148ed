"""Arrays larger than memory: zarr, and memory maps as input and output."""

import numpy as np
import pytest

import pysig

# Few paths have another order of operations than many, so batches agree up to rounding.
ROUNDING = {"rtol": 1e-9, "atol": 1e-12}


@pytest.fixture
def stored_walks(rng):
    return rng.normal(size=(11, 20, 3)).cumsum(axis=1)


def zarr_array(stored_walks, folder, chunks):
    zarr = pytest.importorskip("zarr", reason="needs zarr")
    array = zarr.create_array(
        str(folder / "paths.zarr"),
        shape=stored_walks.shape,
        chunks=chunks,
        dtype=stored_walks.dtype,
    )
    array[:] = stored_walks
    return array


@pytest.mark.parametrize("chunks", [(4, 20, 3), (3, 7, 3)], ids=str)
def test_zarr_in_and_out_by_dask(stored_walks, tmp_path, chunks):
    zarr = pytest.importorskip("zarr", reason="needs zarr")
    da = pytest.importorskip("dask.array")
    from pysig.interop import dask as sig

    zarr_array(stored_walks, tmp_path, chunks)
    paths = da.from_zarr(str(tmp_path / "paths.zarr"))
    assert paths.chunksize == chunks
    sig.signature(paths, 3).to_zarr(str(tmp_path / "signatures.zarr"), compute=True)
    found = zarr.open_array(str(tmp_path / "signatures.zarr"), mode="r")
    np.testing.assert_allclose(found[:], pysig.signature(stored_walks, 3), **ROUNDING)


def test_zarr_without_dask(stored_walks, tmp_path):
    array = zarr_array(stored_walks, tmp_path, (4, 20, 3))
    expected = pysig.signature(stored_walks, 3)
    batches = list(pysig.iter_signatures(array, 3, batch_size=4))
    assert [len(batch) for batch in batches] == [4, 4, 3]
    np.testing.assert_allclose(np.concatenate(batches), expected, **ROUNDING)
    blocks = (array[start : start + 4] for start in range(0, len(stored_walks), 4))
    whole = np.concatenate(list(pysig.iter_signatures(blocks, 3, batch_size=None)))
    np.testing.assert_allclose(whole, expected, **ROUNDING)


def test_memory_maps_in_and_out(stored_walks, tmp_path):
    paths = np.lib.format.open_memmap(tmp_path / "paths.npy", "w+", np.float64, stored_walks.shape)
    paths[:] = stored_walks
    paths.flush()
    source = np.load(tmp_path / "paths.npy", mmap_mode="r")
    results = np.lib.format.open_memmap(
        tmp_path / "s.npy", "w+", np.float64, (len(stored_walks), 39)
    )
    assert pysig.signature(source, 3, out=results) is results
    expected = pysig.signature(stored_walks, 3)
    np.testing.assert_array_equal(np.load(tmp_path / "s.npy"), expected)
    results[:] = 0
    start = 0
    for batch in pysig.iter_signatures(source, 3, batch_size=4):
        results[start : start + len(batch)] = batch
        start += len(batch)
    assert start == len(stored_walks)
    np.testing.assert_allclose(np.load(tmp_path / "s.npy"), expected, **ROUNDING)
