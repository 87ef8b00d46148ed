"""Errors of sequences of arrays and of `offsets`."""

from __future__ import annotations

import re

import numpy as np
import pytest

import pysig

TWO = [np.zeros((3, 2)), np.ones((4, 2))]
FLAT = np.zeros((7, 2))
ERRORS = [
    ([TWO[0], np.zeros(5)], {}, ValueError, r"path\[1\]: .*path\[1\]\[:, None\]"),
    ([TWO[0], np.zeros((4, 3))], {}, ValueError, r"path\[1\]: expected 2 channels, like the first"),
    ([TWO[0], np.zeros((0, 2))], {}, ValueError, r"path\[1\]: expected at least one point"),
    ([TWO[0], np.zeros((1, 4, 2))], {}, ValueError, r"path\[1\]: .*\(1, 4, 2\). Pass a flat list"),
    ([TWO[0], None], {}, TypeError, r"path\[1\]: "),
    ([TWO[0], np.array([["a", "b"]])], {}, TypeError, r"path\[1\]: expected float32"),
    ([*TWO, np.zeros((4, 2), complex)], {}, TypeError, r"path\[2\]: .*complex"),
    (
        [TWO[0], np.full((2, 2), 2**60)],
        {},
        ValueError,
        r"path\[1\]: expected integers up to 2\*\*53",
    ),
    (TWO, {"lengths": [3, 4]}, ValueError, "^lengths: expected None, because path is a list"),
    (TWO, {"offsets": [0, 3, 7]}, ValueError, "path: .*ragged list"),
    (TWO, {"basepoint": np.zeros((3, 2))}, ValueError, r"basepoint: .*broadcasts to \(2, 2\)"),
    (TWO, {"transform": pysig.Time(np.arange(5.0))}, ValueError, "each of the 7 points.* a list"),
    (TWO, {"transform": pysig.Time([np.arange(3.0)])}, ValueError, "times of 2 paths, received 1"),
    (
        TWO,
        {"transform": pysig.Time([np.arange(3.0), np.arange(3.0)])},
        ValueError,
        r"the 4 points of path 1, received shape \(3,\)",
    ),
    (
        FLAT,
        {"offsets": [0, 3, 7], "lengths": [3, 4]},
        ValueError,
        "lengths: expected None, .*Use one",
    ),
    (FLAT[None], {"offsets": [0, 7]}, ValueError, r"path: .*\(points, channels\).*Concatenate"),
    (FLAT, {"offsets": [0.0, 7.0]}, TypeError, "offsets: expected integers"),
    (
        FLAT,
        {"offsets": 7},
        ValueError,
        r"offsets: expected shape \(paths \+ 1,\), received shape \(\)",
    ),
    (FLAT, {"offsets": [[0, 7]]}, ValueError, r"offsets: expected shape"),
    (FLAT, {"offsets": np.array([], int)}, ValueError, r"offsets: expected shape"),
    (FLAT, {"offsets": [1, 7]}, ValueError, r"from 0 to the number 7 .*from 1 to 7. Pass path\["),
    (FLAT, {"offsets": [0, 8]}, ValueError, "from 0 to the number 7 of points"),
    (FLAT, {"offsets": [0, 3, 3, 7]}, ValueError, "received 3, then 3, at 1. A path needs"),
    (FLAT, {"offsets": [0, 5, 3, 7]}, ValueError, "received 5, then 3, at 1"),
    (FLAT, {"offsets": np.ma.array([0, 7], mask=[0, 1])}, TypeError, "offsets: .*masked"),
]


@pytest.mark.parametrize(("path", "options", "error", "message"), ERRORS)
def test_errors(path, options, error, message):
    for call in (pysig.signature, pysig.logsignature):
        with pytest.raises(error, match=message):
            call(path, 2, **options)
    with pytest.raises(error, match=message):
        pysig.linear_functional(path, {(0,): 1.0}, **options)


@pytest.mark.parametrize(
    ("tangent", "message"),
    [
        ([np.zeros((3, 2)), np.zeros((3, 2))], "tangent: expected an array of the shape of each"),
        ([np.zeros((3, 2))], "tangent: .*one for each of the 2 paths"),
        ([np.zeros((3, 3)), np.zeros((4, 3))], "tangent: expected an array of the shape of each"),
        (np.zeros((2, 4, 2)), r"tangent: expected a shape that broadcasts to \(7, 2\)"),
    ],
)
def test_errors_of_tangents(tangent, message):
    with pytest.raises(ValueError, match=message):
        pysig.signature_jvp(TWO, 2, tangent)


def test_lists_of_both_devices_are_refused(cupy):
    with pytest.raises(TypeError, match=re.escape("path[1]: expected a CuPy array like the first")):
        pysig.signature([cupy.zeros((2, 2)), np.zeros((3, 2))], 2)
    with pytest.raises(TypeError, match=re.escape("Move it with cupy.asnumpy(path[1])")):
        pysig.signature([np.zeros((2, 2)), cupy.zeros((3, 2))], 2)
