"""ElementwiseKernel and ReductionKernel: the body is compiled and run over all elements.

Elements run in a scrambled order, so that a kernel which reads what another element writes is
found out.
"""

import ctypes
import math
import re

import numpy as np

from . import _array, _compile, _functions, cuda

C_NAMES = {
    "?": "bool", "b": "signed char", "h": "short", "i": "int", "l": "long", "q": "long long",
    "B": "unsigned char", "H": "unsigned short", "I": "unsigned int", "L": "unsigned long",
    "Q": "unsigned long long", "f": "float", "d": "double",
}  # fmt: skip
CUDA_NAMES = {**C_NAMES, "l": "long long", "L": "unsigned long long"}


class Parameter:
    def __init__(self, text, const):
        words = text.split()
        if len(words) < 2:
            raise Exception(f"Syntax error: {text}")
        *modifiers, kind, self.name = words
        if set(modifiers) - {"raw"}:
            raise NotImplementedError(f"the CuPy emulator does not know the parameter {text!r}")
        self.raw, self.const = "raw" in modifiers, const
        self.placeholder = kind if len(kind) == 1 else None
        self.dtype = None if self.placeholder else np.dtype(kind)


def parse(text, const):
    return [Parameter(part, const) for part in text.split(",")] if text.strip() else []


def decide_types(params, args):
    """What each one-letter type stands for: the dtype of the arrays there; all must agree."""
    types = {}
    for p, a in zip(params, args, strict=True):
        given = a.dtype if isinstance(a, _array.ndarray) else None
        wanted = p.dtype or types.get(p.placeholder)
        if given is not None and wanted is not None and given != wanted:
            raise TypeError(f"Type is mismatched. {p.name} {given} {wanted}")
        if given is not None and p.placeholder:
            types[p.placeholder] = given
    missing = [p.name for p in params if p.placeholder and p.placeholder not in types]
    if missing:
        raise TypeError(f"no array argument decides the type of {missing}")
    return types


def common_shape(params, args, size):
    shapes = [
        a.shape
        for p, a in zip(params, args, strict=True)
        if isinstance(a, _array.ndarray) and not p.raw
    ]
    if size is not None:
        if shapes:
            raise ValueError("Specified 'size' can be used only if all of the ndarray are 'raw'.")
        return (size,)
    if not shapes:
        raise ValueError("Loop size is undecided.")
    return np.broadcast_shapes(*shapes)


class Kernel:
    def __init__(self, in_params, out_params, name, preamble, options):
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise ValueError(f'Invalid kernel name: "{name}"')
        self.in_params, self.out_params = parse(in_params, True), parse(out_params, False)
        self.params = self.in_params + self.out_params
        self.name = self.__name__ = name
        self.preamble, self.options = preamble, options
        self.nin, self.nargs = len(self.in_params), len(self.params)

    def _arguments(self, args):
        if len(args) not in (self.nin, self.nargs):
            raise TypeError(
                f"Wrong number of arguments for {self.name!r}. It must be either {self.nin} or "
                f"{self.nargs} (with outputs), but given {len(args)}."
            )
        for a in args:
            if isinstance(a, np.ndarray):
                raise TypeError(f"Unsupported type {type(a)}")
            if isinstance(a, _array.ndarray):
                _array.same_device(a)
        if any(not isinstance(a, _array.ndarray) for a in args[self.nin :]):
            raise TypeError("Output arguments type must be cupy.ndarray")
        return list(args)

    def _ctype(self, p, types):
        name = C_NAMES[np.dtype(p.dtype or types[p.placeholder]).char]
        return CUDA_NAMES[np.dtype(p.dtype or types[p.placeholder]).char] if name else name

    def _declarations(self, args, types):
        """Typedefs of the placeholders, and every argument under its name (`_raw_` of it for
        elements)."""
        head = [f"typedef {CUDA_NAMES[t.char]} {letter};" for letter, t in types.items()]
        body = []
        for k, (p, a) in enumerate(zip(self.params, args, strict=True)):
            ctype = ("const " if p.const else "") + self._ctype(p, types)
            if isinstance(a, _array.ndarray):
                name = p.name if p.raw else f"_raw_{p.name}"
                body.append(
                    f"emulator::array<{ctype}> {name}(static_cast<{ctype}*>(arguments[{k}].value), "
                    f"arguments[{k}].shape_strides, arguments[{k}].ndim); (void){name};"
                )
            else:
                body.append(f"{ctype} {p.name} = *static_cast<{ctype}*>(arguments[{k}].value);")
        return "\n".join(head), "\n".join(body)

    def _elements(self, params, args, types, index):
        lines = []
        for p, a in zip(params, args, strict=True):
            if isinstance(a, _array.ndarray) and not p.raw:
                ctype = ("const " if p.const else "") + self._ctype(p, types)
                lines.append(f"{ctype} &{p.name} = _raw_{p.name}[{index}]; (void){p.name};")
        return "\n".join(lines)

    def _launch(self, args, types, loop, sizes, stream):
        head, body = self._declarations(args, types)
        source = f"""#include "device.hpp"
{head}
{self.preamble}
namespace emulator {{
int launch_flat(void (*)(const void*), const void*, const std::uintptr_t*, int, char*, int);
}}
struct emulator_job {{ const emulator::argument* arguments; std::ptrdiff_t sizes[2]; }};
static void emulator_body(const void* data) {{
    const emulator_job& job = *static_cast<const emulator_job*>(data);
    const emulator::argument* arguments = job.arguments; (void)arguments;
    {body}
    {loop}
}}
extern "C" __attribute__((visibility("default"))) int emulator_run(
        const emulator::argument* arguments, std::ptrdiff_t n, std::ptrdiff_t m,
        const std::uintptr_t* ranges, int count, char* message, int bytes) {{
    emulator_job job{{arguments, {{n, m}}}};
    return emulator::launch_flat(emulator_body, &job, ranges, count, message, bytes);
}}
"""
        run = _compile.library(source, tuple(self.options)).emulator_run
        packed, keep = pack(self.params, args, types)
        cuda._submit(self.name, lambda: self._execute(run, packed, keep, args, sizes), stream)

    def _execute(self, run, packed, keep, args, sizes):
        arrays = [a for a in args if isinstance(a, _array.ndarray)]
        ranges, count = _compile.ranges_of(arrays, packed, keep)
        message = ctypes.create_string_buffer(512)
        n, m = (ctypes.c_int64(size) for size in sizes)
        failed = run(packed, n, m, ranges, count, message, 512)
        _compile.finish(self.name, failed, message)


