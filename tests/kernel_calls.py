"""Random calls of signature kernels, and their values by the reference implementation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import strategies as st

import pysig
from pysig._backend import CAPABILITIES
from pysig._reference import signature_kernel as reference

K = pysig.kernels
STATIC = [
    None,
    K.Linear(0.7),
    K.RBF(1.3),
    K.Matern(1.2, 0.5),
    K.Matern(0.9, 1.5),
    K.Matern(1.4, 2.5),
    K.RationalQuadratic(1.1, 0.6),
    K.Polynomial(2, 0.5, 0.8),
    K.Polynomial(3, 0.0, 0.4),
]


class Call(NamedTuple):
    """A call: y is None for a symmetric matrix, `paired` for `signature_kernel`."""

    x: Any
    y: Any
    depth: int | None
    options: dict[str, Any]
    paired: bool

    @property
    def function(self):
        return pysig.signature_kernel if self.paired else pysig.signature_kernel_matrix

    @property
    def sides(self):
        return [side for side in (self.x, self.y) if side is not None]

    @property
    def batch(self):
        if self.paired:
            return np.broadcast_shapes(self.x.shape[:-2], self.y.shape[:-2])
        return self.x.shape[0], (self.x if self.y is None else self.y).shape[0]

    def bases(self):
        """The basepoints of x and y as arrays or None."""
        base = self.options.get("basepoint")
        pair = base if isinstance(base, tuple) else (base, base)
        zeros = np.zeros(self.x.shape[-1])
        return [zeros if b is True else None if b is None or b is False else b for b in pair]

    def numbers(self):
        """The parameters of the static kernel that have a gradient, as an array."""
        static = self.options.get("static_kernel") or K.Linear()
        return np.array([getattr(static, name) for name in static.GRADIENTS], float)


def require_kernels(xp, name="signature_kernel"):
    """Skip a test on a library whose backend lacks signature kernels."""
    if xp.__name__ not in CAPABILITIES[name]:
        pytest.skip(f"{name} is not available for {xp.__name__}")


def kernel_walks(rng, *shape, dtype=np.float64, scale=1.0):
    """Random walks whose end is about `scale` from their start."""
    steps = rng.normal(size=shape) * scale / np.sqrt(shape[-2])
    return steps.cumsum(axis=-2).astype(dtype)


def kappa_of(static, numbers=None):
    """The static kernel of the reference; `numbers` in place of its differentiable parameters."""
    static = static or K.Linear()
    given = static.get_params()
    if numbers is not None:
        given |= dict(zip(static.GRADIENTS, numbers, strict=True))
    function = {
        K.Linear: reference.linear,
        K.RBF: reference.rbf,
        K.Matern: reference.matern,
        K.RationalQuadratic: reference.rational_quadratic,
        K.Polynomial: reference.polynomial,
    }[type(static)]
    return function(**given)


def expected_kernels(call, x=None, y=None, bases=None, numbers=None):
    """The result of a call by the reference. The arrays may be replaced, by complex ones, too."""
    x = call.x if x is None else x
    y = (x if call.y is None else call.y) if y is None else y
    bases = call.bases() if bases is None else bases
    options, batch, depth = call.options, call.batch, call.depth
    lengths = options.get("lengths")
    if call.y is None:
        bases = [bases[0]] * 2
    if call.y is None or lengths is None:
        lengths = (lengths, lengths)
    whole, own = [], []
    for points, base, counts in zip((x, y), bases, lengths, strict=True):
        lead = batch if call.paired else points.shape[:1]
        wide = np.broadcast_to(points, (*lead, *points.shape[-2:]))
        whole.append(wide.reshape(-1, *points.shape[-2:]).astype(np.result_type(wide, float)))
        shape = (*lead, points.shape[-1])
        b = None if base is None else np.broadcast_to(base, shape).reshape(-1, shape[-1])
        # lengths belong to the axes of the side itself
        c = counts
        if counts is not None:
            c = np.broadcast_to(counts, points.shape[:-2])
            c = np.broadcast_to(c, lead).reshape(-1)
        own.append((b, c))
    common = {
        "order": options.get("order"),
        "dyadic_order": options.get("dyadic_order", 0),
        "transform": options.get("transform"),
        "finite": options.get("method") == "finite_difference",
        "kappa": kappa_of(options.get("static_kernel"), numbers),
    }
    normalize, levels = options.get("normalize", False), options.get("levels", False)
    weights = options.get("weights")
    rows = "levels" if levels or normalize == "levels" else "value"
    rows = "grid" if options.get("grid") else rows

    def raw(i, j, paired, rows):
        return reference.signature_kernel(
            whole[i], whole[j], depth, paired=paired, rows=rows, weights=weights,
            basepoint=(own[i][0], own[j][0]), lengths=(own[i][1], own[j][1]), **common,
        )  # fmt: skip

    k = raw(0, 1, call.paired, rows)
    if levels and weights is not None and normalize != "levels":
        k = k * weights
    if normalize:
        of_norm = "levels" if normalize == "levels" else "value"
        left, right = (np.sqrt(raw(i, i, True, of_norm)) for i in (0, 1))
        s = left * right if call.paired else left[:, None] * right[None]
        if levels and normalize is True:
            s = s[..., None]
        k = np.where(s == 0, 0, k / np.where(s == 0, 1, s))
        if normalize == "levels":
            k = k * (np.full(depth + 1, 1 / (depth + 1)) if weights is None else weights)
            k = k if levels else k.sum(axis=-1)
    return k.reshape((*batch, *k.shape[1 if call.paired else 2 :]))


@st.composite
def kernel_calls(draw, dtypes=(np.float32, np.float64), derivatives=False, smooth=False):
    """A call with random options; with `smooth`, of static kernels without a kink."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from(dtypes))
    channels = draw(st.integers(1, 3))
    form = draw(st.sampled_from(["paired", "matrix", "symmetric"]))
    if form == "paired":
        batch_x, batch_y = draw(
            st.sampled_from([((), ()), ((3,), (3,)), ((2, 1), (3,)), ((), (2,))])
        )
    else:
        batch_x, batch_y = (draw(st.integers(1, 4)),), (draw(st.integers(1, 3)),)

    def points(*shape):
        return (rng.normal(size=shape) * 0.6).astype(dtype)

    top = 4 if derivatives else 6
    x = points(*batch_x, draw(st.integers(1, top)), channels)
    y = points(*batch_y, draw(st.integers(1, top)), channels)
    y = None if form == "symmetric" else y
    options: dict[str, Any] = {}
    depth = draw(st.sampled_from([None, None, 1, 2, 3, 4]))
    kernels = [k for k in STATIC if not (smooth and getattr(k, "nu", 1) == 0.5)]
    options["static_kernel"] = draw(st.sampled_from(kernels))
    method = draw(st.sampled_from(["auto", "recursion", "features", "finite_difference"]))
    if method == "finite_difference":
        depth = None
    if method == "features":
        depth = depth or 3
        options["static_kernel"] = draw(st.sampled_from(STATIC[:2]))
    options["method"] = method
    exact = method in ("features", "finite_difference")
    if not exact:
        options["dyadic_order"] = draw(st.sampled_from([0, 0, 1, 2]))
        if depth is None or draw(st.booleans()):
            options["order"] = draw(st.integers(1, 5))
    if depth is not None:
        if draw(st.booleans()):
            options["weights"] = rng.uniform(0, 2, size=depth + 1)
        options["levels"] = draw(st.booleans())
    normals = [False, True] if depth is None else [False, True, "levels"]
    if method != "finite_difference":
        options["normalize"] = draw(st.sampled_from(normals))
    if not derivatives and method != "features":
        options["grid"] = draw(st.booleans()) and not (
            options.get("levels") or options.get("normalize")
        )
    if draw(st.booleans()):
        counts = [rng.integers(1, s.shape[-2] + 1, s.shape[:-2]) for s in (x, y) if s is not None]
        options["lengths"] = counts[0] if y is None else tuple(counts)
    one = points(channels)
    pair = (points(*batch_x, channels), draw(st.sampled_from([None, True, points(channels)])))
    bases = [None, True, one] + ([] if y is None else [pair])
    options["basepoint"] = bases[draw(st.integers(0, len(bases) - 1))]
    transforms = [None, None, "lead_lag", "time", ("time", "lead_lag"), "reset"]
    options["transform"] = draw(st.sampled_from(transforms))
    if depth is not None and method == "features":
        options["transform"] = draw(st.sampled_from([None, "time"]))  # of few words
    return Call(x, y, depth, options, form == "paired")
