"""Paths for Dask arrays, and a check of these."""

import numpy as np


def drawn_walks():
    """Four walks of 30 points in three channels."""
    return np.random.default_rng(0).normal(size=(4, 30, 3)).cumsum(axis=1)


def check_lazy(lazy, expected, tolerance=1e-12):
    """The shape, dtype and chunks that are declared are those that come, with these values."""
    assert lazy.shape == expected.shape
    actual = lazy.compute(scheduler="synchronous")
    assert (actual.shape, actual.dtype) == (lazy.shape, lazy.dtype)
    for index in np.ndindex(*lazy.numblocks):
        block = lazy.blocks[index]
        assert block.compute(scheduler="synchronous").shape == block.shape
    scale = np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)
