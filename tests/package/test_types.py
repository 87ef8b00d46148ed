"""What a type checker says of calls: arrays in, arrays of the same library out."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
USE = """
from typing import Any
import numpy as np
import pysig

class OnGpu:
    @property
    def __cuda_array_interface__(self) -> dict[str, Any]: return {}
    def __array__(self) -> Any: ...
    def __dlpack__(self) -> Any: ...

host, gpu = np.zeros((3, 2), np.float32), OnGpu()
single: np.ndarray[tuple[int, int], np.dtype[np.float32]] = np.zeros((3, 2), np.float32)
anything: Any = host
"""
ARRAY, GPU = "numpy.ndarray[Any, numpy.dtype[Any]]", "use.OnGpu"
CALLS = {
    "signature(host, 2)": ARRAY,
    "signature(single, depth=2, stream=True)": ARRAY,
    "signature(gpu, 2)": GPU,
    "signature([[0.0, 1.0], [2.0, 3.0]], 2)": ARRAY,
    "signature([host, host], words=[(0, 1)])": ARRAY,
    "signature(path=host, depth=2)": ARRAY,
    "signature(anything, 2)": "Any",
    "signature_jvp(gpu, 2, gpu)": GPU,
    "signature_vjp(host, 2, host)": "Any",  # an array, a list of them, or SignatureCotangents
    "logsignature(host, 2)": ARRAY,
    "logsignature(gpu, 2, basis='hall')": GPU,
    "signature_windows(host, 2, 3)": ARRAY,
    "signature_windows(gpu, 2, 3, stride=2)": GPU,
    "logsignature_intervals(host, 2, [(0, 2)])": ARRAY,
    "signature_kernel(host, host, 2)": ARRAY,
    "signature_kernel_matrix([host, host], order=3)": ARRAY,
    "signature_kernel_matrix(gpu, gpu, depth=2)": GPU,
    "linear_functional(gpu, gpu, 2)": GPU,
    "algebra.combine(gpu, gpu, 2, 2)": GPU,
    "algebra.log(host, 2, 2)": ARRAY,
    "labels(2, 2)": "list[str]",
    "words(2, 2)": "list[tuple[int, ...]]",
    "signature_size(2, 2)": "int",
}
WRONG = ["signature(3, 2)", "signature(host, '2')", "signature_windows(None, 2, 3)"]


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Line of the file of calls -> what mypy says."""
    if find_spec("mypy") is None:
        pytest.skip("needs mypy (extra: lint)")
    folder = tmp_path_factory.mktemp("types")
    lines = [USE, *(f"reveal_type(pysig.{call})" for call in CALLS), *(f"pysig.{w}" for w in WRONG)]
    (folder / "use.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "mypy.ini").write_text(f"[mypy]\nstrict = True\nmypy_path = {ROOT}\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--follow-imports=silent", "use.py"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = {}
    for number, kind, text in re.findall(r"^use\.py:(\d+): (\w+): (.*)$", done.stdout, re.M):
        found.setdefault(int(number) - USE.count("\n") - 2, []).append((kind, text))
    return found


@pytest.mark.parametrize("call", CALLS)
def test_the_type_of_a_result(call, checked):
    said = checked[list(CALLS).index(call)]
    assert said == [("note", f'Revealed type is "{CALLS[call]}"')]


@pytest.mark.parametrize("call", WRONG)
def test_a_wrong_argument_is_an_error(call, checked):
    kinds = [kind for kind, _ in checked[len(CALLS) + WRONG.index(call)]]
    assert "error" in kinds
