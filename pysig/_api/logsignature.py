"""The log-signature of a path, with derivatives."""

from __future__ import annotations

from math import prod
from typing import Any

from pysig._api import _checks
from pysig._api._conversion import prepare_conversion
from pysig._api._fast_path import plain_call
from pysig._api.algebra._rows import check_sizes
from pysig._api.bases import check_basis
from pysig._api.config import check_workers
from pysig._api.logsignature_convert import (
    signature_to_logsignature_jvp,
    signature_to_logsignature_vjp,
)
from pysig._api.signature import signature
from pysig._api.signature_vjp import signature_hvp, signature_jvp, signature_vjp
from pysig._api.transform import check_transform, transformed_shape
from pysig._backend import NUMPY, require
from pysig._plans import basis_tables
from pysig._plans.layout import plan_for
from pysig._plans.paths import Options, Paths
from pysig._plans.transform import channels_after, steps_after


def logsignature(
    path: Any,
    depth: int,
    *,
    basis: str = "words",
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    lengths: Any = None,
    transform: Any = None,
    method: str = "auto",
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Log-signature of piecewise linear paths, truncated at `depth`.

    The logarithm of the signature holds the same information in far fewer numbers.

    Parameters
    ----------
    path : array_like, shape (..., length, channels)
        As for `signature`.
    depth : int
        The largest number of letters, at least 1.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        "words": the coefficients of the Lyndon words in the logarithm, the cheapest (signatory's
        "words", signax, pysiglib's method 1). "brackets": coordinates in the Lyndon brackets
        (iisignature's default, signatory's "brackets", pysiglib's method 2). "hall": coordinates in
        the standard Hall basis (iisignature's method H). "expanded": the coefficients of all words.
    stream, basepoint, initial, inverse, lengths, transform, method, workers
        As for `signature`; `initial` is a signature without scalar. There is no `scalar_term`: the
        scalar of a logarithm is 0.
    out : array, optional
        Where to write the result: its shape and dtype, memory of its own.

    Returns
    -------
    array, shape (..., size), with `stream` (..., length - 1, size)
        ``size = logsignature_size(channels, depth, basis)``, level after level; `labels` names the
        coordinates.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument. MemoryError also where the tables of
        the basis do not fit: before anything is computed if an estimate, which is low, says so.

    Notes
    -----
    Nothing has to be prepared: tables are built at the first call of a size and kept. The logarithm
    costs about `depth` multiply-adds for each coefficient of the signature, once for each path, and
    is taken while the signature is in cache. "brackets" and "hall" read the coordinates off the
    logarithm by the dual basis [1]_, an exact matrix of non-negative integers, and no triangular
    system is solved. The logarithm itself cancels where one step is much longer than the others.

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
    >>> pysig.labels(2, 2, "brackets")
    ['1', '2', '[1,2]']
    """
    absent = basepoint is initial is lengths is transform is out is None
    if absent and stream is inverse is False and type(basis) is str and basis in basis_tables.BASES:
        computed = plain_call(NUMPY.host.fast_logsignature, method, workers, path, depth, basis)
        if computed is not None:
            return computed
    backend, array = _checks.check_path(path)
    require(backend, "logsignature")
    depth, basis = _checks.check_integer(depth, "depth", 1), check_basis(basis)
    stream, inverse = _checks.check_flag(stream, "stream"), _checks.check_flag(inverse, "inverse")
    method = _checks.check_method(method)
    if method != "auto":
        require(backend, f'signature: method="{method}"')
    threads = check_workers(workers)
    *batch, length, channels = array.shape
    base, checked = check_transform(transform, basepoint, array, backend)
    rows = (steps_after(checked, length - 1 + (base is not None)),) if stream else ()
    own, channels = channels, channels_after(checked, channels)
    limit = _checks.memory_limit(backend)
    written = prod((*batch, *rows)) if basis == "expanded" and out is None else 1
    _checks.check_memory(channels, depth, written, False, array.dtype.itemsize, limit)
    maps = basis_tables.route(channels, depth, "expanded", basis)
    plan = plan_for(channels, depth)
    shape = (*batch, *rows, basis_tables.coordinate_count(channels, depth, basis))
    result = _checks.check_out(
        out,
        shape,
        array,
        backend,
        {"path": path, "basepoint": basepoint, "initial": initial, "lengths": lengths},
    )
    direct = result is not None and result.flags.c_contiguous
    if backend is NUMPY:
        direct = direct and result.flags.aligned
    target = result if direct else backend.xp.empty(shape, array.dtype)
    backend.impl.logsignature(
        Paths(
            array.reshape(prod(batch), length, own),
            base,
            _checks.check_initial(initial, array, plan, backend),
            _checks.check_lengths(lengths, array, backend),
            transform=checked,
        ),
        target.reshape(prod(batch), *shape[len(batch) :]),
        plan,
        maps,
        Options(stream, inverse, method, threads),
    )
    if result is None:
        return target
    if not direct:
        result[...] = target
    return result


def logsignature_vjp(
    path: Any,
    depth: int,
    cotangent: Any,
    *,
    basis: str = "words",
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    lengths: Any = None,
    transform: Any = None,
    method: str = "auto",
    workers: int | None = None,
) -> Any:
    """Gradient of ``<cotangent, logsignature(path)>`` (vector-Jacobian product).

    Parameters
    ----------
    path, depth
        As for `logsignature`.
    cotangent : array_like
        Of the shape of the result of `logsignature`.
    basis, stream, basepoint, initial, inverse, lengths, transform, method, workers
        As for `logsignature`.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        As `signature_vjp`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

    Notes
    -----
    Through the basis, the logarithm (about twice the cost of its value) and `signature_vjp`.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> pysig.logsignature_vjp(path, 2, np.array([0.0, 0.0, 1.0])) + 0.0  # no -0.0
    array([[-1. ,  0. ],
           [ 1. , -0.5],
           [ 0. ,  0.5]])
    """
    options: dict[str, Any] = {
        "stream": stream,
        "basepoint": basepoint,
        "initial": initial,
        "inverse": inverse,
        "lengths": lengths,
        "transform": transform,
        "method": method,
        "workers": workers,
    }
    channels = _channels_with_tables(path, depth, basis, transform)
    values = signature(path, depth, **options)
    gradient = signature_to_logsignature_vjp(
        values, channels, depth, cotangent, basis=basis, workers=workers
    )
    return signature_vjp(path, depth, gradient, **options)


def logsignature_jvp(
    path: Any,
    depth: int,
    tangent: Any,
    *,
    basis: str = "words",
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    lengths: Any = None,
    transform: Any = None,
    method: str = "auto",
    workers: int | None = None,
) -> Any:
    """Derivative of `logsignature` in a direction (Jacobian-vector product).

    Parameters
    ----------
    path, depth
        As for `logsignature`.
    tangent : array_like, shape of `path`
        How the points move.
    basis
        As for `logsignature`.
    basepoint_tangent, initial_tangent : array_like, optional
        How `basepoint` and `initial` move, if they are arrays.
    stream, basepoint, initial, inverse, lengths, transform, method, workers
        As for `logsignature`.

    Returns
    -------
    array
        Shape and dtype of ``logsignature(path, depth, ...)``.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

    Notes
    -----
    Through `signature_jvp`, and the logarithm on dual numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> tangent = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    >>> pysig.logsignature_jvp(path, 2, tangent)
    array([0. , 1. , 0.5])
    """
    options: dict[str, Any] = {
        "stream": stream,
        "basepoint": basepoint,
        "initial": initial,
        "inverse": inverse,
        "lengths": lengths,
        "transform": transform,
        "method": method,
        "workers": workers,
    }
    channels = _channels_with_tables(path, depth, basis, transform)
    values = signature(path, depth, **options)
    change = signature_jvp(
        path,
        depth,
        tangent,
        basepoint_tangent=basepoint_tangent,
        initial_tangent=initial_tangent,
        **options,
    )
    return signature_to_logsignature_jvp(
        values, channels, depth, change, basis=basis, workers=workers
    )


def logsignature_hvp(
    path: Any,
    depth: int,
    cotangent: Any,
    tangent: Any,
    *,
    basis: str = "words",
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    lengths: Any = None,
    transform: Any = None,
    method: str = "auto",
    workers: int | None = None,
) -> Any:
    """Derivative of `logsignature_vjp` in a direction (Hessian-vector product).

    The Hessian of ``<cotangent, logsignature(path)>`` with respect to the path, and to `basepoint`
    and `initial` where they are arrays, applied to the tangents.

    Parameters
    ----------
    path, depth
        As for `logsignature`.
    cotangent : array_like
        Of the shape of the result of `logsignature`; it does not move, since the gradient is
        linear in it.
    tangent
        As for `logsignature_jvp`.
    basis
        As for `logsignature`.
    basepoint_tangent, initial_tangent
        As for `logsignature_jvp`.
    stream, basepoint, initial, inverse, lengths, transform, method, workers
        As for `logsignature`.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        As `signature_vjp`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

    Notes
    -----
    With the gradient ``g(S)`` of the logarithm at the signature S, and its derivative ``g'(S, S')``
    along the derivative S' of the signature, it is ``signature_hvp(g(S)) + signature_vjp(g'(S,
    S'))``, by the product rule. Cost: that of `signature`, `signature_jvp`, `signature_vjp` and
    `signature_hvp`, and some ten logarithms; memory for four signatures of each path.

    Examples
    --------
    The area is a quadratic form of the points: its Hessian, applied to the path itself, is its
    gradient.

    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> pysig.logsignature_hvp(path, 2, np.array([0.0, 0.0, 1.0]), path) + 0.0  # no -0.0
    array([[-1. ,  0. ],
           [ 1. , -0.5],
           [ 0. ,  0.5]])
    """
    options: dict[str, Any] = {
        "stream": stream,
        "basepoint": basepoint,
        "initial": initial,
        "inverse": inverse,
        "lengths": lengths,
        "transform": transform,
        "method": method,
        "workers": workers,
    }
    moves = {"basepoint_tangent": basepoint_tangent, "initial_tangent": initial_tangent}
    channels = _channels_with_tables(path, depth, basis, transform)
    values = signature(path, depth, **options)
    change = signature_jvp(path, depth, tangent, **moves, **options)
    call, sizes = prepare_conversion(
        "signature_to_logsignature",
        channels,
        depth,
        basis,
        False,
        workers,
        signature=values,
        cotangent=cotangent,
        tangent=change,
    )
    straight = signature_hvp(path, depth, sizes.vjp(call), tangent, **moves, **options)
    bent = signature_vjp(path, depth, sizes.hvp(call), **options)
    if not isinstance(bent, tuple):
        return straight + bent
    pairs = zip(straight, bent, strict=True)
    return _checks.SignatureCotangents(*(None if a is None else a + b for a, b in pairs))


def _channels_with_tables(path: Any, depth: Any, basis: Any, transform: Any) -> int:
    """The channels whose signature is taken, once it is known that the tables of its logarithm
    fit: before a signature is computed in vain.
    """
    channels = transformed_shape(1, _checks.check_path(path)[1].shape[-1], transform)[1]
    plan = check_sizes(channels, depth)
    basis_tables.route(channels, plan.depth, "expanded", check_basis(basis))
    return channels
