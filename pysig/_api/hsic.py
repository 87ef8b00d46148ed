"""Statistics and tests of independence: Hilbert-Schmidt criterion of signature kernels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pysig._api import _checks
from pysig._api._device import device_of
from pysig._api._kernel_call import KernelCall
from pysig._api._kernel_paths import split_basepoints, split_lengths, split_pair
from pysig._api._kernel_statistics import check_count, check_permutations, p_value
from pysig._api._memory import check_array
from pysig._api._options import KERNEL_DEFAULTS, GramOptions, Unpack, complete, takes
from pysig._api._ragged import first_array
from pysig._api._types import Array, ArrayLike
from pysig._api.static_kernels import PointKernel, check_static_kernel
from pysig._backend import backend_of


class HSICResult(NamedTuple):
    """Result of `hsic_test`.

    Parameters
    ----------
    statistic : float
        The criterion of the pairs.
    pvalue : float
        The share of permutations, the pairs themselves among them, with at least this statistic.
    null : array, shape (n_permutations,)
        The statistics of the permutations.

    Raises
    ------
    TypeError
        If a field is missing.

    See Also
    --------
    hsic_test : Permutation test of the hypothesis that paths x and y are independent.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(10, 8, 2)), rng.normal(size=(10, 6, 1))
    >>> pysig.hsic_test(x, y, depth=2, n_permutations=99, seed=0).null.shape
    (99,)
    """

    statistic: float
    pvalue: float
    null: Any


@takes(GramOptions, KERNEL_DEFAULTS)
def hsic(
    x: Array | ArrayLike,
    y: Any,
    depth: int | None = None,
    *,
    unbiased: bool = True,
    **options: Unpack[GramOptions],
) -> Array:
    """Hilbert-Schmidt independence criterion of pairs of paths.

    It is the squared norm of the covariance of the features of x and y, and estimates zero if they
    are independent.

    Parameters
    ----------
    x, y : array_like, shapes (paths, length_x, channels_x) and (paths, length_y, channels_y)
        Row i of x belongs to row i of y. The numbers of channels may differ.
    depth
        See `signature_kernel`.
    unbiased : bool, optional
        If True, the estimate without bias, which may be negative and needs four pairs. If False,
        the trace of the product of both centred Gram matrices over ``paths**2``.
    order, rtol, dyadic_order
        See `signature_kernel`. The order is chosen for x and for y.
    static_kernel : kernel of pysig.kernels, or a tuple of two of these, optional
        A tuple holds those of x and of y.
    weights, normalize, lengths, basepoint, transform, method, workers
        See `signature_kernel`.

    Returns
    -------
    array, shape ()
        In float64 unless both are float32.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_kernel`; the message names the argument.

    See Also
    --------
    hsic_test : Permutation test of the hypothesis that paths x and y are independent.
    mmd : Squared maximum mean discrepancy between two samples of paths.

    Notes
    -----
    Cost: both Gram matrices. The estimate without bias is that of [1]_, equation 5.

    References
    ----------
    .. [1] L. Song, A. Smola, A. Gretton, J. Bedo, K. Borgwardt, "Feature Selection via Dependence
       Maximization", Journal of Machine Learning Research 13, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(40, 15, 2)).cumsum(axis=1) / 4
    >>> y = rng.normal(size=(40, 15, 2)).cumsum(axis=1) / 4
    >>> bool(abs(pysig.hsic(x, y, depth=3)) < pysig.hsic(x, x + y, depth=3))
    True
    """
    given = complete(hsic, options, KERNEL_DEFAULTS)
    unbiased = _checks.check_flag(unbiased, "unbiased")
    with device_of(first_array(x)):
        left, right = _grams("hsic", x, y, depth, given, unbiased)
        dtype = np.result_type(left.dtype, right.dtype)
        value = _Criterion(left, right, unbiased).value(None)
        return backend_of(first_array(x)).xp.asarray(value).astype(dtype)


@takes(GramOptions, KERNEL_DEFAULTS)
def hsic_test(
    x: Any,
    y: Any,
    depth: int | None = None,
    *,
    unbiased: bool = True,
    n_permutations: int = 999,
    seed: Any = None,
    **options: Unpack[GramOptions],
) -> HSICResult:
    """Permutation test of the hypothesis that paths x and y are independent.

    Parameters
    ----------
    x, y : array_like, shapes (paths, length_x, channels_x) and (paths, length_y, channels_y)
        Row i of x belongs to row i of y; different rows are independent.
    depth
        See `signature_kernel`.
    unbiased : bool, optional
        The statistic, see `hsic`.
    n_permutations : int, optional
        Number of random orders of y.
    seed : int, numpy.random.Generator or None, optional
        Seed of the permutations; None draws new ones in every call.
    order, rtol, dyadic_order, static_kernel, weights, normalize, lengths, basepoint, transform
        See `hsic`.
    method, workers
        See `signature_kernel`.

    Returns
    -------
    HSICResult
        A named tuple ``(statistic, pvalue, null)``.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `hsic`.

    See Also
    --------
    hsic : Hilbert-Schmidt independence criterion of pairs of paths.
    mmd_test : Permutation test of the hypothesis that two samples of paths have the same
        distribution.

    Notes
    -----
    Cost: both Gram matrices, and ``paths**2`` operations for each permutation. The test is exact,
    see `mmd_test`.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(40, 15, 2)).cumsum(axis=1) / 4
    >>> y = rng.normal(size=(40, 15, 2)).cumsum(axis=1) / 4
    >>> pysig.hsic_test(x, y, depth=3, seed=0).pvalue > 0.05
    True
    >>> pysig.hsic_test(x, x + y, depth=3, seed=0).pvalue
    0.001
    """
    given = complete(hsic_test, options, KERNEL_DEFAULTS)
    unbiased = _checks.check_flag(unbiased, "unbiased")
    count, rng = check_permutations(n_permutations, seed)
    with device_of(first_array(x)):
        left, right = _grams("hsic_test", x, y, depth, given, unbiased)
        criterion = _Criterion(left, right, unbiased)
        statistic = float(criterion.value(None))
        orders = (rng.permutation(left.shape[0]) for _ in range(count))
        null = np.array([float(criterion.value(order)) for order in orders])
        return HSICResult(statistic, p_value(statistic, null, criterion.scale), null)


def _grams(
    caller: str, x: Any, y: Any, depth: Any, options: dict[str, Any], unbiased: bool
) -> tuple[Any, Any]:
    """The Gram matrices of x and of y."""
    if y is None:
        raise TypeError("y: expected an array of paths, received NoneType None. Pass it.")
    pairs = {
        "lengths": split_lengths(options["lengths"], 2),
        "basepoint": split_basepoints(options["basepoint"], 2),
        "static_kernel": _static_kernels(options["static_kernel"]),
    }
    calls = []
    for k, (name, side) in enumerate((("x", x), ("y", y))):
        own = {**options, **{option: pair[k] for option, pair in pairs.items()}}
        call = KernelCall(caller, side, None, depth, own, paired=False, names=(name, ""))
        check_count(caller, name, call.x.paths.batch, 4 if unbiased else 1)
        calls.append(call)
    counts = [call.x.paths.batch for call in calls]
    if counts[0] != counts[1]:
        raise ValueError(
            f"y: expected as many paths as x, {counts[0]}, received {counts[1]}. Row i of x "
            "belongs to row i of y."
        )
    shape = (4, counts[0], counts[0])  # both matrices, and both in float64
    check_array("x", shape, 8, calls[0].backend, "Use fewer paths.")
    return calls[0].value(), calls[1].value()


def _static_kernels(kernel: Any) -> tuple[PointKernel, PointKernel]:
    """The static kernels of x and of y."""
    if isinstance(kernel, tuple) and len(kernel) != 2:
        raise TypeError(
            "static_kernel: expected a kernel of pysig.kernels, or a tuple of those of x and of y, "
            f"received a tuple of {len(kernel)}."
        )
    pair = split_pair(kernel, 2)
    names = ("static_kernel",) * 2
    if isinstance(kernel, tuple):
        names = "static_kernel[0]", "static_kernel[1]"
    first, second = (check_static_kernel(k, name) for k, name in zip(pair, names, strict=True))
    return first, second


class _Criterion:
    """The criterion of K and of L in another order.

    Without bias, with zero diagonals and n pairs, it is ``(tr(K L) + 1K1 1L1 / ((n - 1)(n - 2)) -
    2 / (n - 2) 1KL1) / (n (n - 3))``; with bias ``tr(H K H L) / n^2``, where H centres.
    """

    def __init__(self, left: Any, right: Any, unbiased: bool) -> None:
        self.xp, self.unbiased = backend_of(left).xp, unbiased
        self.count = n = int(left.shape[0])
        matrices = []
        for gram in (left, right):
            matrix = self.xp.ascontiguousarray(gram.astype(np.float64))
            if unbiased:
                matrix.reshape(n * n)[:: n + 1] = 0.0
            else:
                means = matrix.sum(axis=0) / n
                matrix = matrix - means[None] - means[:, None] + means.sum() / n
            matrices.append(matrix)
        self.left, self.right = matrices
        self.rows = [matrix.sum(axis=1) for matrix in matrices]
        squares = [float((matrix * matrix).sum()) ** 0.5 for matrix in matrices]
        self.scale = squares[0] * squares[1] / n**2

    def value(self, order: Any) -> Any:
        """The criterion with y in this order."""
        right, rows = self.right, self.rows[1]
        if order is not None:
            there = self.xp.asarray(order)
            right = self.xp.take(self.xp.take(right, there, axis=0), there, axis=1)
            rows = self.xp.take(rows, there, axis=0)
        n, trace = self.count, (self.left * right).sum()
        if not self.unbiased:
            return trace / n**2
        totals = self.rows[0].sum() * rows.sum() / ((n - 1) * (n - 2))
        cross = (self.rows[0] * rows).sum() * (2 / (n - 2))
        return (trace + totals - cross) / (n * (n - 3))
