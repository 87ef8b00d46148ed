"""The bench: cases and their minimal cost, operations, inputs, the distance of two answers."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

# At the end of the path: an installed pysig goes before the one of the source tree.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from bench import probe
from bench.answers import deviation, make_inputs
from bench.cases import AUTHORS, BY_NAME, CORE, GROUPS, Case, select
from bench.libraries import LIBRARIES
from bench.operation import lyndon_shape
from bench.operations import OPERATIONS

CASE = Case(3, 6, 2, 3)


# Cases and their minimal cost.


def test_minimal_cost_of_a_case_counted_by_hand():
    case = Case(2, 3, 2, 2)  # two paths, two steps, 2 + 4 coefficients
    assert case.madds == 2 * 2 * (2 + 4)
    signature = OPERATIONS["signature"]
    assert signature.madds(case) == 24
    assert signature.bytes(case, "float32") == 4 * (2 * 3 * 2 + 2 * 6)
    assert signature.bytes(case, "float64") == 2 * signature.bytes(case, "float32")
    assert OPERATIONS["signature_vjp"].madds(case) == 48
    assert OPERATIONS["signature-stream"].bytes(case, "float32") == 4 * (12 + 2 * 2 * 6)


@pytest.mark.parametrize("case", BY_NAME.values(), ids=lambda case: case.name)
def test_minimal_cost_of_every_case_counts_coefficients_step_by_step(case):
    words = sum(case.channels**k for k in range(1, case.depth + 1))
    assert case.size == words == sum(case.level_sizes)
    assert case.madds == case.paths * (case.length - 1) * words


def test_the_cases_are_the_agreed_ones():
    assert [(c.batch, c.length, c.channels, c.depth) for c in CORE] == [
        (128, 100, 5, 4),
        (1, 1000, 5, 5),
        (32, 1000, 10, 4),
        (32, 128, 8, 4),
        (128, 1024, 4, 6),
        (16, 256, 2, 10),
        (1, 100000, 3, 4),
        (1, 128, 40, 3),
        (512, 50, 3, 3),
        (8, 64, 6, 7),
    ]
    agreed = {(256, 10000, d, k) for d, k in itertools.product((2, 4, 8, 16), (2, 3))}
    assert {(c.batch, c.length, c.channels, c.depth) for c in AUTHORS} == agreed


@pytest.mark.parametrize("group", [name for name in GROUPS if name.startswith("sweep-")])
def test_sweeps_span_three_decades_of_work(group):
    work = [case.madds for case in GROUPS[group]]
    assert max(work) / min(work) > 900
    assert work == sorted(work)


def test_cases_are_selected_by_group_name_and_pattern():
    assert select(["core"]) == list(CORE)
    assert select(["128x100x5-N4", "128x*", "core"])[0] == CORE[0]
    assert len(select(["core", "core"])) == len(CORE)
    with pytest.raises(ValueError, match="no case or group is called 'nope'"):
        select(["nope"])


@pytest.mark.parametrize(("channels", "depth"), [(2, 6), (3, 5), (5, 3), (1, 4)])
def test_lyndon_shape_counts_lyndon_words(channels, depth):
    def is_lyndon(word):
        return all(word < word[i:] + word[:i] for i in range(1, len(word)))

    count = sum(
        is_lyndon(word)
        for k in range(1, depth + 1)
        for word in itertools.product(range(channels), repeat=k)
    )
    assert lyndon_shape(Case(7, 2, channels, depth)) == (7, count)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_every_operation_is_complete(operation):
    assert {"reference", "pysig"} <= set(operation.calls) <= set(LIBRARIES)
    assert operation.bound in probe.PROBES
    assert set(operation.groups) <= set(GROUPS)
    assert (operation.checked_as or operation.name) in OPERATIONS
    assert operation.tolerance["float64"] <= 1e-10
    assert operation.tolerance["float32"] <= 1e-3
    if operation.against:  # it is computed from the same inputs, and has another answer
        base = OPERATIONS[operation.against]
        assert set(base.inputs) | set(base.extra_inputs) <= set(operation.inputs)
        assert (base.checked_as or base.name) != (operation.checked_as or operation.name)


# Inputs and answers.


def test_inputs_are_reproducible_and_rounded_once():
    operation = OPERATIONS["signature_vjp"]
    first, again = (make_inputs(operation, CASE, "float64", 1) for _ in range(2))
    assert set(first) == {"path", "cotangent", "tangent"}
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["path"], make_inputs(operation, CASE, "float64", 2)["path"])
    single = make_inputs(operation, CASE, "float32", 1)["path"]
    assert single.dtype == np.float32
    assert np.array_equal(single, first["path"].astype(np.float32))


def test_deviation_is_relative_to_the_level_an_error_is_in():
    right = np.ones((3, CASE.size))
    right[:, : CASE.channels] = 1e-6  # a small level in the shadow of large ones
    wrong = right.copy()
    wrong[1, 0] *= -1
    assert deviation(right, right, CASE) == 0.0
    assert deviation(wrong, right, CASE) == pytest.approx(2.0)
    assert deviation(right[:, :-1], right, CASE) == float("inf")
    wrong[1, 0] = np.nan
    assert deviation(wrong, right, CASE) == float("inf")
    assert deviation(np.full(3, 2.0), np.ones(3), CASE) == pytest.approx(1.0)
    assert deviation(np.zeros((0, 2)), np.zeros((0, 2)), CASE) == 0.0
