"""Instruction sets: each that is there, forced, against the reference; none leaks into another."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import pysig
from pysig._cpu._extension import core
from pysig._reference.signature import signature as reference
from pysig.testing import assert_identical, assert_signatures_close, running_scales
from support import generator

ROOT = Path(__file__).resolve().parents[2]
AVAILABLE = core.available_isas().split()
BITS = {"baseline": 128, "avx2": 256, "avx512": 512, "neon": 128}

# In the child: what the environment chose, and the signatures of the cases in a file.
CHILD = """
import json, sys
import numpy as np
import pysig
from pysig._cpu._extension import core

cases = np.load(sys.argv[1])
results = {}
for name in cases.files:
    depth, method, stream = name.split("-")[1:4]
    options = {"method": method, "stream": stream == "True", "workers": 2}
    results[name] = pysig.signature(cases[name], int(depth), **options)
np.savez(sys.argv[2], **results)
pysig.show_config()
print(json.dumps([core.isa(), core.vector_bits()]))
"""


def child(code, *arguments, isa=None):
    environment = {name: value for name, value in os.environ.items() if name != "PYSIG_ISA"}
    if isa is not None:
        environment["PYSIG_ISA"] = isa
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def cases():
    """Every shape of tile, batches that do and do not fill the lanes, time cut into chunks."""
    rng = generator("test_isa")
    paths = {}
    shapes = [
        ((17, 30, 5), 4), ((3, 20, 2), 8), ((5, 40, 3), 5), ((1, 700, 4), 4), ((9, 8, 13), 3),
        ((2, 12, 40), 2), ((4, 9, 1), 6), ((16, 7, 7), 2), ((1, 5, 6), 1),
    ]  # fmt: skip
    for number, (shape, depth) in enumerate(shapes):
        steps = rng.standard_normal(shape) / np.sqrt(shape[1])
        for dtype in (np.float32, np.float64):
            path = steps.cumsum(axis=1).astype(dtype)
            for method, stream in [("tile", False), ("tile", True), ("cumsum", False)]:
                paths[f"{number}-{depth}-{method}-{stream}-{path.dtype}"] = path
    return paths


@pytest.fixture(scope="module")
def answers(cases):
    """(what is right, scale) of every case."""
    found = {}
    for name, path in cases.items():
        number, depth, _, stream, dtype = name.split("-")
        key = (number, stream, dtype)
        if key not in found:
            on = stream == "True"
            right = reference(path, int(depth), stream=on)
            found[key] = right, running_scales(path, int(depth), stream=on)
    return {name: found[tuple(name.split("-")[i] for i in (0, 3, 4))] for name in cases}


def test_the_best_comes_first():
    order = ["avx512", "avx2", "neon", "baseline"]
    assert sorted(AVAILABLE, key=order.index) == AVAILABLE
    if "PYSIG_ISA" not in os.environ:
        assert core.isa() == AVAILABLE[0]


@pytest.mark.parametrize("isa", AVAILABLE)
def test_a_forced_set_takes_effect_and_agrees_with_the_reference(isa, cases, answers, tmp_path):
    np.savez(tmp_path / "cases.npz", **cases)
    done = child(CHILD, tmp_path / "cases.npz", tmp_path / "results.npz", isa=isa)
    assert done.returncode == 0, done.stderr
    *shown, last = done.stdout.splitlines()
    assert json.loads(last) == [isa, BITS[isa]]
    assert any(
        re.fullmatch(rf"instruction set +{isa} \({BITS[isa]} bits\)", line) for line in shown
    )
    with np.load(tmp_path / "results.npz") as results:
        assert set(results.files) == set(cases)
        for name in results.files:
            right, scale = answers[name]
            channels, depth = cases[name].shape[-1], int(name.split("-")[1])
            assert_signatures_close(results[name], right, channels, depth, scale=scale)


@pytest.mark.parametrize("isa", [None, ""])
def test_without_a_choice_the_best_is_taken(isa, cases, tmp_path):
    np.savez(tmp_path / "cases.npz", **cases)
    done = child(CHILD, tmp_path / "cases.npz", tmp_path / "results.npz", isa=isa)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])[0] == AVAILABLE[0]
    if core.isa() == AVAILABLE[0]:  # the same instructions give the same bits
        name = next(name for name in cases if name.startswith("0-4-tile"))
        with np.load(tmp_path / "results.npz") as results:
            assert_identical(
                results[name], pysig.signature(cases[name], 4, method="tile", workers=2)
            )


@pytest.mark.parametrize("isa", ["sse9", "AVX2", *sorted(set(BITS) - set(AVAILABLE))])
def test_a_set_that_is_not_there_is_refused(isa):
    """Importing works, every call says the same."""
    code = """
import numpy as np
import pysig
for call in (pysig.show_config, *2 * [lambda: pysig.signature(np.zeros((3, 2)), 2)]):
    try:
        call()
    except RuntimeError as error:
        print(error)
