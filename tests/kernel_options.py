"""Calls of signature kernels that all frameworks must give like NumPy."""

import numpy as np

import pysig

K = pysig.kernels

# Of the paths; `parameters` become arrays of the framework.
OPTIONS = [
    {"order": 3},
    {"depth": 3},
    {"depth": 2, "levels": True, "weights": [1.0, 0.5, 2.0]},
    {"depth": 3, "method": "features", "normalize": True},
    {"order": 2, "static_kernel": K.RBF(1.3), "basepoint": True},
    {"depth": 2, "static_kernel": K.Matern(1.2, 2.5), "normalize": "levels"},
    {"order": 2, "dyadic_order": 1, "transform": ["time", "lead_lag"]},
    {"order": 2, "static_kernel": K.Polynomial(2, 0.5, 0.7), "transform": pysig.Time(end=2.0)},
    {"order": 2, "lengths": ([4, 2, 3], [5, 1])},
    {"method": "finite_difference", "workers": 1},
]
PARAMETERS = [
    (K.Linear(), {"scale": 0.7}),
    (K.RBF(), {"bandwidth": 1.3}),
    (K.RationalQuadratic(9.0, 0.8), {"bandwidth": 1.2}),
    (K.RationalQuadratic(), {"bandwidth": 1.2, "alpha": 0.8}),
    (K.Polynomial(3), {"gamma": 0.5, "scale": 0.4}),
]


def split(options):
    """The depth, and the other options."""
    return options.get("depth"), {k: v for k, v in options.items() if k != "depth"}


def one_set(options):
    """The options without a second set of paths."""
    lengths = options.get("lengths")
    return options if lengths is None else {**options, "lengths": lengths[0]}


def pairs_of(options):
    """The options for pairs of as many paths x and y."""
    lengths = options.get("lengths")
    return options if lengths is None else {**options, "lengths": (lengths[0], [5, 1, 2])}


def paths(count, length, channels=2, seed=0):
    rng = np.random.default_rng([seed, count, length, channels])
    return rng.normal(size=(count, length, channels)).cumsum(axis=1) / 2
