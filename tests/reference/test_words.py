"""Sizes and words: exact, of any size, in the order of the coefficients of the reference."""

from __future__ import annotations

import re
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pysig
from pysig._api import _memory
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
        (lambda: pysig.word_index((0, -1), 2), ValueError, r"word\[1\]"),
        (lambda: pysig.word_index((0.0, 1), 2), TypeError, r"word\[0\]"),
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
    with pytest.raises(MemoryError, match=r"The largest depth that fits is \d\d\.$"):
        pysig.words(2, 10**9)
    with pytest.raises(MemoryError, match=r"^index: .* bytes"):
        pysig.index_word(10**15, 1)


LISTS = {
    "words": pysig.words,
    "lyndon_words": pysig.lyndon_words,
    "lyndon_brackets": pysig.lyndon_brackets,
    "hall_basis": pysig.hall_basis,
    "labels, expanded": pysig.labels,
    "labels, words": lambda channels, depth: pysig.logsignature_labels(channels, depth, "words"),
    "labels, brackets": lambda channels, depth: pysig.logsignature_labels(
        channels, depth, "brackets"
    ),
    "labels, hall": lambda channels, depth: pysig.logsignature_labels(channels, depth, "hall"),
}


@pytest.mark.parametrize("depth", [60, 10**9, 10**30])
@pytest.mark.parametrize("name", LISTS)
def test_lists_beyond_the_memory_are_refused_before_work(name, depth):
    with pytest.raises(MemoryError, match=rf"^depth: the list of depth {depth} with 3 .* bytes"):
        LISTS[name](3, depth)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("name", LISTS)
def test_the_bytes_of_a_list(monkeypatch, name, channels):
    """The named depth is the largest that fits, and the bytes are those of the list, at most."""
    limit = 20_000
    monkeypatch.setattr(_memory, "available_memory", lambda backend: limit)
    monkeypatch.setattr(_memory, "SMALL_RESULT_BYTES", 0)
    if channels == 1 and name not in ("words", "labels, expanded"):
        assert len(LISTS[name](1, 10**12)) == 1  # the other levels are empty
        return
    with pytest.raises(MemoryError) as caught:
        LISTS[name](channels, 200)
    largest = int(re.search(r"largest depth that fits is (\d+)\.$", str(caught.value))[1])
    LISTS[name](channels, largest)
    with pytest.raises(MemoryError) as caught:
        LISTS[name](channels, largest + 1)
    needed = int(re.search(r"needs (\d+) bytes, but only 20000 ", str(caught.value))[1])
    monkeypatch.undo()
    entries = LISTS[name](channels, largest + 1)
    if name == "labels, words":  # the words exist at the same time
        entries = entries + pysig.lyndon_words(channels, largest + 1)
    if name in ("words", "lyndon_words", "labels, expanded", "labels, words"):
        assert needed == sum(sys.getsizeof(entry) + 8 for entry in entries)
    assert needed > limit


def test_sizes_of_many_digits_are_refused_before_work():
    for size in (pysig.signature_size, pysig.logsignature_size):
        with pytest.raises(
            ValueError, match=r"^depth: expected at most \d+ for 3 chan.*received 1"
        ):
            size(3, 10**9)
        with pytest.raises(
            ValueError, match=r"^depth: expected at most \d+ for 3 channels"
        ) as caught:
            size(3, 10**30)
        largest = int(re.search(r"at most (\d+)", str(caught.value))[1])
        assert 2**16_000 < size(3, largest) < 2 ** (16_384 + 2)
        assert size(10**5000, 1) == 10**5000
        with pytest.raises(ValueError, match=r"^depth: expected at most 1 for"):
            size(10**5000, 2)


def test_a_long_word_of_one_channel_is_found_at_once():
    assert pysig.index_word(10**7, 1) == (0,) * (10**7 + 1)
    assert pysig.index_word(3, 1, scalar_term=True) == (0,) * 3


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
