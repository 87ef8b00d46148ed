"""Bad input to `pysig.signature`: the right error, a message that helps, nothing done before."""

from __future__ import annotations

import array
import re
import sys

import numpy as np
import pytest

import pysig
import pysig._cpu
from pysig._api import _memory
from pysig._api._fast_path import fast_call_into

pytestmark = pytest.mark.quick

PATH = np.random.default_rng(0).standard_normal((4, 5, 2))
SIZE = 14  # of depth 3
SWAPPED = np.dtype(np.float64).newbyteorder()


def masked(values):
    mask = np.zeros(np.shape(values), bool)
    mask.flat[0] = True
    return np.ma.MaskedArray(values, mask=mask)


@pytest.fixture
def no_work(monkeypatch):
    """The implementation must not be reached."""

    def reached(*args, **kwargs):
        pytest.fail("the check came too late: the computation had begun")

    def untouched(*args):
        return reached() if fast_call_into(*args) is not None else None

    monkeypatch.setattr(pysig._cpu, "signature", reached)
    monkeypatch.setattr(sys.modules["pysig._api.signature"], "fast_call_into", untouched)


def test_the_trap_works(no_work):
    for options in ({}, {"stream": np.False_}):  # the fast path, and the checked call
        with pytest.raises(pytest.fail.Exception, match="too late"):
            pysig.signature(PATH, 3, out=np.empty((4, SIZE)), **options)


