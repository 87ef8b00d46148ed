"""A step of training, with a signature layer between two dense layers: the model of Keras Sig.

One step of gradient descent from given weights; the answer is the change of the weights of the
first layer, which is their gradient. Keras runs on JAX, for every library. The reference gives the
derivative of the loss along one direction of these weights.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .operation import Task

Call = Callable[[Any, "Task"], Callable[[], Any]]

# A power of two, exact in any dtype; so small that weights stay moderate over all timed steps.
RATE = 2**-11


def _weights(channels: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the first layer, (channels, channels), and of the last, (size, 1)."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=(channels, channels)) / channels**0.5
    return first, rng.normal(size=(size, 1)) / size**0.25


def _direction(channels: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(channels, channels))


def project(answer: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
    """Projection of an answer that the reference computes."""
    return np.asarray((answer * _direction(len(answer))).sum())


def _reference(m: Any, t: Task) -> Callable[[], Any]:
    reference = importlib.import_module(f"{m.__name__}.signature")

    def derivative() -> Any:
        first, last = _weights(t.channels, sum(t.channels**k for k in range(1, t.depth + 1)))
        lifted, moved = t.path @ first, t.path @ _direction(t.channels)
        off = reference.signature(lifted, t.depth) @ last - 1
        return np.asarray(
            2 * (off * (reference.signature_jvp(lifted, t.depth, moved) @ last)).sum()
        )

    return derivative


def _step(layer: Callable[[Any, Task], Any]) -> Call:
    """The call of a library whose layer is made by `layer`."""

    def call(m: Any, t: Task) -> Callable[[], Any]:
        import keras

        path = np.asarray(t.path)
        keras.config.set_floatx(str(path.dtype))  # the dtype to which Keras casts the batch
        keras.config.set_dtype_policy(str(path.dtype))
        first, last = keras.layers.Dense(t.channels, use_bias=False), keras.layers.Dense(1)
        model = keras.Sequential([keras.Input(path.shape[1:]), first, layer(m, t), last])
        start, weights = _weights(t.channels, last.kernel.shape[0])
        first.set_weights([start])
        last.set_weights([weights, np.zeros(1)])
        # The sum over the batch: Keras takes means in float32.
        loss = keras.losses.MeanSquaredError(reduction="sum")
        model.compile(keras.optimizers.SGD(RATE), loss)
        target = np.ones((len(path), 1), path.dtype)
        before = np.asarray(first.kernel.value)

        def one() -> Any:
            model.train_on_batch(path, target)
            return (before - np.asarray(first.kernel.value)) / RATE

        return one

    return call


CALLS = {
    "reference": _reference,
    "pysig": _step(
        lambda m, t: importlib.import_module("pysig.interop.keras").SigLayer(
            t.depth, workers=t.threads
        )
    ),
    "keras_sig": _step(lambda m, t: m.SigLayer(t.depth)),
    "keras_sig-cumsum": _step(lambda m, t: m.SigLayer(t.depth, gpu_optimized=True)),
}
