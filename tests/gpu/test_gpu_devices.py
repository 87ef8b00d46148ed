"""Several devices, CUDA graphs, and errors of the device: what a call enters, takes and says."""

import sys

import numpy as np
import pytest

import pysig
from pysig._gpu import errors

SHAPE = (3, 20, 2)


@pytest.fixture
def second(emulator):
    """The device that is not the current one."""
    return emulator.cuda.Device(1)


CALLS = {
    "signature": lambda p: pysig.signature(p, 3),
    "cumsum": lambda p: pysig.signature(p, 3, method="cumsum", stream=True),
    "basepoint": lambda p: pysig.signature(p, 3, basepoint=True),
    "lengths": lambda p: pysig.signature(p, 3, lengths=np.array([20, 3, 7])),
    "time": lambda p: pysig.signature(p, 2, transform="time"),
    "words": lambda p: pysig.signature(p, words=[(0, 1), (1,)]),
    "logsignature": lambda p: pysig.logsignature(p, 3),
    "functional": lambda p: pysig.linear_functional(p, {(0, 1): 1.0}),
    "double batch": lambda p: pysig.signature(p[None, :, ::-1], 3, stream=True, inverse=True),
}


@pytest.mark.parametrize("kind", CALLS)
def test_a_call_runs_on_the_device_of_its_path(emulator, second, kind, rng):
    points = rng.standard_normal(SHAPE)
    call = CALLS[kind]
    expected = call(emulator.asarray(points))
    with second:
        path = emulator.asarray(points)
    assert emulator.cuda.runtime.getDevice() == 0
    found = call(path)
    assert found.device == second
    assert emulator.cuda.runtime.getDevice() == 0
    np.testing.assert_array_equal(found.get(), expected.get())


def test_derivatives_run_on_the_device_of_their_path(emulator, second, rng):
    points, weights = rng.standard_normal(SHAPE), rng.standard_normal(14)
    expected = pysig.signature_vjp(emulator.asarray(points), 3, emulator.asarray(weights))
    with second:
        path, cotangent = emulator.asarray(points), emulator.asarray(weights)
    found = pysig.signature_vjp(path, 3, cotangent)
    assert found.device == second
    np.testing.assert_array_equal(found.get(), expected.get())
    assert pysig.signature_jvp(path, 3, path).device == second


def test_the_algebra_runs_on_the_device_of_its_rows(emulator, second, rng):
    rows = rng.standard_normal((4, 14))
    with second:
        there = emulator.asarray(rows)
    found = pysig.algebra.log(there, 2, 3)
    assert found.device == second
    expected = pysig.algebra.log(emulator.asarray(rows), 2, 3)
    np.testing.assert_array_equal(found.get(), expected.get())


@pytest.mark.parametrize("name", ["out", "basepoint", "initial", "lengths"])
def test_an_option_on_another_device_is_an_error(emulator, second, name):
    path = emulator.ones(SHAPE)
    with second:
        value = {
            "out": emulator.empty((3, 14)),
            "basepoint": emulator.zeros((3, 2)),
            "initial": emulator.zeros((3, 14)),
            "lengths": emulator.asarray([20, 3, 7]),
        }[name]
    with pytest.raises(ValueError, match=f"{name}: expected an array on device 0"):
        pysig.signature(path, 3, **{name: value})


def test_a_kernel_on_arrays_of_another_device_is_stopped(emulator, second):
    """What the tests above would miss if the emulator did not see it."""
    code = 'extern "C" __global__ void f(float* x) { x[threadIdx.x] = 1; }'
    x = emulator.zeros(4, np.float32)
    with second, pytest.raises(emulator.KernelFault, match="on device 0, the kernel on device 1"):
        emulator.RawModule(code=code).get_function("f")((1,), (4,), (x,))


# ---- CUDA graphs ----

