"""Input of signature kernels and their statistics that was once accepted, or refused unclearly."""

from __future__ import annotations

import numpy as np
import pytest

import pysig
from kernel_calls import kernel_walks

K = pysig.kernels
X, Y = np.zeros((5, 5, 2)), np.zeros((6, 6, 2))
RAGGED = [np.zeros((3, 2)), np.zeros((4, 2))]


# ---- out ----


def overlaps(name):
    return rf"^out: expected separate memory, received an array that overlaps {name}\. Pass"


def test_out_must_not_overlap_the_weights(no_kernels):
    room = np.ones(12)
    x, out = X[:2], room[:4].reshape(2, 2)
    with pytest.raises(ValueError, match=overlaps("weights")):
        pysig.signature_kernel_matrix(x, depth=2, weights=room[2:5], out=out)
    with pytest.raises(ValueError, match=overlaps("weights")):
        pysig.signature_kernel_from_increments(
            np.zeros((2, 2, 3, 3)), 2, weights=room[2:5], out=out
        )


def test_out_must_not_overlap_a_basepoint_of_a_pair(no_kernels):
    room = np.ones(40)
    base, out = room[28:30], room[:30].reshape(5, 6)
    for k in (0, 1):
        pair = (base, None) if k == 0 else (None, base)
        with pytest.raises(ValueError, match=overlaps(rf"basepoint\[{k}\]")):
            pysig.signature_kernel_matrix(X, Y, order=1, basepoint=pair, out=out)


def test_out_must_not_overlap_lengths_of_a_pair(no_kernels):
    room = np.full(40, 2)
    out = room[:30].view(np.float64).reshape(5, 6)
    with pytest.raises(ValueError, match=overlaps(r"lengths\[1\]")):
        pysig.signature_kernel_matrix(X, Y, order=1, lengths=(None, room[20:26]), out=out)


def test_out_must_not_overlap_a_path_of_a_list(no_kernels):
    room = np.zeros(20)
    paths = [np.zeros((3, 2)), room[2:10].reshape(4, 2)]
    with pytest.raises(ValueError, match=overlaps(r"x\[1\]")):
        pysig.signature_kernel_matrix(paths, order=1, out=room[:4].reshape(2, 2))
    with pytest.raises(ValueError, match=overlaps(r"y\[1\]")):
        pysig.signature_kernel(X[:2], paths, order=1, out=room[8:10])


def test_an_out_beside_all_inputs_is_accepted():
    weights, base = np.ones(3), np.ones(2)
    out = np.empty((2, 2))
    options = {"weights": weights, "basepoint": (base, None)}
    assert pysig.signature_kernel_matrix(RAGGED, X[:2], 2, out=out, **options) is out


# ---- memory ----


def refused_call(argument):
    return rf"^{argument}: .* needs \d+ bytes, but only \d+ are available\."


def test_memory_of_gradients_is_checked_before(no_kernels, monkeypatch):
    monkeypatch.setattr("pysig._cpu.available_memory", lambda: 50 * 2**20)
    long = np.zeros((1, 2000, 1))
    wide = np.zeros((3000, 1, 100, 1)), np.zeros((1, 30, 100, 1))
    for paired in (True, False):
        suffix = "" if paired else "_matrix"
        vjp = getattr(pysig, f"signature_kernel{suffix}_vjp")
        with pytest.raises(MemoryError, match=refused_call("x")):
            vjp(long, long, 1.0, order=4, dyadic_order=4)
    with pytest.raises(MemoryError, match=refused_call("x")):
        pysig.signature_kernel_vjp(*wide, 1.0, order=1)
    with pytest.raises(MemoryError, match=refused_call("x")):
        pysig.signature_kernel(*wide, order=1)
    with pytest.raises(MemoryError, match=refused_call("x")):
        pysig.signature_kernel(long, long, order=16, dyadic_order=8)
    with pytest.raises(MemoryError, match=refused_call("z")):
        pysig.signature_kernel_from_increments_vjp(
            np.zeros((1000, 1000)), 1.0, order=4, dyadic_order=4
        )


def test_memory_of_gradients_that_fit(monkeypatch):
    monkeypatch.setattr("pysig._cpu.available_memory", lambda: 50 * 2**20)
    long = np.zeros((1, 2000, 1))
    assert pysig.signature_kernel_vjp(long[:, :300], long[:, :300], 1.0, order=2).x.any() == 0


