"""Random calls of C functions; tests/embedding/test_embedding_fuzz.py runs it in its own process.

    python fuzz.py LIBRARY FUNCTIONS CALLS SEED

FUNCTIONS is {name: [[type, argument], ...]} in JSON. Prints how many calls of each function had
which status.
"""

import ctypes
import json
import random
import sys

library_path, functions = sys.argv[1], json.loads(sys.argv[2])
calls, seed = int(sys.argv[3]), int(sys.argv[4])
try:
    import resource

    resource.setrlimit(
        resource.RLIMIT_AS, (1 << 29, 1 << 29)
    )  # absurd sizes fail here instead of swapping
except ImportError:
    pass
lib = ctypes.CDLL(library_path)
lib.pysig_last_error.restype = ctypes.c_char_p
rng = random.Random(seed)
i64, vp = ctypes.c_int64, ctypes.c_void_p


class Options(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("batch", i64),
        ("stream", ctypes.c_int),
        ("inverse", ctypes.c_int),
        ("scalar_term", ctypes.c_int),
        ("method", ctypes.c_int),
        ("workers", ctypes.c_int),
        ("basepoint", vp),
        ("basepoint_size", i64),
        ("initial", vp),
        ("initial_size", i64),
        ("lengths", vp),
        ("lengths_size", i64),
    ]


class KernelOptions(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("x_batch", i64),
        ("y_batch", i64),
        *((name, ctypes.c_int) for name in ("order", "depth", "dyadic_order")),
        *((name, ctypes.c_int) for name in ("finite_difference", "static_kernel", "workers")),
        ("parameters", ctypes.c_double * 3),
        ("weights", vp),
        ("weights_size", i64),
        ("x_lengths", vp),
        ("x_lengths_size", i64),
        ("y_lengths", vp),
        ("y_lengths_size", i64),
    ]


class Window(ctypes.Structure):
    _fields_ = [("channels", i64), ("depth", i64), ("word", i64)]


INITIALISED = {"pysig_options*": Options, "pysig_kernel_options*": KernelOptions}
ABSURD = [0, -1, -(2**31), 2**31 - 1, 2**31, -(2**63), 2**63 - 1, 2**62, 2**40, 57, 64, 65]


def integer(usual, bits=64):
    value = rng.choice(ABSURD) if rng.random() < 0.05 else usual
    return value if bits == 64 else (value + 2**31) % 2**32 - 2**31


def size(channels, depth):
    if not (0 < channels < 50 and 0 < depth < 8):
        return 1
    return min(sum(channels**k for k in range(1, depth + 1)), 5000)


SOME = [0.0, 1.0, -0.5, 0.25, 1e30, float("nan"), float("inf")]
FLOATS = {
    real: (real * (1 << 17))(*rng.choices(SOME, k=1 << 17))
    for real in (ctypes.c_float, ctypes.c_double)
}


class Memory:
    """What a call points to: pieces of one block of numbers, one after the other."""

    def __init__(self, real):
        self.real, self.kept, self.used = real, [], 0

    def array(self, count, kind=None):
        if kind or count > 20000:
            block = ((kind or self.real) * max(count, 1))()
            for k in range(min(count, 8)):
                block[k] = rng.randint(0, 3)
            self.kept.append(block)
            return ctypes.addressof(block), count
        self.used += count
        return ctypes.addressof(FLOATS[self.real]) + (self.used - count) * ctypes.sizeof(
            self.real
        ), count


LYNDON = {(1, 1): 1, (1, 3): 1, (2, 2): 3, (2, 4): 8, (3, 3): 14, (5, 2): 15}
OBJECTS = ("incremental", "sliding")  # of which there is one type for each precision
HANDLES = {"pysig_basis": [None]}
for stem in OBJECTS:
    HANDLES |= {f"pysig_{stem}_{f}": [None] for f in ("f32", "f64")}
