"""Helpers of several test files. Import them by name: ``from support import assert_close``.

Helpers with one user stay in that user's file; tests/package/test_tests.py fails if two files
define a helper of the same name. tests/package/test_support.py tests the assertions below with
wrong answers.
"""

from __future__ import annotations

import zlib

import numpy as np

RUN_SEED = 0  # of all random numbers of a run; `pytest --explore` draws a fresh one


def generator(name):
    """A random generator that depends on `name` and the seed of the run only."""
    return np.random.default_rng([zlib.crc32(name.encode()), RUN_SEED])
