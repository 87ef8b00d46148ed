r"""
Do two samples have the same distribution?
==========================================

Two machines write two channels. In the first, channel ``a`` leads; in the
second, channel ``b`` leads. At every single time the two channels have the
same distribution in both machines. Only the order differs. The squared maximum
mean discrepancy of signature kernels,

.. math::
   \mathrm{MMD}^2 = \mathbb{E}\,k(X, X') - 2\,\mathbb{E}\,k(X, Y)
   + \mathbb{E}\,k(Y, Y') ,

sees it, and a permutation test turns it into a p-value.
"""

# %%
# Sixty paths from each machine:

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from scipy.stats import ks_2samp

import pysig


def machine(rng, delay, count=60, length=50):
    """Paths of two channels; the second follows the first after `delay`."""
    noise = rng.normal(size=(count, length + abs(delay))).cumsum(axis=1)
    lead, lag = noise[:, abs(delay) :], noise[:, :length]
    channels = (lead, lag) if delay > 0 else (lag, lead)
    paths = np.stack(channels, axis=-1)
    return (paths - paths[:, :1]) / np.sqrt(length)


rng = np.random.default_rng(1)
x, y = machine(rng, delay=3), machine(rng, delay=-3)
same = machine(rng, delay=3)

# %%
# The tests of end points see nothing. The signature kernel finds the
# difference, and finds none between two samples of one machine:

test = pysig.mmd_test(x, y, depth=4, normalize=True, seed=0)
null = pysig.mmd_test(x, same, depth=4, normalize=True, seed=0)
pvalues = {
    "Kolmogorov-Smirnov, end of a": ks_2samp(x[:, -1, 0], y[:, -1, 0]).pvalue,
    "Kolmogorov-Smirnov, end of b": ks_2samp(x[:, -1, 1], y[:, -1, 1]).pvalue,
    "signature MMD": test.pvalue,
    "signature MMD, two samples of machine 1": null.pvalue,
}
table = pd.DataFrame({"p-value": pvalues})
table.round(3)

# %%
# Left: a path of each machine. Right: the statistic, and its values after
# random divisions of all paths into two samples.

figure, (left, right) = plt.subplots(
    1,
    2,
    figsize=(8, 3),
    num="A path of each machine; the statistic far from its permutations",
)
for name, paths, style in (("1", x, "-"), ("2", y - 2, "--")):
    for channel in (0, 1):
        label = f"{'ab'[channel]}, machine {name}"
        line = paths[0, :, channel]
        left.plot(line, style, color=f"C{channel}", label=label)
left.set(xlabel="time", ylabel="value")
left.legend(ncols=2, fontsize=7)
right.hist(test.null, bins=30, color="0.6", label="permutations")
right.axvline(test.statistic, color="C1", lw=2, label="machines 1 and 2")
right.set(xlabel="squared MMD", ylabel="count")
right.legend()
plt.show()
