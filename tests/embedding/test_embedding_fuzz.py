"""The C ABI under random arguments: a status and a message, never a crash.

Each function is called thousands of times in another process (programs/fuzz.py): with sizes
that fit, that nearly fit and that are absurd, null pointers, options that make no sense. A pointer
is null or leads to as many elements as is said: nobody can check more.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import pysig

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="on Windows get_library() is what a linker takes, not what ctypes takes"
)
CALLS = 3000  # of each function

ROOT = Path(__file__).resolve().parents[2]
HEADER = (Path(pysig.get_include()) / "pysig" / "pysig.h").read_text()
TEXT = re.sub(r"/\*.*?\*/", "", HEADER.replace("\\\n", " "), flags=re.DOTALL)


def declarations():
    """{name: [(type, argument), ...]} of every function that returns a status."""
    found = {}
    for name, arguments in re.findall(r"PYSIG_API int pysig_(\w+?(?:##f)?)\(([^;]*)\);", TEXT):
        parts = [re.sub(r"\s+", " ", part).strip() for part in arguments.split(",")]
        pairs = [re.fullmatch(r"(.*?[ *])(\w+)", part).groups() for part in parts]
        for real, f in (("float", "f32"), ("double", "f64")):
            typed = [
                (re.sub(r"\bR\b", real, kind).replace("##f", f).replace(" ", ""), argument)
                for kind, argument in pairs
            ]
            found[name.replace("##f", f)] = typed
    return found


FUNCTIONS = declarations()


@pytest.mark.quick
def test_all_functions_are_found():
    assert {"signature_f32", "logsignature_vjp_f64", "incremental_push_f64", "isa"} <= set(
        FUNCTIONS
    )
    assert len(FUNCTIONS) > 50


CHILD = ROOT / "tests" / "embedding" / "programs" / "fuzz.py"


@pytest.mark.parametrize("part", range(4))
def test_no_arguments_crash(part, rng):
    names = sorted(FUNCTIONS)[part::4]
    seed = int(rng.integers(2**32))
    chosen = json.dumps({name: FUNCTIONS[name] for name in names})
    command = [sys.executable, CHILD, pysig.get_library(), chosen, str(CALLS), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = [json.loads(line) for line in done.stdout.splitlines()]
    after = f"seed {seed}, after {report[-1][0] if report else 'nothing'}"
    assert done.returncode == 0, f"{after}: status {done.returncode}\n{done.stderr}"
    assert [name for name, _ in report] == names
    for name, tally in report:
        accepted, total = tally.get("0", 0), sum(tally.values())
        assert total == CALLS
        assert accepted >= CALLS // 50, f"{name}: hardly a call was right: {tally}"
        if FUNCTIONS[name] != [("constchar**", "name")]:
            assert total - accepted >= CALLS // 50, f"{name}: hardly a call was wrong: {tally}"


@pytest.mark.quick
def test_a_message_belongs_to_a_thread():
    library = ctypes.CDLL(pysig.get_library())
    library.pysig_last_error.restype = ctypes.c_char_p
    seen = []

    def other():
        seen.append(library.pysig_last_error())
        library.pysig_signature_size(ctypes.c_int64(0), 1, None)
        seen.append(library.pysig_last_error())

    library.pysig_signature_size(ctypes.c_int64(1), 0, ctypes.byref(ctypes.c_int64()))
    mine = library.pysig_last_error()
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert b"depth" in mine
    assert library.pysig_last_error() == mine
    assert seen[0] == b""
    assert seen[1] != mine
