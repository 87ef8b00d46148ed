"""The layers of the library: a file imports only from the layers below its own (docs/design.md).

Python by its syntax tree, C++ and CUDA by their `#include` lines; the checker itself is tested with
planted violations.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# From the ground up. A unit is a file or a folder directly under pysig/; it may import itself and
# what is below its layer, not its neighbours.
PYTHON_LAYERS = [
    ("combinatorics", {"_combinatorics", "_system"}),
    ("plans", {"_plans"}),
    ("backends", {"_reference", "_cpu", "_gpu"}),
    ("dispatcher", {"_backend"}),
    ("api", {"_api"}),
    ("namespaces", {"algebra", "kernels"}),
    ("public names", {"__init__"}),
    ("interop", {"testing", "interop", "_io"}),
    ("data", {"data"}),
    ("command, parts", {"_cli"}),
    ("command", {"cli"}),
    ("command, entry point", {"__main__"}),
]
EXTENSION = "_core"
BACKENDS = {"_cpu", "_gpu"}
KNOW_THE_EXTENSION = {"_cpu", "_gpu"}  # _gpu asks it where the headers are
THIRD_PARTY = {
    "_gpu": {"cupy", "cupy_backends"},
    "_io": {"tqdm"},
    "_api": {"typing_extensions"},  # for type checkers only, see test_public_api.py
}  # beside NumPy and the standard library
MAY_IMPORT_ANY = {"interop"}

CPP_LAYERS = [
    ("config", ["include/pysig/config.hpp"]),
    ("core", ["include/pysig/algebra/"]),
    ("cpu/jobs", ["include/pysig/cpu/jobs/"]),
    ("cpu/threads", ["include/pysig/cpu/threads/"]),
    ("cpu/lanes", ["include/pysig/cpu/lanes/"]),
    ("cpu/kernels", ["include/pysig/cpu/kernels/"]),
    ("cpu/schedules", ["include/pysig/cpu/schedules/"]),
    ("public headers", ["include/pysig/"]),
    ("isa", ["isa/"]),
    ("bindings", ["bindings/", "capi/"]),
]
NO_HEADERS = "$^"  # the text is for devices, too
STANDARD = r"[a-z_]+|pthread\.h"  # C++, and how threads hear of a fork: no intrinsics, no Python
SYSTEM_HEADERS = {
    "config": NO_HEADERS,
    "core": NO_HEADERS,
    **{layer: STANDARD for layer, _ in CPP_LAYERS if layer.startswith("cpu/")},
    "public headers": r"[a-z_]+|std(def|int|bool)\.h",
    "isa": r"[a-z_]+",
    "bindings": r"[a-z_]+|pybind11/\w+\.h",
}
# Vectors of the compiler have no masks: the one file that knows what a vector is.
INTRINSICS = ("include/pysig/cpu/lanes/lanes.hpp", "immintrin.h")
NOT_ON_A_DEVICE = re.compile(r"\bstd::|\bthrow\b|\bnew\b|\bmalloc\b|\bvirtual\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def python_layer(unit):
    return next((k for k, (_, units) in enumerate(PYTHON_LAYERS) if unit in units), None)


def imported(tree, package):
    """(line, dotted name) of everything a module imports, at its top or inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"


def unit_of_import(name, root):
    """The unit under pysig/ that a dotted name means."""
    parts = name.split(".")
    if len(parts) > 1 and (
        (root / "pysig" / parts[1]).is_dir()
        or (root / "pysig" / f"{parts[1]}.py").exists()
        or parts[1] == EXTENSION
    ):
        return parts[1]
    return "__init__"


def python_violations(root, only="pysig/**/*.py"):
    """What imports upwards or sideways, or something that it may not know."""
    for path in sorted(root.glob(only)):
        relative = path.relative_to(root)
        unit = relative.with_suffix("").parts[1]
        layer = python_layer(unit)
        if layer is None:
            yield f"{relative}: belongs to no layer; give it one in {Path(__file__).name}"
            continue
        package = list(relative.parent.parts)
        for line, name in imported(ast.parse(path.read_text()), package):
            where = f"{relative}:{line}"
            top = name.split(".")[0]
            if top != "pysig":
                known = top in sys.stdlib_module_names or top == "numpy"
                if (
                    not known
                    and unit not in MAY_IMPORT_ANY
                    and top not in THIRD_PARTY.get(unit, ())
                ):
                    yield f"{where}: imports {top}, which this layer may not know"
                continue
            target = unit_of_import(name, root)
            if target == EXTENSION:
                if unit not in KNOW_THE_EXTENSION:
                    yield f"{where}: {unit} imports the extension, which only backends may know"
            elif unit == "_api" and target in BACKENDS:
                yield f"{where}: imports {target}, which the dispatcher alone may import"
            elif target != unit and (python_layer(target) is None or python_layer(target) >= layer):
                yield f"{where}: {unit} ({PYTHON_LAYERS[layer][0]}) imports {target} from above"


