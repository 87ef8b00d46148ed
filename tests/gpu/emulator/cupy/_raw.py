"""RawModule and RawKernel: plain C names, blocks, threads, shared memory."""

import ctypes
import re

import numpy as np

from . import _array, _compile, cuda

EXTERN_SHARED = re.compile(
    r"extern\s+__shared__\s+(?:__align__\(\d+\)\s+|alignas\(\d+\)\s+)?(\w[\w\s]*?)\s+(\w+)\s*\[\s*\]\s*;"
)
MAX_THREADS, MAX_SHARED, DEFAULT_SHARED = 1024, 227 * 1024, 48 * 1024
MAX_GRID = (2**31 - 1, 65535, 65535)
KERNEL = re.compile(
    r'extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\([^()]*\)\s+)?(\w+)\s*\('
)
HEAD = '#include "device.hpp"\n'
CALLS = """
namespace emulator {
int launch_grid(void (*)(const void*), const void*, const unsigned*, std::int64_t,
                const std::uintptr_t*, int, char*, int);
template <class... A>
constexpr entry<A...> entry_of(void (*)(A...)) { return {}; }
template <class... A>
void call(void (*kernel)(A...), const argument* arguments) {
    entry<A...>::call(kernel, arguments, std::index_sequence_for<A...>{});
}
template <class... A>
constexpr int count(void (*)(A...)) { return sizeof...(A); }
}
#define EMULATOR_PUBLIC extern "C" __attribute__((visibility("default")))
"""
# Of every kernel of a module, which is compiled once.
ENTRY = """
EMULATOR_PUBLIC int emulator_count_KERNEL() { return emulator::count(&KERNEL); }
EMULATOR_PUBLIC const emulator::parameter* emulator_parameters_KERNEL() {
    return decltype(emulator::entry_of(&KERNEL))::parameters;
}
static void emulator_body_KERNEL(const void* data) {
    emulator::call(&KERNEL, static_cast<const emulator::argument*>(data));
}
EMULATOR_PUBLIC int emulator_run_KERNEL(const emulator::argument* arguments, const unsigned* dims,
        std::int64_t shared, const std::uintptr_t* ranges, int count, char* message, int bytes) {
    return emulator::launch_grid(emulator_body_KERNEL, arguments, dims, shared, ranges, count,
                                message, bytes);
}
"""


class RawKernel:
    def __init__(self, code, name, options=(), backend="nvrtc", **unknown):
        if unknown or backend != "nvrtc":
            raise NotImplementedError(
                f"the CuPy emulator does not know {sorted(unknown)}, {backend}"
            )
        self.code, self.name, self.options = code, name, options
        self.__name__ = name
        self.max_dynamic_shared_size_bytes = DEFAULT_SHARED
        self._run = None

    def compile(self, log_stream=None):
        if not re.fullmatch(r"[A-Za-z_]\w*", self.name):
            raise NotImplementedError(
                f"the CuPy emulator expects a plain C name, got {self.name!r}"
            )
        code = EXTERN_SHARED.sub(
            r"\1* const \2 = static_cast<\1*>(emulator::dynamic_shared());", self.code
        )
        if re.search(r"extern\s+__shared__", code):
            raise NotImplementedError(
                "the CuPy emulator does not know this form of extern __shared__"
            )
        names = {self.name, *KERNEL.findall(code)}
        entries = "".join(ENTRY.replace("KERNEL", name) for name in sorted(names))
        library = _compile.library(f"{HEAD}{code}{CALLS}{entries}", tuple(self.options))
        if not hasattr(library, self.name):  # a mangled name: cuModuleGetFunction would not find it
            raise cuda.driver.CUDADriverError("CUDA_ERROR_NOT_FOUND: named symbol not found")
        count, parameters, self._run = (
            getattr(library, f"emulator_{what}_{self.name}")
            for what in ("count", "parameters", "run")
        )
        parameters.restype = ctypes.POINTER(_compile.Parameter)
        self._parameters = parameters()[: count()]

    def __call__(self, grid, block, args, *, shared_mem=0, stream=None):
        if self._run is None:
            self.compile()
        dims = (*_dims(grid, MAX_GRID, "grid"), *_dims(block, (1024, 1024, 64), "block"))
        if dims[3] * dims[4] * dims[5] > MAX_THREADS:
            raise cuda.driver.CUDADriverError("CUDA_ERROR_INVALID_VALUE: invalid argument")
        if shared_mem > self.max_dynamic_shared_size_bytes or shared_mem > MAX_SHARED:
            raise cuda.driver.CUDADriverError(
                f"CUDA_ERROR_INVALID_VALUE: {shared_mem} bytes of shared memory exceed "
                f"max_dynamic_shared_size_bytes={self.max_dynamic_shared_size_bytes}"
            )
        if len(args) != len(self._parameters):
            raise TypeError(f"{self.name} takes {len(self._parameters)} arguments, got {len(args)}")
        values = [
            _value(self.name, k, a, p)
            for k, (a, p) in enumerate(zip(args, self._parameters, strict=True))
        ]
        packed = (_compile.Argument * max(1, len(args)))()
        for slot, value in zip(packed, values, strict=False):
            slot.value = value.ctypes.data
        cuda._submit(
            self.name, lambda: self._execute(packed, values, dims, shared_mem, args), stream
        )

    def _execute(self, packed, values, dims, shared_mem, args):
        arrays = [a for a in args if isinstance(a, _array.ndarray)]
        ranges, count = _compile.ranges_of(arrays, packed, values)
        message = ctypes.create_string_buffer(512)
        sizes = (ctypes.c_uint32 * 6)(*dims)
        shared = ctypes.c_int64(shared_mem)
        failed = self._run(packed, sizes, shared, ranges, count, message, 512)
        _compile.finish(self.name, failed, message)


