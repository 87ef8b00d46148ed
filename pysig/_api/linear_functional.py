"""Linear functionals of signatures, evaluated without the signatures."""

from __future__ import annotations

from typing import Any

from pysig._api import _checks
from pysig._api._functional import Start, check_functional, continued
from pysig._api.projection import (
    ProjectionCall,
    check_projection,
    compute,
    cotangents,
    derivative,
    flat_cotangent,
    named_cotangents,
    tangents_of,
)
from pysig._api.transform import transformed_shape


def _check(
    what: str,
    path: Any,
    functional: Any,
    depth: Any,
    words: Any,
    scalar_term: bool,
    *,
    initial: Any,
    inverse: bool,
    transform: Any,
    **options: Any,
) -> tuple[ProjectionCall, Start | None]:
    backend, array = _checks.check_path(path)
    length, own = array.shape[-2:]
    _, channels = transformed_shape(length, own, transform)
    scalar = _checks.check_flag(scalar_term, "scalar_term")
    found, start = check_functional(functional, channels, depth, words, scalar), None
    found = found._replace(matrix=_checks.cast(found.matrix, array.dtype, "functional"))
    if initial is not None:
        found, start = continued(found, channels, _checks.check_flag(inverse, "inverse"), scalar)
        if start is not None:
            initial = start.pick(initial, "initial", backend, array.dtype)
    call = check_projection(
        what,
        path,
        None,
        found.words,
        initial=initial,
        inverse=inverse,
        transform=transform,
        scalar_term=False,
        method="auto",
        matrix=found.matrix,
        single=found.single,
        **options,
    )
    return call, start


