"""Two-sample statistics and tests: maximum mean discrepancy of signature kernels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pysig._api import _checks
from pysig._api._device import device_of
from pysig._api._kernel_statistics import (
    Samples,
    check_permutations,
    grams,
    in_blocks,
    mean,
    p_value,
)
from pysig._api._options import KERNEL_DEFAULTS, GramOptions, Unpack, complete, takes
from pysig._api._ragged import first_array
from pysig._api._types import Array, ArrayLike
from pysig._backend import backend_of


class MMDResult(NamedTuple):
    """Result of `mmd_test`.

    Parameters
    ----------
    statistic : float
        The squared maximum mean discrepancy of the samples.
    pvalue : float
        The share of permutations, the samples themselves among them, with at least this statistic.
    null : array, shape (n_permutations,)
        The statistics of the permutations.

    Raises
    ------
    TypeError
        If a field is missing.

    See Also
    --------
    mmd_test : Permutation test of the hypothesis that two samples of paths have the same
        distribution.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(10, 8, 2)), rng.normal(size=(10, 8, 2))
    >>> result = pysig.mmd_test(x, y, depth=2, n_permutations=99, seed=0)
    >>> result.null.shape
    (99,)
    """

    statistic: float
    pvalue: float
    null: Any


@takes(GramOptions, KERNEL_DEFAULTS)
def mmd(
    x: Array | ArrayLike,
    y: Any,
    depth: int | None = None,
    *,
    unbiased: bool = True,
    **options: Unpack[GramOptions],
) -> Array:
    """Squared maximum mean discrepancy between two samples of paths.

    It is the squared distance of the mean features of two distributions, ``E k(x, x') - 2 E k(x, y)
    + E k(y, y')``, and estimates zero if the distributions are equal.

    Parameters
    ----------
    x, y : array_like, shapes (paths_x, length_x, channels) and (paths_y, length_y, channels)
        The samples.
    depth
        See `signature_kernel`.
    unbiased : bool, optional
        If True, leave out the kernels of a path with itself. The estimate may then be negative; do
        not take its root. If False, it is biased and not negative.
    order, rtol, dyadic_order, static_kernel, weights, normalize, lengths, basepoint, transform
        See `signature_kernel`.
    method, workers
        See `signature_kernel`.

    Returns
    -------
    array, shape ()
        In the dtype of the kernel.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_kernel`; the message names the argument. The unbiased estimate needs two
        paths in each sample.

    See Also
    --------
    mmd_test : Permutation test of the hypothesis that two samples of paths have the same
        distribution.
    hsic : Hilbert-Schmidt independence criterion of pairs of paths.

    Notes
    -----
    Cost: the three Gram matrices. The estimates are those of [1]_, lemma 6 and equation 5.

    References
    ----------
    .. [1] A. Gretton, K. Borgwardt, M. Rasch, B. Schölkopf, A. Smola, "A Kernel Two-Sample Test",
       Journal of Machine Learning Research 13, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(30, 20, 2)).cumsum(axis=1) / 5
    >>> y = rng.normal(size=(30, 20, 2)).cumsum(axis=1) / 5
    >>> bool(abs(pysig.mmd(x, y, depth=3)) < pysig.mmd(x, 2 * y, depth=3))
    True
    """
    given = complete(mmd, options, KERNEL_DEFAULTS)
    unbiased = _checks.check_flag(unbiased, "unbiased")
    least = 2 if unbiased else 1
    with device_of(first_array(x)):
        found = grams("mmd", x, y, depth, given, Samples((least, least)))
        value = mean(found.xx, unbiased) + mean(found.yy, unbiased)
        value = value - 2 * (found.xy.sum(dtype=np.float64) / found.xy.size)
        return backend_of(first_array(x)).xp.asarray(value).astype(found.xy.dtype)


@takes(GramOptions, KERNEL_DEFAULTS)
def mmd_test(
    x: Any,
    y: Any,
    depth: int | None = None,
    *,
    unbiased: bool = True,
    n_permutations: int = 999,
    seed: Any = None,
    **options: Unpack[GramOptions],
) -> MMDResult:
    """Permutation test of the hypothesis that two samples of paths have the same distribution.

    Parameters
    ----------
    x, y : array_like, shapes (paths_x, length_x, channels) and (paths_y, length_y, channels)
        The samples, of independent paths.
    depth
        See `signature_kernel`.
    unbiased : bool, optional
        The statistic, see `mmd`.
    n_permutations : int, optional
        Number of random divisions of all paths into two samples.
    seed : int, numpy.random.Generator or None, optional
        Seed of the permutations; None draws new ones in every call.
    order, rtol, dyadic_order, static_kernel, weights, normalize, lengths, basepoint, transform
        See `signature_kernel`.
    method, workers
        See `signature_kernel`.

    Returns
    -------
    MMDResult
        A named tuple ``(statistic, pvalue, null)``.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `mmd`.

    See Also
    --------
    mmd : Squared maximum mean discrepancy between two samples of paths.
    hsic_test : Permutation test of the hypothesis that paths x and y are independent.

    Notes
    -----
    Cost: one Gram matrix of all paths, and one product of matrices for all permutations. With a
    kernel that does not depend on the division of the paths, the test is exact: if the hypothesis
    is true, the p-value is at most α with a probability of at most α, for every sample size. The
    power depends on the scale of the paths [1]_: divide all of them by one number, such as the
    standard deviation of the points of both samples together.

    References
    ----------
    .. [1] A. Alden, B. Horvath, Z. Issa, "Signature Maximum Mean Discrepancy Two-Sample Statistical
       Tests", arXiv:2506.01718.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(30, 20, 2)).cumsum(axis=1) / 5
    >>> y = rng.normal(size=(30, 20, 2)).cumsum(axis=1) / 5
    >>> pysig.mmd_test(x, y, depth=3, seed=0).pvalue > 0.05
    True
    >>> pysig.mmd_test(x, 2 * y, depth=3, seed=0, normalize=True).pvalue
    0.001
    """
    given = complete(mmd_test, options, KERNEL_DEFAULTS)
    unbiased = _checks.check_flag(unbiased, "unbiased")
    count, rng = check_permutations(n_permutations, seed)
    least = 2 if unbiased else 1
    with device_of(first_array(x)):
        found = grams("mmd_test", x, y, depth, given, Samples((least, least), pooled=True))
        sizes = [found.xx.shape[0], found.yy.shape[0]]
        xp = backend_of(first_array(x)).xp
        above = xp.concatenate([found.xx, found.xy], axis=1)
        below = xp.concatenate([found.xy.T, found.yy], axis=1)
        pooled = xp.concatenate([above, below]).astype(np.float64)
        statistics = _Statistics(pooled, sizes, unbiased, xp)
        labels = np.zeros((sum(sizes), 1))
        labels[: sizes[0]] = 1
        statistic = float(statistics(labels)[0])

        def of_permutations(number: int) -> Any:
            columns = np.zeros((sum(sizes), number))
            for column in columns.T:
                column[rng.permutation(sum(sizes))[: sizes[0]]] = 1
            return statistics(columns)

        null = in_blocks(count, sum(sizes), of_permutations)
        scale = float((abs(pooled) if xp is np else xp.sqrt(pooled * pooled)).sum())
    return MMDResult(statistic, p_value(statistic, null, scale / sum(sizes) ** 2), null)


class _Statistics:
    """The statistic of many divisions at once.

    With K the kernels, a the labels of x (0 or 1) and 1 - a those of y, the sums within and between
    the samples follow from ``a K a``, ``a K 1`` and ``1 K 1``.
    """

    def __init__(self, pooled: Any, sizes: list[int], unbiased: bool, xp: Any) -> None:
        self.xp, self.sizes, self.unbiased = xp, sizes, unbiased
        total = pooled.shape[0]
        self.kernels = pooled
        self.diagonal = pooled.reshape(total * total)[:: total + 1] * 1.0
        self.rows = pooled.sum(axis=1)
        self.whole = float(self.rows.sum())
        self.trace = float(self.diagonal.sum())

    def __call__(self, labels: Any) -> Any:
        """For each column of `labels` (paths, permutations); on the host."""
        n, m = self.sizes
        a = self.xp.asarray(labels)
        within = (self.xp.matmul(self.kernels, a) * a).sum(axis=0)
        sums = self.xp.matmul(self.rows[None], a)[0]
        own = self.xp.matmul(self.diagonal[None], a)[0]
        if hasattr(within, "get"):
            within, sums, own = within.get(), sums.get(), own.get()
        between, other = sums - within, self.whole - 2 * sums + within
        if self.unbiased:
            within, other = within - own, other - (self.trace - own)
            return within / (n * (n - 1)) + other / (m * (m - 1)) - 2 * between / (n * m)
        return within / n**2 + other / m**2 - 2 * between / (n * m)
