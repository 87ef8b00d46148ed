"""Every GPU source, in every size that tests and benchmarks use, compiles for every card, and no
tile spills a register.

NVRTC needs no driver and no GPU: `pip install nvidia-cuda-nvrtc nvidia-cuda-runtime`. The text of
elementwise and reduction kernels is the one that the real CuPy makes (`pip install cupy-cuda13x`).
"""

import ctypes
import functools
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pysig._gpu import compile as build
from pysig._gpu import schedule
from pysig._gpu import signature_kernel_schedule as kernel_schedule
from pysig._plans.signature_kernel import MATERN_32, RBF, KernelPlan, StaticKernel
from pysig._plans.transform import Transform, channels_after

SWEEP = pytest.mark.sweep  # a minute for each card
CARDS = [  # A100, H100 and H200; B200, RTX 50
    "sm_80", "sm_90", pytest.param("sm_100", marks=SWEEP), pytest.param("sm_120", marks=SWEEP)
]  # fmt: skip
TWO_CARDS = CARDS[1:3]
# Signature kernels take long to compile: one card in the usual run.
KERNEL_CARDS = ["sm_90", *(pytest.param(c, marks=pytest.mark.sweep) for c in CARDS if c != "sm_90")]
# Beside what test_gpu_signature.py uses: (channels, depth) of the benchmarks, and shapes that are
# hard on registers.
BENCHMARKS = [(5, 4), (8, 4), (4, 5), (8, 6), (4, 6), (3, 6), (6, 4), (2, 12), (20, 3), (100, 2)]
TEXTS = Path(__file__).parent / "emulator" / "dump_cuda_sources.py"
DEPTH = 8  # of the running sums in test_gpu_signature.py


def _library():
    for distribution in ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12"):
        try:
            files = importlib.metadata.files(distribution) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for file in files:
            if re.fullmatch(r"libnvrtc\.so\.\d+|nvrtc64_\d+_0\.dll", file.name):
                return str(file.locate())
    return None


@pytest.fixture(scope="module")
def nvrtc():
    """compile(source, options, card) -> log; fails where NVRTC refuses."""
    path = _library()
    if path is None:
        pytest.skip("NVRTC is not installed (pip install nvidia-cuda-nvrtc nvidia-cuda-runtime)")
    library = ctypes.CDLL(path)
    count = ctypes.c_int()
    library.nvrtcGetNumSupportedArchs(ctypes.byref(count))
    known = (ctypes.c_int * count.value)()
    library.nvrtcGetSupportedArchs(known)

    def compile_source(source, options, card):
        if int(card[3:]) not in known:
            pytest.skip(f"this NVRTC does not know {card}")
        return _compile(library, source, (*options, f"-arch={card}", "--ptxas-options=-v"))

    return compile_source


def _compile(library, source, options):
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    created = library.nvrtcCreateProgram(
        ctypes.byref(program), source.encode(), b"pysig.cu", 0, None, None
    )
    assert created == 0
    try:
        texts = [option.encode() for option in options]
        failed = library.nvrtcCompileProgram(
            program, len(texts), (ctypes.c_char_p * len(texts))(*texts)
        )
        library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        library.nvrtcGetProgramLog(program, log)
        text = log.value.decode()
        assert failed == 0, text
        return text
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


def registers(log):
    """Of the one kernel of a log that shows neither warnings nor spills nor arrays outside
    registers."""
    assert "warning" not in log, log
    found = re.findall(r"(\d+) bytes (?:stack frame|spill stores|spill loads)", log)
    assert found == ["0", "0", "0"], log
    (used,) = re.findall(r"Used (\d+) registers", log)
    return int(used)


def tile_options(channels, depth, itemsize, stream=0, inverse=0, stages=0):
    """Of paths with these channels before the transform."""
    width = channels_after(Transform(stages, None, 1.0), channels)
    tile = schedule.tile_for(width, depth, itemsize)
    kind = {"real": build.REALS[itemsize], "stream": stream, "inverse": inverse}
    kind |= {"stages": stages, "path_channels": channels}
    sizes = {**kind, **dict(tile.sizes)}
    return (*build.options(**sizes), "-ftz=true")


