"""The log-signature of a path."""

from __future__ import annotations

from typing import Any

from pysig._api._fast_path import fast_call_of
from pysig._api._logsignature import LogsignatureCall
from pysig._api._options import LogsignatureOptions, Unpack, complete, takes
from pysig._api._types import Array, ArrayLike
from pysig._backend import NUMPY
from pysig._plans import basis_tables

_fast_logsignature = NUMPY.host.fast_logsignature


@takes(LogsignatureOptions)
def logsignature(
    path: Array | ArrayLike,
    depth: int,
    *,
    basis: str = "words",
    out: Any = None,
    **options: Unpack[LogsignatureOptions],
) -> Array:
    """Log-signature of piecewise linear paths, truncated at `depth`.

    The logarithm of the signature holds the same information in far fewer numbers.

    Parameters
    ----------
    path : array_like, shape (..., length, channels)
        See `signature`.
    depth : int
        The largest number of letters, at least 1.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        "words": the coefficients of the Lyndon words in the logarithm, the cheapest (signatory's
        "words", signax, pysiglib's method 1). "brackets": coordinates in the Lyndon brackets
        (iisignature's default, signatory's "brackets", pysiglib's method 2). "hall": coordinates in
        the standard Hall basis (iisignature's method H). "expanded": the coefficients of all words.
    stream, basepoint, initial, inverse, lengths, offsets, transform, method, workers
        See `signature`; `initial` is a signature without scalar. There is no `scalar_term`: the
        scalar of a logarithm is 0.
    out : array, optional
        Output array. Must have the shape and dtype of the result and must not overlap an input.

    Returns
    -------
    array, shape (..., size), with `stream` (..., length - 1, size)
        ``size = logsignature_size(channels, depth, basis)``, level after level;
        `logsignature_labels` names the coordinates.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature`; the message names the argument. MemoryError also if the tables of the basis
        do not fit. Usually an estimate finds this before anything is computed.

    See Also
    --------
    logsignature_vjp : Gradient of ``<cotangent, logsignature(path)>`` (vector-Jacobian product).
    logsignature_jvp : Derivative of `logsignature` in a direction (Jacobian-vector product).
    logsignature_hvp : Derivative of `logsignature_vjp` in a direction (Hessian-vector product).
    signature : Signature of piecewise linear paths, truncated at `depth`.
    logsignature_labels : Labels of the coordinates of a log-signature, in their order.
    logsignature_to_signature : Signatures from log-signatures.

    Notes
    -----
    The first call of a size builds its tables; later calls reuse them.

    The logarithm takes about `depth` multiply-adds for each coefficient of the signature, once for
    each path, while the signature is in cache. It loses digits by cancellation if one step is much
    longer than the others.

    For "brackets" and "hall", the dual basis [1]_ maps the logarithm to its coordinates. It is an
    exact matrix of non-negative integers, so no triangular system is solved.

    References
    ----------
    .. [1] C. Reutenauer, "Free Lie Algebras", Oxford University Press 1993, theorem 5.3.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> pysig.logsignature(path, 2)
    array([1., 2., 1.])
    >>> pysig.logsignature_labels(2, 2)
    ['0', '1', '0,1']
    """
    if out is None and type(basis) is str and basis in basis_tables.BASES:
        computed = fast_call_of(_fast_logsignature, options, path, depth, basis)
        if computed is not None:
            return computed
    given = complete(logsignature, options)
    return LogsignatureCall(path, depth, basis, given, allocates=out is None).value(out)
