"""The exact tables of the free Lie algebra: against definitions, against each other, against golden
values.
"""

from __future__ import annotations

import json
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, permutations, product
from pathlib import Path

import numpy as np
import pytest

import pysig
from pysig._combinatorics import expansion, hall, lie, lyndon_dual, size_bounds
from pysig._combinatorics.words import signature_size
from pysig._plans import basis_tables
from pysig._plans.sparse_matrix import SparseMatrix

GOLDEN = json.loads((Path(__file__).parent / "golden" / "bases.json").read_text())
SIZES = [(1, 1), (1, 4), (2, 1), (2, 2), (2, 7), (3, 5), (4, 4), (5, 3), (7, 2), (10, 1)]
FORMS = ("words", "brackets", "hall")


def commutator(u: dict[tuple, int], v: dict[tuple, int]) -> dict[tuple, int]:
    """u v - v u for polynomials {word: coefficient}."""
    out: dict[tuple, int] = {}
    for a, p in u.items():
        for b, q in v.items():
            out[a + b] = out.get(a + b, 0) + p * q
            out[b + a] = out.get(b + a, 0) - p * q
    return {w: c for w, c in out.items() if c}


def written_out(bracket: hall.Bracket) -> dict[tuple, int]:
    """A bracket as a polynomial, by its definition."""
    if isinstance(bracket, int):
        return {(bracket,): 1}
    return commutator(written_out(bracket[0]), written_out(bracket[1]))


def index_of(word: tuple, channels: int) -> int:
    index = 0
    for letter in word:
        index = index * channels + letter
    return index


def is_identity(matrix: SparseMatrix) -> bool:
    n = matrix.shape[0]
    return (
        matrix.shape == (n, n)
        and np.array_equal(matrix.indptr, np.arange(n + 1))
        and np.array_equal(matrix.indices, np.arange(n))
        and bool(np.all(matrix.data == 1))
    )


def test_is_identity_sees_a_wrong_matrix():
    good = basis_tables.change_of_basis(2, 3, "words", "words")
    assert is_identity(good)
    wrong = SparseMatrix(good.shape, good.indptr, good.indices, good.data * 2)
    assert not is_identity(wrong)


@pytest.mark.parametrize(("channels", "depth"), SIZES)
def test_lyndon_words_are_smaller_than_their_rotations(channels, depth):
    levels = hall.lyndon_words_by_level(channels, depth)
    for k, words in enumerate(levels, start=1):
        expected = [
            w
            for w in product(range(channels), repeat=k)
            if all(w < w[i:] + w[:i] for i in range(1, k))
        ]
        assert words == expected
        assert (
            len(words) == (1 if k == 1 else 0) if channels == 1 else hall.lyndon_count(channels, k)
        )
    assert hall.logsignature_size(channels, depth) == sum(map(len, levels))


def test_witt_formula_is_exact_for_large_sizes():
    # The number of Lyndon words of p letters, p prime: (d^p - d) / p.
    assert hall.lyndon_count(10, 101) == (10**101 - 10) // 101
    # Every word is a power of a rotation of one Lyndon word.
    assert sum(k * hall.lyndon_count(3, k) for k in (1, 2, 3, 4, 6, 12)) == 3**12


@pytest.mark.parametrize(("channels", "depth"), SIZES)
def test_lyndon_bracketing_is_the_standard_one(channels, depth):
    words = [w for level in hall.lyndon_words_by_level(channels, depth) for w in level]
    lyndon = hall.lyndon_set(channels, depth)
    assert len(lyndon) == len(words)
    for h, word in enumerate(words):
        if len(word) == 1:
            assert (lyndon.left[h], lyndon.right[h]) == (-1, -1)
            continue
        suffix = next(word[i:] for i in range(1, len(word)) if word[i:] in words)
        assert words[lyndon.right[h]] == suffix
        assert words[lyndon.left[h]] == word[: -len(suffix)]


@pytest.mark.parametrize(("channels", "depth"), SIZES)
def test_standard_hall_set_by_its_conditions(channels, depth):
    hall_set = hall.standard_hall_set(channels, depth)
    level = hall_set.levels()
    expected = set()
    for a, b in product(range(len(hall_set)), repeat=2):
        if a < b and level[a] + level[b] <= depth and (level[b] == 1 or hall_set.left[b] <= a):
            expected.add((a, b))
    pairs = list(zip(hall_set.left, hall_set.right, strict=True))[channels:]
    assert len(pairs) == len(expected)
    assert set(pairs) == expected
    key = [(level[a] + level[b], a, b) for a, b in pairs]
    assert key == sorted(key)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda c: f"{c['channels']}-{c['depth']}")
