"""Every name of CuPy that pysig or the emulator uses is what the installed CuPy has: method,
attribute, class or value, with the same parameters. No driver is needed."""

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pysig

EMULATOR = Path(__file__).parent / "emulator"
PACKAGE = Path(pysig.__file__).parent
ROOTS = {"cupy", "xp"}  # names and attributes that hold the module
# What calls return, as far as pysig goes on from there. The types of arrays are not followed.
RESULTS = {
    "cuda.get_current_stream": "cuda.Stream",
    "cuda.Device": "cuda.Device",
    "cuda.Event": "cuda.Event",
    "get_default_memory_pool": "cuda.MemoryPool",
    "RawModule": "RawModule",
    "RawModule.get_function": "RawKernel",
}
# The emulator's own, for tests.
EXTRA = {"is_emulator", "recorded", "pool", "KernelFault"}
EXTRA |= {f"{place}.{name}" for place in ("cuda.MemoryPool", "cuda.memory.MemoryPool")
          for name in ("take", "give", "reset_peak", "allocations")}  # fmt: skip

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("cupy") is None, reason="CuPy is not installed"
)


def described(names, path=None):
    """What the CuPy of `path`, or the installed one, has under these names."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, EMULATOR / "describe_cupy.py", json.dumps(sorted(names))],
        env=environment, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


class Uses(ast.NodeVisitor):
    """The uses of names below `cupy` in a file: (name, called, keywords, line)."""

    def __init__(self):
        self.found, self.variables = [], {}

    def name_of(self, node):
        """The dotted name below cupy of an expression, "" for the module itself, else None."""
        if isinstance(node, ast.Name):
            return "" if node.id in ROOTS else self.variables.get(node.id)
        if isinstance(node, ast.Call):
            return RESULTS.get(self.name_of(node.func) or "")
        if isinstance(node, ast.Attribute):
            if node.attr in ROOTS:
                return ""
            below = self.name_of(node.value)
            return None if below is None else f"{below}.{node.attr}".lstrip(".")
        return None

    def visit_FunctionDef(self, node):
        outer, self.variables = self.variables, dict(self.variables)
        self.generic_visit(node)
        self.variables = outer

    def visit_Assign(self, node):
        self.generic_visit(node)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.variables[target.id] = self.name_of(node.value)

    def visit_Call(self, node):
        name = self.name_of(node.func)
        if name:
            keywords = [k.arg for k in node.keywords if k.arg]
            self.found.append((name, True, keywords, node.lineno))
            self.visit(node.func.value) if isinstance(node.func, ast.Attribute) else None
        else:
            self.visit(node.func)
        for child in [*node.args, *(k.value for k in node.keywords)]:
            self.visit(child)

    def visit_Attribute(self, node):
        name = self.name_of(node)
        if name:
            self.found.append((name, False, [], node.lineno))
        else:
            self.generic_visit(node)


def uses_of(text):
    """(name, called, keywords, line) of all uses of CuPy in a text."""
    uses = Uses()
    uses.visit(ast.parse(text))
    return uses.found


def complaints(uses, names):
    """What of `uses` does not fit the description of CuPy."""
    found = []
    for name, called, keywords, line in uses:
        real = names.get(name)
        if real is None:
            found.append(f"line {line}: CuPy has no {name}")
        elif called and real["kind"] in ("value", "module"):
            found.append(f"line {line}: {name} is a {real['kind']}, and is called")
        elif called and real["parameters"] is not None and "kwargs" not in real["parameters"]:
            unknown = set(keywords) - set(real["parameters"])
            found += [f"line {line}: {name} has no parameter {k}" for k in sorted(unknown)]
        elif not called and real["kind"] == "function" and name not in FUNCTIONS_AS_VALUES:
            found.append(f"line {line}: {name} is a method, and is not called")
    return found


FUNCTIONS_AS_VALUES = {"arange"}  # kept in a variable and called there


@pytest.fixture(scope="module")
def uses():
    files = [*PACKAGE.glob("_gpu/*.py"), *PACKAGE.glob("_api/**/*.py"), PACKAGE / "_backend.py"]
    return {path.name: uses_of(path.read_text(encoding="utf-8")) for path in sorted(files)}


@pytest.fixture(scope="module")
def installed(uses):
    names = {name for found in uses.values() for name, *_ in found}
    return described(names | {"cuda.Stream.is_capturing"})


def test_pysig_uses_what_cupy_has(uses, installed):
    names = {name for found in uses.values() for name, *_ in found}
    assert names >= {"empty", "RawModule.get_function", "cuda.Stream.is_capturing"}
    wrong = [f"{file}, {text}" for file, u in uses.items() for text in complaints(u, installed)]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("cupy.cuda.get_current_stream().is_capturing", "is a method, and is not called"),
        ("stream = xp.cuda.get_current_stream()\nif stream.is_capturing: pass", "is not called"),
        ("self.cupy.nothing()", "CuPy has no nothing"),
        ("xp.empty(3, kind=4)", "has no parameter kind"),
    ],
)
def test_a_planted_misuse_is_found(text, complaint):
    found = uses_of(text)
    (wrong,) = complaints(found, described({name for name, *_ in found}))
    assert complaint in wrong


def differences(ours, real):
    """Where the emulator differs from CuPy."""
    found = []
    for name, own in ours.items():
        if name in EXTRA:
            continue
        if name not in real:
            found.append(f"CuPy has no {name}")
        elif real[name]["kind"] != own["kind"]:
            found.append(f"{name}: {own['kind']}, of CuPy: {real[name]['kind']}")
        elif own["parameters"] and real[name]["parameters"] is not None:
            mine = [p for p in own["parameters"] if p not in ("kwargs", "unknown")]
            theirs = real[name]["parameters"]
            if "kwargs" in theirs:
                mine, theirs = mine[: len(theirs) - 1], theirs[:-1]
            if [p for p in theirs if p in mine] != mine:
                found.append(f"{name}: parameters {mine}, of CuPy: {theirs}")
    return found


def test_the_emulator_has_nothing_that_cupy_lacks():
    ours = described([], EMULATOR)
    assert len(ours) > 100
    assert differences(ours, described(ours)) == []


def test_a_planted_property_is_found(tmp_path):
    """The emulator once had `is_capturing` as a property: no gradient worked with real CuPy."""
    folder = tmp_path / "cupy"
    folder.mkdir()
    for path in (EMULATOR / "cupy").iterdir():
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            planted = "    @property\n    def is_capturing(self)"
            (folder / path.name).write_text(
                text.replace("    def is_capturing(self)", planted), encoding="utf-8"
            )
    ours = described([], tmp_path)
    assert differences(ours, described(ours)) == [
        "cuda.Stream.is_capturing: value, of CuPy: function"
    ]
