"""Count sizes of the code and touch points of an option: ``python tools/measure.py``.

tests/package/test_sizes.py holds the limits.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CPP = {".h", ".hpp", ".cpp", ".cu", ".cuh"}
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def files(root: Path, folders: tuple[str, ...], suffixes: set[str]) -> Iterator[Path]:
    """Files below the folders with one of the suffixes, without builds."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            inside = path.relative_to(root).parts
            if path.suffix in suffixes and not {"build", "_build", ".venv"} & set(inside):
                yield path


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Names of the parameters of a function."""
    a = function.args
    star = [x for x in (a.vararg, a.kwarg) if x is not None]
    return [x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs, *star)]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, docstring excluded."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions of a file, nested ones and methods too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, FUNCTION))


def wide_functions(root: Path, limit: int = 8) -> Iterator[str]:
    """Functions of the backends with more parameters."""
    for path in files(root, ("pysig/_cpu", "pysig/_gpu"), {".py"}):
        for function in functions(path):
            count = len(parameters(function))
            if count > limit:
                yield f"{path.relative_to(root)}: {function.name}: {count} parameters"
    # C++ functions of the bindings: a name, its parameters, and the brace of the body.
    head = re.compile(r"^[\w:<>,&* ]+?\b(\w+)\(([^(){}]*)\)(?: const| noexcept)* \{$", re.MULTILINE)
    for path in files(root, ("csrc/bindings",), CPP):
        for name, inside in head.findall(path.read_text(encoding="utf-8")):
            count = len(top_level(inside))
            if count > limit and name not in ("if", "for", "while", "switch"):
                yield f"{path.relative_to(root)}: {name}: {count} parameters"


def top_level(text: str) -> list[str]:
    """Parts between commas outside of angle brackets."""
    depth, found = 0, [""]
    for c in text:
        depth += (c == "<") - (c == ">")
        if c == "," and not depth:
            found.append("")
        else:
            found[-1] += c
    return [part for part in found if part.strip()]


def long_functions(root: Path, limit: int = 60) -> Iterator[str]:
    """Python functions of the package and the bench with longer bodies."""
    for path in files(root, ("pysig", "bench", "tools"), {".py"}):
        for function in functions(path):
            count = body_lines(function)
            if count > limit:
                yield f"{path.relative_to(root)}: {function.name}: {count} lines"


def long_files(root: Path, limit: int = 400) -> Iterator[str]:
    """Source files with more lines."""
    for path in files(root, ("pysig", "csrc", "bench", "tests", "tools", "docs"), {".py", *CPP}):
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > limit:
            yield f"{path.relative_to(root)}: {count} lines"


def long_lines(root: Path, limit: int = 120) -> Iterator[str]:
    """Lines of C++ and CUDA with more columns."""
    for path in files(root, ("pysig", "csrc", "bench", "tests", "docs"), CPP):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if len(line) > limit:
                yield f"{path.relative_to(root)}:{number}: {len(line)} columns"


def option_parameters(root: Path, option: str = "basepoint") -> list[str]:
    """Python functions with the option as a parameter."""
    return [
        f"{path.relative_to(root)}: {function.name}"
        for path in files(root, ("pysig",), {".py"})
        for function in functions(path)
        if option in parameters(function)
    ]


def option_lines(root: Path, option: str = "basepoint") -> list[str]:
    """Lines of the package and the core that name the option."""
    word = re.compile(rf"\b{option}\b")
    return [
        f"{path.relative_to(root)}:{number}"
        for path in files(root, ("pysig", "csrc"), {".py", *CPP})
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if word.search(line)
    ]


def main() -> int:
    """Print all counts."""
    for title, found in (
        ("functions of bindings, _cpu, _gpu with more than 8 parameters", wide_functions(ROOT)),
        ("function bodies over 60 lines", long_functions(ROOT)),
        ("files over 400 lines", long_files(ROOT)),
        ("C++ lines over 120 columns", long_lines(ROOT)),
    ):
        lines = list(found)
        print(f"{title}: {len(lines)}", *lines, sep="\n  ")
    print(f"functions with a parameter `basepoint`: {len(option_parameters(ROOT))}")
    print(f"lines with the word `basepoint`: {len(option_lines(ROOT))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
