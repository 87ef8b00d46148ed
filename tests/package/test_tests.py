"""The tests themselves: the same cases in every run, and how to repeat a failure of fresh ones."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
UNSEEDED = re.compile(
    r"\bdefault_rng\(\)|os\.urandom|random\.Random\(\)|np\.random\.(?!default_rng)"
)
RANDOM_TEST = """
from hypothesis import given, strategies as st

@given(st.integers(0, 2**64))
def test_hypothesis(n):
    print("drawn", n)

def test_numpy(rng):
    print("drawn", rng.integers(2**60))
    assert False
"""


def drawn(folder, *options):
    """The numbers that RANDOM_TEST draws, and the report of its failure."""
    (folder / "test_random.py").write_text(RANDOM_TEST)
    command = [sys.executable, "-m", "pytest", "-s", "-p", "conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *options, "test_random.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    numbers = re.findall(r"^\W*(?:test_random.py )?\.?drawn (\d+)", done.stdout, re.MULTILINE)
    assert len(numbers) > 50
    return numbers, done.stdout


def test_the_usual_run_has_the_same_cases(tmp_path):
    assert drawn(tmp_path)[0] == drawn(tmp_path)[0]


def test_fresh_cases_are_fresh_and_can_be_repeated(tmp_path):
    numbers, report = drawn(tmp_path, "--explore")
    seed = re.search(r"--explore --seed (\d+) 'test_random.py::test_numpy'", report)[1]
    assert drawn(tmp_path, "--explore", "--seed", seed)[0] == numbers
    other = drawn(tmp_path, "--explore")[0]
    assert other[-1] != numbers[-1]
    assert other != numbers


def test_a_seed_needs_fresh_cases(tmp_path):
    with pytest.raises(AssertionError, match="pass both"):
        drawn(tmp_path, "--seed", "1")


def test_no_generator_is_without_a_seed():
    for path in sorted(TESTS.rglob("*.py")):
        if path != Path(__file__):
            assert UNSEEDED.findall(path.read_text()) == [], path


def helpers(root):
    """{name: files} of the functions and classes at the top of test files."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        if {"emulator", "programs", "frameworks", "golden"} & set(path.relative_to(root).parts):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            definition = isinstance(node, ast.FunctionDef | ast.ClassDef)
            if definition and not node.name.startswith("test_"):
                found.setdefault(node.name, []).append(path.relative_to(root).as_posix())
    return found


def test_no_helper_is_defined_twice(tmp_path):
    """Shared helpers stand in support.py; others have names that differ."""
    assert {name: files for name, files in helpers(TESTS).items() if len(files) > 1} == {}
    for name in ("test_a.py", "test_b.py"):
        (tmp_path / name).write_text("def parts(): ...\ndef test_it(): ...\n")
    assert helpers(tmp_path) == {"parts": ["test_a.py", "test_b.py"]}
