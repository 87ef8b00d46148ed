"""A stranger's C++ program against the installed headers: no warning, the same numbers, errors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pysig
from pysig._reference.signature import signature as law
from pysig.testing import assert_signatures_close, running_scales

COMPILERS = [name for name in ("g++", "clang++") if shutil.which(name)]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the flags are those of GCC and Clang"),
    pytest.mark.skipif(not COMPILERS, reason="neither g++ nor clang++ is on PATH"),
]

# Reads numbers, calls, writes numbers. Every entry and every option is used, in both precisions.
PROGRAM = """
#include <pysig/pysig.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

template <class R>
int run(char** argument) {
    const pysig::i64 batch = std::atoll(argument[0]), length = std::atoll(argument[1]);
    const pysig::i64 channels = std::atoll(argument[2]);
    const int depth = std::atoi(argument[3]);
    pysig::signature_options options;
    options.stream = std::strchr(argument[4], 's') != nullptr;
    options.inverse = std::strchr(argument[4], 'i') != nullptr;
    options.scalar_term = std::strchr(argument[4], '1') != nullptr;
    if (std::strchr(argument[4], 't')) options.how = pysig::method::tile;
    if (std::strchr(argument[4], 'c')) options.how = pysig::method::cumsum;
    options.workers = std::strchr(argument[4], 'w') ? 3 : 1;
    const bool single = std::strchr(argument[4], 'v') != nullptr;
    const std::size_t rows = std::size_t(options.stream ? length - 1 : 1);
    std::vector<R> path(std::size_t(batch * length * channels)), out;
    if (std::fread(path.data(), sizeof(R), path.size(), stdin) != path.size()) return 2;
    if (single) {
        out = pysig::signature(path.data(), length, channels, depth, options);
    } else {
        const pysig::i64 one = options.scalar_term ? 1 : 0;
        const pysig::i64 size = pysig::signature_size(channels, depth) + one;
        out.assign(std::size_t(batch) * rows * std::size_t(size), R(-1));
        pysig::signature(path.data(), batch, length, channels, depth, out.data(), options);
    }
    return std::fwrite(out.data(), sizeof(R), out.size(), stdout) == out.size() ? 0 : 3;
}

template <class F>
void refused(F&& call) {
    try {
        call();
        std::puts("accepted");
    } catch (const std::invalid_argument& error) {
        std::puts(error.what());
    }
}

int bad() {
    std::vector<double> path(6, 0.0), out(100, 7.0);
    const double* p = path.data();
    double* o = out.data();
    const double* no_path = nullptr;
    double* no_out = nullptr;
    refused([&] { pysig::signature(no_path, 1, 3, 2, 2, o); });
    refused([&] { pysig::signature(p, 1, 3, 2, 2, no_out); });
    refused([&] { pysig::signature(p, -1, 3, 2, 2, o); });
    refused([&] { pysig::signature(p, 1, 0, 2, 2, o); });
    refused([&] { pysig::signature(p, 1, 3, 0, 2, o); });
    refused([&] { pysig::signature(p, 1, 3, 2, 0, o); });
    refused([&] { pysig::signature(p, 1, 3, 2, 60, o); });
    refused([&] { pysig::signature(p, 1, 3, pysig::i64(1) << 60, 2, o); });
    refused([&] { pysig::signature(p, 0, 2, 2); });
    refused([&] { pysig::signature(p, 3, -2, 2); });
    refused([&] { pysig::signature(p, 3, 2, -2); });
    for (double value : out)
        if (!(value >= 7.0 && value <= 7.0)) return 4;  // something was written
    return 0;
}

int other_file();

int main(int count, char** argument) {
    if (count == 2) return std::strcmp(argument[1], "bad") == 0 ? bad() : other_file();
    const bool single = std::strcmp(argument[1], "float32") == 0;
    return single ? run<float>(argument + 2) : run<double>(argument + 2);
}
"""
# The headers in two files of one program: what is not inline would be defined twice.
OTHER_FILE = """
#include <pysig/pysig.hpp>