"""
    done = child(code, isa=isa)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "PYSIG_ISA" in line]
    assert len(lines) == 3
    assert set(lines) == {
        "the environment variable PYSIG_ISA must name an instruction set that this machine has: "
        f"one of {' '.join(AVAILABLE)}; received '{isa}'. Unset it to use the best one."
    }


# ---- no inline function of one set may be taken by the linker for that of another ----


# A pointer to the routine of the C++ run-time that unwinds the stack; the same in all object files.
HARMLESS = {"DW.ref.__gxx_personality_v0"}


def weak_symbols(objects):
    """What the linker merges: the weak and unique definitions of some object files, mangled."""
    listing = subprocess.run(["nm", *map(str, objects)], capture_output=True, text=True, check=True)
    return {
        fields[-1]
        for fields in map(str.split, listing.stdout.splitlines())
        if len(fields) >= 3 and fields[-2] in "WVu" and fields[-1] not in HARMLESS
    }


def compile_all(jobs):
    """Object files from (source, object, flags); two compilers at a time."""

    def run(job):
        source, target, flags = job
        command = [compiler(), "-std=c++17", "-O0", "-fPIC", *flags, "-c", str(source)]
        subprocess.run([*command, "-o", str(target)], check=True, capture_output=True)
        return target

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, jobs))


def compiler():
    return shlex.split(os.environ.get("CXX", "g++"))[0]


def sets_of_cmake():
    """{name: flags} of every instruction set of this architecture, and the sources."""
    text = (ROOT / "CMakeLists.txt").read_text()
    sources = re.search(r"add_library\(pysig_isa_\$\{name\} OBJECT\s+([^)]*)\)", text)[1].split()
    branch = {"x86_64": "x86_64|amd64", "aarch64": "aarch64|arm64"}[platform.machine()]
    block = text[text.index(f"({branch})") :]
    block = block[: re.search(r"^else", block, re.MULTILINE).start()]
    sets = {name: flags.split() for name, flags in re.findall(r"pysig_isa\((\w+)([^)]*)\)", block)}
    return sets, [ROOT / source for source in sources]


needs_compiler = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which(compiler()) is None or shutil.which("nm") is None,
    reason="needs Linux with a C++ compiler and nm",
)


x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="one set: nothing to share")


def check_nothing_is_shared(objects):
    """`objects` are those of each instruction set, by its name."""
    weak = {name: weak_symbols(files) for name, files in objects.items()}
    for name, symbols in weak.items():
        assert len(symbols) > 100, "the inline functions of the kernels must be there to be seen"
        for other in weak:
            if other > name:
                assert sorted(symbols & weak[other]) == []


@needs_compiler
@x86_64
def test_no_weak_symbol_of_the_build_is_shared():
    """In the object files that the build of this checkout left."""
    sets, sources = sets_of_cmake()
    objects = {
        name: list(ROOT.glob(f"build/*/CMakeFiles/pysig_isa_{name}.dir/csrc/isa/*.o"))
        for name in sets
    }
    if any(len(files) != len(sources) for files in objects.values()):
        pytest.skip("not a checkout with one build of all instruction sets")
    check_nothing_is_shared(objects)


@needs_compiler
@x86_64
@pytest.mark.sweep
def test_no_weak_symbol_is_shared(tmp_path):
    """Without optimisation, so that every inline function that is used has a symbol."""
    sets, sources = sets_of_cmake()
    assert set(sets) == {"baseline", "avx2", "avx512"}
    assert {source.name for source in sources} >= {"table.cpp"}
    include = [f"-I{ROOT / 'csrc' / 'include'}", f"-I{ROOT / 'csrc'}", "-Wno-psabi"]
    jobs = [
        (source, tmp_path / f"{name}-{source.stem}.o", [f"-DPYSIG_ISA={name}", *include, *flags])
        for name, flags in sets.items()
        for source in sources
    ]
    compile_all(jobs)
    check_nothing_is_shared({name: list(tmp_path.glob(f"{name}-*.o")) for name in sets})


@needs_compiler
@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("#include <vector>\nvoid f_NAME(std::vector<int>& v) { v.push_back(1); }", "push_back"),
        ("inline int twice(int x) { return 2 * x; } int f_NAME() { return twice(1); }", "twice"),
        ("template <class T> T id(T x) { return x; } float f_NAME() { return id(1.0f); }", "id"),
        (
            "namespace NAME { inline int g() { return 1; } } int f_NAME() { return NAME::g(); }",
            None,
        ),
        ("static int g() { return 1; } int f_NAME() { return g(); }", None),
    ],
)
def test_a_planted_shared_symbol_is_found(tmp_path, text, shared):
    objects = []
    for name in ("one", "two"):
        source = tmp_path / f"{name}.cpp"
        source.write_text(text.replace("NAME", name))
        objects.append((source, tmp_path / f"{name}.o", []))
    first, second = compile_all(objects)
    common = weak_symbols([first]) & weak_symbols([second])
    assert bool(common) == (shared is not None)
    assert shared is None or any(shared in symbol for symbol in common)
