"""The headers alone: no warning from GCC or Clang, every identity holds, each stands by itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import pysig

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = Path(pysig.get_include())
COMPILERS = [name for name in ("g++", "clang++") if shutil.which(name)]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
# The headers in two files of one program: what is not inline would be defined twice.
OTHER_FILE = """
#include <pysig/pysig.hpp>

#include <array>

std::size_t other_file() {
    const std::array<float, 4> path = {0, 0, 1, 2};
    return pysig::signature(path, 2, 3).size();
}
"""

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the flags are those of GCC and Clang"),
    pytest.mark.skipif(not COMPILERS, reason="neither g++ nor clang++ is on PATH"),
]


def compiled(compiler, folder, *flags):
    """The program programs/identities.cpp with another file that includes the same headers."""
    for name in ("identities.cpp", "checks.hpp"):
        shutil.copy(ROOT / "tests" / "embedding" / "programs" / name, folder)
    (folder / "other.cpp").write_text(OTHER_FILE)
    command = [compiler, "-std=c++17", *WARNINGS, *flags, f"-I{INCLUDE}", "-pthread"]
    command += ["identities.cpp", "other.cpp", "-o", "identities"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "identities"


def check_program(program):
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert done.stdout.endswith("ok\n")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_warning_and_every_identity(compiler, tmp_path):
    program = compiled(compiler, tmp_path)
    check_program(program)
    done = subprocess.run([program, "7", "wrong"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    for name in ("Chen's identity", "the inverse", "initial", "sliding"):
        assert f"FAILED: {name}" in done.stdout


def test_pushing_allocates_nothing(tmp_path):
    source = ROOT / "tests" / "embedding" / "programs" / "allocations.cpp"
    library = Path(pysig.get_library())
    command = [COMPILERS[0], "-std=c++17", *WARNINGS, "-DPYSIG_COMPILED", f"-I{INCLUDE}", source]
    command += [library, f"-Wl,-rpath,{library.parent}", "-pthread", "-o", tmp_path / "program"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    check_program(tmp_path / "program")


def test_every_header_stands_alone():
    """A header includes what it uses: each compiles as the only one of a file."""
    headers = sorted(path.relative_to(INCLUDE) for path in INCLUDE.rglob("*.h*"))
    assert Path("pysig/pysig.hpp") in headers
    assert Path("pysig/incremental.hpp") in headers
    command = [COMPILERS[0], "-std=c++17", *WARNINGS, "-fsyntax-only", f"-I{INCLUDE}", "-xc++", "-"]

    def errors(header):
        text = f"#include <{header.as_posix()}>\n"
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        return f"{header}: {done.stderr}" if done.returncode else ""

    with ThreadPoolExecutor(2) as pool:
        assert [found for found in pool.map(errors, headers) if found] == []


@pytest.mark.quick
def test_an_old_standard_is_told(tmp_path):
    (tmp_path / "old.cpp").write_text("#include <pysig/pysig.hpp>\n")
    command = [COMPILERS[0], "-std=c++14", "-fsyntax-only", f"-I{INCLUDE}", "old.cpp"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "needs C++17" in done.stderr
