"""Sizes that a reader can hold: parameters, bodies, files, lines, touch points of an option.

tools/measure.py counts. The lists below name what is larger than its limit.
"""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Options of `signature` are spelt out there; its limits are those of the documented master.
LONG_BODIES = {"pysig/_api/signature.py: signature", "pysig/cli.py: add_signature"}
# Sweeps and tables of one purpose.
LONG_FILES = {
    "tests/api/test_bad_input.py",
    "tests/api/test_logsignature.py",
    "tests/api/test_projection.py",
    "tests/api/test_signature.py",
    "tests/api/test_signature_vjp.py",
    "tests/api/test_transform.py",
    "tests/reference/test_reference.py",
}
# Counts of the option that is taken as an example. The goals are 20 and 150. An operation on paths
# that has the option adds lines: windows and intervals take 40, kernels of signatures about as
# many, and so do offsets and Dask arrays; kernels in frameworks take 20. An augmentation of aeon
# has the name of the option.
OPTION_PARAMETERS, OPTION_LINES = 24, 460


@pytest.fixture(scope="module")
def measure():
    """tools/measure.py as a module."""
    file = ROOT / "tools" / "measure.py"
    if not file.exists():
        pytest.skip("not a checkout: the source archive leaves tools out")
    spec = importlib.util.spec_from_file_location("measure", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def beyond(found, known):
    """What is found and not known: "file: name: size" without the size."""
    return [line for line in found if line.rpartition(": ")[0] not in known]


def test_functions_of_backends_have_at_most_8_parameters(measure):
    assert list(measure.wide_functions(ROOT)) == []


def test_function_bodies_have_at_most_60_lines(measure):
    assert beyond(measure.long_functions(ROOT), LONG_BODIES) == []


def test_files_have_at_most_400_lines(measure):
    assert beyond(measure.long_files(ROOT), LONG_FILES) == []


def test_lines_of_cpp_have_at_most_120_columns(measure):
    assert list(measure.long_lines(ROOT)) == []


def test_an_option_touches_few_places(measure):
    assert len(measure.option_parameters(ROOT)) <= OPTION_PARAMETERS
    assert len(measure.option_lines(ROOT)) <= OPTION_LINES


PLANTED = {
    "pysig/_cpu/a.py": (
        '"""A."""\n\n\ndef f(a, b, /, c, basepoint, *d, e, g, h, **i):\n    """F."""\n'
    ),
    "pysig/b.py": "class A:\n    def g(self):\n" + "        x = 1\n" * 61,
    "csrc/bindings/c.cpp": (
        "int f(int a, map<int, int> b, int c, int d, int e, int f, int g, int h, int i) {\n"
        "    return h(1, 2, 3, 4, 5, 6, 7, 8, 9);\n}\n//" + "x" * 120 + "\n"
    ),
    "csrc/d.hpp": "int basepoint;\n" * 401,
}


def test_the_counts_find_what_is_planted(measure, tmp_path):
    for name, text in PLANTED.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert list(measure.wide_functions(tmp_path)) == [
        "pysig/_cpu/a.py: f: 9 parameters",
        "csrc/bindings/c.cpp: f: 9 parameters",
    ]
    assert list(measure.long_functions(tmp_path)) == ["pysig/b.py: g: 61 lines"]
    assert list(measure.long_files(tmp_path)) == ["csrc/d.hpp: 401 lines"]
    assert list(measure.long_lines(tmp_path)) == ["csrc/bindings/c.cpp:4: 122 columns"]
    assert measure.option_parameters(tmp_path) == ["pysig/_cpu/a.py: f"]
    assert len(measure.option_lines(tmp_path)) == 402
