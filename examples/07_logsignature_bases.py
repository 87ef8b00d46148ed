r"""
Log-signatures and their bases
==============================

The logarithm of a signature holds the same information in fewer numbers.
Level :math:`k` of :math:`d` channels keeps

.. math:: \frac{1}{k} \sum_{n | k} \mu(n)\, d^{k/n}

of :math:`d^k` coordinates, with the Möbius function :math:`\mu`. Libraries
use different bases; pysig knows four and the exact matrices between them.
"""

# %%
# The coordinates of one path in three bases. Levels 1 and 2 agree. On level 3
# the basis of Lyndon words differs from that of brackets.

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

import pysig

path = np.random.default_rng(0).normal(size=(20, 3)).cumsum(axis=0) / 4
names = ["x", "y", "z"]
table = pd.DataFrame(
    {
        "bracket": pysig.logsignature_labels(3, 3, "brackets", names=names),
        "coordinate": pysig.logsignature(path, 3, basis="brackets"),
        "word": pysig.logsignature_labels(3, 3, "words", names=names),
        "coefficient": pysig.logsignature(path, 3, basis="words"),
        "Hall element": pysig.logsignature_labels(3, 3, "hall", names=names),
        "Hall coordinate": pysig.logsignature(path, 3, basis="hall"),
    }
)
table.round(4)

# %%
# The matrix from brackets to words has integer entries. It is the identity
# but for a few entries, which is why the two are easily confused.

matrix = pysig.change_of_basis(3, 3, "brackets", "words")
converted = matrix @ table["coordinate"].to_numpy()
agrees = np.allclose(converted, table["coefficient"])
agrees

# %%
# Left: the saving grows with the depth. Right: the matrix for depth 4.

description = "Sizes of signatures and log-signatures; the matrix between bases"
figure, (left, right) = plt.subplots(
    1, 2, figsize=(8, 3.4), width_ratios=[1.3, 1], num=description
)
depths = range(1, 9)
for channels, mark in ((2, "o"), (5, "s")):
    full = [pysig.signature_size(channels, depth) for depth in depths]
    less = [pysig.logsignature_size(channels, depth) for depth in depths]
    colour = "C0" if channels == 2 else "C1"
    text = f", {channels} channels"
    left.semilogy(depths, full, mark + "-", color=colour, label="signature" + text)
    left.semilogy(depths, less, mark + ":", color=colour, label="logarithm" + text)
left.set(xlabel="depth", ylabel="coordinates")
left.legend()
entries = pysig.change_of_basis(3, 4, "brackets", "words").toarray()
image = right.imshow(entries, cmap="PuOr", vmin=-3, vmax=3)
right.set(xlabel="bracket", ylabel="Lyndon word")
figure.colorbar(image, ax=right, label="entry", shrink=0.8)
plt.show()
