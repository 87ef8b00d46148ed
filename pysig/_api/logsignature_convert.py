"""Conversions between signatures and log-signatures in every basis, with derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api._conversion import prepare_conversion
from pysig._api._docs import documented
from pysig._api._types import Array, ArrayLike


@documented()
def signature_to_logsignature(
    signature: Array | ArrayLike,
    channels: int,
    depth: int,
    *,
    basis: str = "words",
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Log-signatures from signatures.

    Parameters
    ----------
    signature : array_like, shape (..., size)
        Signatures.
    channels, depth : int
        Number of channels of the path and truncation depth.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        Basis of the log-signatures, as for `logsignature`.
    scalar_term : bool, optional
        If True, signatures begin with the scalar 1.
    {workers}
    {out}

    Returns
    -------
    array, shape (..., logsignature_size)
        Of dtype float32 if the input is float32, otherwise float64. Log-signatures have no scalar.

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is invalid or tables do not fit; the message names the argument.

    See Also
    --------
    signature_to_logsignature_vjp : Gradient of ``<cotangent,
        signature_to_logsignature(signature)>``.
    signature_to_logsignature_jvp : Derivative of `signature_to_logsignature` when `signature` moves
        along `tangent`.
    logsignature_to_signature : Signatures from log-signatures.
    logsignature : Log-signature of piecewise linear paths, truncated at `depth`.

    Notes
    -----
    Each row passes through the tensor logarithm and the change of basis, by exact sparse matrices,
    while it is in cache.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> s = pysig.signature(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]]), 2)
    >>> pysig.signature_to_logsignature(s, channels=2, depth=2)
    array([1., 2., 1.])
    """
    call, sizes = prepare_conversion(
        "signature_to_logsignature",
        channels,
        depth,
        basis,
        scalar_term,
        workers,
        signature=signature,
    )
    return sizes.value(call, out)


@documented(like=signature_to_logsignature)
def signature_to_logsignature_vjp(
    signature: Any,
    channels: int,
    depth: int,
    cotangent: Any,
    *,
    basis: str = "words",
    scalar_term: bool = False,
    workers: int | None = None,
) -> Any:
    """Gradient of ``<cotangent, signature_to_logsignature(signature)>``.

    {parameters}

    {gradients}

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is invalid or tables do not fit; the message names the argument.

    See Also
    --------
    signature_to_logsignature : Log-signatures from signatures.
    signature_to_logsignature_jvp : Derivative of `signature_to_logsignature` when `signature` moves
        along `tangent`.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> s = pysig.signature(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]]), 2)
    >>> pysig.signature_to_logsignature_vjp(s, 2, 2, np.array([0.0, 0.0, 1.0]))
    array([-1. , -0.5,  0. ,  1. ,  0. ,  0. ])
    """
    call, sizes = prepare_conversion(
        "signature_to_logsignature",
        channels,
        depth,
        basis,
        scalar_term,
        workers,
        signature=signature,
        cotangent=cotangent,
    )
    return sizes.vjp(call)


@documented(like=signature_to_logsignature)
def signature_to_logsignature_jvp(
    signature: Array | ArrayLike,
    channels: int,
    depth: int,
    tangent: Any,
    *,
    basis: str = "words",
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Derivative of `signature_to_logsignature` when `signature` moves along `tangent`.

    {parameters}

    {derivative}

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is invalid or tables do not fit; the message names the argument.

    See Also
    --------
    signature_to_logsignature : Log-signatures from signatures.
    signature_to_logsignature_vjp : Gradient of ``<cotangent,
        signature_to_logsignature(signature)>``.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> s = pysig.signature(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]]), 2)
    >>> pysig.signature_to_logsignature_jvp(s, 2, 2, np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    array([ 1.,  0., -1.])
    """
    call, sizes = prepare_conversion(
        "signature_to_logsignature",
        channels,
        depth,
        basis,
        scalar_term,
        workers,
        signature=signature,
        tangent=tangent,
    )
    return sizes.jvp(call, out)


@documented()
def logsignature_to_signature(
    logsignature: Array | ArrayLike,
    channels: int,
    depth: int,
    *,
    basis: str = "words",
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Signatures from log-signatures.

    Parameters
    ----------
    logsignature : array_like, shape (..., size)
        Log-signatures.
    channels, depth : int
        Number of channels of the path and truncation depth.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        Basis of the log-signatures, as for `logsignature`.
    scalar_term : bool, optional
        If True, signatures begin with the scalar 1.
    {workers}
    {out}

    Returns
    -------
    array, shape (..., signature_size)
        Of dtype float32 if the input is float32, otherwise float64.

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is invalid or tables do not fit; the message names the argument.

    See Also
    --------
    logsignature_to_signature_vjp : Gradient of ``<cotangent,
        logsignature_to_signature(logsignature)>``.
    logsignature_to_signature_jvp : Derivative of `logsignature_to_signature` when `logsignature`
        moves along `tangent`.
    signature_to_logsignature : Log-signatures from signatures.

    Notes
    -----
    The change of basis by exact sparse matrices, then the tensor exponential.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.logsignature_to_signature(np.array([1.0, 2.0, 1.0]), channels=2, depth=2)
    array([1. , 2. , 0.5, 2. , 0. , 2. ])
    """
    call, sizes = prepare_conversion(
        "logsignature_to_signature",
        channels,
        depth,
        basis,
        scalar_term,
        workers,
        logsignature=logsignature,
    )
    return sizes.value(call, out)


@documented(like=logsignature_to_signature)
def logsignature_to_signature_vjp(
    logsignature: Any,
    channels: int,
    depth: int,
    cotangent: Any,
    *,
    basis: str = "words",
    scalar_term: bool = False,
    workers: int | None = None,
) -> Any:
    """Gradient of ``<cotangent, logsignature_to_signature(logsignature)>``.

    {parameters}

    {gradients}

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is invalid or tables do not fit; the message names the argument.

    See Also
    --------
    logsignature_to_signature : Signatures from log-signatures.
    logsignature_to_signature_jvp : Derivative of `logsignature_to_signature` when `logsignature`
        moves along `tangent`.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> g = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    >>> pysig.logsignature_to_signature_vjp(np.array([1.0, 2.0, 1.0]), 2, 2, g)
    array([1. , 0.5, 1. ])
    """
    call, sizes = prepare_conversion(
        "logsignature_to_signature",
        channels,
        depth,
        basis,
        scalar_term,
        workers,
        logsignature=logsignature,
        cotangent=cotangent,
    )
    return sizes.vjp(call)


@documented(like=logsignature_to_signature)
def logsignature_to_signature_jvp(
    logsignature: Array | ArrayLike,
    channels: int,
    depth: int,
    tangent: Any,
    *,
    basis: str = "words",
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Derivative of `logsignature_to_signature` when `logsignature` moves along `tangent`.

    {parameters}

    {derivative}

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is invalid or tables do not fit; the message names the argument.

    See Also
    --------
    logsignature_to_signature : Signatures from log-signatures.
    logsignature_to_signature_vjp : Gradient of ``<cotangent,
        logsignature_to_signature(logsignature)>``.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.logsignature_to_signature_jvp(
    ...     np.array([1.0, 2.0, 1.0]), 2, 2, np.array([0.0, 0.0, 1.0])
    ... )
    array([ 0.,  0.,  0.,  1., -1.,  0.])
    """
    call, sizes = prepare_conversion(
        "logsignature_to_signature",
        channels,
        depth,
        basis,
        scalar_term,
        workers,
        logsignature=logsignature,
        tangent=tangent,
    )
    return sizes.jvp(call, out)
