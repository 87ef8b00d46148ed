"""Strangers' programs in C++, C, Fortran, Cython, with Numba and SciPy, against what is installed.

Each is an example of the documentation, built in a folder of its own, far from this tree.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import numpy as np
import pysig.embed
import pytest

import pysig
from pysig import _core as core
from pysig.testing import assert_identical

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "embedding"
INCLUDE, LIBRARY = pysig.get_include(), Path(pysig.get_library())
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="the command lines are those of GCC and Clang"
)


def find(program):
    """A program beside this Python or on PATH."""
    places = [str(Path(sys.executable).parent), os.environ["PATH"]]
    return shutil.which(program, path=os.pathsep.join(places))


def needs(*programs):
    missing = [program for program in programs if find(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def needs_modules(*modules):
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(
        bool(missing), reason=f"not installed: {', '.join(missing)} (extra: test-embed)"
    )


def run(*command, cwd, **options):
    command = [str(part) for part in command]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def example(name, tmp_path):
    """A copy of the folder of an example: nothing of this tree is near it."""
    folder = tmp_path / name
    shutil.copytree(EXAMPLES / name, folder)
    return folder


def linked(output, path=LIBRARY):
    """What a link needs: the library, and where the program finds it again."""
    return [path, f"-Wl,-rpath,{path.parent}", "-o", output]


def ball():
    """The path that all examples make: dyadic numbers, so that no arithmetic rounds."""
    t, x, y, vx, vy = 0.0, 0.5, 0.25, 0.75, -1.25
    points = []
    for _ in range(1001):
        points.append((t, x, y))
        t, x, y = t + 1 / 64, x + vx / 64, y + vy / 64
        vx = -vx if not 0 <= x <= 1 else vx
        vy = -vy if not 0 <= y <= 1 else vy
    return np.array(points)


def lines(output):
    """{name: the rest of the line}."""
    return dict(line.strip().split(maxsplit=1) for line in output.splitlines())


def numbers(text):
    return np.array(text.split(), np.float64)


def pushed(path, depth):
    """The signature of a path that was pushed into the Python object."""
    incremental = pysig.IncrementalSignature(path.shape[1], depth)
    incremental.push(path)
    return incremental.signature()


def check_ball(output, *, scalar_term=True):
    """The bits are those of Python, which loads the same library."""
    path, found = ball(), lines(output)
    incremental = pushed(path, 3)
    assert_identical(numbers(found["incremental"]), incremental)
    if "incremental-logsignature" in found:
        expected = pysig.signature_to_logsignature(incremental, 3, 3)
        assert_identical(numbers(found["incremental-logsignature"]), expected)
    if "sliding" in found:
        window = pysig.SlidingSignature(3, 3)
        for point in path:
            window.push(point, point[0])
            window.evict(point[0] - 1)
        assert_identical(numbers(found["sliding"]), window.signature())
    assert_identical(numbers(found["signature"]), pysig.signature(path, 3, scalar_term=scalar_term))
    if scalar_term:
        assert found["refused"] == "pysig: depth: expected at least 1, received 0."
    return found


def test_check_ball_sees_a_wrong_digit():
    expected = pushed(ball(), 3)
    text = "incremental " + " ".join(map(repr, expected.tolist()))
    check_this = text + "\nsignature " + " ".join(map(repr, pysig.signature(ball(), 3).tolist()))
    check_ball(check_this, scalar_term=False)
    digit, other = repr(expected[7].item()), repr(np.nextafter(expected[7], 9e9).item())
    wrong = check_this.replace(digit, other, 1)
    assert wrong != check_this
    with pytest.raises(AssertionError):
        check_ball(wrong, scalar_term=False)


# ---- C++ ----


def cmake_root():
    """What a build by scikit-build-core gives to CMake: the folders that the entry point names."""
    (entry,) = (e for e in entry_points(group="cmake.root") if e.name == "pysig")
    return [str(path) for path in getattr(files(entry.load()), "_paths", [files(entry.load())])]


@needs("cmake", "c++")
def test_cpp_by_cmake(tmp_path):
    folder = example("cpp", tmp_path)
    root = ";".join(cmake_root())
    flags = " ".join([*WARNINGS, "-O0"])
    settings = [f"-Dpysig_ROOT={root}", f"-DCMAKE_CXX_FLAGS={flags}"]
    run(find("cmake"), "-S.", "-Bbuild", *settings, cwd=folder)
    run(find("cmake"), "--build", "build", cwd=folder)
    found = check_ball(run(folder / "build" / "ball", cwd=folder))
    assert "sliding" in found
    gradient = pysig.signature_vjp(ball(), 3, np.ones(40), scalar_term=True)
    assert_identical(numbers(found["gradient"]), gradient[0])


@needs("cmake", "c++")
def test_cmake_says_which_version_is_missing(tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18)\nproject(p CXX)\nfind_package(pysig 99 REQUIRED)\n"
    )
    command = [find("cmake"), "-S.", "-Bbuild", f"-Dpysig_DIR={pysig.get_cmake_dir()}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"version: {pysig.__version__}" in done.stderr


@pytest.fixture(scope="module")
def numbers_program(tmp_path_factory):
    """tests/embedding/programs/numbers.cpp with the kernels of the library."""
    if find("c++") is None:
        pytest.skip("not installed: c++")
    folder = tmp_path_factory.mktemp("numbers")
    source = folder / "numbers.cpp"
    shutil.copy(ROOT / "tests" / "embedding" / "programs" / "numbers.cpp", source)
    command = ["c++", "-std=c++17", *WARNINGS, "-DPYSIG_COMPILED", f"-I{INCLUDE}", source]
    run(*command, *linked("numbers"), "-pthread", cwd=folder)
    return folder / "numbers"


def called(program, path, depth, flags, basis, basepoint, initial, lengths):
    """Signatures, log-signatures, gradients of the program; each as one row."""
    batch, length, channels = path.shape
    size = pysig.signature_size(channels, depth)
    given = [path, *(x for x in (basepoint, initial) if x is not None)]
    data = b"".join(np.ascontiguousarray(x, path.dtype).tobytes() for x in given)
    data += b"" if lengths is None else lengths.tobytes()
    command = [program, path.dtype.name, batch, length, channels, depth, flags or "-", basis]
    done = subprocess.run([str(x) for x in command], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = batch * (length - 1 + ("b" in flags) if "s" in flags else 1)
    coordinates = size if basis == 0 else pysig.logsignature_size(channels, depth)
    widths = [rows * (size + ("1" in flags)), rows * coordinates, path.size]
    widths += [x.size for x in (basepoint, initial) if x is not None]
    found = np.frombuffer(done.stdout, path.dtype)
    assert found.size == sum(widths)
    return np.split(found, np.cumsum(widths)[:-1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("flags", ["", "t", "c1", "s", "i", "1b", "s1ibn", "wn", "lb", "sl"])
def test_cpp_has_the_bits_of_python(numbers_program, flags, dtype, rng):
    for shape, depth in [((6, 20, 3), 4), ((1, 300, 2), 6), ((3, 8, 14), 2), ((2, 9, 5), 3)]:
        batch, length, channels = shape
        basis = int(rng.integers(3))
        path = (rng.standard_normal(shape) / np.sqrt(length)).cumsum(axis=1).astype(dtype)
        size = pysig.signature_size(channels, depth)
        basepoint = rng.standard_normal((batch, channels)).astype(dtype) if "b" in flags else None
        initial = rng.standard_normal((batch, size)).astype(dtype) if "n" in flags else None
        lengths = rng.integers(1, length + 1, batch) if "l" in flags else None
        found = called(numbers_program, path, depth, flags, basis, basepoint, initial, lengths)

        scalar = "1" in flags  # Python's `initial` then has it too
        if initial is not None and scalar:
            initial = np.concatenate([np.ones_like(initial[:, :1]), initial], axis=1)
        options = {"stream": "s" in flags, "inverse": "i" in flags, "basepoint": basepoint}
        options |= {"initial": initial, "lengths": lengths}
        method = {"t": "tile", "c": "cumsum"}.get(flags[:1], "auto")
        s = pysig.signature(path, depth, scalar_term=scalar, method=method, **options)
        assert_identical(found[0], s.ravel())
        bars = pysig.signature_vjp(path, depth, np.ones_like(s), scalar_term=scalar, **options)
        bars = [b for b in bars if b is not None] if isinstance(bars, tuple) else [bars]
        if initial is not None and scalar:
            options["initial"], bars[-1] = initial[:, 1:], bars[-1][:, 1:]
        name = ("expanded", "words", "brackets")[basis]
        log = pysig.logsignature(path, depth, basis=name, method=method, **options)
        assert_identical(found[1], log.ravel())
        for mine, its in zip(found[2:], bars, strict=True):
            assert_identical(mine, its.ravel())


# ---- a processor that is not here ----

CROSS = "aarch64-linux-gnu-g++"  # Debian: g++-aarch64-linux-gnu, qemu-user-static
EMULATOR = "qemu-aarch64-static"


@pytest.fixture(scope="module")
def neon_program(tmp_path_factory):
    """tests/embedding/programs/numbers.cpp with the kernels of the headers, and what runs it."""
    folder = tmp_path_factory.mktemp("neon")
    source = ROOT / "tests" / "embedding" / "programs" / "numbers.cpp"
    command = [CROSS, "-std=c++17", "-O2", "-static", f"-I{INCLUDE}", source, "-o", "program"]
    run(*command, "-pthread", cwd=folder)
    runner = folder / "runner"
    runner.write_text(f'#!/bin/sh\nexec {EMULATOR} {folder / "program"} "$@"\n')
    runner.chmod(0o755)
    return runner


@pytest.mark.sweep
@needs(CROSS, EMULATOR)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("flags", ["", "t", "c1", "s", "1b", "s1ibn", "wn", "lb"])
def test_neon_in_an_emulator(neon_program, flags, dtype, rng):
    shapes = [((6, 20, 3), 4), ((1, 300, 2), 9), ((3, 8, 14), 2), ((1, 40, 33), 3), ((9, 9, 5), 4)]
    for shape, depth in shapes:
        batch, length, channels = shape
        path = (rng.standard_normal(shape) / np.sqrt(length)).cumsum(axis=1).astype(dtype)
        basepoint = rng.standard_normal((batch, channels)).astype(dtype) if "b" in flags else None
        # A signature: the logarithm of other rows cancels.
        start = pysig.signature(path[:, :5], depth) if "n" in flags else None
        lengths = rng.integers(1, length + 1, batch) if "l" in flags else None
        found = called(neon_program, path, depth, flags, 0, basepoint, start, lengths)

        scalar = "1" in flags
        wide = [None if x is None else x.astype(np.float64) for x in (path, basepoint, start)]
        given = wide[2]
        if given is not None and scalar:
            given = np.concatenate([np.ones_like(given[:, :1]), given], axis=1)
        options = {"stream": "s" in flags, "inverse": "i" in flags, "lengths": lengths}
        s = pysig.signature(
            wide[0], depth, scalar_term=scalar, basepoint=wide[1], initial=given, **options
        )
        options |= {"basepoint": wide[1], "initial": wide[2]}
        log = pysig.logsignature(wide[0], depth, basis="expanded", **options)
        bars = pysig.signature_vjp(wide[0], depth, np.ones_like(s[..., scalar:]), **options)
        bars = [b for b in bars if b is not None] if isinstance(bars, tuple) else [bars]
        # What is added on the way, without the signs that make it cancel.
        steps = np.abs(np.diff(wide[0], axis=1, prepend=0))
        options |= {"inverse": False, "initial": None if start is None else np.abs(wide[2])}
        up = steps.cumsum(axis=1), depth
        sums = pysig.signature(*up, **options)
        bar = pysig.signature_vjp(*up, np.ones_like(sums), **options)
        bar = bar[0] if isinstance(bar, tuple) else bar
        scale = max(sums.max(), np.abs(bar[:, ::-1].cumsum(axis=1)).max(), 1)
        for mine, its in zip(found, [s, log, *bars], strict=True):
            error = np.abs(mine - its.ravel()).max()
            assert error <= 200 * np.finfo(dtype).eps * scale, (shape, error / scale)


# ---- C and Fortran ----


@needs("cc")
def test_c(tmp_path):
    folder = example("c", tmp_path)
    command = ["cc", "-std=c99", *WARNINGS, f"-I{INCLUDE}", "example.c"]
    run(*command, *linked("ball"), cwd=folder)
    assert "sliding" in check_ball(run(folder / "ball", cwd=folder))


@needs("cmake", "cc")
def test_c_by_cmake(tmp_path):
    folder = example("c", tmp_path)
    run(find("cmake"), "-S.", "-Bbuild", f"-Dpysig_DIR={pysig.get_cmake_dir()}", cwd=folder)
    run(find("cmake"), "--build", "build", cwd=folder)
    check_ball(run(folder / "build" / "ball", cwd=folder))


@needs("gfortran")
def test_fortran(tmp_path):
    folder = example("fortran", tmp_path)
    command = ["gfortran", "-Wall", "-Wextra", "-Werror", "example.f90"]
    run(*command, *linked("ball"), cwd=folder)
    check_ball(run(folder / "ball", cwd=folder))


# ---- Cython, Numba, SciPy ----

CYTHON = """
import sys
sys.path.insert(0, ".")
import example
values, path = example.signature_of_ball(1000, 3)
print("incremental", *values.tolist())
print("sliding", *example.signature_of_last_second(path, 3).tolist())
print("signature", *example.signature(path, 3, scalar_term=True).tolist())
try:
    example.signature(path, 0)
