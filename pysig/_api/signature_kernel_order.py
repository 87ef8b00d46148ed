"""The order that a tolerance chooses."""

from __future__ import annotations

from typing import Any, TypedDict

from pysig._api._kernel_call import KernelCall
from pysig._api._options import KERNEL_DEFAULTS, Unpack, complete, takes


class OrderOptions(TypedDict, total=False):
    """Options of signature kernels on which the order depends."""

    rtol: float | None
    dyadic_order: int
    static_kernel: Any
    lengths: Any
    basepoint: Any
    transform: Any
    workers: int | None


@takes(OrderOptions, KERNEL_DEFAULTS)
def signature_kernel_order(
    x: Any, y: Any = None, depth: int | None = None, **options: Unpack[OrderOptions]
) -> int:
    """Order that `signature_kernel_matrix` and the other functions choose for a tolerance.

    Parameters
    ----------
    x : array_like, shape (..., length_x, channels)
        See `signature_kernel`.
    y : array_like, shape (..., length_y, channels), optional
        See `signature_kernel_matrix`.
    depth, rtol, dyadic_order, static_kernel, lengths, basepoint, transform, workers
        See `signature_kernel_matrix`.

    Returns
    -------
    int
        The smallest order P with ``|K_P - K_{P+1}| <= rtol * sqrt(K(x, x) K(y, y))`` on the pilot
        pairs.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_kernel`. A ValueError also if no order reaches `rtol`.

    See Also
    --------
    signature_kernel : Signature kernel, the inner product of the signatures of two paths.

    Notes
    -----
    The pilot pairs are up to 32 paths of each side with themselves, half of them those of the
    largest increments, and these paths of x with those of y. They are computed in float64. The
    choice depends on all paths of a call; pass the order if several calls are to agree.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> paths = np.random.default_rng(0).normal(size=(20, 30, 3)).cumsum(axis=1) / 10
    >>> [pysig.signature_kernel_order(paths, rtol=rtol) for rtol in (1e-2, 1e-4, 1e-8)]
    [2, 4, 6]
    """
    given = complete(signature_kernel_order, options, KERNEL_DEFAULTS)
    if depth is not None and given["rtol"] is None:
        raise ValueError(
            "rtol: expected a number together with depth, received None: without it the kernel of "
            "a depth is exact."
        )
    given |= {"out": True, "method": "recursion"}  # nothing is allocated
    call = KernelCall("signature_kernel_order", x, y, depth, given, paired=False, any_axes=True)
    return call.plan.order