LISTS = r"Pass a flat list of arrays of shape \(length, channels\)"
# argument: (its value, the error, what the message says after "argument: expected")
BAD = {
    "path": [
        (3.0, ValueError, r"shape \(\.\.\., length, channels\), received shape \(\)"),
        (
            np.zeros(5),
            ValueError,
            r"received shape \(5,\)\. A path of one channel is path\[:, None\]",
        ),
        (np.zeros((4, 0, 2)), ValueError, r"at least one point, received shape \(4, 0, 2\)"),
        (np.zeros((4, 5, 0)), ValueError, r"at least one channel, received shape \(4, 5, 0\)"),
        (None, TypeError, "an array, received NoneType None. Pass it"),
        (PATH.astype(object), TypeError, r"dtype object\. Convert it: path\.astype"),
        ([[1.0, None], [2.0, 3.0]], TypeError, r"It holds NoneType None at \[0, 1\]: fill or drop"),
        (
            np.array([[1.0, 2.0], ["n/a", 3.0]], object),
            TypeError,
            r"It holds str 'n/a' at \[1, 0\]: convert texts",
        ),
        (np.array([[1, 2j]], object), TypeError, r"It holds complex 2j at \[0, 1\]: pass real"),
        (
            np.array([[{1}, slice(2)], [3, 4]], object)[:, 1:],
            TypeError,
            r"It holds slice slice\(None, 2, None\) at \[0, 0\], which is not a number",
        ),
        (
            np.array([[1, 2], [3]], object),
            TypeError,
            r"It holds list \[1, 2\] at \[0\]: check that all paths have the same length",
        ),
        ([[10**400, 0], [0, 1]], TypeError, r"dtype object\. Convert it: path\.astype"),
        (PATH + 0j, TypeError, "received dtype complex128.*real and imaginary parts as channels"),
        (PATH.astype(np.float16), TypeError, r"float16.*path\.astype\(numpy\.float32\)"),
        (PATH.astype(str), TypeError, r"received dtype <U\d+.*astype"),
        (
            "path.csv",
            TypeError,
            r"received dtype <U8\. A string is not an array\. Load the file first",
        ),
        (b"1234", TypeError, r"received dtype \|S4"),
        (np.zeros((5, 2), "M8[s]"), TypeError, "datetime64.*seconds since the first point"),
        (np.zeros((5, 2), "m8[s]"), TypeError, "timedelta64.*seconds"),
        (np.zeros((5, 2), "f8,f8"), TypeError, "received dtype"),
        (masked(PATH), TypeError, "masked array .*Drop or fill .* or pass lengths="),
        ([[[0, 1], [1, 2]], [0, 1]], ValueError, f"received a ragged list.*{LISTS}"),
        ([np.zeros((1, 3, 2)), np.zeros((1, 4, 2))], ValueError, LISTS),
        ({"x": [1, 2]}, TypeError, "received dtype object"),
    ],
    "depth": [
        (0, ValueError, "an integer of at least 1, received 0"),
        (-3, ValueError, "an integer of at least 1, received -3"),
        (3.0, TypeError, r"an integer, received float 3\.0"),
        (True, TypeError, "an integer, received bool True"),
        (np.True_, TypeError, "an integer, received bool"),
        (None, TypeError, "an integer, received NoneType None"),
        ("3", TypeError, "an integer, received str '3'"),
        ([3], TypeError, r"an integer, received list \[3\]"),
        (np.array([3]), TypeError, r"an integer, received ndarray of shape \(1,\)"),
        (np.array(3.0), TypeError, r"an integer, received ndarray of shape \(\)"),
        (np.float64(3), TypeError, "an integer, received float64"),
    ],
    "stream": [
        (1, TypeError, "True or False, received int 1"),
        (np.array([True]), TypeError, "True or False, received ndarray"),
    ],
    "inverse": [(None, TypeError, "True or False, received NoneType None")],
    "scalar_term": [("yes", TypeError, "True or False, received str 'yes'")],
    "method": [
        ("fast", ValueError, 'one of "auto", "tile", "cumsum", received str \'fast\''),
        (None, TypeError, "one of .*, received NoneType None"),
        (np.array(["tile"]), TypeError, "one of .*, received ndarray"),
    ],
    "workers": [
        (0, ValueError, "a positive integer, or a negative one down to -.*, received 0"),
        (-100_000, ValueError, "a negative one down to -.*, received -100000"),
        (2.0, TypeError, r"an integer .* or None, received float 2\.0"),
        (True, TypeError, "an integer .* or None, received bool True"),
    ],
    "basepoint": [
        (np.zeros(3), ValueError, r"broadcasts to \(4, 2\), received \(3,\)"),
        (np.zeros((3, 2)), ValueError, r"broadcasts to \(4, 2\), received \(3, 2\)"),
        (np.zeros((1, 4, 2)), ValueError, r"broadcasts to \(4, 2\), received \(1, 4, 2\)"),
        ("zero", TypeError, "received dtype <U4"),
        (np.zeros(2, complex), TypeError, "received dtype complex128"),
        (np.array([True, False]), TypeError, "True, False or the coordinates .* received ndarray"),
        (masked(np.zeros(2)), TypeError, "masked"),
    ],
    "initial": [
        (np.zeros((4, SIZE + 1)), ValueError, r"broadcasts to \(4, 14\), received \(4, 15\)"),
        (np.zeros((2, SIZE)), ValueError, r"broadcasts to \(4, 14\), received \(2, 14\)"),
        (np.zeros((4, SIZE), complex), TypeError, r"complex128.*pass initial\.real if"),
        (np.full((4, SIZE), None), TypeError, r"It holds NoneType None at \[0, 0\]"),
        (np.zeros((4, SIZE), np.float16), TypeError, "float16"),
        ([[1, 2], [3]], ValueError, "received a ragged list"),
    ],
    "lengths": [
        ([1, 2, 0, 5], ValueError, "from 1 to the length 5 of path, received values from 0 to 5"),
        ([1, 2, -1, 5], ValueError, "received values from -1 to 5"),
        ([1, 6, 2, 5], ValueError, "received values from 1 to 6"),
        (np.array([2**64 - 1] * 4, np.uint64), ValueError, "from 1 to the length 5"),
        (np.full(4, 3.0), TypeError, r"integers, received ndarray of .* dtype float64"),
        (np.full(4, True), TypeError, "integers, received .* dtype bool"),
        ([1, 2, 3], ValueError, r"broadcasts to \(4,\), received \(3,\)"),
        ([[1, 2, 3, 4]], ValueError, r"broadcasts to \(4,\), received \(1, 4\)"),
        ("all", TypeError, "integers, received"),
        ([[1], [2, 3]], ValueError, r"integers of shape \(4,\)"),
        (masked(np.full(4, 3)), TypeError, "masked"),
    ],
    "out": [
        ([0.0] * SIZE, TypeError, "a numpy array, received list"),
        (np.zeros((4, SIZE + 1)), ValueError, r"shape \(4, 14\) .*received .* shape \(4, 15\)"),
        (np.zeros((1, 4, SIZE)), ValueError, r"shape \(4, 14\) .*received .* shape \(1, 4, 14\)"),
        (np.zeros((4, SIZE), np.float32), ValueError, "dtype float64, received .* dtype float32"),
        (np.zeros((4, SIZE), SWAPPED), ValueError, "dtype float64, received .* dtype [<>]f8"),
        (np.zeros((4, SIZE), int), ValueError, "dtype float64, received .* dtype int"),
        (np.broadcast_to(np.zeros(SIZE), (4, SIZE)), ValueError, "a writeable array.*read-only"),
        (masked(np.zeros((4, SIZE))), TypeError, "masked"),
    ],
}
CASES = [(argument, *case) for argument, cases in BAD.items() for case in cases]


