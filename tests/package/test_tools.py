"""The tools of a developer: versions agree, the hook for commit messages knows its rules."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(name):
    """A file of tools/ as a module."""
    file = ROOT / "tools" / f"{name}.py"
    if not file.exists():
        pytest.skip("not a checkout: the source archive leaves tools out")
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Add a hook\n\nIt checks the subject.\n", None),
        ("Add a hook\n# a comment of git\n", None),
        ("Merge branch 'x'\nwhatever follows", None),
        ("x" * 73, "at most 72 characters, received 73"),
        ("add a hook", "capital letter"),
        ("Add a hook.", "full stop"),
        ("Add a hook\nIt checks.", "blank line"),
        ("# a comment of git\n", "received nothing"),
    ],
)
def test_commit_messages_are_checked(tmp_path, capsys, message, words):
    hook = load("check_commit")
    file = tmp_path / "COMMIT_EDITMSG"
    file.write_text(message, encoding="utf-8")
    assert hook.main([str(file)]) == (words is not None)
    assert (words or "") in capsys.readouterr().err


def test_retired_words_are_found():
    words = load("check_words")
    text = "A guest computes.\nThere is no GPU. The law judges it: depth is no limit.\n"
    found = [(number, word) for number, word, _ in words.problems(text)]
    assert sorted(found) == [(1, "guest"), (2, "The law"), (2, "is no"), (2, "judges")]
    assert [word for _, word, _ in words.problems("def test_the_law_holds(): ...")] == ["the law"]
    assert words.problems("The depth of a path is at most 24.") == []


def test_no_file_has_retired_words(capsys):
    assert load("check_words").main() == 0, capsys.readouterr().out


def test_hooks_use_the_versions_of_the_extra_lint():
    hooks = ROOT / ".pre-commit-config.yaml"
    if not hooks.exists():
        pytest.skip("not a checkout: the source archive leaves the hooks out")
    found = re.findall(r"github\.com/(\S+)\s+rev: v(\S+)", hooks.read_text(encoding="utf-8"))
    (extra,) = re.findall(
        r"^lint = \[(.*?)\]$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M | re.S
    )
    pinned = dict(re.findall(r'"([\w-]+)(?:\[\w+\])?==([\d.]+)"', extra))
    names = {"ruff-pre-commit": "ruff", "mirrors-clang-format": "clang-format"}
    hooked = {names.get(repo.split("/")[1], repo.split("/")[1]): rev for repo, rev in found}
    assert hooked == pinned
    assert set(pinned) == {"ruff", "clang-format", "codespell"}
