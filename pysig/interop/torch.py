"""P6. Signatures of PyTorch tensors, with derivatives of first and second order.

Every operation is a custom operator of PyTorch, which ``torch.compile`` takes as it is. Outside of
that the operators are wrapped in functions of autograd, which ``torch.func`` can transform; both
share their formulas. Tensors are handed over without copies:
to NumPy on the CPU, through DLPack to CuPy on a GPU, where work is queued on the current stream of
PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

import torch
import torch.utils.dlpack
from torch import Tensor

import pysig

__all__ = ["signature"]

# What all operators take after their tensors, in this order; PyTorch wants flat arguments.
_OPTIONS = "int depth, bool stream, bool inverse, bool scalar_term, str method, int? workers"
_OPTION_NAMES = ("depth", "stream", "inverse", "scalar_term", "method", "workers")
_MAYBE = "Tensor? basepoint, Tensor? initial, Tensor? lengths"


def signature(
    path: Tensor,
    depth: int,
    *,
    stream: bool = False,
    basepoint: Any = None,
    initial: Optional[Tensor] = None,  # noqa: UP045
    inverse: bool = False,
    scalar_term: bool = False,
    lengths: Any = None,
    method: str = "auto",
    workers: Optional[int] = None,  # noqa: UP045
) -> Tensor:
    """Signature of piecewise linear paths, a differentiable PyTorch function.

    Parameters
    ----------
    path : Tensor, shape (..., length, channels)
        float32 or float64, on the CPU or (with CuPy installed) on a GPU.
    depth, stream, inverse, scalar_term, method, workers
        As for `pysig.signature`.
    basepoint : bool or Tensor, shape (..., channels), optional
        As for `pysig.signature`. Derivatives go to it.
    initial : Tensor, shape (..., size), optional
        As for `pysig.signature`. Derivatives go to it.
    lengths : Tensor or array_like of int, shape (...), optional
        As for `pysig.signature`.

    Returns
    -------
    Tensor
        As `pysig.signature`; on the device of `path`, with its dtype.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `pysig.signature` does.

    Notes
    -----
    The backward pass is `pysig.signature_vjp`, and that of the backward pass `pysig.signature_hvp`
    and `pysig.signature_jvp`; a third derivative is an error. ``torch.compile`` and
    ``torch.func.vmap`` work.

    Examples
    --------
    >>> import torch
    >>> from pysig.interop.torch import signature
    >>> path = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]], requires_grad=True)
    >>> s = signature(path, 2)
    >>> s.tolist()
    [1.0, 2.0, 0.5, 2.0, 0.0, 2.0]
    >>> s[3].backward()
    >>> path.grad.tolist()
    [[-2.0, -0.5], [1.0, -0.5], [1.0, 1.0]]
    """
    if not isinstance(path, Tensor):
        raise TypeError(f"path: expected a torch.Tensor, received {type(path).__name__}.")
    if isinstance(basepoint, bool):
        basepoint = path.new_zeros(path.shape[-1:]) if basepoint else None
    if lengths is not None:
        lengths = torch.as_tensor(lengths)
    compiled = torch.compiler.is_compiling()
    apply: Any = torch.ops.pysig.signature if compiled else _Signature.apply
    result: Tensor = apply(
        path, basepoint, initial, lengths, depth, stream, inverse, scalar_term, method, workers
    )
    return result


# ---- tensors and arrays ----


def _lend(tensor: Optional[Tensor], like: Tensor) -> Any:  # noqa: UP045
    """The array of a tensor, sharing its memory."""
    if tensor is None:
        return None
    if not like.is_cuda:
        return tensor.detach().cpu().resolve_neg().numpy()
    import cupy

    return cupy.from_dlpack(tensor.detach().resolve_neg().to(like.device))


def _own(array: Any, like: Tensor) -> Tensor:
    """The tensor of an array, sharing its memory."""
    if not like.is_cuda:
        return torch.from_numpy(array)
    tensor: Tensor = torch.utils.dlpack.from_dlpack(array)
    return tensor


def _call(function: Callable[..., Any], like: Tensor, tensors: list[Any], **options: Any) -> Any:
    """`function` of arrays, on the device and the stream of `like`."""

    def run() -> Any:
        arrays = [_lend(tensor, like) for tensor in tensors]
        named = {k: _lend(v, like) if isinstance(v, Tensor) else v for k, v in options.items()}
        depth = named.pop("depth")
        return function(arrays[0], depth, *arrays[1:], **named)

    if not like.is_cuda:
        return run()
    import cupy

    stream = torch.cuda.current_stream(like.device).cuda_stream
    with cupy.cuda.Device(like.device.index or 0), cupy.cuda.ExternalStream(stream):
        return run()


def _cotangents(result: Any, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Operators return tensors only: an empty one stands for None."""
    parts = result if isinstance(result, tuple) else (result, None, None)
    none = like.new_empty(0)
    first, second, third = (none.clone() if p is None else _own(p, like) for p in parts)
    return first, second, third


