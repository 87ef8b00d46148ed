"""Shuffle and half-shuffle products of functionals of signatures, with derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api._docs import documented
from pysig._api._types import Array, ArrayLike
from pysig._api.algebra._bilinear import bilinear, bilinear_jvp, bilinear_vjp


@documented()
def shuffle(
    a: Array | ArrayLike,
    b: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Shuffle product of functionals of a signature.

    The product of two linear functionals is linear:
    ``inner(shuffle(a, b), S) == inner(a, S) * inner(b, S)`` for every signature S that is deep
    enough to hold the product.

    Parameters
    ----------
    a, b : array_like, shape (..., size)
        Functionals: weights of words, laid out as signatures are. Leading dimensions broadcast.
    channels, depth : int
        Number of channels and truncation depth, at most 24: longer words are dropped.
    scalar_term : bool, optional
        If True, rows begin with the weight of the empty word, which is 0 otherwise.
    {workers}
    {out}

    Returns
    -------
    array, shape (..., size)
        {dtype}

    {raises}

    See Also
    --------
    shuffle_vjp : Gradients of ``<cotangent, shuffle(a, b)>``.
    shuffle_jvp : Derivative of ``shuffle(a, b)`` along tangents of both arguments.
    half_shuffle : Half-shuffle of functionals: integrate one functional of a signature against
        another.

    Notes
    -----
    The weight of w is the sum of ``a[u] b[v]`` over the ``2**len(w)`` ways to split the letters of
    w between u and v (Ree 1958); that is also the number of multiply-adds.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> one, two = np.zeros(6), np.zeros(6)
    >>> one[0], two[1] = 1, 1
    >>> pysig.algebra.shuffle(one, two, channels=2, depth=2)
    array([0., 0., 0., 1., 1., 0.])
    """
    return bilinear("shuffle", (a, b), (channels, depth, scalar_term), workers, out)


@documented(like=shuffle)
def shuffle_vjp(
    a: Any,
    b: Any,
    channels: int,
    depth: int,
    cotangent: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
) -> Any:
    """Gradients of ``<cotangent, shuffle(a, b)>``.

    {parameters}

    {gradients}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    >>> pysig.algebra.shuffle_vjp(a, b, 1, 2, np.array([0.0, 1.0]))
    (array([6., 0.]), array([2., 0.]))
    """
    return bilinear_vjp("shuffle", (a, b), (channels, depth, scalar_term), cotangent, workers)


@documented(like=shuffle)
def shuffle_jvp(
    a: Array | ArrayLike,
    b: Any,
    channels: int,
    depth: int,
    tangent_a: Any,
    tangent_b: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Derivative of ``shuffle(a, b)`` along tangents of both arguments.

    {parameters}

    {derivative}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    >>> pysig.algebra.shuffle_jvp(a, b, 1, 2, np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([0., 6.])
    """
    return bilinear_jvp(
        "shuffle", (a, b), (channels, depth, scalar_term), (tangent_a, tangent_b), workers, out
    )


@documented(like=shuffle)
def half_shuffle(
    a: Array | ArrayLike,
    b: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Half-shuffle of functionals: integrate one functional of a signature against another.

    ``inner(half_shuffle(a, b), S)`` is the integral of ``inner(a, S_t)`` against ``d inner(b,
    S_t)`` along the path.

    {parameters}

    Returns
    -------
    array, shape (..., size)
        {dtype}

    {raises}

    See Also
    --------
    half_shuffle_vjp : Gradients of ``<cotangent, half_shuffle(a, b)>``.
    half_shuffle_jvp : Derivative of ``half_shuffle(a, b)`` along tangents of both arguments.
    shuffle : Shuffle product of functionals of a signature.

    Notes
    -----
    The shuffles of u and v that end with the last letter of v (Schützenberger 1958). The two
    half-shuffles of a and b and the product of their scalars add up to the shuffle.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> one, two = np.zeros(6), np.zeros(6)
    >>> one[0], two[1] = 1, 1
    >>> pysig.algebra.half_shuffle(one, two, channels=2, depth=2)
    array([0., 0., 0., 1., 0., 0.])
    """
    return bilinear("half_shuffle", (a, b), (channels, depth, scalar_term), workers, out)


@documented(like=half_shuffle)
def half_shuffle_vjp(
    a: Any,
    b: Any,
    channels: int,
    depth: int,
    cotangent: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
) -> Any:
    """Gradients of ``<cotangent, half_shuffle(a, b)>``.

    {parameters}

    {gradients}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    >>> pysig.algebra.half_shuffle_vjp(a, b, 1, 2, np.array([0.0, 1.0]))
    (array([3., 0.]), array([1., 0.]))
    """
    return bilinear_vjp("half_shuffle", (a, b), (channels, depth, scalar_term), cotangent, workers)


@documented(like=half_shuffle)
def half_shuffle_jvp(
    a: Array | ArrayLike,
    b: Any,
    channels: int,
    depth: int,
    tangent_a: Any,
    tangent_b: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Derivative of ``half_shuffle(a, b)`` along tangents of both arguments.

    {parameters}

    {derivative}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    >>> pysig.algebra.half_shuffle_jvp(a, b, 1, 2, np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([0., 3.])
    """
    return bilinear_jvp(
        "half_shuffle", (a, b), (channels, depth, scalar_term), (tangent_a, tangent_b), workers, out
    )
