"""How the examples of docstrings and of docs/frameworks.md are run."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "frameworks.md"


def section(title):
    """The part of the page below a title."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.M)
    return parts[parts.index(title) + 1]


@pytest.fixture
def examples():
    """Run the examples of a framework and of its section; they must be there, and right."""

    def run(name, title):
        flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
        module = importlib.import_module(f"pysig.interop.{name}")
        finder = doctest.DocTestFinder(exclude_empty=True)
        tests = [finder.find(getattr(module, public), public) for public in module.__all__]
        found = [test for some in tests for test in some if test.examples]
        assert {test.name for test in found} == set(module.__all__)
        found.append(doctest.DocTestParser().get_doctest(section(title), {}, title, str(PAGE), 0))
        assert found[-1].examples
        report = []
        runner = doctest.DocTestRunner(optionflags=flags, verbose=False)
        for test in found:
            runner.run(test, out=report.append)
        assert not report, "".join(report)

    return run
