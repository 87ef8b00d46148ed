"""Layers for Keras 3 on the backends PyTorch, JAX and TensorFlow (and NumPy, without training).

The layers call the module for the backend of Keras: `pysig.interop.torch`, `pysig.interop.jax` or
`pysig.interop.tensorflow`.
"""

from __future__ import annotations

import importlib
import inspect
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from keras import ops

import pysig
from pysig.interop._kernel_operator import Framework
from pysig.interop._kernel_operator import prepare as prepare_kernel
from pysig.interop._operator import OWN_AXES, Operator, prepare

__all__ = ["LogSigLayer", "SigKernelLayer", "SigLayer"]

_MODULES = {"numpy": "pysig"} | {
    name: f"pysig.interop.{name}" for name in ("torch", "jax", "tensorflow")
}
_backend = keras.backend.backend()
if _backend not in _MODULES:
    raise ImportError(
        f"pysig.interop.keras: expected one of the Keras backends {', '.join(sorted(_MODULES))}, "
        f"received {_backend!r}. Set the environment variable KERAS_BACKEND."
    )
_module = importlib.import_module(_MODULES[_backend])


class _PathLayer(keras.layers.Layer):
    """Base class of both layers: a function of pysig with its options."""

    function: str

    def __init__(self, depth: int | None = None, stream: bool = False, **options: Any) -> None:
        """Split `options` into those of the function and those of any layer."""
        known = set(inspect.signature(getattr(pysig, self.function)).parameters)
        known -= {*OWN_AXES, "out"} - {"basepoint"}
        self.options = {name: options.pop(name) for name in known & options.keys()}
        super().__init__(**options)
        self.depth, self.stream = depth, stream
        self.supports_masking = True
        self.supports_jit = _backend != "tensorflow"  # XLA has no callbacks there

    @property
    def _operator(self) -> Operator:
        """The operator without arrays, which determines shapes."""
        empty = SimpleNamespace(shape=(2, 1), dtype="float32")
        options = {**self.options, "stream": self.stream}
        return prepare(self.function, self.depth, {"path": empty}, options, lambda a, _: a)[0]

    def build(self, input_shape: Any) -> None:
        """Compute the shape of the output, so that wrong options raise their errors here."""
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The function of `inputs`, without the points that `mask` excludes."""
        wide = keras.backend.standardize_dtype(inputs.dtype) in ("float32", "float64")
        path = inputs if wide else ops.cast(inputs, "float32")
        options = {**self.options, "stream": self.stream}
        if mask is not None:
            path, options["lengths"] = _points_that_count(path, mask)
        result = getattr(_module, self.function)(path, self.depth, **options)
        return result if wide else ops.cast(result, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(
                f"{self.name}: expected an input of shape (..., length, channels) with a known "
                f"number of channels, received {tuple(input_shape)}."
            )
        (shape,) = self._operator.shapes(SimpleNamespace(shape=input_shape))
        return tuple(shape)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of rows: each row belongs to the last point of a prefix."""
        rows, more, _ = self._operator.extent(int(inputs.shape[-1]))
        if previous_mask is None or rows not in (1, 2) or more != 1:
            return None
        count = ops.sum(ops.cast(previous_mask, "int32"), axis=-1, keepdims=True)
        return ops.arange(ops.shape(inputs)[-2], dtype="int32")[2 - rows :] < count

    def get_config(self) -> dict[str, Any]:
        config = {"depth": self.depth, "stream": self.stream, **self.options}
        return {**super().get_config(), **config}


def _points_that_count(path: Any, mask: Any) -> tuple[Any, Any]:
    """The path with the unmasked points first, in order, and the number of these points."""
    mask = ops.cast(mask, "int32")
    length = ops.shape(path)[-2]
    order = ops.argsort(ops.arange(length, dtype="int32") + length * (1 - mask), axis=-1)
    lengths = ops.maximum(ops.sum(mask, axis=-1), 1)  # at least one point
    return ops.take_along_axis(path, ops.expand_dims(order, -1), axis=-2), lengths


@keras.saving.register_keras_serializable(package="pysig")
class SigLayer(_PathLayer):
    """Signatures of a batch of paths, as a layer of Keras 3.

    Parameters
    ----------
    depth : int, optional
        Truncation depth, at least 1. May be omitted if `words` is given.
    stream : bool, optional
        If True, compute the signatures of all prefixes.
    **options
        Other options of `pysig.signature` that are not arrays, such as `basepoint=True`, `words` or
        `transform`; `basepoint` may also be a list of coordinates. Remaining options, such as
        `name` and `dtype`, are passed to `keras.layers.Layer`.

    See Also
    --------
    LogSigLayer : Layer of log-signatures.
    pysig.signature : The function that the layer computes.

    Notes
    -----
    The input has shape ``(batch, length, channels)``; batch and length may be unknown. The output
    has shape ``(batch, size)``, with `stream` ``(batch, length - 1, size)``. Points that a Keras
    mask excludes are ignored wherever they occur; with `stream`, the rows of the other points come
    first. With a half-precision policy the signature is computed in float32. The layer has no
    weights.

    Examples
    --------
    >>> import keras
    >>> from pysig.interop.keras import SigLayer
    >>> layers = [keras.Input((None, 5)), keras.layers.Dense(3), SigLayer(4), keras.layers.Dense(1)]
    >>> model = keras.Sequential(layers)
    >>> model.output_shape
    (None, 1)
    >>> model.layers[1].output.shape
    (None, 120)
    """

    function = "signature"


