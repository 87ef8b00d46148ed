"""Sizes and words: exact, of any size, in the order of the coefficients of the reference."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pysig
from pysig._plans.layout import Plan, plan_for
from pysig._reference import tensor

pytestmark = pytest.mark.quick

small = st.tuples(st.integers(1, 5), st.integers(1, 5), st.booleans())


@given(small)
def test_sizes_count_the_words(case):
    channels, depth, scalar_term = case
    words = pysig.words(channels, depth, scalar_term)
    assert pysig.signature_size(channels, depth, scalar_term) == len(words) == len(set(words))
    levels = [channels**k for k in range(1, depth + 1)]
    assert len(words) == sum(levels) + scalar_term


@given(small)
def test_words_are_level_after_level_and_lexicographic(case):
    channels, depth, scalar_term = case
    words = pysig.words(channels, depth, scalar_term)
    assert words == sorted(words, key=lambda word: (len(word), word))
    letters = range(channels)
    first = 0 if scalar_term else 1
    assert set(words) == {w for k in range(first, depth + 1) for w in product(letters, repeat=k)}


@given(small)
def test_index_and_word_are_inverse(case):
    channels, depth, scalar_term = case
    for index, word in enumerate(pysig.words(channels, depth, scalar_term)):
        assert pysig.word_index(word, channels, scalar_term) == index
        assert pysig.index_word(index, channels, scalar_term) == word


@given(st.integers(2, 10**6), st.integers(0, 10**60), st.booleans())
def test_indices_of_any_size_are_exact(channels, index, scalar_term):
    word = pysig.index_word(index, channels, scalar_term)
    assert all(0 <= letter < channels for letter in word)
    assert pysig.word_index(word, channels, scalar_term) == index


@given(st.integers(0, 10**4))
def test_one_channel_counts_letters(index):
    assert pysig.index_word(index, 1) == (0,) * (index + 1)
    assert pysig.word_index((0,) * (index + 1), 1) == index
    assert pysig.index_word(index, 1, scalar_term=True) == (0,) * index


def test_the_layout_is_that_of_the_reference():
    """The coefficient of a word is where the tensor of the reference has it."""
    channels, depth = 3, 4
    levels = [np.zeros((channels,) * k) for k in range(depth + 1)]
    for number, word in enumerate(pysig.words(channels, depth, scalar_term=True)):
        levels[len(word)][word] = number
    for scalar_term in (False, True):
        row = tensor.flatten(levels, scalar_term)
        for word in pysig.words(channels, depth, scalar_term):
            assert row[pysig.word_index(word, channels, scalar_term)] == levels[len(word)][word]


def test_the_layout_is_that_of_signature():
    """A path along axis i and then axis j has S[ij] = 1 and S[ji] = 0."""
    for i, j in product(range(3), repeat=2):
        if i != j:
            path = np.cumsum([np.zeros(3), np.eye(3)[i], np.eye(3)[j]], axis=0)
            row = pysig.signature(path, 2)
            assert row[pysig.word_index((i, j), 3)] == 1
            assert row[pysig.word_index((j, i), 3)] == 0


def test_sizes_are_exact_however_large():
    assert pysig.signature_size(5, 4) == 5 + 25 + 125 + 625
    assert pysig.signature_size(1, 10**30) == 10**30
    assert pysig.signature_size(2, 200, scalar_term=True) == 2**201 - 1
    assert pysig.signature_size(10**40, 2) == 10**80 + 10**40
    assert pysig.signature_size(np.int8(100), np.uint8(3)) == 1_010_100


def test_words_take_any_sequence_of_integers():
    for word in [(1, 0), [1, 0], np.array([1, 0]), (np.int8(1), np.uint64(0)), iter([1, 0])]:
        assert pysig.word_index(word, 2) == 4
    assert pysig.word_index((), 2, scalar_term=True) == 0
    assert pysig.index_word(0, 2, scalar_term=True) == ()


@pytest.mark.parametrize(
    ("call", "error", "argument"),
    [
        (lambda: pysig.signature_size(0, 1), ValueError, "channels"),
        (lambda: pysig.signature_size(2, 0), ValueError, "depth"),
        (lambda: pysig.signature_size(2.0, 1), TypeError, "channels"),
        (lambda: pysig.signature_size(2, True), TypeError, "depth"),
        (lambda: pysig.signature_size(2, 1, 1), TypeError, "scalar_term"),
        (lambda: pysig.words("2", 1), TypeError, "channels"),
        (lambda: pysig.words(2, None), TypeError, "depth"),
        (lambda: pysig.words(2, 2, None), TypeError, "scalar_term"),
        (lambda: pysig.word_index((0, 2), 2), ValueError, "word"),
        (lambda: pysig.word_index((0, -1), 2), ValueError, "word, a letter"),
        (lambda: pysig.word_index((0.0, 1), 2), TypeError, "word, a letter"),
        (lambda: pysig.word_index("01", 2), TypeError, "word"),
        (lambda: pysig.word_index(3, 2), TypeError, "word"),
        (lambda: pysig.word_index((), 2), ValueError, "word"),
        (lambda: pysig.word_index((0,), 0), ValueError, "channels"),
        (lambda: pysig.index_word(-1, 2), ValueError, "index"),
        (lambda: pysig.index_word(1.5, 2), TypeError, "index"),
        (lambda: pysig.index_word(1, -2), ValueError, "channels"),
    ],
)
def test_bad_arguments(call, error, argument):
    with pytest.raises(error, match=f"^{argument}: expected .*received "):
        call()


def test_lists_that_cannot_fit():
    with pytest.raises(MemoryError, match=r"^depth: .* bytes.* The largest depth that fits is \d"):
        pysig.words(100, 10)
    with pytest.raises(MemoryError, match=r"^depth: "):
        pysig.words(2, 10**9)
    with pytest.raises(MemoryError, match=r"^index: .* bytes"):
        pysig.index_word(10**15, 1)


@given(small)
def test_the_plan_knows_the_same_sizes(case):
    channels, depth, scalar_term = case
    plan = plan_for(channels, depth, scalar_term)
    assert plan is plan_for(channels, depth, scalar_term)
    assert plan.size == pysig.signature_size(channels, depth, scalar_term)
    assert plan.coefficients == plan.offsets[-1] == sum(plan.level_sizes)
    for level in range(1, depth + 1):
        assert plan.offsets[level - 1] == pysig.word_index((0,) * level, channels)
    with pytest.raises(AttributeError):
        plan.depth = 3
    assert plan == Plan(channels, depth, scalar_term)