def provoke(argument, value, error, says, path, out):
    """Make the call that is bad in one argument, and look at what it raises."""
    call = {"path": path, "depth": 3, "out": out, argument: value}
    with pytest.raises(error) as caught:
        pysig.signature(call.pop("path"), call.pop("depth"), **call)
    message = str(caught.value)
    assert type(caught.value) is error
    assert message.startswith(f"{argument}: expected "), message
    assert re.search(says, message.partition(": expected ")[2]), message
    assert message.endswith((".", ")."))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(("argument", "value", "error", "says"), CASES)
def test_bad_input(no_work, argument, value, error, says):
    out = np.full((4, SIZE), 7.0)
    provoke(argument, value, error, says, PATH, out)
    assert (out == 7).all()


def test_shapes_depend_on_the_options(no_work):
    with pytest.raises(ValueError, match=r"^initial: .* \(4, 15\), received \(4, 14\)"):
        pysig.signature(PATH, 3, initial=np.zeros((4, SIZE)), scalar_term=True)
    with pytest.raises(ValueError, match=r"^out: expected shape \(4, 4, 14\)"):
        pysig.signature(PATH, 3, stream=True, out=np.zeros((4, SIZE)))
    options = {"stream": True, "basepoint": True, "scalar_term": True}
    with pytest.raises(ValueError, match=r"^out: expected shape \(4, 5, 15\)"):
        pysig.signature(PATH, 3, out=np.zeros((4, 4, SIZE)), **options)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="long double is double here")
def test_long_double_is_refused(no_work):
    with pytest.raises(TypeError, match=r"^path: .*received dtype (float128|longdouble|float96)"):
        pysig.signature(PATH.astype(np.longdouble), 3)


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'steam'"):
        pysig.signature(PATH, 3, steam=True)
    with pytest.raises(TypeError, match="positional argument"):
        pysig.signature(PATH, 3, True)


def test_the_same_small_calls_are_refused_as_large_ones():
    """A small call takes the fast path, which has its own checks."""
    for path, depth, error, says in [
        (np.zeros((0, 2)), 2, ValueError, "path: expected at least one point"),
        (np.zeros((2, 0)), 2, ValueError, "path: expected at least one channel"),
        (np.zeros(2), 2, ValueError, "path: expected shape"),
        (np.zeros((3, 2)), 0, ValueError, "depth: expected an integer of at least 1"),
        (np.zeros((3, 2)), 2.0, TypeError, "depth: expected an integer, received float"),
        (np.zeros((3, 2)), True, TypeError, "depth: expected an integer, received bool"),
        (np.zeros((3, 2), complex), 2, TypeError, "path: .*complex128"),
        (np.zeros((3, 2), np.float16), 2, TypeError, "path: .*float16"),
        (masked(np.zeros((3, 2))), 2, TypeError, "path: .*masked"),
        (np.zeros((3, 2)), 10**9, MemoryError, "depth: .*largest depth"),
        (np.zeros((3, 2)), 10**30, MemoryError, "depth: .*largest depth"),
        (np.zeros((3, 1)), 10**30, MemoryError, "depth: .*largest depth"),
    ]:
        with pytest.raises(error, match=rf"^{says}"):
            pysig.signature(path, depth)


