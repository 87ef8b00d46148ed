"""The checked call on paths, which all public functions that take a path share."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import numpy as np
import pytest

import pysig
from pysig._api import _memory
from pysig._api._options import DEFAULTS

PATH = np.random.default_rng(0).normal(size=(4, 6, 2))
WORDS = [(0,), (0, 1)]


# ---- out ----


def computed(name, path, out):
    if name == "signature":
        return pysig.signature(path, 2, out=out)
    if name == "words":
        return pysig.signature(path, words=WORDS, out=out)
    if name == "logsignature":
        return pysig.logsignature(path, 2, out=out)
    if name == "linear_functional":
        return pysig.linear_functional(path, [{(0, 1): 1.0}, {(1,): 1.0}], out=out)
    return pysig.algebra.exp(path, 2, 1, out=out)


WIDTHS = {"signature": 6, "words": 2, "logsignature": 3, "linear_functional": 2}


@pytest.mark.parametrize("form", [lambda a: a, memoryview], ids=["array", "buffer"])
@pytest.mark.parametrize("name", WIDTHS)
def test_an_out_that_overlaps_an_input_is_refused(name, form):
    block = np.zeros(4 * 6 * 2 + 4 * WIDTHS[name])
    path = block[: 4 * 6 * 2].reshape(4, 6, 2)
    path[...] = PATH
    out = block[40 : 40 + 4 * WIDTHS[name]].reshape(4, WIDTHS[name])
    before = block.copy()
    with pytest.raises(ValueError, match=r"^out: expected separate memory.*overlaps path"):
        computed(name, form(path), out)
    assert np.array_equal(block, before)
    own = np.empty((4, WIDTHS[name]))
    assert computed(name, form(path), own) is own


@pytest.mark.parametrize("option", ["basepoint", "initial", "lengths"])
def test_an_out_that_overlaps_an_option_is_refused(option):
    out = np.ones((4, 6))
    value = {
        "basepoint": memoryview(out[0, :2]),
        "initial": memoryview(out[1]),
        "lengths": out.view(np.int64)[:, 0],
    }[option]
    if option == "lengths":
        value[:] = 3
    with pytest.raises(ValueError, match=rf"^out: expected separate memory.*overlaps {option}"):
        pysig.signature(PATH, 2, out=out, **{option: value})


def test_an_out_that_overlaps_a_buffer_is_refused_by_the_algebra():
    block = np.zeros(12)
    with pytest.raises(ValueError, match=r"^out: expected separate memory.*overlaps a"):
        pysig.algebra.exp(memoryview(block[:6]), 2, 2, out=block[3:9])


# ---- memory ----


MESSAGE = r" needs (\d+) bytes, but only 2532 are available\. "


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: pysig.signature(PATH, 9), "^depth: .*" + MESSAGE + "The largest depth .* is 5"),
        (lambda: pysig.signature_vjp(PATH, 9, 1.0), "^depth: .*" + MESSAGE),
        (lambda: pysig.logsignature(PATH, 8), "^depth: .*" + MESSAGE + "The largest .* is 5"),
        (lambda: pysig.logsignature(PATH, 7, basis="expanded"), "^depth: .*" + MESSAGE),
        (lambda: pysig.words(2, 9), "^depth: .*" + MESSAGE + "The largest depth"),
        (
            lambda: pysig.signature(PATH.repeat(50, axis=0), words=WORDS),
            r"^words: the output of shape \(200, 2\)" + MESSAGE + "Take at most 1 words",
        ),
        (lambda: pysig.IncrementalSignature(2, 9), "^depth: .*" + MESSAGE),
        (lambda: pysig.index_word(1000, 1), "^index: .*" + MESSAGE + "Use a smaller index"),
    ],
)
def test_one_text_says_how_much_is_missing(monkeypatch, call, says):
    monkeypatch.setattr(_memory, "SMALL_RESULT_BYTES", 0)
    for module in ("pysig._api._memory", "pysig._api._projection", "pysig._api.words"):
        monkeypatch.setattr(f"{module}.available_memory", lambda backend: 2532)
    for module in ("pysig._api._projection", "pysig._api.words"):
        monkeypatch.setattr(f"{module}.SMALL_RESULT_BYTES", 0)
    with pytest.raises(MemoryError, match=says):
        call()


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("basis", ["words", "expanded"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_logsignature_needs_signatures_and_its_output(monkeypatch, batch, basis, stream):
    """The signatures of one path, or of two of a batch, exist while logarithms are taken."""
    monkeypatch.setattr(_memory, "SMALL_RESULT_BYTES", 0)
    monkeypatch.setattr(_memory, "available_memory", lambda backend: 20_000)
    path, rows = PATH[:batch], 5 if stream else 1
    with pytest.raises(MemoryError, match=r"^depth: the log-signature of depth 12") as caught:
        pysig.logsignature(path, 12, basis=basis, stream=stream)
    needed, largest = map(int, re.findall(r"needs (\d+) bytes.* is (\d+)\.$", str(caught.value))[0])

    def bytes_at(depth):
        scratch = min(batch, 2) * pysig.signature_size(2, depth)
        return 8 * rows * (scratch + batch * pysig.logsignature_size(2, depth, basis))

    assert needed == bytes_at(12)
    assert bytes_at(largest) <= 20_000 < bytes_at(largest + 1)
    pysig.logsignature(path, largest, basis=basis, stream=stream)
    out = np.empty((batch, *([rows] if stream else []), pysig.logsignature_size(2, 5, basis)))
    monkeypatch.setattr(_memory, "available_memory", lambda backend: 2 * 8 * 62 * rows)
    pysig.logsignature(path, 5, basis=basis, stream=stream, out=out)


def test_small_results_do_not_look_at_the_memory(monkeypatch):
    def look(backend):
        raise AssertionError("the memory was read")

    monkeypatch.setattr(_memory, "available_memory", look)
    pysig.signature(PATH, 3)
    pysig.signature(PATH, 3, scalar_term=True)
    pysig.logsignature(PATH, 3, stream=True)


def test_the_limit_is_what_is_available(monkeypatch):
    """Not the memory of the whole machine."""
    monkeypatch.setattr("pysig._cpu.available_memory", lambda: 10)
    with pytest.raises(MemoryError, match="but only 10 are available"):
        pysig.signature(np.zeros((2, 2)), 20)


# ---- depth and the names of options ----


@pytest.mark.parametrize(
    "call",
    [
        lambda: pysig.signature(PATH),
        lambda: pysig.signature_jvp(PATH, None, PATH),
        lambda: pysig.signature_vjp(PATH, None, 1.0),
        lambda: pysig.signature_hvp(PATH, None, 1.0, PATH),
    ],
)
def test_depth_or_words_is_needed(call):
    with pytest.raises(
        TypeError, match=r"^depth: .*received NoneType None\. Pass it, or words=\.$"
    ):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: pysig.logsignature(PATH, None),
        lambda: pysig.logsignature_vjp(PATH, None, 1.0),
        lambda: pysig.algebra.exp(np.zeros(6), 2, None),
        lambda: pysig.words(2, None),
        lambda: pysig.IncrementalSignature(2, None),
    ],
)
def test_depth_is_needed_where_there_are_no_words(call):
    with pytest.raises(TypeError, match=r"^depth: .*received NoneType None\. Pass it\.$"):
        call()


DERIVED = [
    "signature_jvp", "signature_vjp", "signature_hvp", "logsignature", "logsignature_jvp",
    "logsignature_vjp", "logsignature_hvp", "linear_functional", "linear_functional_jvp",
    "linear_functional_vjp",
]  # fmt: skip


@pytest.mark.parametrize("name", DERIVED)
def test_derived_functions_show_the_options_of_signature(name):
    function = getattr(pysig, name)
    shown = inspect.signature(function).parameters
    master = inspect.signature(pysig.signature).parameters
    common = [option for option in DEFAULTS if option in shown]
    assert len(common) >= 7
    for option in common:
        assert shown[option].default == master[option].default == DEFAULTS[option]
        assert shown[option].kind is inspect.Parameter.KEYWORD_ONLY
        assert shown[option].annotation == master[option].annotation
    arguments = [PATH, 2, PATH, PATH][: sum(p.default is p.empty for p in shown.values())]
    says = rf"^{name}\(\) got an unexpected keyword argument 'streem'\. Did you mean \"stream\"\?$"
    with pytest.raises(TypeError, match=says):
        function(*arguments, streem=True)
    with pytest.raises(TypeError, match=r"got an unexpected keyword argument 'xyzzy'\.$"):
        function(*arguments, xyzzy=True)


def test_every_default_is_an_option_of_signature():
    parameters = inspect.signature(pysig.signature).parameters
    options = {n: p.default for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert options == {**DEFAULTS, "out": None}


def test_a_missing_capability_names_the_caller():
    for name in ("signature_vjp", "signature_jvp", "signature_hvp"):
        arguments = [np.ones(6)] if name != "signature_jvp" else []
        arguments += [PATH] if name != "signature_vjp" else []
        with pytest.raises(TypeError, match=rf'^method: expected one that {name} has.*"cumsum"'):
            getattr(pysig, name)(PATH, 2, *arguments, method="cumsum")
        if name != "signature_jvp":
            arguments[0] = np.ones(3)
        name = "log" + name
        with pytest.raises(TypeError, match=rf'^method: expected one that {name} has.*"cumsum"'):
            getattr(pysig, name)(PATH, 2, *arguments, method="cumsum")


# ---- initial ----


@pytest.mark.parametrize(
    "call",
    [
        lambda start: pysig.signature(PATH, 2, scalar_term=True, initial=start),
        lambda start: pysig.signature_vjp(PATH, 2, 1.0, scalar_term=True, initial=start),
        lambda start: pysig.linear_functional(PATH, {(0, 1): 1.0}, scalar_term=True, initial=start),
        lambda start: pysig.signature(
            PATH, words=pysig.words(2, 2), scalar_term=True, initial=start
        ),
    ],
)
def test_the_scalar_of_an_initial_is_one(call):
    start = pysig.signature(PATH[0], 2, scalar_term=True)
    if call is not None:
        wrong = start.copy()
        wrong[0] = 5
        with pytest.raises(
            ValueError, match=r"^initial: expected 1 as its first entry.*received 5"
        ):
            call(wrong)


# ---- one channel ----


ONE = np.array([[0.0], [3.0], [1e-4]], np.float32)


@pytest.mark.parametrize("level", [1, 2, 3, 5])
def test_words_of_one_channel_do_not_sum_steps(level):
    word = (0,) * level
    plain = pysig.signature(ONE, level)[-1]
    assert pysig.signature(ONE, words=[word])[0] == plain
    assert pysig.linear_functional(ONE, {word: 1.0}) == plain
    assert abs(plain / (1e-4**level / np.prod(np.arange(1.0, level + 1))) - 1) < 1e-6
    tangent = np.array([[0.0], [7.0], [1.0]], np.float32)
    moved = pysig.signature_jvp(ONE, level, tangent)[-1]
    assert pysig.signature_jvp(ONE, None, tangent, words=[word])[0] == moved
    weight = np.zeros(level, np.float32)
    weight[-1] = 1
    gradient = pysig.signature_vjp(ONE, level, weight)
    assert np.array_equal(pysig.signature_vjp(ONE, None, np.ones(1), words=[word]), gradient)


# ---- submodules ----


@pytest.mark.parametrize("name", ["data", "interop", "testing"])
def test_submodules_are_imported_at_first_use(name):
    code = f"import pysig; assert {name!r} in dir(pysig); print(pysig.{name}.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"pysig.{name}"


def test_an_unknown_attribute_is_named():
    with pytest.raises(AttributeError, match="'pysig' has no attribute 'signatur'"):
        pysig.signatur  # noqa: B018


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stream": True},
        {"inverse": True},
        {"basepoint": np.ones(1)},
        {"lengths": [2, 6, 1, 3]},
        {"initial": np.array([0.5, -1.0, 2.0])},
        {"initial": np.array([0.5, -1.0, 2.0]), "inverse": True, "stream": True},
        {"scalar_term": True},
    ],
)
def test_words_of_one_channel_are_plain_signatures(options):
    """Values and derivatives, bit for bit."""
    path, words = PATH[..., :1], [(0,), (0, 0), (0, 0, 0)]
    tangent, values = PATH[..., 1:], pysig.signature(path, 3, **options)
    assert np.array_equal(pysig.signature(path, words=words, **options), values)
    moved = pysig.signature_jvp(path, 3, tangent, **options)
    assert np.array_equal(pysig.signature_jvp(path, None, tangent, words=words, **options), moved)
    cotangent = np.cos(np.arange(values.size)).reshape(values.shape)
    for function, more in ((pysig.signature_vjp, ()), (pysig.signature_hvp, (tangent,))):
        plain = function(path, 3, cotangent, *more, **options)
        selected = function(path, None, cotangent, *more, words=words, **options)
        for a, b in zip(plain, selected, strict=True):
            assert (a is None) == (b is None)
            assert a is None or np.array_equal(a, b)