def test_labels_are_those_of_iisignature(case):
    sizes = case["channels"], case["depth"]
    letters = [str(letter + 1) for letter in range(case["channels"])]  # they count from 1
    assert hall.lyndon_set(*sizes).labels(letters) == case["lyndon"]
    assert hall.standard_hall_set(*sizes).labels(letters) == case["hall"]


@pytest.mark.parametrize("make", [hall.lyndon_set, hall.standard_hall_set])
@pytest.mark.parametrize(("channels", "depth"), SIZES)
def test_expansions_against_commutators(make, channels, depth):
    hall_set = make(channels, depth)
    brackets = hall_set.brackets()
    for k, rows in enumerate(expansion.expand(hall_set, depth), start=1):
        assert len(rows.indptr) == len(hall_set.level(k)) + 1
        for i, h in enumerate(hall_set.level(k)):
            entries = slice(rows.indptr[i], rows.indptr[i + 1])
            got = dict(
                zip(rows.indices[entries].tolist(), rows.data[entries].tolist(), strict=True)
            )
            assert got == {index_of(w, channels): c for w, c in written_out(brackets[h]).items()}


@pytest.mark.parametrize(("channels", "depth"), SIZES)
def test_functionals_are_dual_to_the_lyndon_brackets(channels, depth):
    lyndon = hall.lyndon_set(channels, depth)
    polynomials = lyndon_dual.lyndon_functionals(channels, depth)
    for k, rows in enumerate(expansion.expand(lyndon, depth), start=1):
        brackets = np.zeros((len(lyndon.level(k)), channels**k), np.int64)
        brackets[np.repeat(np.arange(len(brackets)), np.diff(rows.indptr)), rows.indices] = (
            rows.data
        )
        for i, h in enumerate(lyndon.level(k)):
            words, values = list(polynomials[h]), list(polynomials[h].values())
            assert min(values) > 0
            pairing = brackets[:, words] @ np.array(values)
            assert np.array_equal(pairing, np.arange(len(brackets)) == i)


@pytest.mark.parametrize("make", [hall.lyndon_set, hall.standard_hall_set])
def test_lie_bracket_is_a_lie_bracket(make):
    hall_set = make(3, 6)
    bracket = lie.LieBracket(hall_set)
    level = hall_set.levels()
    random = np.random.default_rng(6)

    def element(k: int) -> lie.Element:
        return {h: int(random.integers(-9, 10)) for h in hall_set.level(k)}

    def clean(x: lie.Element) -> lie.Element:
        return {h: c for h, c in x.items() if c}

    def plus(*terms: lie.Element) -> lie.Element:
        total: lie.Element = {}
        for term in terms:
            for h, c in term.items():
                total[h] = total.get(h, 0) + c
        return clean(total)

    for p, q, r in [(1, 1, 1), (1, 2, 3), (2, 2, 2), (1, 1, 4), (3, 2, 1)]:
        x, y, z = element(p), element(q), element(r)
        assert plus(bracket(x, y), bracket(y, x)) == {}
        jacobi = plus(
            bracket(x, bracket(y, z)), bracket(y, bracket(z, x)), bracket(z, bracket(x, y))
        )
        assert jacobi == {}
        assert all(level[h] == p + q for h in bracket(x, y))


@pytest.mark.parametrize(("channels", "depth"), SIZES)
def test_changes_of_basis_are_inverse_to_each_other(channels, depth):
    for source, target in product(FORMS, repeat=2):
        there = basis_tables.change_of_basis(channels, depth, source, target)
        back = basis_tables.change_of_basis(channels, depth, target, source)
        assert is_identity(back @ there)
    for basis in FORMS:
        written = basis_tables.change_of_basis(channels, depth, basis, "expanded")
        assert written.shape == (
            signature_size(channels, depth),
            hall.logsignature_size(channels, depth),
        )
        read = basis_tables.change_of_basis(channels, depth, "expanded", basis)
        assert is_identity(read @ written)


