"""Advice in errors on basepoints and offsets."""

import numpy as np
import pytest

import pysig


@pytest.mark.parametrize("point", [0, 0.0, 1, np.float64(2.0)])
@pytest.mark.parametrize("compute", [pysig.signature, pysig.signature_windows])
def test_a_number_is_not_a_basepoint(compute, point):
    arguments = (2,) if compute is pysig.signature else (2, 3)
    path = np.random.default_rng(0).normal(size=(5, 2))
    with pytest.raises(ValueError, match=r"^basepoint: expected True.* Pass True for the origin"):
        compute(path, *arguments, basepoint=point)


@pytest.mark.parametrize(
    ("offsets", "advice"),
    [
        ([], r"numpy\.cumsum\(\[0, \*lengths\]\)"),
        ([0, 2.0, 5.0], r"numpy\.cumsum\(\[0, \*lengths\]\)"),
        ([0, 7], r"Begin with 0 and end with len\(path\)"),
        ([0, 3], r"Pass path\[offsets\[0\]:offsets\[-1\]\] and offsets - offsets\[0\]"),
    ],
)
def test_the_advice_on_offsets(offsets, advice):
    with pytest.raises((TypeError, ValueError), match=f"^offsets: .*{advice}"):
        pysig.signature(np.zeros((5, 2)), 2, offsets=offsets)
