r"""
Kernels that stay positive semi-definite
========================================

The kernel of two paths is the inner product of their signatures,

.. math:: K(x, y) = \langle S(x), S(y) \rangle ,

so a Gram matrix has no negative eigenvalue. Finite differences approximate
the equation that :math:`K` solves. Their numbers are not inner products, and
on rough paths the matrix has large negative eigenvalues. The kernels of pysig
are inner products of truncated features, for every order :math:`P`.
"""

# %%
# Thirty random walks. The same walks are scaled, which makes them rougher.

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

import pysig

walks = np.random.default_rng(0).normal(size=(30, 20, 2)).cumsum(axis=1)
schemes = {
    "order 1": {"order": 1},
    "order 4": {"order": 4},
    "order 8": {"order": 8},
    "finite differences": {"method": "finite_difference"},
    "finite differences, finer": {
        "method": "finite_difference",
        "dyadic_order": 2,
    },
}


def spectrum(scale, options):
    """The eigenvalues of the matrix that is scaled to a unit diagonal."""
    gram = pysig.signature_kernel_matrix(walks * scale, **options)
    norms = np.sqrt(np.abs(np.diag(gram)))
    return np.linalg.eigvalsh(gram / norms / norms[:, None])


def has_cholesky(scale, options):
    """Whether the matrix with a small diagonal added can be factorised."""
    gram = pysig.signature_kernel_matrix(walks * scale, **options)
    try:
        np.linalg.cholesky(gram + 1e-10 * np.trace(gram) * np.eye(len(gram)))
    except np.linalg.LinAlgError:
        return False
    return True


# %%
# The smallest eigenvalue for walks of three sizes, and whether
# ``numpy.linalg.cholesky`` succeeds on the largest of them. A finer grid only
# moves the failure to rougher paths.

scales = (0.3, 0.5, 2.0)
table = pd.DataFrame(
    {s: {name: spectrum(s, o)[0] for name, o in schemes.items()} for s in scales}
)
table.columns = [f"scale {s}" for s in scales]
table["cholesky"] = [has_cholesky(2.0, o) for o in schemes.values()]
table.round(3)

# %%
# All eigenvalues at scale 0.5. Finite differences have negative ones, almost
# as large as the positive ones. The orders 4 and 8 agree.

figure, axis = plt.subplots(
    figsize=(7, 3.4),
    num="Eigenvalues of Gram matrices; those of finite differences fall below 0",
)
for (name, options), mark in zip(schemes.items(), "o^vsd", strict=True):
    axis.plot(spectrum(0.5, options), mark, ms=4, label=name, alpha=0.8)
axis.set_ylim(-4.5, 8)
axis.axhspan(-4.5, 0, color="0.5", alpha=0.15, lw=0)
axis.text(29, -0.1, "not possible for inner products", ha="right", va="top")
axis.set(xlabel="index", ylabel="eigenvalue")
axis.legend()
plt.show()
