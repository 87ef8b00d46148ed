"""Signatures of JAX arrays, under every transformation of JAX.

The operators of `_operator` are one primitive with rules for forward and reverse differentiation,
batching and lowering, so that `jit`, `grad`, `jvp`, `vmap`, `hessian`, `checkpoint` and `scan` work
and nest. On the CPU the compiled program calls pysig with views of its buffers. On another device
the arrays are copied through host memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad as _ad
from jax.interpreters import batching, mlir

from pysig.interop._operator import Operator, check_lengths, prepare, pull_back, push_forward

__all__ = ["logsignature", "signature"]

ad: Any = _ad  # without annotations
_primitive: Any = Primitive("pysig")
_primitive.multiple_results = True


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
    result: jax.Array = _apply(operator, *operands)[0]
    return result


def _apply(operator: Operator, *operands: Any) -> list[Any]:
    results: list[Any] = _primitive.bind(*operands, operator=operator)
    return results


def _types(*operands: Any, operator: Operator) -> list[Any]:
    dtype = operands[0].dtype
    return [jax.core.ShapedArray(shape, dtype) for shape in operator.shapes(*operands)]


def _lower(ctx: Any, *operands: Any, operator: Operator) -> Any:
    """A callback from the compiled program, which passes its buffers as NumPy arrays."""
    results, _, _ = mlir.emit_python_callback(
        ctx,
        operator.run,
        None,
        operands,
        ctx.avals_in,
        ctx.avals_out,
        has_side_effect=False,
    )
    return results


def _jvp(operands: Any, tangents: Any, operator: Operator) -> tuple[list[Any], list[Any]]:
    moves = [None if isinstance(tangent, ad.Zero) else tangent for tangent in tangents]
    moved = push_forward(_apply, operator, operands, moves, jnp.zeros_like)
    return _apply(operator, *operands), moved


def _transpose(cotangents: Any, *operands: Any, operator: Operator) -> list[Any]:
    wanted = [ad.is_undefined_primal(operand) for operand in operands]
    filled = [ad.instantiate_zeros(cotangent) for cotangent in cotangents]
    return pull_back(_apply, operator, operands, filled, wanted)


def _batch(
    operands: Sequence[Any], axes: Sequence[Any], operator: Operator
) -> tuple[list[Any], list[int]]:
    """One more batch axis, in front of all operands and results."""
    pairs = list(zip(operands, axes, strict=True))
    (size,) = {operand.shape[axis] for operand, axis in pairs if axis is not None}
    wide = [
        jnp.broadcast_to(operand, (size, *operand.shape))
        if axis is None
        else jnp.moveaxis(operand, axis, 0)
        for operand, axis in pairs
    ]
    results = _apply(operator, *wide)
    return results, [0] * len(results)


_primitive.def_impl(jax.jit(_primitive.bind, static_argnames="operator"))
_primitive.def_abstract_eval(_types)
ad.primitive_jvps[_primitive] = _jvp
ad.primitive_transposes[_primitive] = _transpose
batching.primitive_batchers[_primitive] = _batch
mlir.register_lowering(_primitive, _lower)