@pytest.mark.parametrize(("channels", "depth"), [(2, 6), (3, 4), (4, 3)])
def test_conversion_steps_compose_to_the_matrices(channels, depth):
    for source, target in product(basis_tables.BASES, repeat=2):
        matrix = basis_tables.change_of_basis(channels, depth, source, target)
        product_of_steps = np.eye(matrix.shape[1], dtype=np.int64)
        for step in basis_tables.conversion_steps(channels, depth, source, target):
            product_of_steps = step.toarray() @ product_of_steps
        # The products may differ outside the Lie elements only.
        lie_elements = basis_tables.change_of_basis(channels, depth, "brackets", source).toarray()
        assert np.array_equal(product_of_steps @ lie_elements, matrix.toarray() @ lie_elements)


def test_words_of_brackets_is_unit_triangular():
    for rows in expansion.words_of_brackets(3, 6):
        n = len(rows.indptr) - 1
        row = np.repeat(np.arange(n), np.diff(rows.indptr))
        assert np.all(rows.indices <= row)
        assert np.all(rows.data[rows.indices == row] == 1)
        assert np.count_nonzero(rows.indices == row) == n


def test_products_beyond_int64_are_exact():
    big = 2**40
    a = expansion.Rows(np.array([0, 2]), np.array([0, 1]), np.array([big, big]))
    b = expansion.Rows(np.array([0, 1, 2]), np.array([0, 0]), np.array([big, big]))
    assert expansion.multiply(a, b, 1).data.tolist() == [2 * big * big]
    triangle = np.array([[1, 0, 0], [big, 1, 0], [big, big, 1]], np.int64)
    inverse = expansion._inverse_of_unit_triangular(triangle)
    assert inverse.tolist() == [[1, 0, 0], [-big, 1, 0], [big * big - big, -big, 1]]


def test_tables_are_shared_read_only_and_picklable():
    with ThreadPoolExecutor(8) as pool:
        futures = [
            pool.submit(basis_tables.change_of_basis, 3, 5, "expanded", "hall") for _ in range(16)
        ]
        tables = [future.result() for future in futures]
    for table in tables:
        assert np.array_equal(table.data, tables[0].data)
        assert np.array_equal(table.indices, tables[0].indices)
    copy = pickle.loads(pickle.dumps(tables[0]))
    assert np.array_equal(copy.toarray(), tables[0].toarray())
    with pytest.raises(ValueError, match="read-only"):
        tables[0].data[0] = 7
    hall_set = hall.standard_hall_set(3, 5)
    assert pickle.loads(pickle.dumps(hall_set)) == hall_set


@pytest.mark.sweep
@pytest.mark.parametrize("basis", FORMS)
@pytest.mark.parametrize(("channels", "depth"), [(2, 15), (3, 10), (5, 7), (10, 5)])
def test_large_tables_read_what_was_written(channels, depth, basis):
    """Coordinates written out in words and read off again are the same, in exact integers."""
    count = basis_tables.coordinate_count(channels, depth, basis)
    coordinates = np.random.default_rng(depth).integers(-9, 10, count)

    def applied(matrices, x):
        for m in matrices:
            row = np.repeat(np.arange(m.shape[0]), np.diff(m.indptr))
            sizes = np.bincount(row, np.abs(m.double * x[m.indices].astype(float)), m.shape[0])
            kind = np.int64 if sizes.max() < 2.0**62 else object
            out = np.zeros(m.shape[0], kind)
            np.add.at(out, row, m.data.astype(kind) * x[m.indices].astype(kind))
            x = out
        return x

    tensor = applied(basis_tables.conversion_steps(channels, depth, basis, "expanded"), coordinates)
    assert tensor.shape == (signature_size(channels, depth),)
    assert np.count_nonzero(tensor) > count
    read = applied(basis_tables.conversion_steps(channels, depth, "expanded", basis), tensor)
    assert np.array_equal(read, coordinates)


# What fits.


@pytest.mark.parametrize(("channels", "depth"), [(2, 12), (3, 8), (5, 6), (10, 4), (4, 1), (2, 2)])
def test_sizes_are_estimated_before_tables_are_built(channels, depth):
    lyndon = hall.lyndon_set(channels, depth)
    entries = {
        "functionals": sum(map(len, lyndon_dual.lyndon_functionals(channels, depth))),
        "brackets": sum(len(rows.data) for rows in expansion.expand(lyndon, depth)),
    }
    for kind, found in entries.items():
        assert size_bounds.upper_bound(channels, depth, kind) >= found
        assert 0.7 * found <= size_bounds.estimate(channels, depth, kind) <= 1.2 * found