int other_file() {
    const float path[] = {0, 0, 1, 2};
    return pysig::signature(path, 2, 2, 3).size() == 14 ? 0 : 1;
}
"""


@pytest.fixture(scope="module", params=COMPILERS)
def program(request, tmp_path_factory):
    """The compiled program; that it compiles without a warning is the first test."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "main.cpp").write_text(PROGRAM)
    (folder / "other.cpp").write_text(OTHER_FILE)
    command = [request.param, "-std=c++17", *WARNINGS, "-I", pysig.get_include(), "-pthread"]
    target = folder / "program"
    done = subprocess.run(
        [*command, "main.cpp", "other.cpp", "-o", str(target)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return target


def call(program, path, depth, flags):
    batch, length, channels = path.shape
    arguments = [path.dtype.name, batch, length, channels, depth, flags or "-"]
    done = subprocess.run(
        [program, *map(str, arguments)], input=path.tobytes(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return np.frombuffer(done.stdout, path.dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "depth"), [((6, 20, 3), 4), ((1, 300, 2), 6), ((2, 9, 1), 5), ((3, 8, 14), 2)]
)
@pytest.mark.parametrize("flags", ["", "t", "c", "s", "i", "1", "s1i", "w", "cs1w"])
def test_the_numbers_are_those_of_the_package(program, shape, depth, flags, dtype):
    steps = np.random.default_rng().standard_normal(shape) / np.sqrt(shape[1])
    path = steps.cumsum(axis=1).astype(dtype)
    options = {"stream": "s" in flags, "inverse": "i" in flags, "scalar_term": "1" in flags}
    expected = pysig.signature(path, depth, **options)
    result = call(program, path, depth, flags).reshape(expected.shape)
    scale = running_scales(path, depth, stream=options["stream"])
    assert_signatures_close(
        result, expected, shape[2], depth, scale=scale, scalar_term=options["scalar_term"],
        rtol=2 * {4: 1e-5, 8: 1e-13}[path.itemsize],
    )  # fmt: skip
    if not options["inverse"]:
        right = law(path, depth, stream=options["stream"], scalar_term=options["scalar_term"])
        assert_signatures_close(
            result, right, shape[2], depth, scale=scale, scalar_term=options["scalar_term"]
        )


@pytest.mark.parametrize("flags", ["v", "vs", "v1s", "vi"])
@pytest.mark.parametrize("length", [1, 2, 15])
def test_a_single_path_comes_back_as_a_vector(program, flags, length):
    path = np.random.default_rng().standard_normal((1, length, 2))
    options = {"stream": "s" in flags, "inverse": "i" in flags, "scalar_term": "1" in flags}
    expected = pysig.signature(path[0], 3, **options)
    result = call(program, path, 3, flags)
    np.testing.assert_allclose(result.reshape(expected.shape), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("flags", ["", "s"])
def test_no_paths_are_no_work(program, flags):
    assert call(program, np.zeros((0, 4, 2)), 3, flags).size == 0


def test_bad_arguments_throw_and_are_named(program):
    done = subprocess.run([program, "bad"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    arguments = ["path", "out", "batch", "length", "channels", "depth", "depth", "depth"]
    arguments += ["length", "channels", "depth"]
    assert len(lines) == len(arguments)
    for line, argument in zip(lines, arguments, strict=True):
        assert line.startswith(f"pysig: {argument}: expected "), line
        assert "received" in line
    assert lines[2].endswith("at least 0, received -1.")


def test_two_files_of_a_program_may_include_it(program):
    assert subprocess.run([program, "other"], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("standard", ["c++17", "c++20"])
@pytest.mark.parametrize("flags", ["-O3", "-O2 -march=native", "-O1 -fsanitize=undefined,address"])
def test_other_flags_and_standards(compiler, standard, flags, tmp_path):
    (tmp_path / "main.cpp").write_text(PROGRAM)
    (tmp_path / "other.cpp").write_text(OTHER_FILE)
    command = [compiler, f"-std={standard}", *WARNINGS, *flags.split()]
    command += ["-I", pysig.get_include()]
    sources = ["main.cpp", "other.cpp", "-pthread", "-o", "program"]
    done = subprocess.run(
        [*command, *sources], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    path = np.random.default_rng().standard_normal((5, 40, 3)).cumsum(axis=1) / 6
    result = call(tmp_path / "program", path, 4, "").reshape(5, -1)
    scale = running_scales(path, 4)
    assert_signatures_close(result, law(path, 4), 3, 4, scale=scale)


def test_every_header_stands_alone(tmp_path):
    """A header includes what it uses: each compiles as the only one of a file."""
    include = Path(pysig.get_include())
    headers = sorted(path.relative_to(include) for path in include.rglob("*.h*"))
    assert Path("pysig/pysig.hpp") in headers
    compiler = os.environ.get("CXX", COMPILERS[0]).split()[0]
    for header in headers:
        command = [
            compiler,
            "-std=c++17",
            *WARNINGS,
            "-fsyntax-only",
            "-I",
            str(include),
            "-xc++",
            "-",
        ]
        done = subprocess.run(
            command, input=f"#include <{header}>\n", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{header}: {done.stderr}"
