"""Sphinx configuration. `sphinx-build -W docs docs/_build` builds the site; warnings are errors."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

from matplotlib import pyplot

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import figure_style  # noqa: E402
import generate  # noqa: E402

import pysig  # noqa: E402

project = "pysig"
author = "the pysig developers"
copyright = "2026, the pysig developers"
release = version = pysig.__version__

extensions = [
    "figure_style",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "figures", "_figures", "_templates", "gallery/backreferences"]
html_theme = "furo"
html_title = f"pysig {release}"
html_static_path = ["_static"]
html_css_files = ["gallery.css"]

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
templates_path = ["_templates"]  # class pages omit inherited members
numpydoc_show_class_members = False
# Every public docstring documents parameters, results, errors and an example.
numpydoc_validation_checks = {
    "all",
    "ES01",
    "GL08",
    "PR04",
    "SA01",
    "SS05",
    "YD01",
}
numpydoc_validation_exclude = {r"\.__", "Dataset"}  # a dataclass documents its attributes
# No links to other projects: they would need the network.
intersphinx_mapping: dict[str, Any] = {}


# The programs of examples/ run while the site is built; an error in one is an error of the build.
sphinx_gallery_conf: dict[str, Any] = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": "",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("figure_style.scraper",),
    "reset_modules": ("figure_style.apply_style",),
    "reference_url": {"pysig": None},
    "doc_module": ("pysig",),
    "backreferences_dir": "gallery/backreferences",
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "min_reported_time": 10_000,
}


def draw_figures() -> None:
    """Run each script of figures/ and store the figure that its function `figure` returns."""
    target = HERE / "_figures"
    target.mkdir(exist_ok=True)
    figure_style.apply_style()
    for script in sorted((HERE / "figures").glob("*.py")):
        figure = runpy.run_path(str(script))["figure"]()
        figure_style.save(figure, target / f"{script.stem}.svg")
        pyplot.close(figure)


def draw_benchmarks() -> None:
    """The figures of benchmarks.md, from committed results; its tables are checked by a test."""
    sys.path.append(str(HERE.parent))
    from bench import plot, results

    plot.draw(results.committed("cpu"), HERE / "_figures")


def write_reference() -> None:
    """The page of public functions, made from the public names."""
    page, text = HERE / "reference.md", generate.reference(generate.frameworks())
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")


draw_figures()
draw_benchmarks()
write_reference()