def test_the_sample_is_of_lyndon_words_with_their_standard_bracketing():
    lyndon = hall.lyndon_set(2, 9)
    words = [w for level in hall.lyndon_words_by_level(2, 9) for w in level]
    sample = list(islice(size_bounds._some_lyndon_words(2, 9), 500))
    assert set(sample) == {w for w in words if len(w) == 9}
    length = size_bounds._functional_length(2, 9), size_bounds._bracket_length(2, 9)
    polynomials, rows = lyndon_dual.lyndon_functionals(2, 9), expansion.expand(lyndon, 9)[8]
    for word in set(sample):
        h = words.index(word)
        i = h - lyndon.level(9).start
        a, b = size_bounds._split(word)
        assert (words.index(a), words.index(b)) == (lyndon.left[h], lyndon.right[h])
        assert length[0](word) == len(polynomials[h])
        assert length[1](word) == rows.indptr[i + 1] - rows.indptr[i]


@pytest.fixture
def memory(monkeypatch):
    """A function that sets the available memory and forgets the tables."""

    def have(size):
        monkeypatch.setattr(basis_tables, "available_memory", lambda: size)
        basis_tables._check_table_memory.cache_clear()
        basis_tables.conversion_steps.cache_clear()

    yield have
    basis_tables._check_table_memory.cache_clear()
    basis_tables.conversion_steps.cache_clear()


@pytest.mark.parametrize(
    ("call", "depth"),
    [
        (lambda: basis_tables.conversion_steps(3, 13, "expanded", "brackets"), 12),
        (lambda: basis_tables.conversion_steps(3, 13, "expanded", "hall"), 12),
        (lambda: basis_tables.change_of_basis(3, 13, "brackets", "expanded"), 12),
        (lambda: basis_tables.change_of_basis(3, 14, "words", "brackets"), 13),
        (lambda: basis_tables.change_of_basis(2, 10**6, "expanded", "words"), 29),
        (lambda: pysig.logsignature(np.ones((2, 3)), 13, basis="brackets"), 12),
        (lambda: pysig.logsignature_vjp(np.ones((2, 3)), 13, 0, basis="brackets"), 12),
        (lambda: pysig.logsignature_jvp(np.ones((2, 3)), 13, 0, basis="hall"), 12),
        (lambda: pysig.logsignature_hvp(np.ones((2, 3)), 13, 0, 0, basis="hall"), 12),
    ],
)
def test_tables_beyond_the_memory_are_refused_before_they_are_made(
    monkeypatch, memory, call, depth
):
    memory(8 * 10**9)
    work = [(basis_tables, "_step")]
    work += [
        (module, name)
        for stem in ("vjp", "jvp", "hvp")
        for module in [sys.modules[f"pysig._api.logsignature_{stem}"]]
        for name in ("signature", "signature_jvp")
        if hasattr(module, name)
    ]
    assert len(work) > 3
    for owner, name in work:
        monkeypatch.setattr(owner, name, lambda *_, **__: pytest.fail("work was begun"))
    said = rf"^depth: the tables .* bytes, but only 8000000000 are available\. .* is {depth}\. "
    with pytest.raises(MemoryError, match=said):
        call()


def test_tables_that_fit_are_built_and_not_checked_again(monkeypatch, memory):
    memory(2**30)
    for source, target in permutations(basis_tables.BASES, 2):
        for channels, depth in ((2, 15), (3, 10), (5, 7), (10, 5)):
            stops = basis_tables._STOPS.get((source, target), (source, target))
            basis_tables._check_memory(channels, depth, stops)
    made = basis_tables.change_of_basis(2, 5, "expanded", "brackets")
    monkeypatch.setattr(basis_tables, "available_memory", lambda: 1)
    assert basis_tables.change_of_basis(2, 5, "expanded", "brackets") is made
    with pytest.raises(MemoryError, match=r"No depth fits; use fewer channels\."):
        basis_tables.change_of_basis(2, 5, "brackets", "words")


def test_a_limit_of_the_process_counts():
    resource = pytest.importorskip("resource", reason="this system has no limits of processes")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (2**31, before[1]))
        assert 2**20 < basis_tables.available_memory() <= 2**31
        with pytest.raises(MemoryError, match="largest depth that fits is 27"):  # of 8 bytes each
            pysig.signature(np.ones((2, 2)), 28)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
