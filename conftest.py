"""Doctests of a guest need the guest: without it the file is left out, and says so."""

import importlib.util
from pathlib import Path

GUESTS = Path(__file__).parent / "pysig" / "interop"
MISSING = [
    f"pysig/interop/{path.name}"
    for path in GUESTS.glob("[a-z]*.py")
    if importlib.util.find_spec(path.stem) is None
]
collect_ignore = MISSING


def pytest_report_header():
    """Which guests are absent."""
    return f"guests not installed, left out: {', '.join(MISSING)}" if MISSING else None
