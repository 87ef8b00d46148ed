"""Products of functionals of signatures: shuffle and half-shuffle, with derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api.algebra._bilinear import bilinear, bilinear_jvp, bilinear_vjp


def shuffle(
    a: Any,
    b: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Shuffle product of functionals of a signature.

    The product of two linear functionals is linear:
    ``inner(shuffle(a, b), S) == inner(a, S) * inner(b, S)`` for every signature S that is deep
    enough to hold the product.

    Parameters
    ----------
    a, b : array_like, shape (..., size)
        Functionals: weights of words, laid out as signatures are. Leading dimensions broadcast.
    channels, depth : int
        Longer words of the product are cut off. `depth` at most 24.
    scalar_term : bool, optional
        Whether rows begin with the weight of the empty word, which is 0 otherwise.
    workers : int, optional
        Threads on the CPU.
    out : array, optional
        Where to write the result.

    Returns
    -------
    array, shape (..., size)
        Of float32 if all arguments are, else of float64.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    The weight of w is the sum of ``a[u] b[v]`` over the ``2**len(w)`` ways to split the places of w
    between u and v (Ree 1958), and the cost is as much.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> one, two = np.zeros(6), np.zeros(6)
    >>> one[0], two[1] = 1, 1
    >>> pysig.algebra.shuffle(one, two, channels=2, depth=2)
    array([0., 0., 0., 1., 1., 0.])
    """
    return bilinear("shuffle", 0, a, b, channels, depth, scalar_term, workers, out)


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

    Parameters
    ----------
    a, b, channels, depth
        As in `shuffle`.
    cotangent : array_like, shape (..., size)
        Of the shape of the result.
    scalar_term, workers
        As in `shuffle`.

    Returns
    -------
    (array, array)
        The gradients at `a` and `b`, in their shapes.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    >>> pysig.algebra.shuffle_vjp(a, b, 1, 2, np.array([0.0, 1.0]))
    (array([6., 0.]), array([2., 0.]))
    """
    return bilinear_vjp("shuffle", 0, a, b, channels, depth, cotangent, scalar_term, workers)


def shuffle_jvp(
    a: Any,
    b: Any,
    channels: int,
    depth: int,
    tangent_a: Any,
    tangent_b: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Derivative of ``shuffle(a, b)`` when both arguments move.

    Parameters
    ----------
    a, b, channels, depth
        As in `shuffle`.
    tangent_a, tangent_b : array_like, shape (..., size)
        How `a` and `b` move.
    scalar_term, workers, out
        As in `shuffle`.

    Returns
    -------
    array, shape (..., size)
        The derivative.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    >>> pysig.algebra.shuffle_jvp(a, b, 1, 2, np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([0., 6.])
    """
    return bilinear_jvp(
        "shuffle", 0, a, b, channels, depth, tangent_a, tangent_b, scalar_term, workers, out
    )


def half_shuffle(
    a: Any,
    b: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Half-shuffle of functionals: integrate one functional of a signature against another.

    ``inner(half_shuffle(a, b), S)`` is the integral of ``inner(a, S_t)`` against ``d inner(b,
    S_t)`` along the path.

    Parameters
    ----------
    a, b, channels, depth, scalar_term, workers, out
        As in `shuffle`.

    Returns
    -------
    array, shape (..., size)
        Of float32 if all arguments are, else of float64.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    Of the shuffles of u and v those that end with the last letter of v (Schützenberger 1958). The
    two half-shuffles of a and b, and the product of their scalars, add up to the shuffle.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> one, two = np.zeros(6), np.zeros(6)
    >>> one[0], two[1] = 1, 1
    >>> pysig.algebra.half_shuffle(one, two, channels=2, depth=2)
    array([0., 0., 0., 1., 0., 0.])
    """
    return bilinear("half_shuffle", 0, a, b, channels, depth, scalar_term, workers, out)


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

    Parameters
    ----------
    a, b, channels, depth
        As in `half_shuffle`.
    cotangent : array_like, shape (..., size)
        Of the shape of the result.
    scalar_term, workers
        As in `half_shuffle`.

    Returns
    -------
    (array, array)
        The gradients at `a` and `b`, in their shapes.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    >>> pysig.algebra.half_shuffle_vjp(a, b, 1, 2, np.array([0.0, 1.0]))
    (array([3., 0.]), array([1., 0.]))
    """
    return bilinear_vjp("half_shuffle", 0, a, b, channels, depth, cotangent, scalar_term, workers)


def half_shuffle_jvp(
    a: Any,
    b: Any,
    channels: int,
    depth: int,
    tangent_a: Any,
    tangent_b: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Derivative of ``half_shuffle(a, b)`` when both arguments move.

    Parameters
    ----------
    a, b, channels, depth
        As in `half_shuffle`.
    tangent_a, tangent_b : array_like, shape (..., size)
        How `a` and `b` move.
    scalar_term, workers, out
        As in `half_shuffle`.

    Returns
    -------
    array, shape (..., size)
        The derivative.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    >>> pysig.algebra.half_shuffle_jvp(a, b, 1, 2, np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([0., 3.])
    """
    return bilinear_jvp(
        "half_shuffle", 0, a, b, channels, depth, tangent_a, tangent_b, scalar_term, workers, out
    )
