"""Run the tests of each framework, `frameworks/test_FRAMEWORK*.py`, in a separate process.

Frameworks keep threads that disturb the tests of forks, and Keras has one backend in a process.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent / "frameworks"
FRAMEWORKS = ("torch", "jax", "tensorflow")
RUNS = [(name, name) for name in FRAMEWORKS] + [("keras", name) for name in FRAMEWORKS]


def run_tests(files, backend):
    """The tests of some files, with that backend of Keras."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--show-capture=no"]
    return subprocess.run(
        [*command, *map(str, files)], env=environment, capture_output=True, text=True, timeout=600
    )


def missing(framework, backend):
    """Which of the two is not installed, if any."""
    names = dict.fromkeys((framework, backend))
    return next((name for name in names if importlib.util.find_spec(name) is None), None)


@pytest.fixture(scope="module")
def runs(request):
    """Results of the selected frameworks; two processes at a time."""
    asked = [item for item in request.session.items if item.name.startswith("test_framework[")]
    pairs = [(item.callspec.params["framework"], item.callspec.params["backend"]) for item in asked]
    pool = ThreadPoolExecutor(2)
    yield {
        (framework, backend): pool.submit(
            run_tests, sorted(HERE.glob(f"test_{framework}*.py")), backend
        )
        for framework, backend in pairs
        if not missing(framework, backend)
    }
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize(("framework", "backend"), RUNS)
def test_framework(framework, backend, runs):
    if name := missing(framework, backend):
        pytest.skip(f"{name} is not installed (pip install 'pysig-signatures[{name}]')")
    ran = runs[framework, backend].result()
    assert ran.returncode == 0, f"{ran.stdout[-8000:]}\n{ran.stderr[-2000:]}"
    assert " passed" in ran.stdout.splitlines()[-1]


def test_a_failing_framework_test_is_reported(tmp_path):
    (tmp_path / "test_wrong.py").write_text("def test_wrong():\n    assert 1 == 2\n")
    ran = run_tests([tmp_path / "test_wrong.py"], "torch")
    assert ran.returncode == 1
    assert "assert 1 == 2" in ran.stdout
