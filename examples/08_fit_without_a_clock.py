r"""
Fit a curve without a clock
===========================

A camera follows a point on a spiral. The frames come at unknown times. A fit
at equal times is wrong, since it compares points of different times. The
signature does not depend on the clock, so fit it instead:

.. math:: \min_\theta \; \big| S(x_\theta) - S(\text{data}) \big|^2 .
"""

# %%
# The spiral has three parameters: its growth, its turns and its flatness.

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from scipy.optimize import minimize

import pysig

TRUTH = np.array([0.6, 1.3, 0.7])
START = np.array([0.3, 1.0, 1.0])
DEPTH = 4


def spiral(parameters, u):
    """Points of the spiral at the positions `u`, from 0 to 1."""
    growth, turns, flatness = parameters
    radius, angle = np.exp(growth * u), 2 * np.pi * turns * u
    return np.stack(
        [radius * np.cos(angle), flatness * radius * np.sin(angle)], axis=-1
    )


def tangents(parameters, u, step=1e-6):
    """Derivatives of the points by each parameter, (3, points, 2)."""
    here = spiral(parameters, u)
    moved = [spiral(parameters + step * unit, u) for unit in np.eye(3)]
    return (np.array(moved) - here) / step


rng = np.random.default_rng(0)
clock = np.sort(rng.beta(0.5, 1.2, size=200))  # slow at first
clock = (clock - clock[0]) / (clock[-1] - clock[0])
data = spiral(TRUTH, clock) + rng.normal(0, 0.005, size=(200, 2))

# %%
# ``signature_vjp`` gives the gradient by the points. The chain rule carries
# it to the parameters. Any method of descent takes it from there.

equal = np.linspace(0, 1, 200)  # the clock of the model does not matter
target = pysig.signature(data, DEPTH)


def by_signature(parameters):
    """The loss of the signature, and its gradient."""
    path = spiral(parameters, equal)
    residual = pysig.signature(path, DEPTH) - target
    by_point = pysig.signature_vjp(path, DEPTH, 2 * residual)
    by_parameter = (tangents(parameters, equal) * by_point).sum(axis=(1, 2))
    return (residual**2).sum(), by_parameter


def by_points(parameters):
    """The loss of points at equal times, and its gradient."""
    residual = spiral(parameters, equal) - data
    by_parameter = (tangents(parameters, equal) * 2 * residual).sum(axis=(1, 2))
    return (residual**2).sum(), by_parameter


fits = {
    name: minimize(loss, START, jac=True, method="BFGS")
    for name, loss in (("signature", by_signature), ("points", by_points))
}
rows = {"truth": TRUTH, "start": START}
rows |= {f"fit of the {name}": fit.x for name, fit in fits.items()}
table = pd.DataFrame.from_dict(
    rows, orient="index", columns=["growth", "turns", "flatness"]
)
table.round(3)

# %%
# The fit of the signature is on the data. That of the points is not.

figure, (left, right) = plt.subplots(
    1,
    2,
    figsize=(8, 3.4),
    num="Recorded spiral with two fits; its coordinate against the frame",
)
left.plot(*data.T, ".", color="0.6", ms=5, label="data")
for (name, fit), style in zip(fits.items(), ("-", "--"), strict=True):
    left.plot(*spiral(fit.x, equal).T, style, label=f"fit of the {name}")
left.set(xlabel="x", ylabel="y", aspect="equal")
left.legend(fontsize=7, loc="upper left")
right.plot(data[:, 0], ".", color="0.6", label="data")
right.plot(spiral(TRUTH, equal)[:, 0], label="the spiral at equal times")
right.set(xlabel="frame", ylabel="x")
right.legend(fontsize=7)
plt.show()
