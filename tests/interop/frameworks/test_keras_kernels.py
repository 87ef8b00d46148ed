"""`SigKernelLayer` on the backend that KERAS_BACKEND names; ../test_interop.py runs all."""

from __future__ import annotations

import os

import numpy as np
import pytest

import pysig

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip(
    "keras", reason="Keras is not installed (pip install pysig-signatures[keras])"
)
BACKEND = keras.backend.backend()
pytest.importorskip(BACKEND, reason=f"the backend {BACKEND} of Keras is not installed")

from keras import layers, ops  # noqa: E402

from pysig.interop.keras import SigKernelLayer  # noqa: E402

# Keras' own use of what NumPy deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

K = pysig.kernels
OPTIONS = [
    {"depth": 3},
    {"order": 2, "static_kernel": K.RBF(0.7), "basepoint": True},
    {"depth": 2, "levels": True},
    {"depth": 3, "normalize": True, "transform": ["time", "lead_lag"]},
    {"order": 2, "basepoint": [0.5, 1.0], "static_kernel": K.Matern(2.0, 0.5), "workers": 1},
]


def array(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32) / 2


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


def right(path, layer, options, **more):
    options = {**options, **more}
    if isinstance(options.get("basepoint"), list):
        options["basepoint"] = np.array(options["basepoint"], np.float32)
    own = numpy(layer.weights[0])
    return pysig.signature_kernel_matrix(path, own, options.pop("depth", None), **options)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_values_and_shapes(options):
    path, layer = array(4, 6, 2), SigKernelLayer(3, 5, **options)
    value = numpy(layer(path))
    expected = right(path, layer, options)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert layer.compute_output_shape((None, None, 2)) == (None, *expected.shape[1:])
    model = keras.Sequential([keras.Input((None, 2)), layer])
    for length in (3, 7):
        path = array(5, length, 2)
        value = model.predict(path, verbose=0)
        np.testing.assert_allclose(value, right(path, layer, options), rtol=1e-5)


def test_a_step_of_training_follows_the_gradient():
    """One step of plain gradient descent with rate 1 moves the paths by minus the gradient."""
    path, layer = array(8, 6, 2), SigKernelLayer(3, 4, order=2, static_kernel=K.RBF())
    model = keras.Sequential([keras.Input((None, 2)), layer])
    start = numpy(layer.weights[0])
    model.compile(keras.optimizers.SGD(1.0), lambda _, kernels: ops.sum(kernels, axis=-1))
    model.fit(path, np.zeros(8, np.float32), batch_size=8, epochs=1, verbose=0)
    cotangent = np.full((8, 3), 1 / 8, np.float32)
    gradient = pysig.signature_kernel_matrix_vjp(
        path, start, cotangent, order=2, static_kernel=K.RBF()
    ).y
    assert np.abs(gradient).max() > 1e-3
    np.testing.assert_allclose(numpy(layer.weights[0]), start - gradient, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: SigKernelLayer(3, 4, order=2, static_kernel=K.Polynomial(2, 0.5), name="mine"),
        lambda: SigKernelLayer(2, 3, 2, initializer="glorot_uniform", normalize=True),
        lambda: SigKernelLayer(2, 3, 2, dtype="mixed_bfloat16", weights=[1.0, 0.5, 0.25]),
    ],
)
def test_round_trips(layer, tmp_path):
    layer = layer()
    model = keras.Sequential([keras.Input((6, 2)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    path = array(4, 6, 2)
    assert loaded.layers[0].get_config() == layer.get_config()
    value, again = (numpy(ops.cast(m(path), "float32")) for m in (model, loaded))
    np.testing.assert_array_equal(value, again)
    twin = SigKernelLayer.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    assert keras.models.clone_model(model)(path).shape == value.shape


def test_masked_points_do_not_count_wherever_they_are():
    path = array(4, 6, 2)
    mask = np.ones((4, 6), bool)
    mask[1, 4:] = mask[2, :2] = mask[3, [1, 4]] = False
    layer = SigKernelLayer(3, 4, depth=3)
    value = numpy(layer(ops.convert_to_tensor(path), mask=ops.convert_to_tensor(mask)))
    for b in range(4):
        expected = right(path[b][mask[b]][None], layer, {"depth": 3})
        np.testing.assert_allclose(value[b], expected[0], rtol=1e-4)
    path[1, 3:] = -7
    masked = layers.Masking(-7)(ops.convert_to_tensor(path))
    expected = right(path, layer, {"depth": 3}, lengths=([6, 3, 6, 6], None))
    np.testing.assert_allclose(numpy(layer(masked)), expected, rtol=1e-4)


@pytest.mark.parametrize("policy", ["float64", "mixed_float16", "mixed_bfloat16"])
def test_dtype_policies(policy):
    if policy == "float64" and BACKEND == "jax":
        pytest.skip("JAX has float64 only where jax_enable_x64 is set for the whole process")
    path, layer = array(4, 6, 2), SigKernelLayer(3, 4, 2, dtype=policy)
    value = layer(ops.convert_to_tensor(path, "float64" if policy == "float64" else "float32"))
    assert keras.backend.standardize_dtype(value.dtype) == policy.removeprefix("mixed_")
    expected = right(path.astype(np.float64), layer, {"depth": 2})
    tolerance = {"float64": 1e-12, "mixed_float16": 1e-2, "mixed_bfloat16": 1e-1}[policy]
    value = numpy(ops.cast(value, "float64" if policy == "float64" else "float32"))
    np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)


def test_errors_name_what_is_wrong():
    with pytest.raises(ValueError, match="depth: expected an integer of at least 1"):
        SigKernelLayer(2, 3, 0)(array(2, 3, 2))
    with pytest.raises(ValueError, match="units: expected an integer of at least 1, received 0"):
        SigKernelLayer(0, 3, 2)
    with pytest.raises(ValueError, match="points: expected an integer of at least 2"):
        SigKernelLayer(1, 1.5, 2)
    with pytest.raises(ValueError, match=r"shape \(batch, length, channels\) with a known number"):
        SigKernelLayer(2, 3, 2).compute_output_shape((None, 3, None))
    with pytest.raises(ValueError, match=r"received \(3, 2\)"):
        SigKernelLayer(2, 3, 2).compute_output_shape((3, 2))
    with pytest.raises(ValueError, match="nonsense"):
        SigKernelLayer(2, 3, 2, nonsense=True)
    with pytest.raises(TypeError, match="static_kernel: expected a kernel"):
        SigKernelLayer(2, 3, 2, static_kernel="rbf")(array(2, 3, 2))
