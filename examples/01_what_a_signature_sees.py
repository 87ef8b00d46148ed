r"""
What a signature sees
=====================

A signature describes the order of events. Level 1 has the total displacement
of each channel. Level 2 tells which channel moves first: for the channels
:math:`x` and :math:`y`,

.. math:: A = \tfrac12 \big( S(x, y) - S(y, x) \big)

is the signed area between the path and the straight line from its begin to
its end. It is positive if :math:`x` moves before :math:`y`.
"""

# %%
# Four paths end at the same point. The last one takes a detour and returns the
# way it came.

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

import pysig

paths = {
    "x first": [[0, 0], [1, 0], [1, 1]],
    "y first": [[0, 0], [0, 1], [1, 1]],
    "together": [[0, 0], [1, 1]],
    "with a detour": [[0, 0], [1, 0], [1.6, -0.4], [1, 0], [1, 1]],
}
paths = {name: np.array(path, float) for name, path in paths.items()}

table = pd.DataFrame.from_dict(
    {name: pysig.signature(path, 2) for name, path in paths.items()},
    orient="index",
    columns=pysig.labels(2, 2, names=["x", "y"]),
)
table["area"] = (table["x,y"] - table["y,x"]) / 2
table.round(12)

# %%
# The first two columns, level 1, are equal for all paths. The area
# distinguishes them. The detour changes nothing: a path that returns on
# itself cancels.

description = "Four paths to one point, and the area that each encloses"
figure, axes = plt.subplots(
    1, 4, figsize=(8, 2.4), sharex=True, sharey=True, num=description
)
for axis, (name, path) in zip(axes, paths.items(), strict=True):
    axis.fill(*path.T, alpha=0.3, lw=0)
    axis.plot([0, 1], [0, 1], ":", color="0.5")
    axis.plot(*path.T, "o-", ms=4)
    axis.set(title=f"{name}\narea {table['area'][name]:.1f}")
    axis.set(xlabel="x", aspect="equal")
axes[0].set_ylabel("y")
plt.show()

# %%
# Time is not in a path. More points on the same lines give the same
# signature:

right = np.linspace([0, 0], [1, 0], 50)
up = np.linspace([1, 0], [1, 1], 7)
fine = pysig.signature(np.concatenate([right, up]), 5)
same = np.allclose(fine, pysig.signature(paths["x first"], 5))
same
