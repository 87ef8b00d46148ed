"""Check that retired words do not come back: ``python tools/check_words.py``.

One concept has one word, that of the field; docs/glossary.md is the reference. Each line of
`RETIRED` is a pattern and the word to write instead. CHANGELOG.md and recorded data are left out.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (
    ".ci",
    ".github",
    "bench",
    "cmake",
    "csrc",
    "docs",
    "examples",
    "pysig",
    "tests",
    "tools",
)
FILES = (
    "CMakeLists.txt",
    "CONTRIBUTING.md",
    "README.md",
    "noxfile.py",
    "pyproject.toml",
    ".ci/run",
)
SUFFIXES = {"", ".c", ".cmake", ".cpp", ".cu", ".cuh", ".f90", ".h", ".hpp", ".in", ".md", ".pxd"}
SUFFIXES |= {".py", ".pyi", ".pyx", ".rst", ".toml", ".txt", ".yml"}
SKIPPED = {"tools/check_words.py", "bench/results", "docs/_build", "docs/_figures", "docs/_mathjax"}
SKIPPED |= {"docs/gallery"}
SKIPPED |= {
    "tests/package/test_tools.py",
    "docs/reference",
    "docs/reference.md",
    "tests/reference/golden",
    "pysig/data",
}

# Names of other libraries, quoted; the degree of a polynomial static kernel.
ALLOWED = {
    (name, "degree")
    for name in (
        "docs/kernels.md",
        "docs/migration.md",
        "pysig/_api/_options.py",
        "pysig/_api/static_kernels.py",
        "pysig/_reference/signature_kernel.py",
        "tests/api/test_messages.py",
        "tests/api/test_signature_kernel.py",
        "tests/api/test_signature_kernel_errors.py",
        "tests/api/test_signature_kernel_vjp.py",
        "tests/api/test_kernel_bad_input.py",
        "tests/api/test_static_kernel_digits.py",
        "tests/api/test_static_kernels.py",
    )
}

RETIRED = {
    r"\b([Tt]he|[Aa]|by|exact) law\b|\blaw_|_law\b": "reference implementation, reference",
    r"\b([Gg]uests?|GUESTS?)\b": "framework, interop",
    r"\bdoors?\b": "public API, argument checks",
    r"\b(P[0-6]|C[0-4])(?=:)|\bfloors\b|\bon every floor\b": "the name of the layer",
    r"\bhouse\b": "layer, library",
    r"\brides?\b|\brides along\b|\bRide\b": "(path, chunk) pair, chunk",
    r"\bcontestants?\b|\bCONTESTANTS\b": "library",
    r"\bentrants?\b": "run",
    r"\bverdicts?\b": "status, outcome",
    r"\bdesk\b": "session",
    r"\bwitnesses\b": "extra inputs",
    r"\b[Jj]udge[sd]?\b|\bjudged_by\b": "check, compare",
    r"\bstand-?ins?\b": "emulator",
    r"\bplain calls?\b|\b_plain\b|\bplain_(signature|path|run)\b": "fast path",
    r"\b(MOST|LEAST|most|least)_(?!once)\w+": "MAX_, MIN_",
    r"\bdegrees?\b": "depth",
    r"\bstrangers?\b": "user, external project",
    r"\bSignatureStream\b|\bpysig_stream_\w+|\bpysig::signature_stream\b": "IncrementalSignature",
    r"(?<![Tt]here )\b(is|are) no\b(?! longer| more)": "is not a",
    r"\bso many\b": "this number of, that many",
    r"\bcan be had\b": "is available",
    r"\basked for\b": "requested",
}


def files() -> list[Path]:
    """The texts of the project."""
    found = [ROOT / name for name in FILES]
    for folder in FOLDERS:
        found += (p for p in (ROOT / folder).rglob("*") if p.suffix in SUFFIXES and p.is_file())
    return sorted(p for p in found if p.exists() and not _skipped(p))


def _skipped(path: Path) -> bool:
    name = path.relative_to(ROOT).as_posix()
    return any(name == s or name.startswith(s + "/") for s in SKIPPED) or "__pycache__" in name


def problems(text: str) -> list[tuple[int, str, str]]:
    """Line number, retired word and replacement of each hit in a text, also inside of names."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, better in RETIRED.items():
            hits = {hit[0] for hit in re.finditer(pattern, line)}
            hits |= {hit[0] for hit in re.finditer(pattern, line.replace("_", " "))}
            found += [(number, hit, better) for hit in sorted(hits)]
    return found


def main() -> int:
    """Print all hits; 1 if there are any."""
    count = 0
    for path in files():
        for number, word, better in problems(path.read_text(encoding="utf-8")):
            name = path.relative_to(ROOT).as_posix()
            if (name, word) not in ALLOWED:
                print(f"{name}:{number}: {word!r} is retired. Write: {better}.")
                count += 1
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