# ---- out ----


def test_a_read_only_out_is_refused(no_work):
    out = np.full((4, SIZE), 7.0)
    out.flags.writeable = False
    with pytest.raises(ValueError, match=r"^out: expected a writeable array, received a read-only"):
        pysig.signature(PATH, 3, out=out)


def overlapping(offset):
    """A path and an out in one block of memory, `offset` numbers apart."""
    block = np.zeros(200)
    return block[:40].reshape(4, 5, 2), block[offset : offset + 4 * SIZE].reshape(4, SIZE)


@pytest.mark.parametrize("offset", [0, 1, 20, 39])
def test_an_out_that_overlaps_the_path_is_refused(no_work, offset):
    path, out = overlapping(offset)
    with pytest.raises(ValueError, match=r"^out: expected separate memory.* overlaps path"):
        pysig.signature(path, 3, out=out)
    with pytest.raises(ValueError, match=r"^out: .* overlaps path"):
        pysig.signature(memoryview(path), 3, out=out)
    with pytest.raises(ValueError, match=r"^out: .* overlaps path"):
        pysig.signature(path[:, ::-1], 3, out=out)


def test_an_out_that_overlaps_a_buffer_is_refused(no_work):
    numbers = array.array("d", range(20))
    out = np.frombuffer(numbers)[:14]
    path = memoryview(numbers).cast("b").cast("d", (10, 2))
    with pytest.raises(ValueError, match=r"^out: .* overlaps path"):
        pysig.signature(path, 3, out=out)


@pytest.mark.parametrize("name", ["basepoint", "initial"])
def test_an_out_that_overlaps_an_option_is_refused(no_work, name):
    out = np.zeros((4, SIZE))
    value = out[:, :2] if name == "basepoint" else out
    with pytest.raises(ValueError, match=rf"^out: .* overlaps {name}"):
        pysig.signature(PATH, 3, out=out, **{name: value})


def test_an_out_beside_the_path_is_welcome():
    """In one block of memory, even interleaved, but sharing no number."""
    path, out = overlapping(40)
    path[...] = PATH
    np.testing.assert_array_equal(pysig.signature(path, 3, out=out), pysig.signature(PATH, 3))
    block = np.zeros((4, 28))
    half = block[:, 0:20:2].reshape(4, 5, 2)
    assert not np.shares_memory(half, block) or half.base is not None
    rows = block[:, 1::2]
    np.testing.assert_array_equal(pysig.signature(PATH, 3, out=rows), pysig.signature(PATH, 3))


def test_a_misaligned_out_is_written_all_the_same():
    buffer = np.zeros(4 * SIZE * 8 + 1, np.uint8)
    out = buffer[1:].view(np.float64).reshape(4, SIZE)
    assert not out.flags.aligned
    assert pysig.signature(PATH, 3, out=out) is out
    np.testing.assert_array_equal(out, pysig.signature(PATH, 3))


# ---- size ----


def memory_error_of(*args, **options):
    with pytest.raises(MemoryError) as caught:
        pysig.signature(*args, **options)
    return str(caught.value)