for channels, depth in [(1, 1), (1, 3), (2, 2), (2, 4), (3, 3), (5, 2)]:
    for kind in range(3):
        handle = vp()
        assert lib.pysig_basis_create(i64(channels), depth, kind, ctypes.byref(handle)) == 0
        HANDLES["pysig_basis"].append((handle.value, channels, depth))
    for f in ("f32", "f64"):
        handle = vp()
        assert (
            getattr(lib, "pysig_incremental_create_" + f)(
                i64(channels), depth, ctypes.byref(handle)
            )
            == 0
        )
        HANDLES["pysig_incremental_" + f].append((handle.value, channels, depth))
        for worst_case in (0, 1):
            handle = vp()
            create = getattr(lib, "pysig_sliding_create_" + f)
            assert create(i64(channels), depth, worst_case, i64(3), ctypes.byref(handle)) == 0
            HANDLES["pysig_sliding_" + f].append((handle.value, channels, depth))


def clock():
    """Times of a window: one after the other, but for a few."""
    clock.now += rng.choice([0, 0, 1, 2]) if rng.random() < 0.99 else -5
    return clock.now


clock.now = 0


def refill(window, channels, f):
    """Begin a sliding window anew, with up to 3 points, without times or with some."""
    memory, count, suffix = Memory(ctypes.c_float), rng.randint(0, 3), "_" + f
    getattr(lib, "pysig_sliding_reset" + suffix)(window)
    points = vp(memory.array(channels * count, ctypes.c_double)[0]), i64(channels * count)
    kind = rng.choice([None, ctypes.c_double, i64])
    if kind is None:
        assert getattr(lib, "pysig_sliding_push" + suffix)(window, *points) == 0
        return
    times = (kind * 3)(*sorted(clock() for _ in range(3)))
    push = "pysig_sliding_push_times" if kind is ctypes.c_double else "pysig_sliding_push_ticks"
    assert getattr(lib, push + suffix)(window, *points, times, i64(count)) == 0


def checksum(data):
    """FNV-1a, as in csrc/include/pysig/sliding.hpp."""
    value = 2166136261
    for position, byte in enumerate(data):
        value = (value ^ (0 if 28 <= position < 32 else byte)) * 16777619 % 2**32
    return value


def kernel_options(memory, x_batch, y_batch):
    depth = rng.choice([0, 0, 1, 3])
    order, difference = rng.choice([0, 1, 2, 5]), int(rng.random() < 0.1)
    small = (order, depth, rng.choice([0, 0, 1]), difference, rng.randint(0, 6), 1)
    o = KernelOptions(
        ctypes.sizeof(KernelOptions), integer(x_batch), integer(y_batch),
        *(integer(value, 32) for value in small),
    )  # fmt: skip
    o.parameters[:] = rng.choice([[1, 1, 1], [2, 0.5, 3], [1, 0, 1], [-1, 0, 0], [0.5, 1, 1]])
    if rng.random() < 0.1:
        o.size = integer(7) % 2**63
    if depth and rng.random() < 0.3:
        weights = (ctypes.c_double * (depth + 1))(*[1.0] * (depth + 1))
        memory.kept.append(weights)
        o.weights, o.weights_size = ctypes.addressof(weights), depth + rng.choice([1, 1, 1, 0])
    for side, batch in (("x", x_batch), ("y", y_batch)):
        if rng.random() < 0.2:
            address, count = memory.array(batch if rng.random() < 0.8 else rng.randint(0, 6), i64)
            setattr(o, side + "_lengths", address)
            setattr(o, side + "_lengths_size", count)
    memory.kept.append(o)
    return o


def call_kernel(name, arguments):
    memory = Memory(ctypes.c_float if name.endswith("f32") else ctypes.c_double)
    channels, symmetric, batches = rng.randint(1, 3), rng.random() < 0.3, [1, 1]
    options = vp(None)
    if rng.random() < 0.8:
        batches = [rng.randint(1, 3), rng.randint(1, 3)]
        options = ctypes.byref(kernel_options(memory, *batches))
    x, y = (batch * rng.randint(1, 5) * channels for batch in batches)
    matrix = batches[0] * batches[0 if symmetric else 1]
    counts = {"x": x, "y": y, "x_bar": x, "y_bar": y, "parameters_bar": 3}
    counts |= {"out": matrix, "cotangent": matrix}
    values = []
    for kind, argument in arguments:
        if kind == "constpysig_kernel_options*":
            values.append(options)
        elif argument == "channels":
            values.append(i64(integer(channels)))
        elif kind.endswith("*"):
            count = counts[argument]
            if rng.random() < 0.1:
                count = max(0, count + rng.choice([-1, 1, channels, 17]))
            real = ctypes.c_double if argument == "parameters_bar" else None
            if symmetric and argument in ("y", "y_bar"):
                values += [vp(None), i64(0)]
                continue
            values += [vp(memory.array(count, real)[0]), i64(count)]
    return getattr(lib, "pysig_" + name)(*values)