def cpp_layer(relative):
    name = relative.as_posix()
    for k, (_, prefixes) in enumerate(CPP_LAYERS):
        if any(name == p or (p.endswith("/") and name.startswith(p)) for p in prefixes):
            return k
    return None


def resolve(name, path, csrc):
    """The file that an include means, or None for the system's."""
    for folder in (path.parent, csrc / "include", csrc):
        if (folder / name).is_file():
            return (folder / name).resolve().relative_to(csrc.resolve())
    return None


def cpp_violations(root, only=None):
    """As above, for C++ and CUDA."""
    csrc, kernels = root / "csrc", root / "pysig" / "_gpu"
    files = [root / only] if only else [*csrc.rglob("*"), *kernels.glob("*")]
    for path in sorted(p for p in files if p.suffix in (".hpp", ".h", ".cpp")):
        relative = path.relative_to(csrc)
        layer = cpp_layer(relative)
        if layer is None:
            yield f"csrc/{relative}: belongs to no layer"
            continue
        label = CPP_LAYERS[layer][0]
        text = path.read_text()
        for _, name in INCLUDE.findall(text):
            target = resolve(name, path, csrc)
            if target is None:
                known = (relative.as_posix(), name) == INTRINSICS
                if not known and not re.fullmatch(SYSTEM_HEADERS[label], name):
                    yield f"csrc/{relative}: {label} includes <{name}>"
            elif cpp_layer(target) is None or cpp_layer(target) > layer:
                yield f"csrc/{relative}: {label} includes {target} from above"
        if label in ("config", "core"):
            for number, line in enumerate(COMMENT.sub(blank, text).splitlines(), 1):
                if NOT_ON_A_DEVICE.search(line):
                    yield f"csrc/{relative}:{number}: not for a device: {line.strip()}"
    for path in sorted(p for p in files if p.suffix in (".cu", ".cuh")):
        for _, name in INCLUDE.findall(path.read_text()):
            if (path.parent / name).is_file():  # of the same layer
                continue
            target = resolve(name, path, csrc)
            if target is None or (cpp_layer(target) or 0) > 1:
                yield f"{path.relative_to(root)}: kernels include only config and core, not {name}"


def blank(comment):
    """Comments go, lines stay."""
    return "\n" * comment[0].count("\n")


def test_python_imports_go_down():
    assert list(python_violations(ROOT)) == []


def test_includes_go_down():
    assert list(cpp_violations(ROOT)) == []


def test_every_layer_is_inhabited():
    """A layer that lost its files, or was misspelt, would be checked by nobody."""
    for label, units in PYTHON_LAYERS:
        for unit in units - {"interop"}:
            assert (ROOT / "pysig" / unit).is_dir() or (ROOT / "pysig" / f"{unit}.py").exists(), (
                label
            )
    for label, prefixes in CPP_LAYERS:
        assert any((ROOT / "csrc" / prefix).exists() for prefix in prefixes), label


# ---- the checker is not blind ----


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    for folder, pattern in [
        ("pysig", "*.py"),
        ("pysig", "*.cu*"),
        ("csrc", "*.?pp"),
        ("csrc", "*.h"),
    ]:
        for path in (ROOT / folder).rglob(pattern):
            copy = root / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    return root


