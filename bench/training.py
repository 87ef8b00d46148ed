"""A step of training, with a signature layer between two dense layers: the model of Keras Sig.

One step of gradient descent from given weights; the answer is how the weights of the first layer
moved, so that a wrong derivative does not pass. Keras runs on JAX, for every contestant.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .operations import Task

RATE = 0.01  # small enough that further steps, which are timed, stay at moderate weights


def step(layer: Callable[[Any, Task], Any]) -> Callable[[Any, Task], Callable[[], Any]]:
    """The call of a contestant whose layer is made by `layer`."""

    def call(m: Any, t: Task) -> Callable[[], Any]:
        import keras

        path = np.asarray(t.path)
        keras.config.set_dtype_policy(str(path.dtype))
        first, last = keras.layers.Dense(t.channels, use_bias=False), keras.layers.Dense(1)
        shape = (*path.shape[1:-1], t.channels)
        model = keras.Sequential([keras.Input(shape), first, layer(m, t), last])
        rng = np.random.default_rng(0)
        start = rng.normal(size=(t.channels, t.channels)) / t.channels**0.5
        weights = rng.normal(size=last.kernel.shape) / t.depth
        first.set_weights([start])
        last.set_weights([weights, np.zeros(1)])
        model.compile(keras.optimizers.SGD(RATE), "mse")
        target = np.ones((len(path), 1), path.dtype)

        def one() -> Any:
            model.train_on_batch(path, target)
            return (start - np.asarray(first.kernel.value)) / RATE

        return one

    return call


CALLS = {
    "pysig": step(
        lambda m, t: importlib.import_module("pysig.interop.keras").SigLayer(
            t.depth, workers=t.threads
        )
    ),
    "keras_sig": step(lambda m, t: m.SigLayer(t.depth)),
    "keras_sig-cumsum": step(lambda m, t: m.SigLayer(t.depth, gpu_optimized=True)),
}