def call(name, arguments):
    if "kernel_matrix" in name:
        return call_kernel(name, arguments)
    f = "f32" if name.endswith("f32") else "f64"
    memory = Memory(ctypes.c_float if f == "f32" else ctypes.c_double)
    stem = next((stem for stem in OBJECTS if name.startswith(stem)), None)
    handle = rng.choice(HANDLES[f"pysig_{stem}_{f}" if stem else "pysig_basis"])
    _, channels, depth = handle or (None, 2, 2)
    if stem == "sliding" and handle and rng.random() < 0.3:
        refill(vp(handle[0]), channels, f)
    if not stem and not any("pysig_basis" in kind for kind, _ in arguments):
        channels, depth = rng.randint(1, 5), rng.randint(1, 4)
    batch, length, scalar = rng.randint(0, 4), rng.randint(1, 6), rng.random() < 0.3
    stream, base = rng.random() < 0.3, rng.random() < 0.3
    if "logsignature" in name:
        scalar = rng.random() < 0.05
    if not any("pysig_options" in kind for kind, _ in arguments):
        batch, stream, base = 1, False, False
    width = size(channels, depth) + scalar
    rows = batch * (length - 1 + base if stream else 1)
    coordinates = rng.choice([size(channels, depth), LYNDON.get((channels, depth), 3)])
    points = rng.randint(0, 3)
    counts = {
        **dict.fromkeys(("path", "tangent", "path_bar"), batch * length * channels),
        "points": channels * points,
        "times": points,
        "ticks": points,
        "increments": channels * rng.randint(0, 3),
        "a": width * rng.randint(0, 3),
        "b": width,
        "signature": width * rng.randint(0, 3),
        "bytes": 40 + (channels + size(channels, depth)) * ctypes.sizeof(memory.real),
        "cotangent": rows * (coordinates if "log" in name else width),
    }
    counts["out"] = (
        counts["a"]
        if {"a"} <= {n for _, n in arguments}
        else rows * (coordinates if "log" in name else width)
    )
    created, values, position = vp(), [], 0
    expected = list(arguments)
    while position < len(expected):
        kind, argument = expected[position]
        position += 1
        if kind == "constpysig_options*":
            if rng.random() < 0.2:
                values.append(vp(None))
                continue
            o = Options(
                ctypes.sizeof(Options),
                integer(batch),
                integer(stream, 32),
                integer(0, 32),
                integer(scalar, 32),
                integer(0, 32),
                integer(1, 32),
            )
            if rng.random() < 0.05:
                o.size = integer(7) % 2**63
            if base:
                o.basepoint, o.basepoint_size = memory.array(
                    batch * channels if rng.random() < 0.8 else rng.randint(0, 30)
                )
            if rng.random() < 0.3:
                o.initial, o.initial_size = memory.array(
                    batch * size(channels, depth) if rng.random() < 0.8 else rng.randint(0, 30)
                )
            if rng.random() < 0.3:
                o.lengths, o.lengths_size = memory.array(
                    batch if rng.random() < 0.8 else rng.randint(0, 6), i64
                )
            if rng.random() < 0.1:
                o.basepoint = None
            if rng.random() < 0.1:
                o.lengths_size = rng.choice([-1, -(2**63)])
            memory.kept.append(o)
            values.append(ctypes.byref(o))
        elif kind in INITIALISED:
            values.append(vp(None) if rng.random() < 0.2 else ctypes.byref(INITIALISED[kind]()))
        elif kind.endswith("**"):
            values.append(vp(None) if rng.random() < 0.2 else ctypes.byref(created))
        elif kind.removeprefix("const").rstrip("*") in HANDLES:
            which = (
                handle
                if kind.removeprefix("const").rstrip("*") == f"pysig_{stem}_{f}" or not stem
                else rng.choice(HANDLES["pysig_basis"])
            )
            values.append(vp(which[0] if which else None))
        elif kind == "void*":
            w = Window(integer(channels), integer(depth), integer(rng.randint(0, 3)))
            memory.kept.append(w)
            values.append(vp(None) if rng.random() < 0.2 else ctypes.byref(w))
        elif kind == "size_t":
            struct = INITIALISED[arguments[0][0]]
            values.append(ctypes.c_size_t(integer(ctypes.sizeof(struct)) % 2**64))
        elif kind.endswith("*"):
            follows = (
                position < len(expected)
                and expected[position][1] in (argument + "_size", "size")
                and expected[position][0] in ("int64_t", "intptr_t")
            )
            if not follows:
                address, _ = memory.array(8, None if kind.startswith(("float", "double")) else i64)
                values.append(vp(None) if rng.random() < 0.2 else vp(address))
                continue
            position += 1
            count = counts.get(argument, width)
            if rng.random() < 0.25:
                count = max(0, count + rng.choice([-1, 1, channels, -channels, 17]))
            if argument.startswith(("basepoint", "initial")) and rng.random() < 0.8:
                values += [vp(None), i64(0)]
                continue
            kind_of = ctypes.c_ubyte if "char" in kind else None
            if kind_of:
                block = (ctypes.c_ubyte * max(count, 1))(
                    *(rng.randrange(256) for _ in range(min(count, 40)))
                )
                if (
                    handle and count >= 40 and rng.random() < 0.7
                ):  # a true one, often with a wrong byte
                    n = i64()
                    getattr(lib, f"pysig_{stem}_serialised_size_{f}")(
                        vp(handle[0]), ctypes.byref(n)
                    )
                    block = (ctypes.c_ubyte * n.value)()
                    getattr(lib, f"pysig_{stem}_serialise_{f}")(vp(handle[0]), block, n)
                    count = n.value
                    if rng.random() < 0.8:
                        block[rng.randrange(count)] ^= rng.randrange(256)
                    if stem == "sliding" and rng.random() < 0.5:
                        block[28:32] = checksum(block).to_bytes(4, "little")
                memory.kept.append(block)
                address = ctypes.addressof(block)
            elif argument in ("times", "ticks"):
                kind_of = ctypes.c_double if "double" in kind else i64
                block = (kind_of * max(count, 1))(*(clock() for _ in range(count)))
                memory.kept.append(block)
                address = ctypes.addressof(block)
            else:
                address, _ = memory.array(count)
            if rng.random() < 0.05:
                address = None
            given = count if rng.random() < 0.95 else rng.choice([-1, -(2**63), 0])
            values += [vp(address), i64(given)]
        elif kind == "int":
            usual = {
                "depth": depth,
                "scalar_term": int(scalar),
                "workers": 1,
                "kind": rng.randint(0, 2),
                **dict.fromkeys(("worst_case", "inclusive", "include_previous"), points % 2),
            }[argument]
            values.append(ctypes.c_int(integer(usual, 32)))
        elif kind in ("int64_t", "intptr_t"):
            usual = {"channels": channels, "before": clock.now - 3, "capacity": points}
            values.append(i64(integer(usual.get(argument, 1))))
        elif kind == "double":
            values.append(ctypes.c_double(rng.choice([*SOME, clock.now - 3.0])))
        else:
            raise SystemExit(f"the fuzz does not know {kind} {argument}")
    status = getattr(lib, "pysig_" + name)(*values)
    if created.value and ("create" in name or "copy" in name or "deserialise" in name):
        getattr(lib, f"pysig_{stem}_destroy_{f}" if stem else "pysig_basis_destroy")(created)
    return status


for name, arguments in functions.items():
    tally = {}
    for _ in range(calls):
        status = call(name, arguments)
        if name.startswith("window"):  # 1 is success here
            status = 1 - status
        tally[status] = tally.get(status, 0) + 1
        if status:
            text = lib.pysig_last_error().decode()
            assert status in (1, 2), (name, status, text)
            assert text.startswith("pysig: "), (name, text)
            assert text.endswith("."), (name, text)
            assert status == 2 or (": expected " in text and ", received " in text), (name, text)
    print(json.dumps([name, tally]), flush=True)
