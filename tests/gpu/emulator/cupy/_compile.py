"""Compiles CUDA text with the machine's C++ compiler; compiled objects are kept on disk by the
hash of all that went in."""

import ctypes
import functools
import hashlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
HOST_FLAGS = ("-fPIC", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas",
              "-Wno-unused-function", "-Wno-unused-variable", "-Wno-unused-parameter")  # fmt: skip
# The hooks of the sanitizer are the emulated device's eyes; its run-time library is never linked.
KERNEL_FLAGS = (*HOST_FLAGS, "-O1", "-fno-tree-loop-distribute-patterns", "-fsanitize=thread")
compiled = 0  # how many times the compiler ran in this process: what a cache test looks at


class CompileException(Exception):
    """What cupy.cuda.compiler raises when NVRTC refuses a source."""

    def __init__(self, msg, source):
        super().__init__(msg)
        self.source = source


@functools.cache
def compiler():
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "c++"]
    for name in names:
        command = shlex.split(name)
        if shutil.which(command[0]):
            return command
    raise RuntimeError(f"the CuPy emulator needs a C++ compiler; none of {names} is on PATH")


@functools.cache
def compiler_version():
    return subprocess.run(
        [*compiler(), "--version"], capture_output=True, text=True, check=True
    ).stdout


def cache_directory():
    default = pathlib.Path(tempfile.gettempdir()) / f"pysig-emulator-{os.getuid()}"
    path = pathlib.Path(os.environ.get("PYSIG_EMULATOR_CACHE", default))
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def digest(*parts):
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def run(command, source):
    global compiled
    compiled += 1
    done = subprocess.run([*compiler(), *command], input=source, capture_output=True, text=True)
    if done.returncode:
        raise CompileException(done.stderr, source)


def atomically(path, build):
    """Builds beside `path`, then renames: several test processes share the cache."""
    if not path.exists():
        partial = path.with_suffix(f".{os.getpid()}{path.suffix}")
        build(partial)
        partial.replace(path)
    return path


@functools.cache
def runtime_object():
    text = (HERE / "device.cpp").read_text()
    key = digest(text, (HERE / "device.hpp").read_text(), compiler_version())
    flags = ["-std=c++17", "-O2", *HOST_FLAGS, f"-I{HERE}", "-x", "c++", "-c", "-"]
    return atomically(
        cache_directory() / f"device-{key}.o", lambda path: run([*flags, "-o", str(path)], text)
    )


def check_options(options):
    """The options of NVRTC that mean the same here; any other is refused, not guessed."""
    if not isinstance(options, tuple):
        raise TypeError(f"options must be a tuple, got {type(options).__name__}")
    flags, standard = [], "-std=c++17"
    for option in options:
        if re.fullmatch(r"--?std=c\+\+(14|17|20)", option):
            standard = "-std=" + option.rpartition("=")[2]
        elif option == "-default-device":
            pass  # everything here is on the device
        elif re.fullmatch(r"-[DI].+", option):
            flags.append(option)
        else:
            raise NotImplementedError(f"the CuPy emulator does not know the option {option!r}")
    return [standard, *flags]


def included_text(flags):
    """All headers below the -I folders: unlike CuPy's cache, this one notices that they changed."""
    texts = []
    for flag in flags:
        if flag.startswith("-I"):
            for path in sorted(pathlib.Path(flag[2:]).rglob("*.h*")):
                texts.append(path.read_text())
    return digest(*texts)


@functools.cache
def library(source, options):
    """A shared library of the kernels in `source`, a full C++ text."""
    if sys.platform != "linux":
        raise RuntimeError("the CuPy emulator needs Linux (ELF sections, ucontext)")
    flags = check_options(options)
    device = (HERE / "device.hpp").read_text() + (HERE / "device.cpp").read_text()
    key = digest(source, *flags, included_text(flags), device, *KERNEL_FLAGS, compiler_version())
    folder = cache_directory()

    def build(path):
        kernel = path.with_suffix(".o")
        command = [*KERNEL_FLAGS, *flags, f"-I{HERE}", "-x", "c++", "-c", "-", "-o", str(kernel)]
        run(command, source)
        run(["-shared", str(kernel), str(runtime_object()), "-o", str(path), "-ldl"], "")
        kernel.unlink()

    path = atomically(folder / f"kernel-{key}.so", build)
    return ctypes.CDLL(str(path))


class Argument(ctypes.Structure):
    _fields_ = (
        ("value", ctypes.c_void_p),
        ("shape_strides", ctypes.POINTER(ctypes.c_int64)),
        ("ndim", ctypes.c_int32),
    )


class Parameter(ctypes.Structure):
    _fields_ = (("bytes", ctypes.c_int32), ("kind", ctypes.c_char))


class KernelFault(Exception):
    """The emulated device stopped a kernel: what compute-sanitizer would report on a card."""


def ranges_of(arrays, packed, values):
    """The memory that a launch may touch: whole allocations, as on a card under memcheck, and its
    own arguments."""
    pairs = {(a.data.mem.ptr, a.data.mem.ptr + a.data.mem.size) for a in arrays}
    for value in (packed, *values):
        if isinstance(value, ctypes.Array):
            pairs.add((ctypes.addressof(value), ctypes.addressof(value) + ctypes.sizeof(value)))
        else:
            pairs.add((value.ctypes.data, value.ctypes.data + value.nbytes))
    flat = [bound for pair in sorted(pairs) for bound in pair]
    return (ctypes.c_uint64 * len(flat))(*flat), len(pairs)


def finish(name, failed, message):
    if failed:
        raise KernelFault(f"kernel {name}: {message.value.decode()}")
