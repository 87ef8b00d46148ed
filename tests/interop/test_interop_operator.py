"""`pysig.interop._operator`, what all frameworks share, on NumPy arrays and without a framework."""

from __future__ import annotations

import numpy as np
import pytest

import pysig
from pysig.interop._operator import Operator, prepare, pull_back, push_forward

pytestmark = pytest.mark.quick

KINDS = [(0, False), (1, False), (0, True), (1, True), (2, False)]
OPTIONS = [
    ({}, ("path",)),
    ({"stream": True, "scalar_term": True}, ("path", "basepoint", "initial")),
    ({"inverse": True}, ("path", "basepoint", "lengths")),
    ({"transform": ("time", "lead_lag"), "stream": True}, ("path",)),
    ({"words": ((1,), (1, 0), (0, 1, 1))}, ("path", "basepoint")),
]
SHAPES = {"path": (3, 5, 2), "basepoint": (3, 2)}


def random(rng, *shape):
    return rng.normal(size=shape)


def made(options, given, tangents, backward, seed=0):
    """An operator and operands for it."""
    rng = np.random.default_rng([seed, tangents, backward, len(given)])
    operator = Operator("signature", 3, tuple(sorted(options.items())), given)
    initial = (3, pysig.signature_size(2, 3, scalar_term=options.get("scalar_term", False)))
    shapes = {**SHAPES, "initial": initial}
    arrays = [
        np.array([5, 1, 3]) if name == "lengths" else random(rng, *shapes[name]) for name in given
    ]
    if options.get("scalar_term") and "initial" in given:
        arrays[given.index("initial")][..., 0] = 1
    extra = [random(rng, *operator.shapes(*arrays)[0])] if backward else []
    for _ in range(tangents):
        extra += [random(rng, *shapes[name]) for name in operator.moving]
    return operator._replace(tangents=tangents, backward=backward), [*arrays, *extra]


def apply(operator, *operands):
    return operator.run(*operands)


def pairing(ones, others):
    return sum((a * b).sum() for a, b in zip(ones, others, strict=True))


@pytest.mark.parametrize(("options", "given"), OPTIONS)
@pytest.mark.parametrize(("tangents", "backward"), KINDS)
def test_shapes_and_text(options, given, tangents, backward):
    operator, operands = made(options, given, tangents, backward)
    assert [a.shape for a in operator.run(*operands)] == operator.shapes(*operands)
    assert Operator.read(operator.text) == operator


@pytest.mark.parametrize(("options", "given"), OPTIONS)
@pytest.mark.parametrize(("tangents", "backward"), KINDS)
def test_each_slot_has_its_adjoint(options, given, tangents, backward):
    """<A u, c> = <u, A* c> for each linear slot u of A."""
    operator, operands = made(options, given, tangents, backward)
    result = operator.run(*operands)
    rng = np.random.default_rng(1)
    cotangents = [random(rng, *array.shape) for array in result]
    assert len(operator.slots) == tangents + backward
    for slot, place in enumerate(operator.slots):
        turned, turned_operands = operator.adjoint(slot, operands, cotangents)
        back = turned.run(*turned_operands)
        left, right = pairing(result, cotangents), pairing(operands[place], back)
        assert left == pytest.approx(right, rel=1e-10, abs=1e-10)
        assert pairing(operands[place], [2 * b for b in back]) != pytest.approx(left, rel=1e-3)


@pytest.mark.parametrize(("options", "given"), OPTIONS)
@pytest.mark.parametrize(("tangents", "backward"), KINDS[:3])
def test_derivatives_are_those_of_central_differences(options, given, tangents, backward):
    operator, operands = made(options, given, tangents, backward)
    rng = np.random.default_rng(2)
    moves = [
        None if array.dtype.kind == "i" else random(rng, *array.shape) / 10 for array in operands
    ]
    if options.get("scalar_term") and "initial" in given:
        moves[given.index("initial")][..., 0] = 0  # the scalar is constant
    moved = push_forward(apply, operator, operands, moves, np.zeros_like)

    def at(h):
        pairs = zip(operands, moves, strict=True)
        return operator.run(*(a if m is None else a + h * m for a, m in pairs))

    h = 1e-3  # of fourth order: an error of about h**4
    stencil = zip(at(h), at(-h), at(2 * h), at(-2 * h), strict=True)
    for change, (a, b, c, d) in zip(moved, stencil, strict=True):
        np.testing.assert_allclose(change, (8 * (a - b) - (c - d)) / (12 * h), rtol=0, atol=1e-9)
    cotangents = [random(rng, *array.shape) for array in moved]
    wanted = [move is not None for move in moves]
    back = pull_back(apply, operator, operands, cotangents, wanted)
    assert [gradient is not None for gradient in back] == wanted
    pairs = [(m, g) for m, g in zip(moves, back, strict=True) if m is not None]
    assert pairing(moved, cotangents) == pytest.approx(pairing(*zip(*pairs, strict=True)))


def test_what_does_not_move_costs_nothing():
    operator, operands = made({}, ("path", "basepoint"), 1, False)
    calls = []

    def counted(op, *arrays):
        calls.append(op)
        return op.run(*arrays)

    tangents = [None, None, operands[2], None]
    push_forward(counted, operator, operands, tangents, np.zeros_like)
    assert calls == [operator]
    assert pull_back(counted, operator, operands, [np.zeros((3, 14))], [False] * 4) == [None] * 4
    assert calls == [operator]


def test_a_third_derivative_is_refused():
    operator, _ = made({}, ("path",), 1, True)
    with pytest.raises(NotImplementedError, match="derivative of signature of order 1 or 2"):
        operator.raised()
    with pytest.raises(NotImplementedError, match="derivative of logsignature of order 1 or 2"):
        operator._replace(function="logsignature").raised()


def test_preparation_makes_options_hashable_and_batches_alike():
    arrays = {
        "path": np.zeros((4, 3, 5, 2)),
        "basepoint": np.ones(2),
        "lengths": np.array([1, 2, 3]),
    }
    options = {"stream": np.bool_(True), "workers": np.int64(1)}
    operator, operands = prepare("signature", np.int32(2), arrays, options, np.broadcast_to)
    assert operator.options == (("stream", True), ("workers", 1))
    assert [array.shape for array in operands] == [(4, 3, 5, 2), (4, 3, 2), (4, 3)]
    assert hash(operator) == hash(Operator.read(operator.text))
    with pytest.raises(TypeError, match=r"transform: expected numbers, .*received Time"):
        prepare("signature", 2, arrays, {"transform": [pysig.Time([0.0, 1.0])]}, np.broadcast_to)
    expected = pysig.signature(**arrays, depth=2, **options)
    np.testing.assert_array_equal(operator.run(*operands)[0], expected)


@pytest.mark.parametrize("transform", [pysig.Time(end=2.5), ["lead_lag", pysig.Time(end=2.5)]])
def test_a_time_without_an_array_is_an_option(transform):
    path = np.random.default_rng(0).normal(size=(3, 5, 2))
    arrays = {"path": path, "basepoint": None, "initial": None, "lengths": None}
    operator, operands = prepare("signature", 2, arrays, {"transform": transform}, np.broadcast_to)
    assert Operator.read(operator.text) == operator
    assert operator.shapes(*operands) == [operator.run(*operands)[0].shape]
    np.testing.assert_array_equal(
        operator.run(*operands)[0], pysig.signature(path, 2, transform=transform)
    )
