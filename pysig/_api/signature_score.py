"""Scores of probabilistic forecasts of paths by signature kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._device import device_of
from pysig._api._kernel_statistics import Grams, Samples, grams, mean
from pysig._api._options import KERNEL_DEFAULTS, GramOptions, Unpack, complete, takes
from pysig._api._ragged import first_array, sequence_of
from pysig._backend import backend_of


@takes(GramOptions, KERNEL_DEFAULTS)
def signature_score(
    sample: Any,
    y: Any,
    depth: int | None = None,
    *,
    unbiased: bool = True,
    **options: Unpack[GramOptions],
) -> Any:
    """Score of a forecast, given as a sample of paths, for the path that happened.

    The score ``E k(x, x') - 2 E k(x, y)`` is smallest in the mean if y has the distribution of the
    sample: it is a proper scoring rule.

    Parameters
    ----------
    sample : array_like, shape (paths, length, channels)
        Paths of the forecast.
    y : array_like, shape (length_y, channels) or (paths_y, length_y, channels)
        The path that happened, or several.
    depth
        See `signature_kernel`.
    unbiased : bool, optional
        If True, leave out the kernels of a path of the sample with itself.
    order, rtol, dyadic_order, static_kernel, weights, normalize
        See `signature_kernel`.
    lengths : tuple (lengths_sample, lengths_y), optional
        Numbers of points of the paths.
    basepoint, transform, method, workers
        See `signature_kernel`.

    Returns
    -------
    array, shape () or (paths_y,)
        In the dtype of the kernel.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_kernel`; the message names the argument. The unbiased estimate needs two
        paths in the sample.

    See Also
    --------
    expected_signature_score : Mean of `signature_score` over a sample of paths that happened.
    mmd : Squared maximum mean discrepancy between two samples of paths.

    Notes
    -----
    Cost: the Gram matrix of the sample, and its kernels with y. The rule is that of [1]_.

    References
    ----------
    .. [1] Z. Issa, B. Horvath, M. Lemercier, C. Salvi, "Non-adversarial training of Neural SDEs
       with signature kernel scores", NeurIPS 2023, arXiv:2305.16274.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> rng = np.random.default_rng(0)
    >>> sample = rng.normal(size=(50, 20, 2)).cumsum(axis=1) / 5
    >>> y = rng.normal(size=(30, 20, 2)).cumsum(axis=1) / 5
    >>> pysig.signature_score(sample, y, depth=3).shape
    (30,)
    """
    given = complete(signature_score, options, KERNEL_DEFAULTS)
    unbiased = _checks.check_flag(unbiased, "unbiased")
    with device_of(first_array(sample)):
        single = y is not None and sequence_of(y, 2) is None and _axes(y) == 2
        several = y[None] if single and hasattr(y, "ndim") else [y] if single else y
        found = _found("signature_score", sample, several, depth, given, ("y", 0, unbiased))
        between = found.xy.sum(axis=0, dtype=np.float64) / found.xy.shape[0]
        scores = (mean(found.xx, unbiased) - 2 * between).astype(found.xy.dtype)
        return scores.reshape(()) if single else scores


@takes(GramOptions, KERNEL_DEFAULTS)
def expected_signature_score(
    sample: Any,
    other: Any,
    depth: int | None = None,
    *,
    unbiased: bool = True,
    **options: Unpack[GramOptions],
) -> Any:
    """Mean of `signature_score` over a sample of paths that happened.

    Parameters
    ----------
    sample : array_like, shape (paths, length, channels)
        Paths of the forecast.
    other : array_like, shape (paths_other, length_other, channels)
        Paths that happened.
    depth, unbiased, order, rtol, dyadic_order, static_kernel, weights, normalize, lengths
        See `signature_score`.
    basepoint, transform, method, workers
        See `signature_kernel`.

    Returns
    -------
    array, shape ()
        In the dtype of the kernel. It differs from `mmd` by the mean kernel within `other`, which
        does not depend on the forecast.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_score`; the message names the argument.

    See Also
    --------
    signature_score : Score of a forecast, given as a sample of paths, for the path that happened.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(50, 20, 2)).cumsum(axis=1) / 5
    >>> y = rng.normal(size=(50, 20, 2)).cumsum(axis=1) / 5
    >>> good = pysig.expected_signature_score(x, y, depth=3)
    >>> bool(good < pysig.expected_signature_score(2 * x, y, depth=3))
    True
    """
    given = complete(expected_signature_score, options, KERNEL_DEFAULTS)
    unbiased = _checks.check_flag(unbiased, "unbiased")
    with device_of(first_array(sample)):
        of_other = "other", 1, unbiased
        found = _found("expected_signature_score", sample, other, depth, given, of_other)
        value = mean(found.xx, unbiased) - 2 * (found.xy.sum(dtype=np.float64) / found.xy.size)
        return backend_of(first_array(sample)).xp.asarray(value).astype(found.xy.dtype)


def _axes(y: Any) -> int:
    """Axes of an array or of nested lists."""
    return y.ndim if hasattr(y, "ndim") else np.ndim(y)


def _found(
    caller: str,
    sample: Any,
    y: Any,
    depth: Any,
    options: dict[str, Any],
    of_y: tuple[str, int, bool],
) -> Grams:
    """Kernels within the sample, and with y, given its name and least number of paths."""
    name, least, unbiased = of_y
    samples = Samples((2 if unbiased else 1, least), ("sample", name), within_y=False)
    return grams(caller, sample, y, depth, options, samples)