def _dims(sizes, limits, what):
    if not isinstance(sizes, tuple) or not 1 <= len(sizes) <= 3:
        raise TypeError(f"{what} must be a tuple of one to three sizes, got {sizes!r}")
    full = (*sizes, 1, 1)[:3]
    if any(not 1 <= n <= most for n, most in zip(full, limits, strict=True)):
        raise cuda.driver.CUDADriverError(
            f"CUDA_ERROR_INVALID_VALUE: {what} {full} beyond {limits}"
        )
    return full


def _value(kernel, k, a, parameter):
    """One argument as CuPy packs it; a card would read the wrong bytes where sizes differ, this
    refuses."""
    if isinstance(a, _array.ndarray):
        here, there = _array.current_device(), a.device.id
        if here != there:  # CuPy does not look, and the device reads an illegal address
            raise _compile.KernelFault(
                f"kernel {kernel}: argument {k} is on device {there}, the kernel on device {here}"
            )
        value, kind = np.array([a.data.ptr], np.uint64), b"p"
    elif type(a) is int and a == 0 and parameter.kind == b"p":
        value, kind = np.array([0], np.uint64), b"p"
    elif isinstance(a, np.generic):
        value, kind = np.array([a]), b"f" if a.dtype.kind == "f" else b"i"
    elif isinstance(a, (bool, int)):
        value, kind = np.array([a], bool if isinstance(a, bool) else np.int64), b"i"
    elif isinstance(a, float):
        value, kind = np.array([a], np.float64), b"f"
    else:
        raise TypeError(f"Unsupported type {type(a)}")
    if value.itemsize != parameter.bytes or kind != parameter.kind:
        raise TypeError(
            f"argument {k} of {kernel} is {kind.decode()}{8 * value.itemsize}, "
            f"the kernel expects {parameter.kind.decode()}{8 * parameter.bytes}"
        )
    return value


class RawModule:
    def __init__(self, *, code=None, path=None, options=(), backend="nvrtc", **unknown):
        if code is None or path is not None or unknown or backend != "nvrtc":
            raise NotImplementedError("the CuPy emulator knows RawModule(code=, options=) only")
        if not isinstance(options, tuple):
            raise TypeError("options must be a tuple")
        self.code, self.options = code, options

    def get_function(self, name):
        kernel = RawKernel(self.code, name, self.options)
        kernel.compile()  # CuPy, too, compiles the module when the first name is looked up
        return kernel
