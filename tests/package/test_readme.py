"""README.md says what is so: examples run, its table is that of the results, its paths exist."""

import doctest
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

import pysig

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCK = re.compile(r"^## (?P<section>.+?)$|^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.M | re.S)


def blocks(text):
    """Section, language and body of each fenced block."""
    section, found = "", []
    for match in BLOCK.finditer(text):
        if match["section"]:
            section = match["section"]
        else:
            found.append((section, match["language"], match["body"]))
    return found


def block(section, language):
    """The body of the only block of a language in a section."""
    (body,) = (b for s, lang, b in blocks(TEXT) if (s, lang) == (section, language))
    return body


def run_doctest(body, name):
    """The report of the examples that fail; empty if none does."""
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    test = doctest.DocTestParser().get_doctest(body, {}, name, str(README), 0)
    assert test.examples
    report = []
    doctest.DocTestRunner(optionflags=flags, verbose=False).run(test, out=report.append)
    return "".join(report)


def command_after(mark):
    """The command in the block after a mark."""
    (body,) = re.findall(rf"^<!-- {mark} -->\n```sh\n(.*?)^```$", TEXT, re.M | re.S)
    return body.strip()


def test_run_doctest_sees_a_wrong_answer():
    assert run_doctest(">>> 1 + 1\n3\n", "wrong")
    assert not run_doctest(">>> 1 + 1\n2\n", "right")


@pytest.mark.quick
def test_array_example():
    assert run_doctest(block("An array", "python"), "array") == ""


def test_table_example():
    pytest.importorskip("pandas", reason="the example needs pandas (extra: test-data)")
    assert run_doctest(block("A table", "python"), "table") == ""


def test_pipeline_example():
    pytest.importorskip("sklearn", reason="the example needs scikit-learn (extra: sklearn)")
    assert run_doctest(block("A pipeline", "python"), "pipeline") == ""


def test_gpu_example(cupy):
    assert cupy.__name__ == "cupy"
    assert run_doctest(block("A GPU", "python"), "GPU") == ""


def test_cpp_example(tmp_path):
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if not compiler or os.name == "nt":
        pytest.skip("no g++ or clang++ to compile the C++ example with")
    (tmp_path / "example.cpp").write_text(block("C++", "cpp"), encoding="utf-8")
    line = block("C++", "sh").replace(
        """$(python -c 'import pysig; print(pysig.get_include())')""", "@"
    )
    arguments = [a.replace("@", pysig.get_include()) for a in shlex.split(line)[1:]]
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o", "example"]
    subprocess.run([*shlex.split(compiler), *arguments, *strict], cwd=tmp_path, check=True)
    ran = subprocess.run([tmp_path / "example"], capture_output=True, text=True, check=True)
    promised = re.search(r"prints `(.*?)`\.", TEXT)[1]
    assert ran.stdout.split() == promised.split()


def test_start_command_computes_what_it_says(tmp_path):
    """The last part of the command, run with the command of this environment; CI runs the rest."""
    *setup, compute = command_after("start-command").split(" && ")
    assert setup == ["python3 -m venv .venv", ".venv/bin/pip install ."]
    program, *arguments = shlex.split(compute)
    assert program == ".venv/bin/pysig"
    from pysig.cli import main

    output = arguments.index("-o") + 1
    assert arguments[output] == "vowels.csv"
    arguments[output] = str(tmp_path / "vowels.csv")
    assert main([*arguments, "-q"]) == 0
    lines = (tmp_path / "vowels.csv").read_text().splitlines()
    assert len(lines) == 641
    assert lines[0].startswith("id,S(c1),S(c2),")


@pytest.mark.quick
def test_ci_runs_the_test_command_of_the_readme():
    """.ci/run reads the commands from here, by the marks that stand before them."""
    assert command_after("test-command").endswith("pytest -n auto")
    assert command_after("frameworks-command").endswith("pytest tests/interop/test_interop.py")
    script = ROOT / ".ci" / "run"
    if not script.exists():
        pytest.skip("not a checkout: the source archive leaves .ci out")
    text = script.read_text(encoding="utf-8")
    assert re.findall(r'="\$\(command_after (\S+)\)"', text) == [
        "test-command",
        "frameworks-command",
    ]


def test_speed_table_is_that_of_the_results():
    from bench import docs, results

    block = docs.summarize(results.committed("cpu"), ("float32",))
    assert docs.embed(TEXT, block, docs.SUMMARY, docs.SUMMARY_END) == TEXT


# Folders that a page leaves out in front of a path, beside the root.
SHORT = {
    "README.md": ("csrc/include",),
    "CONTRIBUTING.md": ("csrc/include",),
    "docs/design.md": (
        "csrc",
        "csrc/include/pysig",
        "csrc/include/pysig/cpu",
        "docs",
        "pysig",
        "pysig/_plans",
    ),
}


def paths_named(text):
    """The files and folders that a page names, in code or as targets of links.

    STEM is the name of an operation: `signature` for this check.
    """
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    code = re.findall(r"`([\w.]*(?:/[\w.]+)*/?)`", text)
    suffixes = (".py", ".hpp", ".h", ".cpp", ".cu", ".cuh", ".md", ".txt")
    named = [p for p in code if "/" in p or (p.endswith(suffixes) and p not in suffixes)]
    links = re.findall(r"\]\(([\w./]+)(?:#\w+)?\)", text)
    return [p.replace("STEM", "signature") for p in named + links if p != "/"]


def missing_paths(page, text):
    """Paths that a page names and that are not there."""
    bases = [ROOT, *(ROOT / folder for folder in SHORT[page])]
    return [p for p in paths_named(text) if not any((base / p).exists() for base in bases)]


@pytest.mark.quick
@pytest.mark.parametrize("page", SHORT)
def test_every_path_that_a_page_names_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert len(paths_named(text)) > 10
    assert not missing_paths(page, text)


def test_a_path_that_is_not_there_is_found():
    text = "See `pysig/_gpu/entry.py`, `pysig/cli.py`, `csrc/absent/` and [a page](docs/absent.md)."
    wrong = ["pysig/_gpu/entry.py", "csrc/absent/", "docs/absent.md"]
    assert missing_paths("CONTRIBUTING.md", text) == wrong


def test_first_lines_say_what_it_is_for():
    opening = "\n".join(TEXT.splitlines()[:6])
    assert "another project" in TEXT  # what `pip install pysig` gives
    for word in ("signature", "time series", "NumPy", "CuPy", "C++"):
        assert word in opening
