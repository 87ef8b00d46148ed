"""The programs of the gallery run, and their text is true of their results."""

import ast
import importlib.util
import re
import runpy
import sys
import warnings
from pathlib import Path

import pytest

import gpu_under_test

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PROGRAMS = sorted(EXAMPLES.glob("*.py"))
NEEDS = ("matplotlib", "pandas", "sklearn", "dask", "numba")


def area_tells_the_order(v):
    return v["same"] and v["table"]["area"].round(9).tolist() == [0.5, -0.5, 0, 0.5]


def speakers_are_found(v):
    return v["accuracy"] > 0.97 and v["table"]["support"]["1"] == 31


def depth_2_and_scaling_help(v):
    best = v["table"].max(axis=0)
    level_1 = v["table"].xs(1, level="depth")[["each level", "each feature"]].to_numpy()
    return best["nothing"] < 0.5 < 0.85 < best["each level"] and (level_1 < 0.5).all()


def sign_tells_who_leads(v):
    return v["right"] > 0.95 and abs(v["table"]["points"].mean() - 60) < 5


def orders_have_no_negative_eigenvalue(v):
    smallest = v["table"].drop(columns="cholesky")
    orders = smallest.index.str.startswith("order")
    failed = ~v["table"]["cholesky"]
    return (smallest[orders] > 0).all().all() and failed.tolist() == (~orders).tolist()


def only_the_kernel_sees_the_order(v):
    first, second, found, null = v["table"]["p-value"]
    return min(first, second, null) > 0.05 and found == 0.001


def bases_convert(v):
    return v["agrees"] and (v["table"]["coordinate"] != v["table"]["coefficient"]).sum() == 1


def signature_finds_the_spiral(v):
    error = abs(v["table"] - v["TRUTH"]).max(axis=1)
    return error["fit of the signature"] < 0.01 and error["fit of the points"] > 0.1


def simulator_is_calibrated(v):
    error = abs(v["found"].x / v["TRUTH"] - 1).max()
    return error < 0.1 and v["pvalues"][0] == 0.001 and v["pvalues"][1] > 0.05


def chunks_bound_the_memory(v):
    peak = v["table"]["peak MB"]
    return peak[0] < peak[1] < peak[2] < 8 < peak[3] and max(v["error"]) < 1e-6


def estimate_approaches_the_expectation(v):
    error = v["table"]["error"]
    return error[0] > error[1] > error[2] and v["table"]["library"][0] in ("numpy", "cupy")


def embedded_results_agree(v):
    rows = v["table"].to_numpy()
    return (abs(rows - rows[0]) < 1e-12).all() and len(rows) == 2 + bool(v["compiler"])


def an_index_gives_the_same_signatures(v):
    return v["table"]["difference"].astype(float).max() < 1e-12


def median_is_a_good_bandwidth(v):
    table = v["table"].set_index("bandwidth / median")
    return table["test"][1] > 0.95 and table["validation"][0.125] < 0.6 < table["validation"][1]


#: What the text of a page states, as a function of the variables of its program.
CLAIMS = {
    "01_what_a_signature_sees": area_tells_the_order,
    "02_classify_in_five_lines": speakers_are_found,
    "03_choose_depth_and_transform": depth_2_and_scaling_help,
    "04_rolling_features": sign_tells_who_leads,
    "05_positive_kernels": orders_have_no_negative_eigenvalue,
    "06_two_sample_test": only_the_kernel_sees_the_order,
    "07_logsignature_bases": bases_convert,
    "08_fit_without_a_clock": signature_finds_the_spiral,
    "09_calibrate_a_simulator": simulator_is_calibrated,
    "10_larger_than_memory": chunks_bound_the_memory,
    "11_the_same_code_on_a_gpu": estimate_approaches_the_expectation,
    "12_from_cpp_and_numba": embedded_results_agree,
    "13_interval_queries": an_index_gives_the_same_signatures,
    "14_support_vector_machine": median_is_a_good_bandwidth,
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
def test_program_runs_and_its_text_is_true(program, monkeypatch):
    if gpu_under_test.real_cupy()[1]:
        monkeypatch.setitem(sys.modules, "cupy", None)  # also where the emulator can be imported
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
    assert CLAIMS[program.stem](variables), variables["table"].to_string()