def test_memory_of_tests_is_checked_before(no_kernels, monkeypatch):
    monkeypatch.setattr("pysig._cpu.available_memory", lambda: 40 * 2**20)
    many = np.zeros((1500, 2, 1))
    with pytest.raises(MemoryError, match=refused_call("x")):
        pysig.mmd_test(many, many, order=1, n_permutations=9)
    with pytest.raises(MemoryError, match=refused_call("x")):
        pysig.hsic(many, many, order=1)
    with pytest.raises(MemoryError, match=r"^n_permutations: the statistics of .* needs \d+ bytes"):
        pysig.hsic_test(X, X, order=1, n_permutations=10**9)


# ---- numbers that are not finite ----


@pytest.mark.parametrize(
    "kernel", [None, K.RBF(2.0), K.RationalQuadratic(2.0), K.Matern(2.0)], ids=str
)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("count", [6, 60])
def test_points_that_are_not_finite_do_not_choose_the_order(rng, kernel, bad, count):
    x = kernel_walks(rng, count, 12, 2)
    right = pysig.signature_kernel_matrix(x[:5], static_kernel=kernel)
    order = pysig.signature_kernel_order(x[:5], static_kernel=kernel)
    x[5:, 3, 1] = bad
    assert pysig.signature_kernel_order(x, static_kernel=kernel) == order
    k = pysig.signature_kernel_matrix(x, static_kernel=kernel)
    np.testing.assert_array_equal(k[:5, :5], right)


def test_points_after_the_lengths_do_not_matter(rng):
    x = kernel_walks(rng, 40, 12, 2)
    lengths = np.full(40, 8)
    order = pysig.signature_kernel_order(x, lengths=lengths)
    x[:, 8:] = np.inf
    assert pysig.signature_kernel_order(x, lengths=lengths) == order


def test_a_basepoint_that_is_not_finite_does_not_choose_the_order(rng):
    x, base = kernel_walks(rng, 6, 12, 2), np.zeros((6, 2))
    order = pysig.signature_kernel_order(x, basepoint=base)
    base[2, 0] = np.inf
    assert pysig.signature_kernel_order(x, basepoint=base, static_kernel=K.RBF(9.0)) <= order


def test_paths_without_finite_points():
    assert np.isnan(pysig.signature_kernel_matrix(X * np.nan)).all()


# ---- messages ----

MESSAGES = [
    (lambda: pysig.mmd(X, None), TypeError, "y: expected an array of paths, received NoneType"),
    (lambda: pysig.mmd_test(X, None), TypeError, "y: expected an array of paths, received NoneT"),
    (lambda: pysig.hsic(X, None), TypeError, "y: expected an array of paths, received NoneType"),
    (lambda: pysig.hsic(None, X), TypeError, "x: expected an array, received NoneType None"),
    (lambda: pysig.signature_score(X, None), TypeError, "y: expected an array of paths, received"),
    (lambda: pysig.signature_score(None, X), TypeError, "sample: expected an array, received None"),
    (
        lambda: pysig.expected_signature_score(X, None),
        TypeError,
        "other: expected an array of paths, received NoneType None",
    ),
    (
        lambda: pysig.expected_signature_score(X, Y[..., :1]),
        ValueError,
        "other: expected 2 channels like sample, received shape",
    ),
    (lambda: pysig.signature_score(X[0], Y), ValueError, r"sample: expected shape \(paths, len"),
    (
        lambda: pysig.mmd(X[:0], Y, unbiased=False),
        ValueError,
        r"x: expected at least one path, received none\. Pass more paths\.$",
    ),
    (
        lambda: pysig.mmd(X[:0], Y),
        ValueError,
        r"x: expected at least 2 paths for mmd, received 0\. Pass more paths\.$",
    ),
    (lambda: pysig.mmd_test(X, X, seed=-1), ValueError, "seed: expected an integer of at least 0"),
    (lambda: pysig.mmd_test(X, X, seed=1.5), TypeError, "seed: expected an integer, a numpy.rand"),
    (
        lambda: pysig.signature_kernel_matrix(X, order=1, lengths=([5] * 5, None)),
        TypeError,
        r"lengths: expected integers, those of x, received tuple .*without a tuple\.$",
    ),
    (
        lambda: pysig.signature_kernel_matrix(RAGGED, order=1, lengths=[3, 4]),
        ValueError,
        "lengths: expected None for x, a sequence of paths that have lengths themselves, received",
    ),
    (
        lambda: pysig.signature_kernel_matrix(X, RAGGED, order=1, lengths=(None, [3, 4])),
        ValueError,
        "lengths: expected None for y, a sequence of paths",
    ),
    (
        lambda: pysig.signature_kernel_matrix(X, order=1, basepoint=(np.zeros(2), None)),
        TypeError,
        "basepoint: expected one basepoint, that of x, received tuple",
    ),
    (
        lambda: pysig.signature_kernel_matrix(X, Y, order=1, basepoint=(0.0, 1.0)),
        TypeError,
        "basepoint: expected the basepoints of x and of y in a tuple, .* list or an array",
    ),
    (
        lambda: pysig.signature_kernel_matrix(X, Y, order=1, basepoint=(True, None, True)),
        TypeError,
        "basepoint: expected a tuple of two, for x and for y, received a tuple of 3",
    ),
    (
        lambda: pysig.mmd(X, Y, order=1, basepoint=(None, np.zeros(3))),
        ValueError,
        r"basepoint\[1\]: expected a shape that broadcasts to",
    ),
    (
        lambda: pysig.hsic(X, X, order=1, static_kernel=(K.RBF(1.0), "rbf")),
        TypeError,
        r"static_kernel\[1\]: expected a kernel of pysig\.kernels",
    ),
    (
        lambda: pysig.hsic(X, X, order=1, static_kernel=(K.RBF(1.0),) * 3),
        TypeError,
        "static_kernel: expected a kernel of pysig.kernels, or a tuple .* received a tuple of 3",
    ),
    (
        lambda: pysig.mmd(X, Y, order=1, static_kernel=(K.RBF(1.0),) * 2),
        TypeError,
        "static_kernel: expected a kernel .* Only hsic takes a tuple",
    ),
    (
        lambda: pysig.signature_kernel(X, X, static_kernel=dict),
        TypeError,
        "static_kernel: expected a kernel .*signature_kernel_from_increments",
    ),
    (
        lambda: pysig.signature_kernel(X, X, weights=[1.0, 1.0]),
        ValueError,
        r"weights: expected None, .* received list \[1\.0, 1\.0\]\. Pass depth",
    ),
    (
        lambda: pysig.signature_kernel(X, X, order=1, depth=1001),
        ValueError,
        "depth: expected at most 1000, received 1001",
    ),
    (
        lambda: pysig.signature_kernel_matrix(X, Y, depth=10**30, method="features"),
        ValueError,
        "depth: expected at most 1000, received 1000000000000000000000000000000",
    ),
    (
        lambda: pysig.signature_kernel_from_increments(np.eye(2), depth=10**6, order=2),
        ValueError,
        "depth: expected at most 1000, received 1000000",
    ),
    (lambda: K.Polynomial(10**30), ValueError, "degree: expected at most 1000, received 10000"),
]