REFUSED = {
    "basepoint=True": lambda p, out: pysig.signature(p, 2, basepoint=True, out=out),
    "basepoint of another shape": lambda p, out: pysig.signature(
        p, 2, basepoint=np.zeros(2).tolist(), out=out
    ),
    "words": lambda p, out: pysig.signature(p, words=[(0,)]),
    "no out": lambda p, out: pysig.signature(p, 2),
    "strided out": lambda p, out: pysig.signature(p, 2, out=out[:, ::-1]),
    "integers": lambda p, out: pysig.signature(INTEGERS["path"], 2, out=out),
    "lengths": lambda p, out: pysig.signature(p, 2, lengths=np.array([9, 3]), out=out),
    "times": lambda p, out: pysig.signature(p, 2, transform=pysig.Time(np.arange(9.0))),
    "cumsum": lambda p, out: pysig.signature(p, 2, method="cumsum", out=out),
    "logsignature": lambda p, out: pysig.logsignature(p, 2),
    "signature_vjp": lambda p, out: pysig.signature_vjp(p, 2, out),
    "signature_jvp": lambda p, out: pysig.signature_jvp(p, 2, p),
    "linear_functional": lambda p, out: pysig.linear_functional(p, {(0,): 1.0}),
    "algebra": lambda p, out: pysig.algebra.log(out, 2, 2),
}
INTEGERS = {}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_takes_memory_is_not_captured(cupy, kind):
    path, out = cupy.ones((2, 9, 2)), cupy.ones((2, 6))
    INTEGERS["path"] = cupy.asarray(np.ones((2, 9, 2), np.int64))
    pool, stream = cupy.get_default_memory_pool(), cupy.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        try:
            before = getattr(pool, "allocations", 0)
            with pytest.raises(RuntimeError, match="captured into a CUDA graph"):
                REFUSED[kind](path, out)
            assert getattr(pool, "allocations", 0) == before
        finally:
            stream.end_capture()


@pytest.mark.parametrize("length", [9, 3000])
@pytest.mark.parametrize("options", [{}, {"inverse": True}, {"scalar_term": True}], ids=str)
def test_what_is_captured_allocates_nothing(emulator, length, options):
    path, base = emulator.ones((2, length, 2)), emulator.zeros((2, 2))
    out = emulator.empty((2, 6 + bool(options.get("scalar_term"))))
    pool, stream = emulator.get_default_memory_pool(), emulator.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        before = pool.allocations
        pysig.signature(path, 2, out=out, basepoint=base, **options)
        assert pool.allocations == before
        stream.end_capture()


def test_a_planted_scratch_allocation_in_a_capture_is_seen(emulator, monkeypatch):
    """Without its check, the launcher would cut a long path into chunks, which takes scratch."""
    monkeypatch.setattr(
        sys.modules["pysig._gpu.signature_tile"], "is_capturing", lambda cupy: False
    )
    path, out = emulator.ones((2, 3000, 2)), emulator.empty((2, 6))
    pool, stream = emulator.get_default_memory_pool(), emulator.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        before = pool.allocations
        pysig.signature(path, 2, out=out)
        assert pool.allocations > before
        stream.end_capture()


# ---- errors ----


def driver_error(cupy):
    return cupy.cuda.driver.CUDADriverError("CUDA_ERROR_UNSUPPORTED_PTX_VERSION: the provided PTX")


EXPLAINED = {
    "driver": (driver_error, RuntimeError, "at least as new as the CUDA of CuPy"),
    "nvrtc": (
        lambda cupy: RuntimeError("CuPy failed to load libnvrtc.so.13: OSError: no such file"),
        RuntimeError,
        "did not find NVRTC",
    ),
    "memory": (
        lambda cupy: cupy.cuda.memory.OutOfMemoryError(8, 8),
        MemoryError,
        "set_gpu_memory_limit",
    ),
}


@pytest.mark.parametrize("kind", EXPLAINED)
def test_errors_of_every_operation_are_explained(emulator, monkeypatch, kind):
    make, error, text = EXPLAINED[kind]

    def fail(*arguments, **options):
        raise make(emulator)

    path = emulator.ones(SHAPE)
    for module in ("signature_tile", "projection", "signature_vjp_tile"):
        monkeypatch.setattr(sys.modules[f"pysig._gpu.{module}"], "raw_kernel", fail)
    monkeypatch.setattr(sys.modules["pysig._gpu.algebra"], "elementwise_kernel", fail)
    for call in (
        lambda: pysig.signature(path, 3),
        lambda: pysig.signature(path, words=[(0, 1)]),
        lambda: pysig.logsignature(path, 3),
        lambda: pysig.signature_vjp(path, 3, emulator.ones(14)),
        lambda: pysig.algebra.log(emulator.ones(14), 2, 3),
    ):
        with pytest.raises(error, match=text):
            call()


def test_other_errors_stay_as_they_are(emulator):
    assert errors.explanation(emulator, "signature", ValueError("x")) is None


def test_tables_are_there_for_every_stream(emulator, rng):
    """A table is copied asynchronously: the call that makes it waits for the copy, once."""
    path, words = emulator.asarray(rng.standard_normal(SHAPE)), [(0, 1, 1, 0), (1, 1, 0)]
    with emulator.recorded() as first:
        pysig.signature(path, words=words)
    with emulator.recorded() as second:
        pysig.signature(path, words=words)
    assert [kind for kind, *_ in first].count("synchronize") >= 1
    assert "synchronize" not in [kind for kind, *_ in second]
