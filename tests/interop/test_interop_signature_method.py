"""The signature method of aeon and sktime, from its definition, without these packages."""

from itertools import pairwise
from math import factorial

import numpy as np
import pytest

import pysig
from pysig.interop._signature_method import AUGMENTATIONS, Batch, Method, batch_of

DEFAULT = Method(("basepoint", "addtime"), "dyadic", 3, None, None, None, "signature", 4)


def augmented(path, names):
    """The augmented path, point by point."""
    points = [list(map(float, point)) for point in path]
    for name in names:
        if name == "basepoint":
            points = [[0.0] * len(points[0]), *points]
        elif name == "addtime":
            last = max(len(points) - 1, 1)
            points = [[k / last, *point] for k, point in enumerate(points)]
        elif name == "leadlag":
            known = points
            points = [[*known[0], *known[0]]]
            for before, point in pairwise(known):
                points += [[*point, *before], [*point, *point]]
        elif name == "ir":
            points = [
                *([1.0, *point] for point in points),
                [0.0, *points[-1]],
                [0.0] * (1 + len(points[0])),
            ]
        elif name == "cumsum":
            points = np.cumsum(points, axis=0).tolist()
    return np.array(points)


def slices_of(method, length):
    """Slices, from the definitions in the documentation of aeon."""
    if method.window_name == "global":
        return [(0, length)]
    if method.window_name == "dyadic":
        return [
            (int(k * length / 2**j), int((k + 1) * length / 2**j))
            for j in range(method.window_depth + 1)
            for k in range(2**j)
        ]
    found, end = [], method.window_length
    while end <= length:
        found.append((0 if method.window_name == "expanding" else end - method.window_length, end))
        end += method.window_step
    return found


def features_of(method, path):
    names = method.augmentation_list
    points = augmented(path, (names,) if isinstance(names, str) else names or ())
    depth, channels = method.depth, points.shape[1]
    if method.rescaling == "pre":
        points = points * factorial(depth) ** (1 / depth)
    rows = []
    for begin, end in slices_of(method, len(points)):
        if method.sig_tfm == "logsignature":
            rows.append(pysig.logsignature(points[begin:end], depth, basis="hall"))
            continue
        row = pysig.signature(points[begin:end], depth)
        if method.rescaling == "post":
            words = pysig.words(channels, depth)
            row = row * [factorial(len(word)) for word in words]
        rows.append(row)
    return np.concatenate(rows)


CASES = {
    "default": {},
    "one augmentation as text": {"augmentation_list": "leadlag"},
    "none": {"augmentation_list": None},
    "invisibility-reset": {"augmentation_list": ("ir", "addtime")},
    "sums": {"augmentation_list": ("cumsum", "leadlag", "ir"), "depth": 2},
    "time, then the origin": {"augmentation_list": ("addtime", "basepoint"), "depth": 3},
    "global": {"window_name": "global"},
    "sliding": {"window_name": "sliding", "window_length": 6, "window_step": 4},
    "expanding": {"window_name": "expanding", "window_length": 5, "window_step": 3},
    "pre": {"rescaling": "pre"},
    "post": {"rescaling": "post"},
    "logsignature": {"sig_tfm": "logsignature", "rescaling": "pre"},
}


@pytest.mark.parametrize("name", CASES)
def test_features(name, rng):
    method = DEFAULT._replace(**CASES[name])
    paths = rng.normal(size=(4, 19, 2))
    expected = np.stack([features_of(method, path) for path in paths])
    for given in (paths, paths.astype(np.float32).astype(float), list(paths)):
        found = method.features(given, 1)
        assert found.dtype == np.float64
        reference = expected
        if given is not paths and not isinstance(given, list):
            reference = np.stack([features_of(method, path) for path in given])
        np.testing.assert_allclose(found, reference, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", [n for n in CASES if n not in ("sliding", "expanding")])
def test_series_of_different_lengths_have_the_features_of_each(name, rng):
    method = DEFAULT._replace(**CASES[name])._replace(depth=2)
    paths = [rng.normal(size=(n, 2)) for n in (19, 8, 30, 9)]
    expected = np.stack([features_of(method, path) for path in paths])
    np.testing.assert_allclose(method.features(paths, 2), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_keep_the_end_of_padded_paths(name, rng):
    paths = [rng.normal(size=(n, 2)) for n in (5, 1, 3)]
    found = AUGMENTATIONS[name](batch_of(paths))
    assert isinstance(found, Batch)
    for points, count, path in zip(found.points, found.counts, paths, strict=True):
        np.testing.assert_allclose(points[:count], augmented(path, [name]), atol=1e-14)
        np.testing.assert_array_equal(points[count:], points[[count - 1] * (len(points) - count)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depth": 0}, "depth: expected an integer of at least 1, received 0"),
        ({"depth": 2.0}, "depth: expected an integer"),
        ({"window_name": "rolling"}, "window_name: expected one of 'global', 'sliding'"),
        ({"rescaling": "both"}, "rescaling: expected one of None, 'pre', 'post'"),
        ({"sig_tfm": "log"}, "sig_tfm: expected one of 'signature', 'logsignature'"),
        ({"augmentation_list": ("time",)}, "augmentation_list: expected 'leadlag', 'ir'"),
        ({"window_depth": 10}, "window_depth: expected at most 3 for series of 9 augmented points"),
        ({"window_depth": None}, "window_depth: expected an integer of at least 0"),
        ({"window_name": "sliding"}, "window_length: expected an integer of at least 1"),
        (
            {"window_name": "sliding", "window_length": 4, "window_step": 0},
            "window_step: expected an integer of at least 1",
        ),
        (
            {"window_name": "sliding", "window_length": 40, "window_step": 1},
            "window_length: expected at most 9, the number of points of the shortest augmented",
        ),
        ({"rescaling": "post", "sig_tfm": "logsignature"}, "rescaling: expected None or"),
    ],
)
def test_errors_of_the_signature_method(changes, message, rng):
    with pytest.raises(ValueError, match=message):
        DEFAULT._replace(**changes).features(rng.normal(size=(2, 8, 2)), 1)


def test_windows_of_a_number_of_points_need_equal_lengths(rng):
    paths = [rng.normal(size=(n, 2)) for n in (8, 20)]
    method = DEFAULT._replace(window_name="sliding", window_length=4, window_step=2)
    with pytest.raises(ValueError, match="'global' or 'dyadic' for series that have different"):
        method.features(paths, 1)
