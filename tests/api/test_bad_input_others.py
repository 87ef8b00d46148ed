"""Bad input to the other functions, and numbers that no conversion of arguments preserves."""

from __future__ import annotations

import numpy as np
import pytest

import pysig

pytestmark = pytest.mark.quick

SMALL = np.zeros((3, 2), np.float32)
AREA = {(0, 1): 0.5, (1, 0): -0.5}
HUGE = {
    "initial": lambda: pysig.signature(SMALL, 1, initial=[1e300, 0.0]),
    "basepoint": lambda: pysig.signature(SMALL, 1, basepoint=[1e39, 0.0]),
    "cotangent": lambda: pysig.signature_vjp(SMALL, 1, [1e300, 0.0]),
    "tangent": lambda: pysig.signature_jvp(SMALL, 1, np.full((3, 2), -1e300)),
    "times": lambda: pysig.signature(SMALL, 1, transform=pysig.Time([0.0, 1.0, 1e300])),
    "functional": lambda: pysig.linear_functional(SMALL, {(0,): 1e300}),
    "points": lambda: pysig.IncrementalSignature(2, 1, np.float32).push([1e300, 0.0]),
}


@pytest.mark.parametrize("argument", HUGE)
def test_numbers_too_large_for_float32_are_named(argument):
    """And not left to a warning of NumPy that names nothing."""
    says = r"expected numbers that float32 holds, up to 3\.4e\+38, received larger ones"
    with pytest.raises(ValueError, match=f"^{argument}: {says}"):
        HUGE[argument]()


def test_infinity_is_not_a_number_too_large():
    assert np.isinf(pysig.signature(SMALL, 1, initial=[np.inf, 0.0])[0])
    assert np.isnan(pysig.signature(SMALL, 1, initial=[np.nan, 0.0])[0])


OTHER = [
    (
        lambda: pysig.signature_vjp(np.zeros((3, 2)), 2, 1.0),
        ValueError,
        r"cotangent: expected a shape that broadcasts to \(6,\), "
        r"received \(\), without the last axis",
    ),
    (
        lambda: pysig.change_of_basis(2, 3, "brackets", "hall") @ np.ones(6),
        ValueError,
        r"@: expected array with an inner dimension of 5, received shape \(6,\)\.",
    ),
    (
        lambda: pysig.linear_functional_vjp(np.zeros((4, 3, 2)), AREA, np.zeros(3)),
        ValueError,
        r"cotangent: expected a shape that broadcasts to \(4,\), received \(3,\)",
    ),
    (
        lambda: pysig.linear_functional_vjp(
            np.zeros((4, 3, 2)), AREA, np.zeros((4, 1)), stream=True
        ),
        None,
        "",
    ),
    (
        lambda: pysig.linear_functional_vjp(np.zeros((3, 2)), AREA, np.zeros(3), stream=True),
        ValueError,
        r"cotangent: expected a shape that broadcasts to \(2,\), received \(3,\)",
    ),
    (
        lambda: pysig.linear_functional(np.zeros((3, 2)), {(0,): 10**400}),
        ValueError,
        r"functional: expected numbers that float64 holds, received 1000",
    ),
    (
        lambda: pysig.linear_functional(np.zeros((3, 2)), {(0,): np.complex128(1)}),
        TypeError,
        "functional: expected a real number",
    ),
    (
        lambda: pysig.signature_vjp(np.zeros((3, 2)), 1, np.zeros(2, complex)),
        TypeError,
        r"cotangent: .*complex128.*pass cotangent\.real if",
    ),
    (
        lambda: pysig.signature(np.zeros((3, 2)), words={(0,), (1,)}),
        TypeError,
        r"words: expected a sequence of words, .*received set .*words=sorted\(words\)",
    ),
    *(
        (
            call,
            TypeError,
            r"(words?(\[0\])?|functional): expected a sequence .*, in their order, "
            rf"received {kind} .* as a tuple",
        )
        for call, kind in [
            (lambda: pysig.signature(SMALL, words=[{0, 1}]), "set"),
            (lambda: pysig.linear_functional(SMALL, {frozenset((0, 1)): 1.0}), "frozenset"),
            (lambda: pysig.word_index({0, 2}, 3), "set"),
            (lambda: pysig.prefix_closure([{0: 1}]), "dict"),
        ]
    ),
    (
        lambda: pysig.signature(SMALL, 1, transform=pysig.Time(end=1e39)),
        ValueError,
        r"end: expected at most 3\.4e\+38, which float32 holds, received 1e\+39",
    ),
    (
        lambda: pysig.signature(np.zeros((3, 2)), words=frozenset({(0,)})),
        TypeError,
        "words: expected a sequence .*received frozenset",
    ),
    *(
        (
            lambda dtype=dtype: pysig.IncrementalSignature(2, 2, dtype),
            TypeError,
            f"dtype: expected float32 or float64, received {text}",
        )
        for dtype, text in (
            ("float16", "str 'float16'"),
            ("number", "str 'number'"),
            ([("x",)], "list"),
            (np.int64, "type <class 'numpy.int64'>"),
            (3, "int 3"),
        )
    ),
]


@pytest.mark.parametrize("number", range(len(OTHER)))
def test_bad_input_of_other_functions(number):
    call, error, says = OTHER[number]
    if error is None:
        call()
        return
    with pytest.raises(error, match=f"^{says}") as caught:
        call()
    assert type(caught.value) is error
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_the_closure_of_a_set_has_an_order_of_its_own():
    assert pysig.prefix_closure({(0, 1), (1,)}) == ((0,), (1,), (0, 1))