@keras.saving.register_keras_serializable(package="pysig")
class LogSigLayer(_PathLayer):
    """Log-signatures of a batch of paths, as a layer of Keras 3.

    Parameters
    ----------
    depth : int
        Truncation depth, at least 1.
    stream : bool, optional
        If True, compute the log-signatures of all prefixes.
    **options
        Other options of `pysig.logsignature` that are not arrays, such as ``basis="brackets"``.

    See Also
    --------
    SigLayer : Layer of signatures.
    pysig.logsignature : The function that the layer computes.

    Notes
    -----
    Shapes, masks and policies are treated as in `SigLayer`.

    Examples
    --------
    >>> import keras
    >>> from pysig.interop.keras import LogSigLayer
    >>> LogSigLayer(3).compute_output_shape((None, None, 2))
    (None, 5)
    """

    function = "logsignature"


@keras.saving.register_keras_serializable(package="pysig")
class SigKernelLayer(keras.layers.Layer):
    """Signature kernels of a batch of paths with paths that are learned, as a layer of Keras 3.

    Parameters
    ----------
    units : int
        Number of learned paths, the features of the output.
    points : int
        Number of points of a learned path, at least 2.
    depth : int, optional
        As for `pysig.signature_kernel_matrix`. Without it pass `order`, so that all batches have
        the same kernel.
    initializer : str or keras.Initializer, optional
        Of the points of the learned paths. None: normal numbers of the variance ``1 / points``.
    **options
        Other options of `pysig.signature_kernel_matrix` that are not arrays, such as `order`,
        `static_kernel`, `normalize` or `transform`. Remaining options, such as `name` and `dtype`,
        are passed to `keras.layers.Layer`.

    See Also
    --------
    SigLayer : Layer of signatures.
    pysig.signature_kernel_matrix : The function that it computes.

    Notes
    -----
    The input has shape ``(batch, length, channels)``; batch and length may be unknown. The output
    has shape ``(batch, units)``, with `levels` ``(batch, units, depth + 1)``. Points that a Keras
    mask excludes are ignored wherever they occur. With a half-precision policy the kernels are
    computed in float32.

    Examples
    --------
    >>> import keras
    >>> from pysig.interop.keras import SigKernelLayer
    >>> kernels = SigKernelLayer(8, points=5, depth=3, normalize=True)
    >>> model = keras.Sequential([keras.Input((None, 2)), kernels, keras.layers.Dense(1)])
    >>> model.layers[0].output.shape
    (None, 8)
    >>> tuple(model.layers[0].weights[0].shape)
    (8, 5, 2)
    """

    def __init__(
        self,
        units: int,
        points: int,
        depth: int | None = None,
        initializer: Any = None,
        **options: Any,
    ) -> None:
        """Split `options` into those of the function and those of any layer."""
        known = set(inspect.signature(pysig.signature_kernel_matrix).parameters)
        known -= {"x", "y", "lengths", "grid", "out"}
        self.options = {name: options.pop(name) for name in known & options.keys()}
        super().__init__(**options)
        for name, value, least in (("units", units, 1), ("points", points, 2)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(
                    f"{name}: expected an integer of at least {least}, received {value!r}."
                )
        static = self.options.get("static_kernel")
        if isinstance(static, dict):  # of get_config
            parameters = {name: value for name, value in static.items() if name != "name"}
            self.options["static_kernel"] = getattr(pysig.kernels, static["name"])(**parameters)
        self.units, self.points, self.depth = units, points, depth
        self.initializer = keras.initializers.get(initializer)
        self.supports_masking = True
        self.supports_jit = _backend != "tensorflow"  # XLA has no callbacks there

    def build(self, input_shape: Any) -> None:
        """Create the paths; wrong options raise their errors here."""
        self.compute_output_shape(input_shape)
        drawn = keras.initializers.RandomNormal(stddev=self.points**-0.5)
        self.paths = self.add_weight(
            shape=(self.units, self.points, input_shape[-1]),
            initializer=self.initializer or drawn,
            name="paths",
        )

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The kernels of `inputs`, without the points that `mask` excludes, with the paths."""
        wide = keras.backend.standardize_dtype(inputs.dtype) in ("float32", "float64")
        path = inputs if wide else ops.cast(inputs, "float32")
        options = dict(self.options)
        if mask is not None:
            path, lengths = _points_that_count(path, mask)
            options["lengths"] = (lengths, None)
        own = ops.cast(ops.convert_to_tensor(self.paths), path.dtype)
        result = _module.signature_kernel_matrix(path, own, self.depth, **options)
        return result if wide else ops.cast(result, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        if len(input_shape) != 3 or input_shape[-1] is None:
            raise ValueError(
                f"{self.name}: expected an input of shape (batch, length, channels) with a known "
                f"number of channels, received {tuple(input_shape)}."
            )
        shapes = (tuple(input_shape), (self.units, self.points, input_shape[-1]))
        x, y = (SimpleNamespace(shape=shape, dtype="float32") for shape in shapes)
        arrays = {"x": x, "y": y, "lengths": None, "parameters": None}
        options = dict(self.options)
        framework = Framework(
            lambda value, _: np.asarray(value, np.float32),
            lambda value, _: np.asarray(value),
            lambda array, _: array,
            lambda array: array.shape,
        )
        function = "signature_kernel_matrix"
        operator, operands = prepare_kernel(function, self.depth, arrays, options, framework)
        return tuple(operator.shapes(*operands)[0])

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """None: the output has no axis of points."""
        return None

    def get_config(self) -> dict[str, Any]:
        options = dict(self.options)
        static = options.get("static_kernel")
        if static is not None:
            options["static_kernel"] = {"name": type(static).__name__, **static.get_params()}
        initializer = self.initializer and keras.initializers.serialize(self.initializer)
        config = {"units": self.units, "points": self.points, "depth": self.depth}
        return {**super().get_config(), **config, "initializer": initializer, **options}