def linear_functional(
    path: Any,
    functional: Any,
    depth: int | None = None,
    *,
    words: Any = None,
    scalar_term: bool = False,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    lengths: Any = None,
    transform: Any = None,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Linear functionals ``<l, S>`` of signatures, evaluated without the signatures.

    ``<l, S>`` is the sum of ``l[w] * S[w]`` over words w. No signature is stored, and what is
    computed on the way are the words of l and their prefixes.

    Parameters
    ----------
    path : array_like, shape (..., length, channels)
        As for `signature`.
    functional : dict, list of dict, or array_like, shape (words,) or (functionals, words)
        ``{word: coefficient}``, words being tuples of 0-based letters, the empty word among them if
        you like; or several of them; or coefficients in the order of `words`, or laid out as a
        signature of `depth`. One functional for all paths. Words of coefficient zero cost nothing
        in an array that is laid out as a signature.
    depth : int, optional
        For an array that is laid out as a signature.
    words : sequence of tuple of int, optional
        The words of the last axis of an array of any other layout.
    scalar_term : bool, optional
        Whether an array that is laid out as a signature, and `initial`, begin with the coefficient
        of the empty word.
    stream : bool, optional
        The functionals of all prefixes of the path: how they develop along it.
    basepoint : bool or array_like, shape (..., channels), optional
        As for `signature`.
    initial : array_like, shape (..., size), optional
        A signature to continue from, laid out as the array of the functional is: as a signature of
        `depth`, or as `words`, which must then hold all their prefixes. For a dict, a signature of
        the depth of the longest word.
    inverse : bool, optional
        Of the group inverse of the signature.
    lengths : array_like of int, shape (...), optional
        As for `signature`.
    transform : str, Time, or sequence of these, optional
        As for `signature`; words are in the channels of the transformed path.
    workers : int, optional
        As for `signature`.
    out : array, optional
        Where to write the result: its shape and dtype, memory of its own.

    Returns
    -------
    array, shape (...) for one functional, (..., functionals) for several
        With `stream` there is an axis of prefixes after the leading dimensions. In the dtype of the
        path; coefficients are rounded to it.

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is not as described; the message names it.

    See Also
    --------
    signature : With ``words=``, the coefficients themselves.

    Notes
    -----
    Cost: for each path and step the sum over the words of l and their prefixes of one and the
    number of letters of the longest continuation: one multiply-add for a word that nothing
    continues. Linear functionals of the signature are dense in the continuous functions of paths
    [1]_: fitting l is linear regression.

    Of `initial`, a, the prefixes of the words of l are read, which are computed anyway: ``<l, a ⊗
    S>`` sums ``l[u v] a[u] S[v]`` over the cuts of each word.

    References
    ----------
    .. [1] D. Levin, T. Lyons, H. Ni, "Learning from the past, predicting the statistics for the
       future, learning an evolving system", arXiv:1309.0260, theorem 3.1.

    Examples
    --------
    The signed area between two channels, and how it grows:

    >>> import numpy as np
    >>> import pysig
    >>> area = {(0, 1): 0.5, (1, 0): -0.5}
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> float(pysig.linear_functional(path, area))
    1.0
    >>> pysig.linear_functional(path, area, stream=True)
    array([0. , 0.5, 1. ])

    The path in two parts:

    >>> first = pysig.signature(path[:2], 2)
    >>> float(pysig.linear_functional(path[1:], area, initial=first))
    1.0
    """
    call, _ = _check(
        "linear_functional",
        path,
        functional,
        depth,
        words,
        scalar_term,
        stream=stream,
        basepoint=basepoint,
        initial=initial,
        inverse=inverse,
        lengths=lengths,
        transform=transform,
        workers=workers,
    )
    inputs = {"path": path, "basepoint": basepoint, "initial": initial, "lengths": lengths}
    return compute(call, out, inputs)


def linear_functional_jvp(
    path: Any,
    functional: Any,
    tangent: Any,
    depth: int | None = None,
    *,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
    words: Any = None,
    scalar_term: bool = False,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    lengths: Any = None,
    transform: Any = None,
    workers: int | None = None,
) -> Any:
    """Derivative of `linear_functional` in a direction of the path (Jacobian-vector product).

    Parameters
    ----------
    path, functional
        As for `linear_functional`.
    tangent : array_like, shape of `path`
        How the points move; a shape that broadcasts to that of `path` will do.
    depth
        As for `linear_functional`.
    basepoint_tangent, initial_tangent : array_like, optional
        How `basepoint` and `initial` move, if they are arrays; None: they do not.
    words, scalar_term, stream, basepoint, initial, inverse, lengths, transform, workers
        As for `linear_functional`.

    Returns
    -------
    array
        Shape and dtype of ``linear_functional(path, functional, ...)``.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `linear_functional` does; the message names the argument.

    Notes
    -----
    Cost: about three times that of `linear_functional`. In the coefficients of the functional it
    is linear: their derivative is `linear_functional` of the change.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 3.0]])
    >>> up = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    >>> float(pysig.linear_functional_jvp(path, {(0, 1): 0.5, (1, 0): -0.5}, up))
    -0.5
    """
    call, start = _check(
        "linear_functional",
        path,
        functional,
        depth,
        words,
        scalar_term,
        stream=stream,
        basepoint=basepoint,
        initial=initial,
        inverse=inverse,
        lengths=lengths,
        transform=transform,
        workers=workers,
    )
    if start is not None and initial_tangent is not None:
        initial_tangent = start.pick(
            initial_tangent, "initial_tangent", call.backend, call.array.dtype
        )
    return derivative(call, tangents_of(call, tangent, basepoint_tangent, initial_tangent))


def linear_functional_vjp(
    path: Any,
    functional: Any,
    cotangent: Any,
    depth: int | None = None,
    *,
    words: Any = None,
    scalar_term: bool = False,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    lengths: Any = None,
    transform: Any = None,
    workers: int | None = None,
) -> Any:
    """Gradient of ``(cotangent * linear_functional(path, functional, ...)).sum()`` by the path.

    Parameters
    ----------
    path, functional
        As for `linear_functional`.
    cotangent : array_like, shape of ``linear_functional(path, functional, ...)``
        The weight of each value; a shape that broadcasts to it will do.
    depth, words, scalar_term, stream, basepoint, initial, inverse, lengths, transform, workers
        As for `linear_functional`.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        The gradient by the path; with an array for `basepoint` or `initial`, gradients by all of
        them, as `signature_vjp` returns them.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `linear_functional` does; the message names the argument.

    Notes
    -----
    Cost: about three times that of `linear_functional`; paths of float32 of more than 8192 points
    are computed in float64, as by `signature_vjp`. The gradient by the coefficients of the
    functional is the signature itself: ``signature(path, words=words)``, times the cotangent and
    summed over the batch.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 3.0]])
    >>> pysig.linear_functional_vjp(path, {(0, 1): 0.5, (1, 0): -0.5}, 1.0)
    array([[-1. , -0.5],
           [ 1.5, -0.5],
           [-0.5,  1. ]])

    Moving the corner to the right adds area, moving it up takes some away.
    """
    call, start = _check(
        "linear_functional",
        path,
        functional,
        depth,
        words,
        scalar_term,
        stream=stream,
        basepoint=basepoint,
        initial=initial,
        inverse=inverse,
        lengths=lengths,
        transform=transform,
        workers=workers,
    )
    path_bar, base_bar, initial_bar = cotangents(call, flat_cotangent(call, cotangent), None)
    if start is not None:
        initial_bar = start.spread(initial_bar, call.backend)
    return named_cotangents(call, (path_bar, base_bar, initial_bar))
