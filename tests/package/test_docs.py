"""The documentation covers every public name, and its figures are drawn by their scripts."""

import importlib.util
import re
import runpy
from pathlib import Path
from types import ModuleType

import pytest

import pysig

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_is_in_the_reference(generate):
    page = generate.reference()
    entries = re.findall(r"^   (\w+)$", page, re.M)
    modules = {name for name in pysig.__all__ if isinstance(getattr(pysig, name), ModuleType)}
    assert set(pysig.__all__) - modules <= set(entries)
    for name in modules:
        assert f"`pysig.{name}`" in page


def test_families_are_the_files_of_the_api(generate):
    for _, title, names in generate.families():
        assert names == sorted(names)
        assert title
        assert not re.match(r"P\d", title)


def test_docstrings_have_all_sections(generate):
    for module, _, names in generate.families():
        for name in names:
            thing = getattr(importlib.import_module(module), name)
            if callable(thing) and name != "Dataset":  # it documents its attributes
                assert ">>>" in (thing.__doc__ or ""), f"{module}.{name} has no example"


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
