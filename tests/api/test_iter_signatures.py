"""Signatures of an iterable are those of its batches."""

import numpy as np
import pytest

import pysig

pytestmark = pytest.mark.quick


def generated(count):
    rng = np.random.default_rng(3)
    return [rng.normal(size=(n, 2)) for n in rng.integers(1, 9, size=count)]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize("options", [{}, {"transform": "time"}, {"basepoint": True}])
def test_paths_of_any_lengths(size, options):
    paths = generated(7)
    found = list(pysig.iter_signatures((p for p in paths), 3, batch_size=size, **options))
    assert [len(rows) for rows in found] == [len(paths[k : k + size]) for k in range(0, 7, size)]
    expected = np.stack([pysig.signature(path, 3, **options) for path in paths])
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-12, atol=1e-14)


def test_batches_and_an_array():
    batches = np.random.default_rng(1).normal(size=(3, 4, 5, 2))
    found = list(pysig.iter_signatures(batches, 2, batch_size=None))
    np.testing.assert_array_equal(np.stack(found), pysig.signature(batches, 2))
    found = list(pysig.iter_signatures(batches[0], 2, batch_size=3))
    np.testing.assert_allclose(np.concatenate(found), pysig.signature(batches[0], 2), rtol=1e-12)


def test_one_batch_is_read_at_a_time():
    read = []

    def source():
        for k, path in enumerate(generated(6)):
            read.append(k)
            yield path

    batches = pysig.iter_signatures(source(), 2, batch_size=2)
    assert read == []
    next(batches)
    assert read == [0, 1]


def test_nothing_gives_nothing():
    assert list(pysig.iter_signatures([], 2)) == []


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((3, 2), {}, TypeError, "paths: expected an iterable of paths, received"),
        (([], 2), {"batch_size": 0}, ValueError, "batch_size: expected"),
        (([], 2), {"batch_size": 1.5}, TypeError, "batch_size: expected"),
        (([], 2), {"depht": 2}, TypeError, "depht"),
    ],
)
def test_arguments_are_checked_at_once(arguments, options, error, message):
    with pytest.raises(error, match=message):
        pysig.iter_signatures(*arguments, **options)


def test_an_error_names_the_batch():
    paths = [*generated(4), np.zeros((3, 5))]
    batches = pysig.iter_signatures(paths, 2, batch_size=2)
    next(batches), next(batches)
    assert pysig.signature(paths[4], 2).shape == (30,)
    paths = [*generated(3), np.zeros((3, 5))]
    batches = pysig.iter_signatures(paths, 2, batch_size=2)
    next(batches)
    with pytest.raises((TypeError, ValueError), match="In the batch that begins with path 2"):
        next(batches)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 0}, "^depth: "),
        ({"depth": "x"}, "^depth: "),
        ({"depth": None}, r"^depth: .*Pass it, or words="),
        ({"depth": 1, "words": [(0, 1)]}, "^words: "),
        ({"words": 3}, "^words: "),
        ({"stream": 3}, "^stream: "),
        ({"inverse": 1}, "^inverse: "),
        ({"scalar_term": 2}, "^scalar_term: "),
        ({"method": "x"}, "^method: "),
        ({"workers": 0}, "^workers: "),
        ({"transform": "lag"}, "^transform: "),
        ({"basepoint": "a"}, "^basepoint: "),
        ({"initial": "a"}, "^initial: "),
        ({"lengths": [3]}, r"^lengths: .*Pass batch_size=None"),
        ({"offsets": [0, 3]}, r"^offsets: .*Pass batch_size=None"),
    ],
)
def test_options_are_checked_before_the_first_element(options, message):
    def source():
        pytest.fail("an element was read")
        yield

    with pytest.raises((TypeError, ValueError), match=message):
        pysig.iter_signatures(source(), **{"depth": 2, **options})


def test_a_batch_size_beyond_64_bits():
    paths = generated(3)
    (found,) = pysig.iter_signatures(paths, 2, batch_size=10**30)
    np.testing.assert_array_equal(found, pysig.signature(paths, 2))