except ValueError as error:
    print("refused", error)
"""


@needs("cc")
@needs_modules("Cython", "setuptools")
def test_cython(tmp_path):
    folder = example("cython", tmp_path)
    environment = {**os.environ, "CFLAGS": "-O0"}
    run(sys.executable, "setup.py", "-q", "build_ext", "--inplace", cwd=folder, env=environment)
    assert "sliding" in check_ball(run(sys.executable, "-c", CYTHON, cwd=folder))


@needs_modules("numba")
def test_numba(tmp_path):
    folder = example("python", tmp_path)
    output = run(sys.executable, "example_numba.py", cwd=folder)
    check_ball(output, scalar_term=False)


@needs_modules("scipy")
def test_scipy(tmp_path):
    folder = example("python", tmp_path)
    found = lines(run(sys.executable, "-W", "error", "example_scipy.py", cwd=folder))
    t = np.arange(200) / 64
    walk = np.stack([t, t**2 - t], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(walk, 16, axis=0).swapaxes(1, 2)
    area = [pysig.signature(window, 2)[pysig.word_index((0, 1), 2)] for window in windows]
    assert_identical(numbers(found["window"]), np.array(area))


def test_capsules_are_those_of_the_header():
    """Every function of pysig.h, under its name without the prefix, each with a type."""
    text = (Path(INCLUDE) / "pysig" / "pysig.h").read_text()
    text = re.sub(r"/\*.*?\*/", "", text.replace("\\\n", " "), flags=re.DOTALL)
    declared = re.findall(r"PYSIG_API [^;(]*?\bpysig_(\w+)\(", text)
    common = set(declared) - {name for name in declared if name.endswith("_")}
    typed = set(re.findall(r"PYSIG_API [^;(]*?\bpysig_(\w+)_##f\(", text))
    assert len(typed) > 20
    names = common | {f"{name}_{f}" for name in typed for f in ("f32", "f64")}
    assert set(pysig.embed.__pyx_capi__) == names


# ---- headers ----


@pytest.mark.skipif(
    platform.machine() != "x86_64" or "baseline" not in core.available_isas().split(),
    reason="built without baseline, the instruction set of x86-64 without flags",
)
@needs("c++")
def test_headers_have_the_bits_of_the_same_instruction_set(tmp_path):
    """Without -march the compiler takes what the set `baseline` is made of."""
    folder = example("cpp", tmp_path)
    command = ["c++", "-std=c++17", *WARNINGS, f"-I{INCLUDE}", "example.cpp"]
    run(*command, "-pthread", "-o", "ball", cwd=folder)
    found = lines(run(folder / "ball", cwd=folder))
    (folder / "path.txt").write_text(" ".join(map(repr, ball().ravel().tolist())))
    code = (
        "import numpy as np, pysig;"
        "p = np.loadtxt('path.txt').reshape(-1, 3);"
        "print('signature', *pysig.signature(p, 3, scalar_term=True).tolist());"
        "s = pysig.IncrementalSignature(3, 3); s.push(p);"
        "print('incremental', *s.signature().tolist())"
    )
    environment = {**os.environ, "PYSIG_ISA": "baseline"}
    expected = lines(run(sys.executable, "-c", code, cwd=folder, env=environment))
    for name, values in expected.items():
        assert_identical(numbers(found[name]), numbers(values))