def logs(nvrtc, card, texts):
    """The logs of many (source, options), compiled side by side: NVRTC runs without Python's
    lock.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda text: nvrtc(*text, card), texts))


def test_the_reading_of_the_log_can_fail(nvrtc):
    code = r"""
    extern "C" __global__ void k(float* x, int n) {
        float a[300];
        for (int i = 0; i < 300; ++i) a[i] = x[i];
        for (int i = 0; i < n; ++i) a[i * n % 300] += a[i];
        for (int i = 0; i < 300; ++i) x[i] = a[i];
    }"""
    with pytest.raises(AssertionError, match="stack frame"):
        registers(nvrtc(code, ("-std=c++17",), "sm_90"))
    with pytest.raises(AssertionError, match="undefined"):
        nvrtc('extern "C" __global__ void k(float* x) { x[0] = y; }', (), "sm_90")


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("itemsize", [4, 8])
def test_tiles_compile_and_stay_in_registers(nvrtc, gpu_sizes, card, itemsize):
    text = build.source("signature_tile.cu")
    sizes = sorted({*gpu_sizes, *BENCHMARKS} - {(1, 3)})
    for log in logs(nvrtc, card, [(text, tile_options(d, n, itemsize)) for d, n in sizes]):
        registers(log)


@pytest.mark.parametrize("card", TWO_CARDS)
@pytest.mark.parametrize(("stream", "inverse"), [(0, 1), (1, 0), (1, 1)])
def test_tiles_of_other_kinds_compile_and_stay_in_registers(
    nvrtc, gpu_sizes, card, stream, inverse
):
    texts = [
        (build.source("signature_tile.cu"), tile_options(d, n, itemsize, stream, inverse))
        for d, n in sorted({*gpu_sizes} - {(1, 3)})
        for itemsize in build.REALS
    ]
    for log in logs(nvrtc, card, texts):
        registers(log)


@pytest.mark.parametrize("card", TWO_CARDS)
@pytest.mark.parametrize("stages", [0x1, 0x2, 0x4, 0x12, 0x321, 0x2314, 0x1432])
def test_tiles_of_transformed_paths_compile_and_stay_in_registers(nvrtc, card, stages):
    texts = [
        (build.source("signature_tile.cu"), tile_options(d, n, itemsize, stages=stages))
        for d, n in [(1, 2), (4, 4)]
        for itemsize in build.REALS
    ]
    for log in logs(nvrtc, card, texts):
        registers(log)


@pytest.mark.parametrize("card", CARDS)
def test_joins_compile_and_stay_in_registers(nvrtc, gpu_sizes, card):
    texts = [
        (build.source("signature_join.cu"), (*build.options(real=real, **sizes), "-ftz=true"))
        for channels, depth in sorted({*gpu_sizes, *BENCHMARKS} - {(1, 3)})
        for sizes in [{"channels": channels, "depth": depth}]
        for real in build.REALS.values()
    ]
    for log in logs(nvrtc, card, texts):
        registers(log)


def back_options(channels, depth, itemsize, stages=0):
    """Of paths with these channels before the transform; None where there are no tiles."""
    width = channels_after(Transform(stages, None, 1.0), channels)
    tile = schedule.back_tile_for(width, depth, itemsize)
    if tile is None:
        return None
    sizes = {"real": build.REALS[itemsize], "stages": stages, "path_channels": channels}
    return (*build.options(**sizes, **dict(tile.sizes)), "-ftz=true")


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("itemsize", [4, 8])
def test_tiles_on_the_way_back_compile_and_stay_in_registers(nvrtc, gpu_sizes, card, itemsize):
    """Those of the tests and benchmarks, and on one card those that hold the most."""
    text, sizes = build.source("signature_vjp.cu"), {*gpu_sizes, *BENCHMARKS}
    if card == "sm_90":
        sizes |= {(2, 10), (2, 11), (2, 15), (3, 9), (3, 11), (3, 14), (9, 4), (16, 4), (32, 3)}
    options = [back_options(d, n, itemsize) for d, n in sizes]
    texts = [(text, some) for some in options if some]
    assert len(texts) > 15
    for log in logs(nvrtc, card, texts):
        registers(log)


@pytest.mark.parametrize("card", TWO_CARDS)
@pytest.mark.parametrize("stages", [0x1, 0x2, 0x321, 0x2314])
def test_tiles_on_the_way_back_of_transformed_paths_compile(nvrtc, card, stages):
    texts = [
        (build.source("signature_vjp.cu"), back_options(d, n, itemsize, stages))
        for d, n in [(1, 3), (4, 3)]
        for itemsize in build.REALS
    ]
    for log in logs(nvrtc, card, texts):
        registers(log)


@pytest.mark.parametrize("card", CARDS)
def test_links_compile_and_stay_in_registers(nvrtc, gpu_sizes, card):
    """Four kernels at once."""
    texts = [
        (build.source("signature_vjp_link.cu"), (*build.options(real=real, **sizes), "-ftz=true"))
        for channels, depth in sorted({*gpu_sizes, *BENCHMARKS} - {(1, 3), (2, 1), (40, 1)})
        for sizes in [{"channels": channels, "depth": depth, "lanes": schedule.LANES}]
        for real in build.REALS.values()
    ]
    for log in logs(nvrtc, card, texts):
        assert "warning" not in log, log
        spills = re.findall(r"(\d+) bytes (?:stack frame|spill stores|spill loads)", log)
        assert spills == ["0"] * 12, log


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("itemsize", [4, 8])
def test_projections_compile_and_stay_in_registers(nvrtc, card, itemsize):
    """Three kernels at once. Dual numbers of long words may spill a few values."""
    for letters, children, moves in [(0, 1, 0), (3, 4, 0), (1, 4, 1), (9, 2, 0)]:
        sizes = {"letters": letters, "children": children, "tangents": moves, "increments": moves}
        options = (*build.options(real=build.REALS[itemsize], **sizes), "-ftz=true")
        log = nvrtc(build.source("projection.cu"), options, card)
        assert "warning" not in log, log
        spills = re.findall(r"(\d+) bytes (?:stack frame|spill stores|spill loads)", log)
        assert letters > 8 or spills == ["0"] * 9, log


# (plan, channels). Orders above 8 in float64, and many levels, do not fit the registers.
KERNELS = [
    (KernelPlan("square", 1), 2),
    (KernelPlan("square", 4), 5),
    (KernelPlan("square", 4, static=StaticKernel(RBF)), 5),
    (KernelPlan("square", 8, static=StaticKernel(MATERN_32)), 5),
    (KernelPlan("square", 3, dyadic_order=2), 40),
    (KernelPlan("finite_difference", 0, dyadic_order=1), 8),
    (KernelPlan("levels", 1, 6), 5),
    (KernelPlan("levels", 2, 4), 3),
]


def kernel_options(plan, channels, itemsize, back, tangent=0, units=10**6):
    """Of the kernels of pairs, or of gradients."""
    words = itemsize // 4 * (1 + tangent)
    shape = kernel_schedule.shape_for(plan, channels, 1000, units, words, 132, back=back)
    names = ["square", "levels", "finite_difference"]
    sizes = {"real": build.REALS[itemsize], "scheme": names.index(plan.scheme)}
    sizes |= {"order": plan.order, "depth": plan.depth, "static": plan.static.kind}
    sizes |= {"unrolled": int(kernel_schedule.is_unrolled(plan)), "refined": plan.dyadic_order}
    sizes |= {"tangent": tangent, "warps": shape.warps, "result": 0, **dict(shape.sizes)}
    return (*build.options(**sizes), build.ON_DEVICE, "-ftz=true")


def spills(log):
    """Of all kernels of a log without warnings."""
    assert "warning" not in log, log
    found = re.findall(r"(\d+) bytes (?:stack frame|spill stores|spill loads)", log)
    assert found, log
    return sum(map(int, found))


@pytest.mark.parametrize("card", KERNEL_CARDS)
@pytest.mark.parametrize("itemsize", [4, 8])
def test_signature_kernels_compile_and_stay_in_registers(nvrtc, card, itemsize):
    text = build.source("signature_kernel.cu")
    options = [kernel_options(*case, itemsize, False) for case in KERNELS]
    options += [kernel_options(*KERNELS[k], itemsize, False, units=1) for k in (1, 2)]
    options += [kernel_options(*KERNELS[k], itemsize, False, tangent=1) for k in (1, 2)]
    for log in logs(nvrtc, card, [(text, some) for some in options]):
        assert spills(log) == 0, log


@pytest.mark.parametrize("card", KERNEL_CARDS)
@pytest.mark.parametrize("itemsize", [4, 8])
def test_gradients_of_signature_kernels_compile_and_stay_in_registers(nvrtc, card, itemsize):
    """Five kernels at once."""
    text = build.source("signature_kernel_vjp.cu")
    options = [kernel_options(*case, itemsize, True) for case in KERNELS]
    for log in logs(nvrtc, card, [(text, some) for some in options]):
        assert spills(log) == 0, log


@pytest.mark.sweep
@pytest.mark.parametrize("card", TWO_CARDS)
@pytest.mark.parametrize("plan", [KernelPlan("square", 16), KernelPlan("levels", 8, 8)], ids=str)
def test_long_edges_compile(nvrtc, card, plan):
    for file, back in [("signature_kernel.cu", False), ("signature_kernel_vjp.cu", True)]:
        options = kernel_options(plan, 3, 8, back)
        assert spills(nvrtc(build.source(file), options, card)) > 0


@functools.cache
def _dump_cuda_sources():
    """By a separate process, on whose path the emulator is not: the program comes by standard
    input."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-", str(DEPTH)],
        input=TEXTS.read_text(),
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("card", CARDS)
def test_elementwise_and_reduction_kernels_compile(nvrtc, card):
    if importlib.util.find_spec("cupy_backends") is None:
        pytest.skip(
            "CuPy is not installed, whose generator makes these texts (pip install cupy-cuda13x)"
        )
    texts = _dump_cuda_sources()
    assert len(texts) == 2 * (2 + 4 * 5 + 2 * DEPTH)  # 5 transforms
    for log in logs(nvrtc, card, [(source, tuple(options)) for _, source, options in texts]):
        registers(log)
