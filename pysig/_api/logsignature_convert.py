"""From signatures to log-signatures and back, in every basis, with derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api._conversion import prepare_conversion


def signature_to_logsignature(
    signature: Any,
    channels: int,
    depth: int,
    *,
    basis: str = "words",
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Log-signatures from signatures.

    Parameters
    ----------
    signature : array_like, shape (..., size)
        Signatures.
    channels, depth : int
        Of the path.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        Of the log-signatures, as for `logsignature`.
    scalar_term : bool, optional
        Whether signatures begin with the scalar 1.
    workers : int, optional
        Threads on the CPU, see `set_workers`.
    out : array, optional
        Where to write the result.

    Returns
    -------
    array, shape (..., logsignature_size)
        Of float32 if the argument is, else of float64. Log-signatures have no scalar.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

    Notes
    -----
    The tensor logarithm, then the change of basis by exact sparse matrices, row by row while both
    are in cache.

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

    Parameters
    ----------
    signature, channels, depth
        As in `signature_to_logsignature`.
    cotangent : array_like, shape (..., logsignature_size)
        Of the shape of the result.
    basis, scalar_term, workers
        As in `signature_to_logsignature`.

    Returns
    -------
    array
        The gradient, in the shape of `signature`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

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


def signature_to_logsignature_jvp(
    signature: Any,
    channels: int,
    depth: int,
    tangent: Any,
    *,
    basis: str = "words",
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Derivative of `signature_to_logsignature` when `signature` moves along `tangent`.

    Parameters
    ----------
    signature, channels, depth
        As in `signature_to_logsignature`.
    tangent : array_like, shape (..., size)
        How `signature` moves.
    basis, scalar_term, workers, out
        As in `signature_to_logsignature`.

    Returns
    -------
    array, shape (..., logsignature_size)
        The derivative.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

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


def logsignature_to_signature(
    logsignature: Any,
    channels: int,
    depth: int,
    *,
    basis: str = "words",
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Signatures from log-signatures.

    Parameters
    ----------
    logsignature : array_like, shape (..., size)
        Log-signatures.
    channels, depth : int
        Of the path.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        Of the log-signatures, as for `logsignature`.
    scalar_term : bool, optional
        Whether signatures begin with the scalar 1.
    workers : int, optional
        Threads on the CPU, see `set_workers`.
    out : array, optional
        Where to write the result.

    Returns
    -------
    array, shape (..., signature_size)
        Of float32 if the argument is, else of float64.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

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

    Parameters
    ----------
    logsignature, channels, depth
        As in `logsignature_to_signature`.
    cotangent : array_like, shape (..., signature_size)
        Of the shape of the result.
    basis, scalar_term, workers
        As in `logsignature_to_signature`.

    Returns
    -------
    array
        The gradient, in the shape of `logsignature`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

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


def logsignature_to_signature_jvp(
    logsignature: Any,
    channels: int,
    depth: int,
    tangent: Any,
    *,
    basis: str = "words",
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Derivative of `logsignature_to_signature` when `logsignature` moves along `tangent`.

    Parameters
    ----------
    logsignature, channels, depth
        As in `logsignature_to_signature`.
    tangent : array_like, shape (..., size)
        How `logsignature` moves.
    basis, scalar_term, workers, out
        As in `logsignature_to_signature`.

    Returns
    -------
    array, shape (..., signature_size)
        The derivative.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

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