# ---- the operators ----

_make: Any = torch.library.Library
_library: Any = _make("pysig", "DEF")
_library.define(f"signature(Tensor path, {_MAYBE}, {_OPTIONS}) -> Tensor")
_COTANGENTS = "(Tensor, Tensor, Tensor)"
_library.define(
    f"signature_vjp(Tensor path, {_MAYBE}, Tensor cotangent, {_OPTIONS}) -> {_COTANGENTS}"
)
_MOVES = "Tensor tangent, Tensor? basepoint_tangent, Tensor? initial_tangent"
_library.define(f"signature_jvp(Tensor path, {_MAYBE}, {_MOVES}, {_OPTIONS}) -> Tensor")
_library.define(
    f"signature_hvp(Tensor path, {_MAYBE}, Tensor cotangent, {_MOVES}, {_OPTIONS}) -> {_COTANGENTS}"
)


def _named(options: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(_OPTION_NAMES, options, strict=True))


def _signature(path: Tensor, base: Any, initial: Any, lengths: Any, *options: Any) -> Tensor:
    maybe = {"basepoint": base, "initial": initial, "lengths": lengths}
    return _own(_call(pysig.signature, path, [path], **maybe, **_named(options)), path)


def _signature_vjp(
    path: Tensor, base: Any, initial: Any, lengths: Any, cotangent: Tensor, *options: Any
) -> tuple[Tensor, Tensor, Tensor]:
    maybe = {"basepoint": base, "initial": initial, "lengths": lengths}
    result = _call(pysig.signature_vjp, path, [path, cotangent], **maybe, **_named(options))
    return _cotangents(result, path)


def _signature_jvp(
    path: Tensor,
    base: Any,
    initial: Any,
    lengths: Any,
    tangent: Tensor,
    base_tangent: Any,
    initial_tangent: Any,
    *options: Any,
) -> Tensor:
    maybe = {
        "basepoint": base,
        "initial": initial,
        "lengths": lengths,
        "basepoint_tangent": base_tangent,
        "initial_tangent": initial_tangent,
    }
    result = _call(pysig.signature_jvp, path, [path, tangent], **maybe, **_named(options))
    return _own(result, path)


def _signature_hvp(
    path: Tensor,
    base: Any,
    initial: Any,
    lengths: Any,
    cotangent: Tensor,
    tangent: Tensor,
    base_tangent: Any,
    initial_tangent: Any,
    *options: Any,
) -> tuple[Tensor, Tensor, Tensor]:
    maybe = {
        "basepoint": base,
        "initial": initial,
        "lengths": lengths,
        "basepoint_tangent": base_tangent,
        "initial_tangent": initial_tangent,
    }
    result = _call(
        pysig.signature_hvp, path, [path, cotangent, tangent], **maybe, **_named(options)
    )
    return _cotangents(result, path)


# ---- shapes, for torch.compile ----


