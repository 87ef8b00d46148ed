"""Signatures and signature kernels of JAX arrays, under every transformation of JAX.

`_jax_operator` has the operators.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pysig.interop._jax_operator import apply
from pysig.interop._kernel_operator import Framework, Sums, check_mmd, mmd_of_sums, split_sides
from pysig.interop._kernel_operator import prepare as prepare_kernel
from pysig.interop._operator import check_lengths, prepare

__all__ = ["logsignature", "mmd", "signature", "signature_kernel", "signature_kernel_matrix"]


def signature(
    path: jax.typing.ArrayLike,
    depth: int | None = None,
    *,
    basepoint: Any = None,
    initial: jax.typing.ArrayLike | None = None,
    lengths: jax.typing.ArrayLike | None = None,
    **options: Any,
) -> jax.Array:
    """Signature of piecewise linear paths, a function that JAX can transform.

    Parameters
    ----------
    path : array, shape (..., length, channels)
        The paths, float32 or float64.
    depth : int, optional
        As for `pysig.signature`. Static, like all options.
    basepoint : bool or array, shape (..., channels), optional
        As for `pysig.signature`. An array receives derivatives.
    initial : array, shape (..., size), optional
        As for `pysig.signature`. It receives derivatives.
    lengths : array of int, shape (...), optional
        As for `pysig.signature`.
    **options
        All other options of `pysig.signature` except `out`, such as `stream`, `inverse`, `words`
        or `transform`. They must not contain arrays.

    Returns
    -------
    jax.Array
        The result of `pysig.signature`, with the dtype of `path`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        Under the conditions of `pysig.signature`.
    NotImplementedError
        For a third derivative.

    See Also
    --------
    pysig.signature : Signature of arrays, with all options explained.
    logsignature : Log-signatures of the same input.

    Notes
    -----
    Gradients call `pysig.signature_vjp` and derivatives along a direction `pysig.signature_jvp`.
    Second derivatives call `pysig.signature_hvp` if one of the two modes is reverse. Forward mode
    over forward mode needs a Hessian-vector product for each coefficient. Besides the work of pysig
    a call costs a callback from the compiled program and a copy of the result.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> from pysig.interop.jax import signature
    >>> path = jnp.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> signature(path, 2).tolist()
    [1.0, 2.0, 0.5, 2.0, 0.0, 2.0]
    >>> jax.jit(jax.grad(lambda p: signature(p, 2)[3]))(path).tolist()
    [[-2.0, -0.5], [1.0, -0.5], [1.0, 1.0]]
    """
    return _call("signature", path, depth, basepoint, initial, lengths, options)


def logsignature(
    path: jax.typing.ArrayLike,
    depth: int,
    *,
    basepoint: Any = None,
    initial: jax.typing.ArrayLike | None = None,
    lengths: jax.typing.ArrayLike | None = None,
    **options: Any,
) -> jax.Array:
    """Log-signature of piecewise linear paths, a function that JAX can transform.

    Parameters
    ----------
    path, depth, basepoint, initial, lengths
        As for `signature`.
    **options
        All other options of `pysig.logsignature` except `out`, such as `basis` or `stream`.

    Returns
    -------
    jax.Array
        The result of `pysig.logsignature`, with the dtype of `path`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        Under the conditions of `pysig.logsignature`.
    NotImplementedError
        For a third derivative.

    See Also
    --------
    pysig.logsignature : Log-signature of arrays, with all options explained.
    signature : Signatures of the same input.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> from pysig.interop.jax import logsignature
    >>> path = jnp.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> logsignature(path, 2).tolist()
    [1.0, 2.0, 1.0]
    >>> gradient = jax.grad(lambda p: logsignature(p, 2)[2])(path)
    >>> (gradient + 0.0).tolist()  # no -0.0
    [[-1.0, 0.0], [1.0, -0.5], [0.0, 0.5]]
    """
    return _call("logsignature", path, depth, basepoint, initial, lengths, options)


def signature_kernel(
    x: jax.typing.ArrayLike,
    y: jax.typing.ArrayLike,
    depth: int | None = None,
    *,
    lengths: Any = None,
    parameters: Any = None,
    **options: Any,
) -> jax.Array:
    """Signature kernels of pairs of paths, a differentiable JAX function.

    Parameters
    ----------
    x, y : array, shapes (..., length_x, channels) and (..., length_y, channels)
        The paths, of one dtype, float32 or float64. Batch axes broadcast.
    depth : int, optional
        As for `pysig.signature_kernel`.
    lengths : tuple of two arrays of int or None, optional
        As for `pysig.signature_kernel`.
    parameters : dict of str to array of shape (), optional
        Parameters of `static_kernel` that receive derivatives, such as ``{"bandwidth": b}``. They
        replace its own.
    **options
        All other options of `pysig.signature_kernel` except `grid` and `out`, such as `order`,
        `static_kernel` or `normalize`. Only `basepoint` may be an array, or a tuple with one; it
        receives derivatives.

    Returns
    -------
    jax.Array
        The result of `pysig.signature_kernel`, with the dtype of the paths.

    Raises
    ------
    TypeError, ValueError, MemoryError
        Under the conditions of `pysig.signature_kernel`.
    NotImplementedError
        For a second derivative.

    See Also
    --------
    pysig.signature_kernel : The function of arrays, with all options explained.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> from pysig.interop.jax import signature_kernel
    >>> x = jnp.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> y = jnp.array([[0.0, 0.0], [0.5, 1.0]])
    >>> float(signature_kernel(x, y, depth=2))
    5.0625
    >>> jax.jit(jax.grad(lambda p: signature_kernel(p, y, depth=2)))(x).tolist()
    [[-1.125, -2.25], [0.0, 0.0], [1.125, 2.25]]
    """
    arrays = {"x": x, "y": y, "lengths": lengths, "parameters": parameters}
    return _call_kernel("signature_kernel", depth, arrays, options)


def signature_kernel_matrix(
    x: jax.typing.ArrayLike,
    y: jax.typing.ArrayLike | None = None,
    depth: int | None = None,
    *,
    lengths: Any = None,
    parameters: Any = None,
    **options: Any,
) -> jax.Array:
    """Signature kernels of all pairs of paths, a differentiable JAX function.

    Parameters
    ----------
    x : array, shape (paths_x, length_x, channels)
        The paths, float32 or float64.
    y : array, shape (paths_y, length_y, channels), optional
        The other paths. None: those of x; the matrix is symmetric and half of it is computed.
    depth
        As for `signature_kernel`.
    lengths : array of int, or a tuple of two with `y`, optional
        As for `pysig.signature_kernel_matrix`.
    parameters, **options
        As for `signature_kernel`.

    Returns
    -------
    jax.Array
        The result of `pysig.signature_kernel_matrix`, with the dtype of the paths.

    Raises
    ------
    TypeError, ValueError, MemoryError
        Under the conditions of `pysig.signature_kernel_matrix`.
    NotImplementedError
        For a second derivative.

    See Also
    --------
    pysig.signature_kernel_matrix : The function of arrays, with all options explained.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> from pysig.interop.jax import signature_kernel_matrix
    >>> paths = jnp.array([[[0.0], [1.0]], [[0.0], [2.0]]])
    >>> signature_kernel_matrix(paths, depth=1).tolist()
    [[2.0, 3.0], [3.0, 5.0]]
    >>> def total(scale):
    ...     return signature_kernel_matrix(paths, depth=1, parameters={"scale": scale}).sum()
    >>> float(jax.grad(total)(2.0))
    9.0
    """
    arrays = {"x": x, "y": y, "lengths": lengths, "parameters": parameters}
    return _call_kernel("signature_kernel_matrix", depth, arrays, options)


def mmd(
    x: jax.typing.ArrayLike,
    y: jax.typing.ArrayLike,
    depth: int | None = None,
    *,
    unbiased: bool = True,
    lengths: Any = None,
    parameters: Any = None,
    **options: Any,
) -> jax.Array:
    """Squared maximum mean discrepancy of two samples of paths, a differentiable loss.

    Parameters
    ----------
    x, y : array, shapes (paths_x, length_x, channels) and (paths_y, length_y, channels)
        The samples, of one dtype, float32 or float64.
    depth
        As for `signature_kernel`.
    unbiased : bool, optional
        As for `pysig.mmd`. The biased estimate is not negative.
    lengths, parameters, **options
        As for `signature_kernel`, without `levels`. Pass `order` or `depth`, so that the three
        matrices are those of one kernel.

    Returns
    -------
    jax.Array
        The estimate, of shape ().

    Raises
    ------
    TypeError, ValueError, MemoryError
        Under the conditions of `pysig.mmd`.
    NotImplementedError
        For a second derivative.

    See Also
    --------
    pysig.mmd : The function of arrays, with all options explained.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> from pysig.interop.jax import mmd
    >>> x = jnp.array([[[0.0], [1.0]], [[0.0], [2.0]]])
    >>> y = jnp.array([[[0.0], [1.0]], [[0.0], [4.0]]])
    >>> float(mmd(x, y, depth=1, unbiased=False))
    1.0
    >>> jax.grad(lambda p: mmd(p, y, depth=1, unbiased=False))(x).tolist()
    [[[1.0], [-1.0]], [[1.0], [-1.0]]]
    """
    check_mmd(x, y, unbiased, options)
    base = options.pop("basepoint", None)
    shared = {"depth": depth, "parameters": parameters, **options}
    sides = split_sides(base, lengths)
    xx, yy = (
        signature_kernel_matrix(path, basepoint=own, lengths=count, **shared)
        for path, (own, count) in zip((x, y), sides, strict=True)
    )
    xy = signature_kernel_matrix(x, y, basepoint=base, lengths=lengths, **shared)
    result: jax.Array = mmd_of_sums(xx, yy, xy, unbiased, _SUMS)
    return result


def _call(
    function: str,
    path: Any,
    depth: int | None,
    basepoint: Any,
    initial: Any,
    lengths: Any,
    options: dict[str, Any],
) -> jax.Array:
    path = jnp.asarray(path)
    if isinstance(basepoint, (bool, np.bool_)):
        basepoint = jnp.zeros(path.shape[-1:], path.dtype) if basepoint else None
    arrays = {
        "path": path,
        "basepoint": None if basepoint is None else jnp.asarray(basepoint, path.dtype),
        "initial": None if initial is None else jnp.asarray(initial, path.dtype),
        "lengths": None if lengths is None else jnp.asarray(lengths),
    }
    operator, operands = prepare(function, depth, arrays, options, jnp.broadcast_to)
    if lengths is not None and not isinstance(arrays["lengths"], jax.core.Tracer):
        check_lengths(lengths, path)
    result: jax.Array = apply(operator, *operands)[0]
    return result


def _call_kernel(
    function: str, depth: int | None, arrays: dict[str, Any], options: dict[str, Any]
) -> jax.Array:
    sides = {name: arrays[name] for name in ("x", "y") if arrays[name] is not None}
    paths = {name: jnp.asarray(path) for name, path in sides.items()}
    arrays = {**arrays, **paths}
    operator, operands = prepare_kernel(function, depth, arrays, options, _FRAMEWORK)
    for name, operand in zip(operator.given, operands, strict=True):
        if name.startswith("lengths") and not isinstance(operand, jax.core.Tracer):
            check_lengths(operand, operands[operator.given.index(name[-1])])
    result: jax.Array = apply(operator, *operands)[0]
    return result


_SUMS = Sums(jnp.sum, jnp.trace, lambda gram: gram.shape)
_FRAMEWORK = Framework(
    as_floats=lambda value, like: jnp.asarray(value, like.dtype),
    as_integers=lambda value, like: jnp.asarray(value),
    broadcast=jnp.broadcast_to,
    sizes=lambda array: tuple(array.shape),
)