def pack(params, args, types):
    packed, keep = (_compile.Argument * max(1, len(args)))(), []
    for slot, p, a in zip(packed, params, args, strict=False):
        if isinstance(a, _array.ndarray):
            layout = (ctypes.c_int64 * max(1, 2 * a.ndim))(*a.shape, *a.strides)
            slot.value, slot.shape_strides, slot.ndim = a.data.ptr, layout, a.ndim
            keep.append(layout)
        else:
            if not isinstance(a, (bool, int, float, np.generic)):
                raise TypeError(f"Unsupported type {type(a)}")
            value = np.array([a]).astype(p.dtype or types[p.placeholder])
            slot.value = value.ctypes.data
            keep.append(value)
    return packed, keep


# A walk through 0..n-1 with a step that shares no factor with n.
SCRAMBLED = """std::ptrdiff_t _n = job.sizes[0], _step = _n / 3 * 2 + 1, _p, _q;
    do {
        ++_step;
        for (_p = _step, _q = _n; _q;) { std::ptrdiff_t _r = _p % _q; _p = _q; _q = _r; }
    } while (_p != 1);
    std::ptrdiff_t _at = _n / 2;
    for (std::ptrdiff_t _count = 0; _count < _n; ++_count, _at = (_at + _step) % _n) {"""


class ElementwiseKernel(Kernel):
    def __init__(
        self,
        in_params,
        out_params,
        operation,
        name="kernel",
        reduce_dims=True,
        preamble="",
        no_return=False,
        return_tuple=False,
        *,
        options=(),
        **unknown,
    ):
        if unknown:
            raise NotImplementedError(f"the CuPy emulator does not know {sorted(unknown)}")
        super().__init__(in_params, out_params, name, preamble, options)
        if "i" in (p.name for p in self.params):
            raise ValueError("Can not use 'i' as a parameter name")
        if re.search(r"\b_ind\b", operation):
            raise NotImplementedError("the CuPy emulator does not know _ind")
        self.operation, self.no_return, self.return_tuple = operation, no_return, return_tuple

    def __call__(self, *args, size=None, stream=None, block_size=128):
        if block_size <= 0:
            raise ValueError("block_size must be greater than zero")
        args = self._arguments(args)
        given = self.params[: len(args)]
        shape = common_shape(given, args, size)
        types = decide_types(given, args)
        if len(args) == self.nin:
            if size is None and any(p.raw for p in self.out_params):
                raise ValueError("Output array size is Undecided")
            missing = [p for p in self.out_params if p.placeholder and p.placeholder not in types]
            if missing:
                raise TypeError(f"nothing decides the type of {[p.name for p in missing]}")
            args += [
                _array.ndarray(shape, p.dtype or types[p.placeholder]) for p in self.out_params
            ]
        outs = args[self.nin :]
        for p, a in zip(self.out_params, outs, strict=True):
            if not p.raw and a.shape != shape:
                raise ValueError("Out shape is mismatched")
        if math.prod(shape):
            args = [
                _functions.broadcast_to(a, shape)
                if isinstance(a, _array.ndarray) and not p.raw
                else a
                for p, a in zip(self.params, args, strict=True)
            ]
            elements = self._elements(self.params, args, types, "i")
            head = f"{SCRAMBLED}\nconst std::ptrdiff_t i = _at; (void)i;\n"
            loop = f"{head}{elements}\n{self.operation};\n}}"
            self._launch(args, types, loop, (math.prod(shape), 0), stream)
        if self.no_return:
            return None
        return outs[0] if len(outs) == 1 and not self.return_tuple else tuple(outs)


