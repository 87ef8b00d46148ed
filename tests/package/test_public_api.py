"""The public names: all of them listed, documented, importable without frameworks."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import types

import numpy as np
import pytest

import pysig

pytestmark = pytest.mark.quick

MODULES = ["pysig", "pysig.algebra", "pysig.kernels", "pysig.testing"]
# Names are added; these stay.
PROMISED = {
    "signature", "signature_vjp", "signature_jvp", "logsignature", "logsignature_vjp",
    "logsignature_jvp", "signature_size", "logsignature_size", "words", "word_index", "index_word",
    "lyndon_words", "lyndon_brackets", "set_workers", "get_workers", "show_config", "get_include",
}  # fmt: skip
NAMES = [(module, name) for module in MODULES for name in importlib.import_module(module).__all__]


def public(module, name):
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("module", MODULES)
def test_all_is_sorted_and_complete(module):
    module = importlib.import_module(module)
    assert module.__all__ == sorted(set(module.__all__))
    for name in module.__all__:
        assert hasattr(module, name), name
        assert not name.startswith("_")


def test_what_was_promised_is_there():
    assert set(pysig.__all__) >= PROMISED


def test_nothing_else_is_public():
    """Beside the listed names there are modules and what begins with an underscore."""
    for name, value in vars(pysig).items():
        if not name.startswith("_") and name not in pysig.__all__:
            assert isinstance(value, types.ModuleType), name


def test_star_import_gives_the_listed_names():
    namespace = {}
    exec("from pysig import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(pysig.__all__)


def test_signature_has_the_promised_options():
    parameters = inspect.signature(pysig.signature).parameters
    options = {name: p.default for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert list(parameters)[:2] == ["path", "depth"]
    assert options == {
        "stream": False, "basepoint": None, "initial": None, "inverse": False,
        "scalar_term": False, "words": None, "lengths": None, "offsets": None, "transform": None,
        "method": "auto", "workers": None, "out": None,
    }  # fmt: skip


def sections(doc):
    return re.findall(r"^(\w[\w ]*)\n-{3,}$", doc, re.MULTILINE)


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_every_public_function_is_documented(module, name):
    """One line that ends with a stop, its parameters, what it returns and raises, an example."""
    function = public(module, name)
    doc = inspect.getdoc(function)
    assert doc, name
    first, *rest = doc.splitlines()
    assert first.endswith((".", ":")), first
    assert not rest or not rest[0], "the summary is one line"
    if not callable(function):
        return
    found = sections(doc)
    assert "Examples" in found
    assert ">>> " in doc
    parameters = [p for p in inspect.signature(function).parameters if p != "self"]
    if parameters:
        assert {"Parameters", "Raises"} <= set(found)
    if "return" in getattr(function, "__annotations__", {}) and inspect.signature(
        function
    ).return_annotation not in (None, "None"):
        assert "Returns" in found


def documented_parameters(doc):
    """The names of the section Parameters, in its order, as they are spelled."""
    body = doc.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    heads = [line.partition(" : ")[0] for line in body.splitlines() if line[:1] not in ("", " ")]
    return [name for head in heads for name in head.split(", ")]


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_parameters_are_documented_in_their_order(module, name):
    function = public(module, name)
    if not callable(function):
        return
    parameters = inspect.signature(function).parameters.values()
    spelled = ["*" * 2 * (p.kind is p.VAR_KEYWORD) + p.name for p in parameters]
    assert documented_parameters(inspect.getdoc(function)) == spelled


def test_the_order_that_is_read_is_that_of_the_text():
    doc = "A.\n\nParameters\n----------\nb, a : int\n    As c.\n**more\n    No.\n\nReturns\n"
    assert documented_parameters(doc) == ["b", "a", "**more"]


def test_the_check_of_sections_can_fail():
    assert sections("A.\n\nParameters\n----------\nx : int\n\nExamples\n--------\n") == [
        "Parameters",
        "Examples",
    ]
    assert sections("A.\n\nParameters:\nx : int\n") == []


IMPORT = """
import sys
import pysig
import numpy as np
pysig.signature(np.zeros((3, 2)), 2)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_importing_loads_no_framework():
    """NumPy alone: nothing that is absent may be needed, nothing that is present is loaded."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    frameworks = {
        "cupy", "torch", "jax", "tensorflow", "keras", "scipy", "sklearn", "pandas", "matplotlib",
        "tqdm", "hypothesis", "pytest", "xarray", "dask", "pybind11", "typing_extensions",
    }  # fmt: skip
    assert loaded & frameworks == set()
    assert {"numpy", "pysig"} <= loaded


def test_every_module_can_be_imported():
    """Without CuPy too: only interop may need its framework."""
    for info in pkgutil.walk_packages(pysig.__path__, "pysig."):
        if ".interop" in info.name or info.name == "pysig.__main__":
            continue
        importlib.import_module(info.name)


def test_configuration_names_what_a_report_needs(capsys):
    pysig.show_config()
    shown = capsys.readouterr().out
    for word in ("pysig", "numpy", "python", "compiler", "instruction set", "workers", "include"):
        assert re.search(rf"^{word}\s", shown, re.MULTILINE), word
    assert pysig.__version__ in shown
    assert np.__version__ in shown
    assert pysig.get_include() in shown
