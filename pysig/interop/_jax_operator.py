"""The operators of `_operator` and `_kernel_operator` in JAX.

They are one primitive with rules for forward and reverse differentiation, batching and lowering, so
that `jit`, `grad`, `jvp`, `vmap`, `hessian`, `checkpoint` and `scan` work and nest. On the CPU the
compiled program calls pysig with views of its buffers. On another device the arrays are copied
through host memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad as _ad
from jax.interpreters import batching, mlir

from pysig.interop._operator import Operator, pull_back, push_forward

ad: Any = _ad  # without annotations
_primitive: Any = Primitive("pysig")
_primitive.multiple_results = True


def apply(operator: Operator, *operands: Any) -> list[Any]:
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
    moved = push_forward(apply, operator, operands, moves, jnp.zeros_like)
    return apply(operator, *operands), moved


def _transpose(cotangents: Any, *operands: Any, operator: Operator) -> list[Any]:
    wanted = [ad.is_undefined_primal(operand) for operand in operands]
    filled = [ad.instantiate_zeros(cotangent) for cotangent in cotangents]
    return pull_back(apply, operator, operands, filled, wanted)


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
    results = apply(operator, *wide)
    return results, [0] * len(results)


_primitive.def_impl(jax.jit(_primitive.bind, static_argnames="operator"))
_primitive.def_abstract_eval(_types)
ad.primitive_jvps[_primitive] = _jvp
ad.primitive_transposes[_primitive] = _transpose
batching.primitive_batchers[_primitive] = _batch
mlir.register_lowering(_primitive, _lower)
