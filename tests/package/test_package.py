"""The distribution: metadata, what is shipped, and what a broken installation says."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest

import pysig
from pysig._cpu._extension import core

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTION = "pysig-signatures"


def requirements():
    """(requirement, extra or None) of the installed distribution."""
    for line in distribution(DISTRIBUTION).requires or []:
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", line)
        yield re.match(r"[\w.-]+", line)[0], extra and extra[1]


def test_numpy_is_all_that_is_needed():
    assert {name for name, extra in requirements() if extra is None} == {"numpy"}


def test_extras():
    extras = {}
    for name, extra in requirements():
        extras.setdefault(extra, set()).add(name)
    assert extras["gpu"] == {"cupy-cuda13x"}
    assert extras["gpu-cuda12"] == {"cupy-cuda12x"}
    assert {"pytest", "hypothesis"} <= extras["test"]
    assert {"bench", "docs"} <= set(extras)


def test_metadata():
    metadata = distribution(DISTRIBUTION).metadata
    assert metadata["Name"] == DISTRIBUTION
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Summary"]


def test_the_version_stands_once():
    text = (ROOT / "pyproject.toml").read_text()
    (version,) = re.findall(r'^version = "([^"]+)"$', text, re.MULTILINE)
    assert pysig.__version__ == distribution(DISTRIBUTION).version == core.version == version
    for folder, pattern in [("pysig", "*.py"), ("csrc", "*.?pp"), ("csrc", "*.h"), (".", "*.txt")]:
        files = (ROOT / folder).glob(pattern) if folder == "." else (ROOT / folder).rglob(pattern)
        for path in files:
            assert f'"{version}"' not in path.read_text(), path


def test_the_command_is_installed():
    (entry,) = [e for e in distribution(DISTRIBUTION).entry_points if e.group == "console_scripts"]
    assert (entry.name, entry.value) == ("pysig", "pysig.cli:main")
    assert callable(entry.load())


def test_types_are_shipped():
    assert (Path(pysig.__file__).parent / "py.typed").exists()


def test_headers_are_shipped():
    """All of them and no others: an installation that is older than the sources shows here."""
    include = Path(pysig.get_include())
    source = ROOT / "csrc" / "include"
    installed = {path.relative_to(include) for path in include.rglob("*") if path.is_file()}
    expected = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    assert installed == expected, "install again: pip install -e ."


WITHOUT_EXTENSION = """
import sys
sys.path[:0] = sys.argv[1:]
try:
    import pysig
except ImportError as error:
    print(error)
"""


def test_a_missing_extension_says_what_to_do(tmp_path):
    shutil.copytree(
        Path(pysig.__file__).parent, tmp_path / "pysig",
        ignore=shutil.ignore_patterns("_core*", "__pycache__", "data"),
    )  # fmt: skip
    # -S: no site-packages, whose hooks would find the installed pysig; NumPy is put on the path.
    numpy = Path(np.__file__).parent.parent
    only_numpy = tmp_path / "numpy_only"
    only_numpy.mkdir()
    for path in numpy.glob("numpy*"):
        (only_numpy / path.name).symlink_to(path)
    command = [sys.executable, "-S", "-c", WITHOUT_EXTENSION, str(tmp_path), str(only_numpy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "pysig._core" in done.stdout
    assert "pip install" in done.stdout
    assert "reinstall" in done.stdout


# ---- what is built from what: the core is not compiled here, that takes minutes ----

BUILD = """
import json, sys
import scikit_build_core.build as backend
what, target, settings = sys.argv[1:]
print(getattr(backend, what)(target, json.loads(settings)))
"""
needs_backend = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("scikit_build_core", "pybind11")),
    reason="needs scikit-build-core and pybind11, which pip fetches only for a build",
)


def run_in(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(what, source, target, **settings):
    """The file that the backend's hook `what` makes of `source`."""
    command = [sys.executable, "-c", BUILD, what, str(target), json.dumps(settings)]
    return target / run_in(*command, cwd=source).splitlines()[-1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """What is in the sdist, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("build_sdist", ROOT, folder)) as archive:
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder / "source", **safely)
    (source,) = (folder / "source").iterdir()
    return source


def sources(folder, *patterns):
    """Files below `folder`, by their names from the root of the tree."""
    found = {
        path.relative_to(ROOT) for pattern in patterns for path in (ROOT / folder).rglob(pattern)
    }
    return {path for path in found if "__pycache__" not in path.parts}


@needs_backend
def test_the_sdist_is_whole(unpacked):
    expected = sources("csrc", "*.[ch]pp", "*.h", "*.in", "*.pxd") | sources("cmake", "*")
    expected |= sources("pysig", "*.py", "*.pyi", "*.cu*", "*.gz") | sources("tests", "*.py")
    expected |= {
        Path(name) for name in ("CMakeLists.txt", "pyproject.toml", "README.md", "LICENSE")
    }
    assert len(expected) > 200
    for path in expected:
        assert (unpacked / path).exists(), path
    assert not list(unpacked.rglob("*.so"))


@needs_backend
def test_the_sdist_can_be_configured(unpacked, tmp_path):
    """CMake finds each source and each file that it installs from."""
    cmake = shutil.which("cmake")
    if cmake is None:
        pytest.skip("cmake is not installed (extra: test-embed)")
    import pybind11

    options = [
        f"-Dpybind11_DIR={pybind11.get_cmake_dir()}",
        f"-DPython_EXECUTABLE={sys.executable}",
    ]
    options += ["-DPYSIG_PYTHON=ON", "-DSKBUILD_PROJECT_VERSION=0", "-DSKBUILD_PROJECT_NAME=pysig"]
    run_in(cmake, "-S", str(unpacked), "-B", str(tmp_path / "build"), *options, cwd=tmp_path)
    commands = (tmp_path / "build").rglob("cmake_install.cmake")
    installed = "".join(path.read_text() for path in commands)
    named = re.findall(rf'"({re.escape(str(unpacked))}/[^"]*)"', installed)
    assert named
    for path in named:
        assert Path(path).exists(), path


@needs_backend
def test_the_python_part_of_a_wheel_is_whole(unpacked, tmp_path):
    wheel = build("build_wheel", unpacked, tmp_path, **{"wheel.cmake": "false"})
    assert wheel.stat().st_size < 10_000_000
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    for path in sources("pysig", "*.py", "*.pyi", "*.cu*", "*.gz", "py.typed"):
        assert path.as_posix() in shipped
    assert any(name.endswith("licenses/LICENSE") for name in shipped)
    assert not any("tests/" in name or "__pycache__" in name for name in shipped)
