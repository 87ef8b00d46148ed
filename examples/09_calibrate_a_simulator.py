r"""
Calibrate a simulator by maximum mean discrepancy
=================================================

A simulator of random paths has parameters. No likelihood is known, but paths
of the real system are. Choose the parameters for which the distributions of
both agree:

.. math::
   \min_\theta \; \mathbb{E}\,k(X_\theta, X_\theta')
   - 2\,\mathbb{E}\,k(X_\theta, Y) .

pysig differentiates signature kernels with respect to the points of the paths, so
gradient descent applies.
"""

# %%
# The simulator is a mean-reverting process. It returns its paths and their
# derivatives by the two parameters, with the same random numbers every time.

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from scipy.optimize import minimize

import pysig

STEPS, DT = 20, 0.15
TRUTH, START = np.array([2.0, 0.8]), np.array([0.5, 0.4])


def simulate(parameters, noise):
    """Paths (count, points, 1) from 1, and their derivatives (2, ...)."""
    rate, spread = parameters
    x, by_rate, by_spread = np.ones(len(noise)), 0.0, 0.0
    rows = [[x, 0 * x, 0 * x]]
    for dw in noise.T * np.sqrt(DT):
        by_rate = by_rate - (x + rate * by_rate) * DT
        by_spread = by_spread - rate * by_spread * DT + dw
        x = x - rate * x * DT + spread * dw
        rows.append([x, by_rate, by_spread])
    paths, *derivatives = np.transpose(rows, (1, 2, 0))[..., None]
    return paths, np.array(derivatives)


rng = np.random.default_rng(0)
real, _ = simulate(TRUTH, rng.normal(size=(300, STEPS)))
noise = rng.normal(size=(80, STEPS))
noise = np.concatenate([noise, -noise])  # pairs reduce the variance
KERNEL = {"order": 3, "transform": "time"}

# %%
# The loss is a weighted sum of the entries of two Gram matrices. A path is not
# compared with itself. ``signature_kernel_matrix_vjp`` takes the weights and
# returns the gradient with respect to the paths.

n = len(noise)
inner = (1 - np.eye(n)) / (n * (n - 1))
cross = np.full((n, len(real)), -2 / (n * len(real)))
trace = []


def loss(parameters):
    """The discrepancy up to a constant, and its gradient."""
    paths, derivatives = simulate(parameters, noise)
    grams = [
        pysig.signature_kernel_matrix(paths, other, **KERNEL) for other in (None, real)
    ]
    by_path = sum(
        pysig.signature_kernel_matrix_vjp(paths, other, weights, **KERNEL).x
        for other, weights in ((None, inner), (real, cross))
    )
    value = (grams[0] * inner).sum() + (grams[1] * cross).sum()
    trace.append([*parameters, value])
    return value, (derivatives * by_path).sum(axis=(1, 2, 3))


found = minimize(loss, START, jac=True, method="L-BFGS-B")

# %%
# The test of two samples rejects the start, and does not reject the result.

pvalues = [
    pysig.mmd_test(simulate(p, noise)[0], real, seed=0, **KERNEL).pvalue
    for p in (START, found.x)
]
table = pd.DataFrame(
    [TRUTH, START, found.x],
    index=["truth", "start", "found"],
    columns=["rate", "spread"],
).round(2)
table["p-value"] = ["", *pvalues]
table

# %%
# Left: the range of the real paths, and of the simulated ones at the start
# and at the end. Right: the way of the parameters.

figure, (left, right) = plt.subplots(
    1,
    2,
    figsize=(8, 3.2),
    num="Ranges of real and simulated paths; the way of the parameters",
)
times = DT * np.arange(STEPS + 1)
low, high = np.quantile(real[..., 0], [0.05, 0.95], axis=0)
left.fill_between(times, low, high, color="0.5", alpha=0.3, label="real")
for parameters, label, style in (
    (START, "simulated, start", "C1--"),
    (found.x, "simulated, found", "C0-"),
):
    paths, _ = simulate(parameters, noise)
    bounds = np.quantile(paths[..., 0], [0.05, 0.95], axis=0)
    left.plot(times, bounds.T, style, label=[label, None])
left.set(xlabel="time", ylabel="range of 90 % of all paths", ylim=(-1, 2))
left.legend(ncols=2)
way = np.array(trace)
right.plot(way[:, 0], way[:, 1], "o-", label="descent")
right.plot(*TRUTH, "*", ms=14, color="C1", label="truth")
right.set(xlabel="rate", ylabel="spread")
right.legend()
plt.show()