@pytest.mark.parametrize("depth", [62, 63, 64, 65, 1000, 10**9, 10**30, np.int64(2**62)])
@pytest.mark.parametrize("shape", [(3, 2), (4, 3, 2), (0, 3, 2), (2, 0, 1, 5), (1, 300)])
def test_depths_that_nothing_can_hold(no_work, shape, depth):
    """Fast, whatever the numbers; also where there are no paths, since the schedules keep a row."""
    message = memory_error_of(np.zeros(shape), depth)
    assert re.match(
        rf"depth: the output of depth {depth} with {shape[-1]} channels needs ", message
    )
    assert re.search(
        r"(\d+|more than 2\*\*63) bytes.* The largest depth that fits is \d+\.$", message
    )


@pytest.mark.parametrize("stream", [False, True])
def test_one_channel_and_a_huge_depth(no_work, stream):
    for depth in (10**11, 10**18, 10**30):
        message = memory_error_of(np.zeros((1 + stream, 1)), depth, stream=stream)
        assert f"needs {depth * 8} bytes" in message
        assert "The largest depth that fits is 2147483647." in message or "fits is" in message


def test_one_channel_is_linear_in_the_depth():
    """Quadratic work would take minutes."""
    row = pysig.signature(np.array([[0.0], [1.0]]), 2_000_000)
    assert row.shape == (2_000_000,)
    np.testing.assert_allclose(row[:4], [1, 1 / 2, 1 / 6, 1 / 24], rtol=1e-15)
    assert (row[200:] == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, {"scalar_term": True}, {"stream": True}])
@pytest.mark.parametrize("channels", [1, 2, 3, 7])
def test_the_named_depth_is_the_largest_that_fits(monkeypatch, dtype, options, channels):
    limit = 400_000  # bytes
    monkeypatch.setattr(_memory, "available_memory", lambda backend: limit)
    monkeypatch.setattr(_memory, "SMALL_RESULT_BYTES", 0)
    path = np.zeros((3, 5, channels), dtype)
    message = memory_error_of(path, 10**6, **options)
    largest = int(re.search(r"fits is (\d+)\.$", message)[1])
    assert "bytes, but only 400000 are available." in message
    assert pysig.signature(path, largest, **options).nbytes <= limit
    message = memory_error_of(path, largest + 1, **options)
    needed = int(re.search(r"needs (\d+) bytes", message)[1])
    assert needed > limit
    size = pysig.signature_size(channels, largest + 1, options.get("scalar_term", False))
    assert needed == size * 3 * (4 if options.get("stream") else 1) * path.itemsize


def test_nothing_fits(monkeypatch):
    monkeypatch.setattr(_memory, "available_memory", lambda backend: 10)
    monkeypatch.setattr(_memory, "SMALL_RESULT_BYTES", 0)
    message = memory_error_of(np.zeros((3, 2)), 2, method="tile")
    assert message.endswith("No depth fits; use fewer channels or paths.")


def test_an_out_is_not_held_to_the_memory(monkeypatch, tmp_path):
    """It exists already: a file on disk may be larger than the memory."""
    monkeypatch.setattr(_memory, "available_memory", lambda backend: 10)
    monkeypatch.setattr(_memory, "SMALL_RESULT_BYTES", 0)
    out = np.memmap(tmp_path / "out.bin", np.float64, "w+", shape=(4, SIZE))
    pysig.signature(PATH, 3, out=out)
    monkeypatch.undo()
    np.testing.assert_array_equal(out, pysig.signature(PATH, 3))
    assert "2**63 - 1 bytes can be addressed" in memory_error_of(PATH, 90, out=out)


# ---- two devices ----


