"""`pysig.interop.keras` on the backend that KERAS_BACKEND names; ../test_interop.py runs all."""

from __future__ import annotations

import os

import numpy as np
import pytest

import pysig

# Keras takes TensorFlow where nothing is said; here nothing is assumed.
os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip(
    "keras", reason="Keras is not installed (pip install pysig-signatures[keras])"
)
BACKEND = keras.backend.backend()
pytest.importorskip(BACKEND, reason=f"the backend {BACKEND} of Keras is not installed")

from keras import layers, ops  # noqa: E402

from pysig.interop.keras import LogSigLayer, SigLayer  # noqa: E402

# Keras' own use of what NumPy deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

OPTIONS = [
    {},
    {"stream": True, "scalar_term": True},
    {"inverse": True, "basepoint": True},
    {"stream": True, "basepoint": [1.0, -1.0]},
    {"stream": True, "transform": ["time", "lead_lag"]},
    {"words": [(0,), (0, 0, 0)]},
]


def array(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


def right(path, depth, function=pysig.signature, **options):
    """pysig's own answer."""
    if isinstance(options.get("basepoint"), list):
        options["basepoint"] = np.array(options["basepoint"], np.float32)
    return function(path, depth, **options)


@pytest.mark.parametrize("options", OPTIONS)
def test_values_and_shapes(options):
    path, layer = array(4, 6, 2), SigLayer(3, **options)
    expected = right(path, 3, **options)
    np.testing.assert_allclose(numpy(layer(path)), expected, rtol=1e-6)
    assert layer.compute_output_shape((None, 6, 2)) == (None, *expected.shape[1:])
    rows = [None] if options.get("stream") else []
    assert layer.compute_output_shape((None, None, 2)) == (None, *rows, expected.shape[-1])


@pytest.mark.parametrize("basis", ["words", "brackets", "hall", "expanded"])
def test_log_signatures(basis):
    path, layer = array(4, 6, 2), LogSigLayer(3, basis=basis, basepoint=True)
    expected = pysig.logsignature(path, 3, basis=basis, basepoint=True)
    np.testing.assert_allclose(numpy(layer(path)), expected, rtol=1e-6)
    assert layer.compute_output_shape((None, None, 2)) == (None, expected.shape[-1])


@pytest.mark.parametrize("stream", [False, True])
def test_values_are_those_of_the_layer_of_keras_sig(stream):
    keras_sig = pytest.importorskip("keras_sig", reason="keras_sig is not installed")
    path = array(4, 6, 3)
    theirs = keras_sig.SigLayer(4, stream=stream, gpu_optimized=False)(ops.convert_to_tensor(path))
    np.testing.assert_allclose(
        numpy(SigLayer(4, stream=stream)(path)), numpy(theirs), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("layer", "derivative"),
    [(SigLayer, pysig.signature_vjp), (LogSigLayer, pysig.logsignature_vjp)],
)
def test_a_step_of_training_follows_the_gradient(layer, derivative):
    """One step of plain gradient descent with rate 1 moves the weights by minus the gradient."""
    path, start = array(8, 6, 3), array(3, 2)
    dense = layers.Dense(2, use_bias=False)
    model = keras.Sequential([keras.Input((None, 3)), dense, layer(3)])
    dense.set_weights([start])
    model.compile(keras.optimizers.SGD(1.0), lambda _, features: ops.sum(features, axis=-1))
    model.fit(path, np.zeros(8, np.float32), batch_size=8, epochs=1, verbose=0)
    size = model.output_shape[-1]
    cotangent = np.full((8, size), 1 / 8, np.float32)
    gradient = np.einsum("bti,btj->ij", path, derivative(path @ start, 3, cotangent))
    np.testing.assert_allclose(dense.get_weights()[0], start - gradient, rtol=1e-3, atol=1e-4)


def test_lengths_that_nobody_knows_beforehand():
    model = keras.Sequential([keras.Input((None, 2)), SigLayer(2, stream=True)])
    for length in (3, 7):
        path = array(5, length, 2)
        expected = pysig.signature(path, 2, stream=True)
        np.testing.assert_allclose(model.predict(path, verbose=0), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        SigLayer(3, stream=True, basepoint=[0.5, 1.0], name="mine"),
        SigLayer(3, scalar_term=True, workers=1, dtype="mixed_bfloat16"),
        LogSigLayer(3, basis="brackets", inverse=True),
    ],
)
def test_round_trips(layer, tmp_path):
    model = keras.Sequential([keras.Input((6, 2)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    path = array(4, 6, 2)
    for copy in (loaded, keras.models.clone_model(model)):
        assert copy.layers[0].get_config() == layer.get_config()
        value, again = (numpy(ops.cast(m(path), "float32")) for m in (model, copy))
        np.testing.assert_array_equal(value, again)
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()


@pytest.mark.parametrize(
    "options", [{}, {"basepoint": True}, {"transform": "time"}, {"stream": True}]
)
def test_masked_points_do_not_count_wherever_they_are(options):
    path = array(5, 6, 2)
    mask = np.ones((5, 6), bool)
    mask[1, 4:] = mask[2, :2] = mask[3, [1, 4]] = mask[4, 1:] = False
    layer = SigLayer(3, **options)
    value = numpy(layer(ops.convert_to_tensor(path), mask=ops.convert_to_tensor(mask)))
    for b in range(5):
        if options.get("stream"):
            points = path[b][mask[b]][[*range(mask[b].sum()), *[-1] * (~mask[b]).sum()]]
            expected = pysig.signature(points, 3, stream=True)  # the last one again and again
        else:
            expected = pysig.signature(path[b][mask[b]], 3, **options)
        np.testing.assert_allclose(value[b], expected, rtol=1e-4, atol=1e-5)


def test_masks_of_layers_before_and_for_layers_after():
    path = array(3, 6, 2)
    path[1, 3:] = -7
    masked = layers.Masking(-7)(ops.convert_to_tensor(path))
    expected = pysig.signature(path, 2, lengths=[6, 3, 6])
    np.testing.assert_allclose(numpy(SigLayer(2)(masked)), expected, rtol=1e-5, atol=1e-6)
    mask = ops.convert_to_tensor(path[..., 0] != -7)
    tensor = ops.convert_to_tensor(path)
    assert SigLayer(2).compute_mask(tensor, mask) is None
    for options, first in ({"stream": True}, 1), ({"stream": True, "basepoint": True}, 0):
        after = SigLayer(2, **options).compute_mask(tensor, mask)
        np.testing.assert_array_equal(numpy(after), numpy(mask)[:, first:])


@pytest.mark.parametrize("policy", ["float64", "mixed_float16", "mixed_bfloat16"])
def test_dtype_policies(policy):
    if policy == "float64" and BACKEND == "jax":
        pytest.skip("JAX has float64 only where jax_enable_x64 is set for the whole process")
    path = array(4, 6, 2) / 4
    layer = SigLayer(2, dtype=policy)
    value = layer(ops.convert_to_tensor(path, "float64" if policy == "float64" else "float32"))
    assert keras.backend.standardize_dtype(value.dtype) == policy.removeprefix("mixed_")
    expected = pysig.signature(path.astype(np.float64), 2)
    tolerance = {"float64": 1e-12, "mixed_float16": 1e-2, "mixed_bfloat16": 1e-1}[policy]
    value = numpy(ops.cast(value, "float64" if policy == "float64" else "float32"))
    np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)


def test_errors_name_what_is_wrong():
    with pytest.raises(ValueError, match="depth: expected an integer of at least 1"):
        SigLayer(0)(array(2, 3, 2))
    with pytest.raises(ValueError, match="with a known number of channels"):
        SigLayer(2).compute_output_shape((None, 3, None))
    with pytest.raises(ValueError, match="nonsense"):
        SigLayer(2, nonsense=True)
    with pytest.raises(ValueError, match="basis"):
        LogSigLayer(2, basis="nonsense")(array(2, 3, 2))


def test_the_examples(examples):
    examples("keras", "Keras")