@pytest.fixture
def plant(copied):
    """Write text at the end of a file of a copy of the sources; return what is found then."""
    planted = []

    def write(file, text):
        path = copied / file
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text() if path.exists() else None
        planted.append((path, before))
        path.write_text((before or "") + "\n" + text + "\n")
        check = python_violations if path.suffix == ".py" else cpp_violations
        return list(check(copied, file))

    yield write
    for path, before in planted:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("pysig/_combinatorics/words.py", "import pysig._api.config", "imports _api from above"),
        (
            "pysig/_combinatorics/words.py",
            "from pysig._plans.layout import Plan",
            "imports _plans from above",
        ),
        ("pysig/_combinatorics/words.py", "from .._api import config", "imports _api from above"),
        (
            "pysig/_combinatorics/words.py",
            "from ..testing import assert_identical",
            "imports testing",
        ),
        (
            "pysig/_plans/layout.py",
            "def f():\n    from pysig import signature",
            "imports __init__ from above",
        ),
        ("pysig/_plans/layout.py", "from pysig import _backend", "imports _backend from above"),
        ("pysig/_plans/layout.py", "import pysig", "imports __init__ from above"),
        ("pysig/_plans/layout.py", "import pysig._reference", "imports _reference from above"),
        ("pysig/_cpu/signature.py", "from pysig._reference import tensor", "imports _reference"),
        ("pysig/_gpu/memory.py", "from pysig import _cpu", "imports _cpu from above"),
        ("pysig/_plans/layout.py", "import pysig._core", "which only backends may know"),
        ("pysig/_api/words.py", "from pysig._cpu import signature", "the dispatcher alone"),
        ("pysig/_api/words.py", "from pysig import _core", "which only backends may know"),
        ("pysig/_api/words.py", "def f():\n    import cupy", "imports cupy"),
        (
            "pysig/_backend.py",
            "try:\n    import torch.nn\nexcept ImportError:\n    pass",
            "imports torch",
        ),
        ("pysig/testing.py", "from pysig import cli", "imports cli from above"),
        ("pysig/_reference/tensor.py", "from pysig import _core", "which only backends may know"),
        ("pysig/_extra/new.py", "import math", "belongs to no layer"),
    ],
)
def test_a_planted_import_is_found(plant, file, text, says):
    found = plant(file, text)
    assert len(found) == 1
    assert says in found[0]


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("csrc/include/pysig/config.hpp", '#include "algebra/words.hpp"', "words.hpp from above"),
        (
            "csrc/include/pysig/algebra/words.hpp",
            '#include "../cpu/jobs/signature.hpp"',
            "signature.hpp from above",
        ),
        (
            "csrc/include/pysig/algebra/words.hpp",
            "#include <pysig/cpu/jobs/signature.hpp>",
            "from above",
        ),
        ("csrc/include/pysig/algebra/words.hpp", "# include <vector>", "core includes <vector>"),
        ("csrc/include/pysig/algebra/words.hpp", "inline int f() { throw 1; }", "not for a device"),
        ("csrc/include/pysig/algebra/words.hpp", "inline std::size_t f();", "not for a device"),
        (
            "csrc/include/pysig/cpu/jobs/signature.hpp",
            '#include "../../pysig.hpp"',
            "pysig.hpp from above",
        ),
        (
            "csrc/include/pysig/cpu/jobs/signature.hpp",
            "#include <immintrin.h>",
            "includes <immintrin.h>",
        ),
        ("csrc/include/pysig/cpu/jobs/signature.hpp", "#include <Python.h>", "includes <Python.h>"),
        (
            "csrc/include/pysig/cpu/jobs/signature.hpp",
            '#include "isa/table.hpp"',
            "table.hpp from above",
        ),
        ("csrc/isa/table.hpp", "#include <pybind11/numpy.h>", "includes <pybind11/numpy.h>"),
        ("csrc/isa/table.hpp", '#include "bindings/register.hpp"', "register.hpp from above"),
        ("csrc/new/file.cpp", "int f();", "belongs to no layer"),
        (
            "pysig/_gpu/signature_tile.cu",
            "#include <pysig/cpu/jobs/signature.hpp>",
            "only config and core",
        ),
        ("pysig/_gpu/signature_tile.cu", "#include <cuda_fp16.h>", "only config and core"),
    ],
)
def test_a_planted_include_is_found(plant, file, text, says):
    found = plant(file, text)
    assert len(found) == 1
    assert says in found[0]


def test_comments_are_not_code(plant):
    text = "// std::vector would throw\n/* new\nmalloc */"
    assert plant("csrc/include/pysig/algebra/words.hpp", text) == []
