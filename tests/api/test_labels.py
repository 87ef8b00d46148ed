"""Labels of coefficients, and back to words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pysig

pytestmark = pytest.mark.quick

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=4)


@given(names=st.lists(TEXT, min_size=1, max_size=3, unique=True), depth=st.integers(1, 3))
def test_labels_can_be_read_back(names, depth):
    words = pysig.words(len(names), depth, scalar_term=True)
    labels = pysig.labels(len(names), depth, scalar_term=True, names=names)
    assert len(set(labels)) == len(words)
    assert pysig.words_of_labels(labels, len(names), names=names) == list(words)
    wrapped = ["S()" if label == "()" else f"S({label})" for label in labels]
    assert pysig.words_of_labels(wrapped, len(names), names=names) == list(words)


def test_names_that_are_not_plain_are_quoted():
    labels = pysig.labels(3, 1, names=["x", "left, hand", 'a"b'])
    assert labels == ["x", '"left, hand"', '"a""b"']
    assert pysig.logsignature_labels(2, 2, "brackets", names=["[", "y"])[-1] == '["[",y]'


def test_the_default_names_are_the_letters_of_words():
    assert pysig.labels(2, 2) == ["0", "1", "0,0", "0,1", "1,0", "1,1"]
    assert pysig.words_of_labels(pysig.labels(3, 2), 3) == list(pysig.words(3, 2))


@pytest.mark.parametrize("basis", ["words", "brackets", "hall", "expanded"])
def test_there_is_a_label_for_each_coordinate(basis):
    labels = pysig.logsignature_labels(3, 4, basis)
    assert len(labels) == len(set(labels)) == pysig.logsignature_size(3, 4, basis)
    if basis == "words":
        assert pysig.words_of_labels(labels, 3) == pysig.lyndon_words(3, 4)
        assert pysig.logsignature_labels(3, 4) == labels


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pysig.labels(2, 2, names="xy"), TypeError, "names: expected a sequence of str"),
        (lambda: pysig.labels(2, 2, names=[1, 2]), TypeError, "names: expected a sequence of str"),
        (lambda: pysig.labels(2, 2, names=3), TypeError, "names: expected a sequence of str"),
        (
            lambda: pysig.labels(2, 2, names=["x"]),
            ValueError,
            "names: expected 2.*received 1",
        ),
        (lambda: pysig.labels(2, 2, names=["x", "x"]), ValueError, "different names, received 'x'"),
        (lambda: pysig.labels(2), TypeError, "depth: expected"),
        (lambda: pysig.logsignature_labels(2, 2, "lyndon"), ValueError, "basis: expected"),
        (lambda: pysig.words_of_labels("x", 2), TypeError, "labels: expected a sequence of str"),
        (lambda: pysig.words_of_labels([1], 2), TypeError, "labels: expected str at position 0"),
        (
            lambda: pysig.words_of_labels(["0", "2"], 2),
            ValueError,
            "labels: expected names of channels.*received '2' at position 1. The names are 0, 1.",
        ),
        (lambda: pysig.words_of_labels(['"0'], 2), ValueError, "labels: expected names"),
    ],
)
def test_errors_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()