def test_arrays_of_two_devices_are_not_mixed(cupy):
    """What would be copied between devices is refused; lengths may come from the host."""
    on_gpu = cupy.asarray(PATH)
    base = np.zeros((4, 2))
    initial = np.zeros((4, SIZE))
    for name, value in [("basepoint", base), ("initial", initial)]:
        with pytest.raises(TypeError, match=rf"^{name}: expected a CuPy array.*cupy.asarray"):
            pysig.signature(on_gpu, 3, **{name: value})
        with pytest.raises(TypeError, match=rf"^{name}: expected a NumPy array.*cupy.asnumpy"):
            pysig.signature(PATH, 3, **{name: cupy.asarray(value)})
    with pytest.raises(TypeError, match=r"^out: expected a cupy array, received ndarray"):
        pysig.signature(on_gpu, 3, out=np.zeros((4, SIZE)))
    with pytest.raises(TypeError, match=r"^out: expected a numpy array, received ndarray"):
        pysig.signature(PATH, 3, out=cupy.zeros((4, SIZE)))
    lengths = np.array([1, 2, 3, 5])
    np.testing.assert_array_equal(
        pysig.signature(on_gpu, 3, lengths=lengths).get(),
        pysig.signature(on_gpu, 3, lengths=cupy.asarray(lengths)).get(),
    )


def gpu_can_hold(value):
    return not isinstance(value, np.ma.MaskedArray) and not (
        isinstance(value, np.ndarray)
        and (
            value.dtype.kind not in "biufc" or not value.dtype.isnative or value.strides[:1] == (0,)
        )
    )


@pytest.mark.parametrize(
    ("argument", "value", "error", "says"),
    [
        case
        for case in CASES
        if gpu_can_hold(case[1]) and case[0] in ("path", "depth", "basepoint", "initial", "lengths")
        if isinstance(case[1], np.ndarray) or case[0] in ("depth", "lengths")
    ],
)
def test_bad_input_on_the_gpu(cupy, argument, value, error, says):
    if isinstance(value, np.ndarray) and argument != "depth":
        value = cupy.asarray(value)
    out = cupy.full((4, SIZE), 7.0)
    provoke(argument, value, error, says, cupy.asarray(PATH), out)
    assert (out.get() == 7).all()


def test_an_overlapping_out_on_the_gpu(cupy):
    block = cupy.zeros(200)
    path, out = block[:40].reshape(4, 5, 2), block[39 : 39 + 4 * SIZE].reshape(4, SIZE)
    with pytest.raises(ValueError, match=r"^out: .* overlaps path"):
        pysig.signature(path, 3, out=out)
    with pytest.raises(ValueError, match=r"^out: expected shape .* and dtype float64"):
        pysig.signature(path, 3, out=cupy.zeros((4, SIZE), cupy.float32))
    assert "largest depth that fits" in memory_error_of(path, 40)


def test_out_that_shares_memory_with_itself():
    path = np.zeros((2, 3, 2))
    for strides in ((8, 8), (0, 8), (40, 8)):
        out = np.lib.stride_tricks.as_strided(np.zeros(20), (2, 6), strides)
        with pytest.raises(ValueError, match=r"^out: expected separate memory.*strides"):
            pysig.signature(path, 2, out=out)
    for good in (np.zeros((2, 12))[:, ::2], np.zeros((6, 2)).T, np.zeros((2, 6))[::-1]):
        assert pysig.signature(path, 2, out=good) is good


def test_integers_that_float64_would_round():
    stamps = np.array([[1_700_000_000_000_000_000], [1_700_000_000_000_000_100]])
    for path in (stamps, stamps.astype(np.uint64), -stamps):
        with pytest.raises(ValueError, match=r"^path: expected integers up to 2\*\*53.*Subtract"):
            pysig.signature(path, 1)
    assert pysig.signature(stamps - stamps[0], 1) == 100


@pytest.mark.parametrize("value", [1, [1.0]])
@pytest.mark.parametrize(("name", "shape"), [("initial", 6), ("basepoint", 2)])
def test_a_number_is_not_a_signature_or_a_point(name, shape, value):
    says = rf"expected a shape that broadcasts to \({shape},\)"
    if (name, value) == ("basepoint", 1):
        says = r"expected True, False or the 2 coordinates of a point, received int 1\. Pass True"
    with pytest.raises(ValueError, match=f"^{name}: {says}"):
        pysig.signature(np.zeros((3, 2)), 2, **{name: value})
