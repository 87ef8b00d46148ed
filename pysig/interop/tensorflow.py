"""Signatures of TensorFlow tensors, with gradients up to the second order.

The operators of `_operator` call pysig outside TensorFlow's graph, by ``tf.numpy_function``. They
run on the CPU; tensors of other devices are copied there. XLA (``jit_compile=True``) cannot compile
them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as _tensorflow

from pysig.interop._operator import Operator, check_lengths, prepare, pull_back

__all__ = ["logsignature", "signature"]

tf: Any = _tensorflow  # without annotations


def signature(
    path: Any,
    depth: int | None = None,
    *,
    basepoint: Any = None,
    initial: Any = None,
    lengths: Any = None,
    **options: Any,
) -> Any:
    """Signature of piecewise linear paths, a differentiable TensorFlow function.

    Parameters
    ----------
    path : tf.Tensor, shape (..., length, channels)
        The paths, float32 or float64. In a graph the length and the batch may be unknown.
    depth : int, optional
        As for `pysig.signature`.
    basepoint : bool or tf.Tensor, shape (..., channels), optional
        As for `pysig.signature`. A tensor receives gradients.
    initial : tf.Tensor, shape (..., size), optional
        As for `pysig.signature`. It receives gradients.
    lengths : tf.Tensor or array_like of int, shape (...), optional
        As for `pysig.signature`.
    **options
        All other options of `pysig.signature` except `out`, such as `stream`, `inverse`, `words`
        or `transform`. They must not contain arrays.

    Returns
    -------
    tf.Tensor
        The result of `pysig.signature`, with the dtype of `path`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        Under the conditions of `pysig.signature`.
    NotImplementedError
        For a third derivative.

    Examples
    --------
    >>> import tensorflow as tf
    >>> from pysig.interop.tensorflow import signature
    >>> path = tf.constant([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(path)
    ...     s = signature(path, 2)
    >>> s.numpy().tolist()
    [1.0, 2.0, 0.5, 2.0, 0.0, 2.0]
    >>> tape.gradient(s, path, output_gradients=tf.one_hot(3, 6)).numpy().tolist()
    [[-2.0, -0.5], [1.0, -0.5], [1.0, 1.0]]
    """
    return _call("signature", path, depth, basepoint, initial, lengths, options)


def logsignature(
    path: Any,
    depth: int,
    *,
    basepoint: Any = None,
    initial: Any = None,
    lengths: Any = None,
    **options: Any,
) -> Any:
    """Log-signature of piecewise linear paths, a differentiable TensorFlow function.

    Parameters
    ----------
    path, depth, basepoint, initial, lengths
        As for `signature`.
    **options
        All other options of `pysig.logsignature` except `out`, such as `basis` or `stream`.

    Returns
    -------
    tf.Tensor
        The result of `pysig.logsignature`, with the dtype of `path`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        Under the conditions of `pysig.logsignature`.
    NotImplementedError
        For a third derivative.

    Examples
    --------
    >>> import tensorflow as tf
    >>> from pysig.interop.tensorflow import logsignature
    >>> path = tf.constant([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> logsignature(path, 2).numpy().tolist()
    [1.0, 2.0, 1.0]
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
) -> Any:
    path = tf.convert_to_tensor(path)
    if path.shape.rank is None or (path.shape.rank and path.shape[-1] is None):
        raise ValueError(
            f"path: expected a known number of axes and of channels, received {path.shape}. "
            "Give the tensor a shape with ensure_shape."
        )
    if isinstance(basepoint, (bool, np.bool_)):
        basepoint = tf.zeros(path.shape[-1:], path.dtype) if basepoint else None
    arrays = {
        "path": path,
        "basepoint": None if basepoint is None else tf.cast(basepoint, path.dtype),
        "initial": None if initial is None else tf.cast(initial, path.dtype),
        "lengths": None if lengths is None else tf.convert_to_tensor(lengths),
    }

    def broadcast(array: Any, shape: tuple[Any, ...]) -> Any:
        """Broadcast to a shape whose unknown axes are batch axes, taken from the path."""
        known = [tf.shape(path)[axis] if n is None else n for axis, n in enumerate(shape)]
        return tf.broadcast_to(array, known)

    operator, operands = prepare(function, depth, arrays, options, broadcast)
    if lengths is not None and tf.executing_eagerly():
        check_lengths(lengths, path)
    return _apply(operator, *operands)[0]


def _apply(operator: Operator, *operands: Any) -> list[Any]:
    shapes = operator.shapes(*operands)

    def apply(*operands: Any) -> tuple[list[Any], Any]:
        types = [operands[0].dtype] * len(shapes)
        called = tf.numpy_function(operator.run, operands, types, stateful=False)
        results = called if isinstance(called, list) else [called]
        for result, shape in zip(results, shapes, strict=True):
            result.set_shape(shape)
        wanted = [operand.dtype.is_floating for operand in operands]

        def gradient(*cotangents: Any) -> list[Any]:
            return pull_back(_apply, operator, operands, cotangents, wanted)

        return results, gradient

    results: list[Any] = tf.custom_gradient(apply)(*operands)
    return results