def _fake_signature(path: Tensor, base: Any, initial: Any, lengths: Any, *options: Any) -> Tensor:
    named = _named(options)
    *batch, length, channels = path.shape
    size = sum(channels**k for k in range(1, named["depth"] + 1)) + named["scalar_term"]
    rows = [length - (base is None)] if named["stream"] else []
    return path.new_empty([*batch, *rows, size])


def _fake_signature_jvp(path: Tensor, base: Any, initial: Any, lengths: Any, *rest: Any) -> Tensor:
    return _fake_signature(path, base, initial, lengths, *rest[3:])


def _fake_cotangents(
    path: Tensor, base: Any, initial: Any, lengths: Any, *rest: Any
) -> tuple[Tensor, Tensor, Tensor]:
    none = path.new_empty(0)
    first, second, third = (
        none.clone() if t is None else path.new_empty(t.shape) for t in (path, base, initial)
    )
    return first, second, third


for _name, _kernel, _fake in (
    ("signature", _signature, _fake_signature),
    ("signature_vjp", _signature_vjp, _fake_cotangents),
    ("signature_jvp", _signature_jvp, _fake_signature_jvp),
    ("signature_hvp", _signature_hvp, _fake_cotangents),
):
    for _device in ("CPU", "CUDA"):
        _library.impl(_name, _kernel, _device)
    torch.library.register_fake(f"pysig::{_name}", _fake, lib=_library)


# ---- torch.func.vmap ----

# How many axes of an argument are not batch axes; cotangents of a stream have one more.
_OWN_AXES = {
    "path": 2,
    "basepoint": 1,
    "initial": 1,
    "lengths": 0,
    "cotangent": 1,
    "tangent": 2,
    "basepoint_tangent": 1,
    "initial_tangent": 1,
}
_GIVEN = ("path", "basepoint", "initial", "lengths")
_MOVED = ("tangent", "basepoint_tangent", "initial_tangent")


def _batched(function: Any, size: int, dims: Any, inputs: Any) -> Any:
    """`function` with one more batch axis, in front of all tensors and results."""
    names = function.names
    options = inputs[len(names) :]
    path, stream = inputs[0], _named(options)["stream"]
    batch_axes = path.ndim - 2 - (dims[0] is not None)
    wide: list[Any] = []
    for name, tensor, dim in zip(names, inputs, dims, strict=False):
        if tensor is None:
            wide.append(None)
            continue
        first = tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
        own = _OWN_AXES[name] + (name == "cotangent" and stream)
        missing = batch_axes - (first.ndim - 1 - own)
        wide.append(first.reshape(size, *[1] * missing, *first.shape[1:]))
    results = function.call(*wide, *options)
    if isinstance(results, Tensor):
        return results, 0
    shaped, places = [], []
    for result, tensor, dim in zip(results, inputs, dims, strict=False):
        if tensor is not None:
            axes = tensor.ndim - (dim is not None)  # without the ones that were put in
            result = result.reshape(size, *result.shape[result.ndim - axes :])
        shaped.append(result)
        places.append(None if tensor is None else 0)
    return tuple(shaped), tuple(places)


# ---- derivatives ----


def _moves(given: Any, tangents: Any) -> tuple[Any, Any, Any]:
    """Tangents of path, basepoint and initial; zero for a path that stays, None for what is not
    there.
    """
    path, base, initial = given[:3]
    first = torch.zeros_like(path) if tangents[0] is None else tangents[0]
    return first, None if base is None else tangents[1], None if initial is None else tangents[2]


def _where_given(given: Any, grads: Any) -> list[Any]:
    return [None if t is None else g for t, g in zip(given[:3], grads, strict=True)]


def _keep(ctx: Any, tensors: tuple[Any, ...], options: tuple[Any, ...]) -> None:
    ctx.save_for_backward(*tensors)
    if hasattr(ctx, "save_for_forward"):
        ctx.save_for_forward(*tensors)
    ctx.options = options