@pytest.mark.parametrize(("call", "error", "says"), MESSAGES)
def test_messages_name_the_argument_and_the_remedy(no_kernels, call, error, says):
    with pytest.raises(error, match=f"^{says}"):
        call()


def test_the_default_tolerance_is_called_so(rng):
    x = kernel_walks(rng, 4, 5, 2, scale=100.0)
    with pytest.raises(ValueError, match=r"^rtol: expected .*, received the default 1e-08\. Raise"):
        pysig.signature_kernel_matrix(x)
    with pytest.raises(ValueError, match=r"^rtol: expected .*, received 1e-09\. Raise"):
        pysig.signature_kernel_matrix(x, rtol=1e-9)
    with pytest.raises(ValueError, match=r"^rtol: expected paths that an order reaches"):
        pysig.signature_kernel_matrix(x * 1e150)


@pytest.mark.parametrize("name", ["kernel", "static", "dyadic", "n_levels", "n_jobs"])
def test_names_of_other_libraries(name):
    right = {"kernel": "static_kernel", "static": "static_kernel", "dyadic": "dyadic_order"}
    right |= {"n_levels": "depth", "n_jobs": "workers"}
    with pytest.raises(TypeError, match=rf"'{name}'\. Did you mean \"{right[name]}\"\?$"):
        pysig.signature_kernel_matrix(X, **{name: 1})


@pytest.mark.parametrize("name", ["kernel", "static_kernel", "sigma", "rtol"])
def test_no_far_fetched_name_is_suggested(name):
    with pytest.raises(TypeError, match=rf"unexpected keyword argument '{name}'\.$"):
        pysig.signature_kernel_from_increments(np.eye(2), order=1, **{name: 1})


# ---- median_bandwidth ----


def test_the_median_of_paths_of_different_lengths(rng, xp):
    paths = [rng.normal(size=(n, 2)) for n in (3, 7, 1)]
    points = np.concatenate(paths)[None]
    right = K.median_bandwidth(xp.asarray(points))
    assert K.median_bandwidth([xp.asarray(p) for p in paths]) == right
    with pytest.raises(ValueError, match=r"^lengths: expected None for a sequence of paths"):
        K.median_bandwidth(paths, lengths=[3, 7, 1])
    with pytest.raises(ValueError, match=r"^paths\[1\]: expected 2 channels, like the first path"):
        K.median_bandwidth([paths[0], np.zeros((3, 3))])
