"""Fixtures of several folders, and the seeds of random cases.

The usual run is deterministic: the same cases every time. ``pytest --explore`` draws fresh ones;
its header and the report of each failure say how to run them again.
"""

import contextlib
import importlib
import os
import secrets
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest
from hypothesis import HealthCheck, settings

import gpu_under_test
import pysig.cli
import support

collect_ignore = ["gpu/emulator", "embedding/programs"]
EMULATOR = Path(__file__).parent / "gpu" / "emulator"
# (channels, depth) of the GPU tests: each shape of tile, see schedule.py: whole subtrees of 1 to 5
# letters, blocks of first and last letters with overhang, prefixes of 0 to 4 letters. A new size
# costs a compilation, so the tests draw from these.
GPU_SIZES = [(1, 3), (2, 1), (2, 2), (2, 3), (2, 8), (3, 3), (3, 4), (4, 3), (4, 4), (5, 3)]
GPU_SIZES += [(7, 2), (11, 2), (40, 1)]


# Busy machines are slow: no test fails for its time.
PATIENT = settings(
    database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("usual", PATIENT, derandomize=True)
settings.register_profile("explore", PATIENT)


def pytest_addoption(parser):
    group = parser.getgroup("pysig")
    group.addoption("--explore", action="store_true", help="draw fresh random cases")
    group.addoption("--seed", type=int, help="with --explore: the seed of the run to repeat")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    if os.environ.get("PYSIG_REQUIRE_GPU") == "1":
        _, absent = gpu_under_test.real_cupy()
        if absent:
            raise pytest.UsageError(
                f"PYSIG_REQUIRE_GPU=1: expected a GPU, received none: {absent}."
            )
    if not config.option.explore:
        if config.option.seed is not None:
            raise pytest.UsageError("--seed repeats a run of --explore: pass both")
        settings.load_profile("usual")
        return
    fresh = secrets.randbelow(2**32) if config.option.seed is None else config.option.seed
    support.RUN_SEED = config.option.seed = config.option.hypothesis_seed = fresh
    settings.load_profile("explore")


def pytest_report_header(config):
    cases = "random cases: the same in every run; fresh ones: --explore"
    if config.option.explore:
        cases = f"random cases: fresh; to repeat them: --explore --seed {config.option.seed}"
    return [cases, gpu_under_test.header()]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and item.config.option.explore:
        again = f"python -m pytest --explore --seed {item.config.option.seed} '{item.nodeid}'"
        report.sections.append(("reproduce with", again))
    return report


@pytest.fixture
def rng(request):
    """A random generator with a seed of the test."""
    return support.generator(request.node.nodeid)


@pytest.fixture(scope="session")
def cupy():
    """CuPy on a GPU where there is one, else the emulator: the same test bodies run on both."""
    real, _ = gpu_under_test.real_cupy()
    if real is not None:
        yield real
        return
    if sys.platform != "linux":
        pytest.skip("no GPU, and the CuPy emulator needs Linux (ELF sections, ucontext)")
    gpu_under_test.forget_cupy()
    sys.path.insert(0, str(EMULATOR))
    try:
        emulator = importlib.import_module("cupy")
        assert emulator.is_emulator
        yield emulator
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(EMULATOR))


@pytest.fixture(scope="session")
def gpu_sizes():
    """The (channels, depth) that the GPU tests use."""
    return GPU_SIZES


@pytest.fixture
def emulator(cupy):
    """The emulator itself, for tests of its records."""
    if not getattr(cupy, "is_emulator", False):
        pytest.skip("this test reads the records of the emulator, and a GPU is present")
    return cupy


# Functions whose cases on the emulator of CuPy take seconds to minutes each: it compiles a program
# for each set of options. The usual run has the first case of each function in tests/gpu,
# and one case of the public API; `pytest -m sweep` has all. On a real GPU all are usual.
KERNELS_ON_GPU = "test_values_agree_with_the_reference"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark most cases of signature kernels on the emulator as sweeps."""
    if not gpu_under_test.real_cupy()[1]:
        return
    seen = set()
    for item in items:
        name = item.path.name
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        in_api = "kernel" in name and parameters.get("xp") == "cupy"
        if not in_api and not name.startswith("test_gpu_signature_kernel"):
            continue
        function = (name, item.originalname)
        if function in seen or (in_api and item.originalname != KERNELS_ON_GPU):
            item.add_marker(pytest.mark.sweep)
        seen.add(function)


@pytest.fixture
def no_kernels(monkeypatch):
    """Signatures and signature kernels of NumPy arrays fail as soon as their backend is called."""

    def work(*arguments, **options):
        raise AssertionError("work")

    for name in ("signature_kernel", "signature_kernel_vjp", "signature_kernel_jvp", "signature"):
        monkeypatch.setattr(f"pysig._cpu.{name}", work)


@pytest.fixture
def command(capfdbinary, tmp_path, monkeypatch):
    """Run the command `pysig` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capfdbinary.readouterr()
        try:
            status = pysig.cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code
        out, err = capfdbinary.readouterr()
        return SimpleNamespace(status=status, out=out.decode(), err=err.decode())

    return run


@pytest.fixture(scope="session", params=["numpy", "cupy"])
def xp(request):
    """Each array library in turn: a test body that asks for it runs on CPU and GPU."""
    return numpy if request.param == "numpy" else request.getfixturevalue("cupy")