class ReductionKernel(Kernel):
    def __init__(
        self,
        in_params,
        out_params,
        map_expr,
        reduce_expr,
        post_map_expr,
        identity,
        name="reduce_kernel",
        reduce_type=None,
        reduce_dims=True,
        preamble="",
        options=(),
    ):
        super().__init__(in_params, out_params, name, preamble, options)
        if identity is None:
            raise NotImplementedError("the CuPy emulator needs an identity")
        for text in (map_expr, reduce_expr, post_map_expr):
            if re.search(r"\b_(in_ind|out_ind|i|j|J)\b", text):
                raise NotImplementedError("the CuPy emulator does not know CuPy's internal names")
        self.map_expr, self.reduce_expr, self.post_map_expr = map_expr, reduce_expr, post_map_expr
        self.identity, self.reduce_type = str(identity), reduce_type

    def __call__(self, *args, out=None, axis=None, keepdims=False, stream=None):
        args = self._arguments(args)
        if out is not None:
            if len(args) != self.nin:
                raise ValueError("cannot specify 'out' as both a positional and keyword argument")
            args.append(out)
        given = self.params[: len(args)]
        shape = common_shape(given[: self.nin], args[: self.nin], None)
        types = decide_types(given, args)
        axes = range(len(shape)) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
        axes = sorted(range(len(shape))[a] for a in axes)
        kept = [k for k in range(len(shape)) if k not in axes]
        if axes + kept != list(range(len(shape))) and any(p.raw for p in self.params):
            raise NotImplementedError("Illegal conditions")  # CuPy: raw arrays want leading axes
        out_shape = tuple(shape[k] for k in kept)
        full_shape = tuple(1 if k in axes else n for k, n in enumerate(shape))
        if len(args) == self.nin:
            args += [
                _array.ndarray(
                    full_shape if keepdims else out_shape, p.dtype or types[p.placeholder]
                )
                for p in self.out_params
            ]
        outs = args[self.nin :]
        for a in outs:
            if a.shape != (full_shape if keepdims else out_shape):
                raise ValueError("Out shape is mismatched")
        order = axes + kept
        args = [
            _functions.broadcast_to(a, shape).transpose(order)
            if k < self.nin and isinstance(a, _array.ndarray) and not p.raw
            else a
            for k, (p, a) in enumerate(zip(self.params, args, strict=True))
        ]
        if math.prod(out_shape):
            self._reduce(
                args, types, math.prod(out_shape), math.prod(shape[k] for k in axes), stream
            )
        return outs[0] if len(outs) == 1 else tuple(outs)

    def _reduce(self, args, types, outputs, terms, stream):
        """Terms are added in four interleaved parts, since CuPy adds them in a tree."""
        kind = self.reduce_type or self._ctype(self.out_params[0], types)
        inputs = self._elements(self.in_params, args[: self.nin], types, "_j * _n + _at")
        results = self._elements(self.out_params, args[self.nin :], types, "_at")
        loop = f"""{SCRAMBLED}
            typedef {kind} _type_reduce;
            auto _reduce = [&](_type_reduce a, _type_reduce b) -> _type_reduce {{
                return ({self.reduce_expr});
            }};
            _type_reduce _none = _type_reduce({self.identity});
            _type_reduce _parts[4] = {{_none, _none, _none, _none}};
            for (std::ptrdiff_t _j = 0; _j < job.sizes[1]; ++_j) {{
                {inputs}
                _type_reduce& _part = _parts[_j % 4];
                _part = _reduce(_part, static_cast<_type_reduce>({self.map_expr}));
            }}
            _type_reduce _left = _reduce(_parts[0], _parts[1]);
            _type_reduce a = _reduce(_left, _reduce(_parts[2], _parts[3]));
            {results}
            {self.post_map_expr};
        }}"""
        self._launch(args, types, loop, (outputs, terms), stream)
