"""Sphinx configuration. `sphinx-build -W docs docs/_build` builds the site; warnings are errors."""

from __future__ import annotations

import importlib.metadata
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

from matplotlib import pyplot

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "_extensions")]

import figure_style  # noqa: E402
import generate  # noqa: E402
import public_names  # noqa: E402

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
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "figures", "_figures", "_static", "_templates"]
exclude_patterns += ["gallery/backreferences"]
html_theme = "furo"
html_title = f"pysig {release}"
html_static_path = ["_static", "_mathjax"]
html_css_files = ["pysig.css", "gallery.css"]
html_favicon = html_logo = "_static/pysig.svg"
html_theme_options = {
    "sidebar_hide_name": False,
    "light_css_variables": {"color-brand-primary": "#1a5a96", "color-brand-content": "#1a5a96"},
    "dark_css_variables": {"color-brand-primary": "#7fb8ea", "color-brand-content": "#7fb8ea"},
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

nitpicky = True
default_role = "public"
autosummary_generate = True
autodoc_mock_imports = generate.FRAMEWORKS
autodoc_typehints = "none"  # the docstrings state types and shapes
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

MATHJAX = ("tex-chtml.js", "output/chtml/fonts/woff-v2")
mathjax_path = "mathjax/tex-chtml.js"


def copy_mathjax() -> None:
    """Take MathJax from the package that bundles it, so that the site needs no network."""
    package = importlib.metadata.distribution("sphinx-mathjax-offline")
    source = Path(str(package.locate_file("sphinx-mathjax-offline/static/mathjax")))
    target = HERE / "_mathjax" / "mathjax"
    for name in MATHJAX:
        if not (target / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (source / name).is_dir() else shutil.copyfile
            copy(source / name, target / name)


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
    "write_computation_times": False,  # its page loads styles from the network
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

    for file in plot.draw(results.committed("cpu"), HERE / "_figures"):
        figure_style.darken(file)


copy_mathjax()
draw_figures()
draw_benchmarks()
generate.write_reference(HERE)


def setup(app: Any) -> None:
    """Register the default role of docstrings."""
    app.add_role("public", public_names.role(generate.public_names()))
