"""docs/migration.md: both sides of a row give the same, where the other library is installed.

A table after ``<!-- checked: NAME -->`` is evaluated row by row. A row takes part if the first
entry of each cell is a call in code; remarks after it do not count.
"""

import ast
import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pysig

PAGE = Path(__file__).resolve().parents[2] / "docs" / "migration.md"
DEPTH, CHANNELS = 3, 3
# Library -> number of rows that are compared; iisignature rounds some results to float32.
LIBRARIES = {"iisignature": 16, "pysiglib": 22, "keras_sig": 2, "esig": 5, "roughpy": 3}
ROW = re.compile(r"^\| `([^`]+)`[^|]*\| `([^`]+)`[^|]*\|$", re.M)


def checked_rows(text, library):
    """Pairs of expressions in the table after the mark of a library."""
    mark = f"<!-- checked: {library} -->"
    if mark not in text:
        raise ValueError(f"{PAGE.name} does not have the mark {mark}")
    table = text.partition(mark)[2].lstrip().partition("\n\n")[0]
    return [pair for pair in ROW.findall(table) if all(map(is_call, pair))]


def is_call(code):
    """Whether `code` is an expression with a call or an index of its result."""
    try:
        tree = ast.parse(code, mode="eval")
    except SyntaxError:
        return False
    arguments = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and (n.args or n.keywords)]
    return bool(arguments) and "..." not in code


def values():
    """The names that the tables use."""
    rng = np.random.default_rng(2)
    path = rng.normal(size=(20, CHANNELS)).cumsum(axis=0)
    paths = rng.normal(size=(4, 20, CHANNELS)).cumsum(axis=1)
    s = pysig.signature(path, DEPTH)
    small = {"x": path / 20, "y": paths[0] / 20, "xs": paths / 20, "ys": paths[:3, ::-1] / 20}
    return small | {
        "pysig": pysig,
        "np": np,
        "m": DEPTH,
        "depth": DEPTH,
        "d": CHANNELS,
        "path": path,
        "paths": paths,
        "s": s,
        "s1": s,
        "s2": pysig.signature(paths[0], DEPTH),
        "derivs": s[::-1].copy(),
        "cotangent": s[::-1].copy(),
        "segment": path[3] - path[1],
        "factors": np.array([2.0, 0.5, -1.0]),
        "ends": [pysig.signature_size(CHANNELS, k) for k in range(1, DEPTH)],
        "l": pysig.logsignature(path, DEPTH, basis="brackets"),
        "logderivs": np.linspace(1, 2, pysig.logsignature_size(CHANNELS, DEPTH)),
    }


def prepared(library, module, names):
    """What a library builds before the calls of its table."""
    if library == "iisignature":
        return {
            "prepared": module.prepare(CHANNELS, DEPTH),
            "prepared_hall": module.prepare(CHANNELS, DEPTH, "COSXH"),
            "prepared_s2": module.prepare(CHANNELS, DEPTH, "S2"),
        }
    if library == "pysiglib":
        for method in (0, 1, 2):
            module.prepare_log_sig(CHANNELS, DEPTH, method)
    if library == "roughpy":
        context = module.get_context(CHANNELS, DEPTH, module.DPReal)
        steps = np.diff(names["path"], axis=0)
        return {"stream": module.LieIncrementStream.from_increments(steps, ctx=context)}
    return {}


def first_difference(theirs, ours):
    """What differs between two results; empty if they agree."""
    nested = isinstance(theirs, (tuple, list)) and not all(map(np.isscalar, theirs))
    if nested and len(theirs) == len(ours):
        return next(filter(None, map(first_difference, theirs, ours)), "")
    theirs, ours = np.asarray(theirs), np.asarray(ours)
    if theirs.shape != ours.shape:
        return f"shape {theirs.shape} is not {ours.shape}"
    if theirs.dtype.kind in "OUS":
        return "" if (theirs == ours).all() else f"{theirs} is not {ours}"
    eps = 3e-5 if np.float32 in (theirs.dtype, ours.dtype) else 1e-10
    worst = np.abs(theirs - ours).max(initial=0) / (np.abs(ours).max(initial=0) or 1)
    return "" if worst < eps else f"relative difference {worst}"


def compare(library):
    """Compare both sides of all rows of a library; for a process of its own."""
    module = importlib.import_module(library)
    names = values()
    names |= prepared(library, module, names)
    theirs = vars(module) | names
    for left, right in checked_rows(PAGE.read_text(encoding="utf-8"), library):
        wrong = first_difference(eval(left, theirs), eval(right, dict(names)))
        if wrong:
            raise AssertionError(f"{left} and {right}: {wrong}")


@pytest.mark.parametrize("library", LIBRARIES)
def test_both_sides_of_a_row_agree(library):
    """In a process of its own: some libraries bring frameworks along."""
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    command = [sys.executable, str(Path(__file__)), library]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.quick
@pytest.mark.parametrize("library", LIBRARIES)
def test_calls_of_pysig_in_the_tables_run(library):
    """Also where the other library is not installed."""
    rows = checked_rows(PAGE.read_text(encoding="utf-8"), library)
    assert len(rows) == LIBRARIES[library]
    for _, right in rows:
        assert eval(right, values()) is not None, right


def test_a_wrong_row_is_found():
    assert first_difference(np.ones(3), np.ones(3)) == ""
    assert "relative" in first_difference(np.ones(3), np.array([1.0, 1.0, 1.1]))
    assert "shape" in first_difference(np.ones(3), np.ones(4))
    assert "is not" in first_difference(["1", "2"], ["1", "3"])
    assert first_difference([(), (0, 1)], [(), (0, 1)]) == ""
    assert "relative" in first_difference([(), (0, 1)], [(), (1, 1)])
    assert "relative" in first_difference([np.ones(2), np.ones(3)], [np.ones(2), np.zeros(3)])
    assert "shape" in first_difference([np.ones(2)], [np.ones(2), np.ones(2)])
    assert checked_rows("<!-- checked: x -->\n| `f(1)`, so | `g(2)` |\n| `h` | `k` |\n", "x") == [
        ("f(1)", "g(2)")
    ]
    with pytest.raises(ValueError, match="does not have the mark"):
        checked_rows("no table", "x")


if __name__ == "__main__":
    compare(sys.argv[1])
