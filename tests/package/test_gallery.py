"""The programs of the gallery run, and their text is true of their results."""

import ast
import importlib.util
import re
import runpy
import warnings
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PROGRAMS = sorted(EXAMPLES.glob("*.py"))
NEEDS = ("matplotlib", "pandas", "sklearn", "dask", "numba")


def area_tells_the_order(v):
    return v["same"] and v["table"]["area"].round(9).tolist() == [0.5, -0.5, 0, 0.5]


def speakers_are_found(v):
    return v["accuracy"] > 0.97 and v["table"]["support"]["1"] == 31


#: What the text of a page states, as a function of the variables of its program.
CLAIMS = {
    "01_what_a_signature_sees": area_tells_the_order,
    "02_classify_in_five_lines": speakers_are_found,
}


def test_each_program_has_a_claim():
    assert set(CLAIMS) == {program.stem for program in PROGRAMS}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_page_has_a_formula_a_figure_and_a_table(program):
    text = program.read_text(encoding="utf-8")
    first = ast.get_docstring(ast.parse(text))
    assert re.match(r".+\n=+\n", first)
    assert ".. math::" in first
    assert text.count("plt.show()") == 1
    assert "num=" in text, "a description of the figure"
    assert "DataFrame" in text


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_program_runs_and_its_text_is_true(program):
    missing = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {missing[0]} (extra: docs)")
    import matplotlib
    from matplotlib import pyplot

    matplotlib.use("agg")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
        variables = runpy.run_path(str(program))
    assert pyplot.gcf().get_label()
    pyplot.close("all")
    assert CLAIMS[program.stem](variables)