def _back(ctx: Any, cotangent: Tensor, vjp: Any) -> Any:
    """Backwards through `signature`."""
    given = ctx.saved_tensors
    grads = vjp(*given, cotangent, *ctx.options)
    return (*_where_given(given, grads), None, *(None for _ in ctx.options))


def _back_again(ctx: Any, tangents: Any, jvp: Any, hvp: Any) -> Any:
    """Backwards through `signature_vjp`: the Hessian is symmetric, so its product with the tangents
    is what goes back to the path.
    """
    *given, cotangent = ctx.saved_tensors
    moves = _moves(given, tangents)
    grads = hvp(*given, cotangent, *moves, *ctx.options)
    by_cotangent = jvp(*given, *moves, *ctx.options)
    return (*_where_given(given, grads), None, by_cotangent, *(None for _ in ctx.options))


def _no_more(ctx: Any, *_: Any) -> Any:
    raise NotImplementedError(
        "pysig.interop.torch: derivatives of signatures go to the second order."
    )


_ops: Any = torch.ops.pysig
torch.library.register_autograd(
    "pysig::signature",
    lambda ctx, cotangent: _back(ctx, cotangent, _ops.signature_vjp),
    setup_context=lambda ctx, inputs, output: _keep(ctx, inputs[:4], inputs[4:]),
    lib=_library,
)
torch.library.register_autograd(
    "pysig::signature_vjp",
    lambda ctx, *tangents: _back_again(ctx, tangents, _ops.signature_jvp, _ops.signature_hvp),
    setup_context=lambda ctx, inputs, output: _keep(ctx, inputs[:5], inputs[5:]),
    lib=_library,
)
for _name in ("signature_jvp", "signature_hvp"):
    torch.library.register_autograd(f"pysig::{_name}", _no_more, lib=_library)


class _Function(torch.autograd.Function):
    """An operator with its tensor arguments `names`, for autograd and ``torch.func``."""

    names: tuple[str, ...]

    @classmethod
    def call(cls, *inputs: Any) -> Any:
        apply: Any = cls.apply
        return apply(*inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> Any:
        return _no_more(ctx)


class _Signature(_Function):
    names = _GIVEN

    @staticmethod
    def forward(*inputs: Any) -> Any:
        return _ops.signature(*inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        _keep(ctx, inputs[:4], inputs[4:])

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> Any:
        return _back(ctx, cotangents[0], _SignatureVjp.call)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        given = ctx.saved_tensors
        return _SignatureJvp.call(*given, *_moves(given, tangents), *ctx.options)

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        return _batched(_Signature, info.batch_size, in_dims, inputs)


class _SignatureVjp(_Function):
    names = (*_GIVEN, "cotangent")

    @staticmethod
    def forward(*inputs: Any) -> Any:
        return _ops.signature_vjp(*inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        _keep(ctx, inputs[:5], inputs[5:])

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> Any:
        return _back_again(ctx, cotangents, _SignatureJvp.call, _SignatureHvp.call)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        *given, cotangent = ctx.saved_tensors
        moves = _moves(given, tangents)
        grads = _SignatureHvp.call(*given, cotangent, *moves, *ctx.options)
        if tangents[4] is not None:
            moved = _SignatureVjp.call(*given, tangents[4], *ctx.options)
            grads = tuple(a + b for a, b in zip(grads, moved, strict=True))
        return tuple(grads)

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        return _batched(_SignatureVjp, info.batch_size, in_dims, inputs)


class _SignatureJvp(_Function):
    names = (*_GIVEN, *_MOVED)

    @staticmethod
    def forward(*inputs: Any) -> Any:
        return _ops.signature_jvp(*inputs)

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        return _batched(_SignatureJvp, info.batch_size, in_dims, inputs)


class _SignatureHvp(_Function):
    names = (*_GIVEN, "cotangent", *_MOVED)

    @staticmethod
    def forward(*inputs: Any) -> Any:
        return _ops.signature_hvp(*inputs)

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        return _batched(_SignatureHvp, info.batch_size, in_dims, inputs)
