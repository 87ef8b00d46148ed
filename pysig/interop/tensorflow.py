"""Signatures of TensorFlow tensors, with gradients up to the second order.

The operators of `_operator` call pysig outside TensorFlow's graph, by ``tf.numpy_function``. They
run on the CPU; tensors of other devices are copied there. XLA (``jit_compile=True``) cannot compile
them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as _tensorflow

from pysig.interop._kernel_operator import Framework, Sums, check_mmd, mmd_of_sums, split_sides
from pysig.interop._kernel_operator import prepare as prepare_kernel
from pysig.interop._operator import Operator, check_lengths, prepare, pull_back

__all__ = ["logsignature", "mmd", "signature", "signature_kernel", "signature_kernel_matrix"]

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

    See Also
    --------
    pysig.signature : Signature of arrays, with all options explained.
    logsignature : Log-signatures of the same input.

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

    See Also
    --------
    pysig.logsignature : Log-signature of arrays, with all options explained.
    signature : Signatures of the same input.

    Examples
    --------
    >>> import tensorflow as tf
    >>> from pysig.interop.tensorflow import logsignature
    >>> path = tf.constant([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> logsignature(path, 2).numpy().tolist()
    [1.0, 2.0, 1.0]
    """
    return _call("logsignature", path, depth, basepoint, initial, lengths, options)


def signature_kernel(
    x: Any,
    y: Any,
    depth: int | None = None,
    *,
    lengths: Any = None,
    parameters: Any = None,
    **options: Any,
) -> Any:
    """Signature kernels of pairs of paths, a differentiable TensorFlow function.

    Parameters
    ----------
    x, y : tf.Tensor, shapes (..., length_x, channels) and (..., length_y, channels)
        The paths, of one dtype, float32 or float64. Batch axes broadcast.
    depth : int, optional
        As for `pysig.signature_kernel`.
    lengths : tuple of two arrays of int or None, optional
        As for `pysig.signature_kernel`.
    parameters : dict of str to tf.Tensor of shape (), optional
        Parameters of `static_kernel` that receive derivatives, such as ``{"bandwidth": b}``. They
        replace its own.
    **options
        All other options of `pysig.signature_kernel` except `grid` and `out`, such as `order`,
        `static_kernel` or `normalize`. Only `basepoint` may be a tensor, or a tuple with one; it
        receives derivatives.

    Returns
    -------
    Any
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
    >>> import tensorflow as tf
    >>> from pysig.interop.tensorflow import signature_kernel
    >>> x = tf.constant([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> y = tf.constant([[0.0, 0.0], [0.5, 1.0]])
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     k = signature_kernel(x, y, depth=2)
    >>> float(k)
    5.0625
    >>> tape.gradient(k, x).numpy().tolist()
    [[-1.125, -2.25], [0.0, 0.0], [1.125, 2.25]]
    """
    arrays = {"x": x, "y": y, "lengths": lengths, "parameters": parameters}
    return _call_kernel("signature_kernel", depth, arrays, options)


def signature_kernel_matrix(
    x: Any,
    y: Any = None,
    depth: int | None = None,
    *,
    lengths: Any = None,
    parameters: Any = None,
    **options: Any,
) -> Any:
    """Signature kernels of all pairs of paths, a differentiable TensorFlow function.

    Parameters
    ----------
    x : tf.Tensor, shape (paths_x, length_x, channels)
        The paths, float32 or float64.
    y : tf.Tensor, shape (paths_y, length_y, channels), optional
        The other paths. None: those of x; the matrix is symmetric and half of it is computed.
    depth
        As for `signature_kernel`.
    lengths : array of int, or a tuple of two with `y`, optional
        As for `pysig.signature_kernel_matrix`.
    parameters, **options
        As for `signature_kernel`.

    Returns
    -------
    Any
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
    >>> import tensorflow as tf
    >>> from pysig.interop.tensorflow import signature_kernel_matrix
    >>> paths = tf.constant([[[0.0], [1.0]], [[0.0], [2.0]]])
    >>> signature_kernel_matrix(paths, depth=1).numpy().tolist()
    [[2.0, 3.0], [3.0, 5.0]]
    """
    arrays = {"x": x, "y": y, "lengths": lengths, "parameters": parameters}
    return _call_kernel("signature_kernel_matrix", depth, arrays, options)


def mmd(
    x: Any,
    y: Any,
    depth: int | None = None,
    *,
    unbiased: bool = True,
    lengths: Any = None,
    parameters: Any = None,
    **options: Any,
) -> Any:
    """Squared maximum mean discrepancy of two samples of paths, a differentiable loss.

    Parameters
    ----------
    x, y : tf.Tensor, shapes (paths_x, length_x, channels) and (paths_y, length_y, channels)
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
    Any
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
    >>> import tensorflow as tf
    >>> from pysig.interop.tensorflow import mmd
    >>> x = tf.constant([[[0.0], [1.0]], [[0.0], [2.0]]])
    >>> y = tf.constant([[[0.0], [1.0]], [[0.0], [4.0]]])
    >>> float(mmd(x, y, depth=1, unbiased=False))
    1.0
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
    return mmd_of_sums(xx, yy, xy, unbiased, _SUMS)


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
    _check_known(path, "path")
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


def _call_kernel(
    function: str, depth: int | None, arrays: dict[str, Any], options: dict[str, Any]
) -> Any:
    sides = {name: arrays[name] for name in ("x", "y") if arrays[name] is not None}
    paths = {name: tf.convert_to_tensor(path) for name, path in sides.items()}
    for name, path in paths.items():
        _check_known(path, name)
    operator, operands = prepare_kernel(function, depth, {**arrays, **paths}, options, _FRAMEWORK)
    if tf.executing_eagerly():
        for name, operand in zip(operator.given, operands, strict=True):
            if name.startswith("lengths"):
                check_lengths(operand, operands[operator.given.index(name[-1])])
    return _apply(operator, *operands)[0]


def _check_known(path: Any, name: str) -> None:
    """ValueError unless the number of axes and of channels is known."""
    if path.shape.rank is None or (path.shape.rank and path.shape[-1] is None):
        raise ValueError(
            f"{name}: expected a known number of axes and of channels, received {path.shape}. "
            "Give the tensor a shape with ensure_shape."
        )


def _sizes(array: Any) -> tuple[Any, ...]:
    """The shape, with tensors for sizes that are not known."""
    return tuple(tf.shape(array)[k] if n is None else n for k, n in enumerate(array.shape))


_SUMS = Sums(
    tf.reduce_sum,
    tf.linalg.trace,
    lambda gram: tf.unstack(tf.cast(tf.shape(gram), gram.dtype)),
)
_FRAMEWORK = Framework(
    as_floats=lambda value, like: tf.cast(value, like.dtype),
    as_integers=lambda value, like: tf.convert_to_tensor(value),
    broadcast=tf.broadcast_to,
    sizes=_sizes,
)


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
