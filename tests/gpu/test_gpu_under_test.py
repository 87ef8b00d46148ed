"""The choice between a GPU and the emulator: only an absent GPU is replaced."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

import gpu_under_test


class CUDARuntimeError(RuntimeError):
    pass


def runtime(driver=13000, count=1, error=None):
    def devices():
        if error:
            raise CUDARuntimeError(error)
        return count

    return SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        driverGetVersion=lambda: driver,
        getDeviceCount=devices,
    )


@pytest.mark.parametrize(
    ("given", "absent"),
    [
        (runtime(), ""),
        (runtime(driver=0, error="cudaErrorInsufficientDriver: too old"), "no CUDA driver"),
        (runtime(count=0), "no CUDA device"),
        (runtime(error="cudaErrorNoDevice: no CUDA-capable device"), "no CUDA device"),
    ],
)
def test_an_absent_gpu_is_recognised(given, absent):
    assert gpu_under_test.absence(given) == absent


@pytest.mark.parametrize(
    "error", ["cudaErrorInsufficientDriver: too old", "cudaErrorSystemDriverMismatch: other"]
)
def test_a_gpu_that_does_not_work_is_an_error(error):
    with pytest.raises(CUDARuntimeError):
        gpu_under_test.absence(runtime(error=error))


def test_a_required_gpu_that_is_absent_is_an_error():
    if not gpu_under_test.real_cupy()[1]:
        pytest.skip("a GPU is present")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", __file__],
        env={**os.environ, "PYSIG_REQUIRE_GPU": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "PYSIG_REQUIRE_GPU=1: expected a GPU, received none" in done.stderr


def test_the_report_says_what_is_tested(cupy):
    on_emulator = getattr(cupy, "is_emulator", False)
    assert ("emulator" in gpu_under_test.header()) == on_emulator


def test_a_real_cupy_that_a_framework_imported_is_forgotten(monkeypatch):
    """As dask.array imports it while the tests are collected."""
    modules = dict.fromkeys(("cupy", "cupy.cuda", "cupyx", "cupynumeric", "numpy"))
    monkeypatch.setattr(gpu_under_test, "sys", SimpleNamespace(modules=modules))
    gpu_under_test.forget_cupy()
    assert set(modules) == {"cupynumeric", "numpy"}
