"""What several test files share: the CuPy under test, and the command `pysig`."""

import contextlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest

import pysig.cli

collect_ignore = ["gpu/emulator", "embedding/programs"]
STANDIN = Path(__file__).parent / "gpu" / "emulator"
# (channels, depth) of the GPU tests: each shape of tile, see schedule.py: whole subtrees of 1 to 5
# letters, blocks of first and last letters with overhang, prefixes of 0 to 4 letters. A new size
# costs a compilation, so the tests draw from these.
GPU_SIZES = [(1, 3), (2, 1), (2, 2), (2, 3), (2, 8), (3, 3), (3, 4), (4, 3), (4, 4), (5, 3)]
GPU_SIZES += [(7, 2), (11, 2), (40, 1)]


def _real_cupy():
    """CuPy with a working GPU, or None."""
    if importlib.util.find_spec("cupy") is None:
        return None
    try:
        cupy = importlib.import_module("cupy")
        cupy.zeros(1)
    except Exception:  # no driver, no card, another CUDA: whatever keeps it from working
        for name in [name for name in sys.modules if name.split(".")[0] in ("cupy", "cupyx")]:
            del sys.modules[name]
        return None
    return cupy


@pytest.fixture(scope="session")
def cupy():
    """CuPy on a GPU where there is one, else the stand-in: the same test bodies run on both."""
    real = _real_cupy()
    if real is not None:
        yield real
        return
    if sys.platform != "linux":
        pytest.skip("no GPU, and the CuPy stand-in needs Linux (ELF sections, ucontext)")
    sys.path.insert(0, str(STANDIN))
    try:
        yield importlib.import_module("cupy")
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(STANDIN))


@pytest.fixture(scope="session")
def gpu_sizes():
    """The (channels, depth) that the GPU tests use."""
    return GPU_SIZES


@pytest.fixture
def standin(cupy):
    """The stand-in itself, for tests of what only it can see."""
    if not getattr(cupy, "is_standin", False):
        pytest.skip("a real GPU is there: this test looks at the stand-in's records")
    return cupy


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
