"""The documentation covers every public name, and its figures are drawn by their scripts."""

import importlib
import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import pysig
from pysig._backend import CAPABILITIES

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entries(page):
    """Full names in the tables of a page of the reference."""
    found, module = set(), "pysig"
    for line in page.splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.split()[-1]
        elif match := re.fullmatch(r"   (\w+)", line):
            found.add(f"{module}.{match[1]}")
    return found


def documented(generate):
    """Full names of all pages, without those of frameworks that are not installed."""
    return {n for g in generate.GROUPS if g.slug != "interop" for n in entries(generate.page(g))}


def test_every_public_name_is_in_the_reference(generate):
    found = documented(generate)
    modules = {name for name in pysig.__all__ if isinstance(getattr(pysig, name), ModuleType)}
    assert {f"pysig.{name}" for name in set(pysig.__all__) - modules} <= found
    for module in (*modules, "data", "testing"):
        names = importlib.import_module(f"pysig.{module}").__all__
        assert {f"pysig.{module}.{name}" for name in names} <= found


def test_a_group_takes_a_name_that_no_pattern_matches(generate):
    assert generate.group_of("signature_of_something_new").slug == "signature"
    assert generate.group_of("logsignature_windows").slug == "windows"
    assert generate.group_of("signature_kernel_matrix").slug == "kernels"


def test_interop_pages_do_not_need_frameworks(tmp_path):
    """In a process of its own, because it imports the modules of interop without frameworks."""
    pytest.importorskip("sphinx", reason="the pages need Sphinx (extra: docs)")
    program = (
        f"import sys; sys.path.insert(0, {str(DOCS)!r}); from pathlib import Path; import generate;"
        f"generate.write_reference(Path({str(tmp_path)!r}))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    page = (tmp_path / "reference" / "interop.md").read_text(encoding="utf-8")
    expected = {"torch.signature", "jax.logsignature", "tensorflow.signature", "keras.SigLayer"}
    expected |= {"sklearn.SignatureTransformer", "frames.signature", "dask.signature"}
    assert {f"pysig.interop.{name}" for name in expected} <= entries(page)
    index = (tmp_path / "reference.md").read_text(encoding="utf-8")
    assert "{py:obj}`signature <pysig.signature>`" in index


def test_docstrings_have_an_example(generate):
    for full in documented(generate):
        module, _, name = full.rpartition(".")
        thing = getattr(importlib.import_module(module), name)
        if callable(thing) and name != "Dataset":  # it documents its attributes
            assert ">>>" in (thing.__doc__ or ""), f"{full} has no example"


@pytest.mark.quick
def test_capabilities_are_up_to_date(generate):
    text = generate.PAGE.read_text(encoding="utf-8")
    assert generate.replaced(text) == text, "run: python docs/generate.py"


def test_table_of_capabilities_has_every_row(generate):
    rows = generate.capabilities().splitlines()[2:]
    assert len(rows) == len(CAPABILITIES)
    for row, (what, have) in zip(rows, CAPABILITIES.items(), strict=True):
        _, name, *cells, _ = (cell.strip() for cell in row.split("|"))
        assert name.replace("`", "") == what
        assert [cell == "yes" for cell in cells] == [b in have for b in generate.COLUMNS]


def test_pages_show_every_figure():
    shown = set()  # Sphinx complains of a figure that is shown and not there
    for page in DOCS.glob("*.md"):
        shown |= set(re.findall(r"_figures/(\w+)\.svg", page.read_text(encoding="utf-8")))
    assert shown >= {script.stem for script in (DOCS / "figures").glob("*.py")}


@pytest.mark.parametrize("script", sorted((DOCS / "figures").glob("*.py")), ids=lambda p: p.stem)
def test_figure_is_drawn(script, tmp_path):
    matplotlib = pytest.importorskip("matplotlib", reason="figures need matplotlib (extra: docs)")
    pytest.importorskip("sklearn", reason="figures need scikit-learn (extra: docs)")
    matplotlib.use("agg")
    figure = runpy.run_path(str(script))["figure"]()
    figure.savefig(tmp_path / "figure.svg")
    assert figure.axes
    from matplotlib import pyplot

    pyplot.close(figure)
