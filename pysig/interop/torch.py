"""Signatures of PyTorch tensors, under autograd, ``torch.func`` and ``torch.compile``.

The operators of `_operator` are one custom operator of PyTorch, which ``torch.compile`` uses
directly. Otherwise an autograd function wraps it, which ``torch.func`` can transform. Tensors are
passed without copies: to NumPy on the CPU, and by DLPack to CuPy on a GPU, where work is queued on
PyTorch's current CUDA stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
import torch.utils.dlpack
from torch import Tensor

from pysig.interop._operator import Operator, prepare, pull_back, push_forward

__all__ = ["logsignature", "signature"]


def signature(
    path: Tensor,
    depth: int | None = None,
    *,
    basepoint: bool | Tensor | None = None,
    initial: Tensor | None = None,
    lengths: Any = None,
    **options: Any,
) -> Tensor:
    """Signature of piecewise linear paths, a differentiable PyTorch function.

    Parameters
    ----------
    path : Tensor, shape (..., length, channels)
        The paths, float32 or float64, on the CPU or, if CuPy is installed, on a GPU.
    depth : int, optional
        As for `pysig.signature`.
    basepoint : bool or Tensor, shape (..., channels), optional
        As for `pysig.signature`. A tensor receives derivatives.
    initial : Tensor, shape (..., size), optional
        As for `pysig.signature`. It receives derivatives.
    lengths : Tensor or array_like of int, shape (...), optional
        As for `pysig.signature`.
    **options
        All other options of `pysig.signature` except `out`, such as `stream`, `inverse`, `words`
        or `transform`. They must not contain arrays.

    Returns
    -------
    Tensor
        The result of `pysig.signature`, on the device of `path` and with its dtype.

    Raises
    ------
    TypeError, ValueError, MemoryError
        Under the conditions of `pysig.signature`.
    NotImplementedError
        For a third derivative.

    Notes
    -----
    Gradients call `pysig.signature_vjp`, their derivatives `pysig.signature_hvp`, and derivatives
    along a direction `pysig.signature_jvp`. ``torch.compile`` and all of ``torch.func`` work.

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
    return _call("signature", path, depth, basepoint, initial, lengths, options)


def logsignature(
    path: Tensor,
    depth: int,
    *,
    basepoint: bool | Tensor | None = None,
    initial: Tensor | None = None,
    lengths: Any = None,
    **options: Any,
) -> Tensor:
    """Log-signature of piecewise linear paths, a differentiable PyTorch function.

    Parameters
    ----------
    path, depth, basepoint, initial, lengths
        As for `signature`.
    **options
        All other options of `pysig.logsignature` except `out`, such as `basis` or `stream`.

    Returns
    -------
    Tensor
        The result of `pysig.logsignature`, on the device of `path` and with its dtype.

    Raises
    ------
    TypeError, ValueError, MemoryError
        Under the conditions of `pysig.logsignature`.
    NotImplementedError
        For a third derivative.

    Examples
    --------
    >>> import torch
    >>> from pysig.interop.torch import logsignature
    >>> path = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> logsignature(path, 2).tolist()
    [1.0, 2.0, 1.0]
    """
    return _call("logsignature", path, depth, basepoint, initial, lengths, options)


def _call(
    function: str,
    path: Any,
    depth: int | None,
    basepoint: Any,
    initial: Any,
    lengths: Any,
    options: dict[str, Any],
) -> Tensor:
    if not isinstance(path, Tensor):
        raise TypeError(f"path: expected a torch.Tensor, received {type(path).__name__}.")
    _check_memory(path)
    if isinstance(basepoint, bool):
        basepoint = path.new_zeros(path.shape[-1:]) if basepoint else None
    arrays = {
        "path": path,
        "basepoint": basepoint if basepoint is None else torch.as_tensor(basepoint).to(path),
        "initial": initial if initial is None else torch.as_tensor(initial).to(path),
        "lengths": lengths if lengths is None else torch.as_tensor(lengths, device=path.device),
    }
    operator, operands = prepare(function, depth, arrays, options, torch.broadcast_to)
    apply = _compiled if torch.compiler.is_compiling() else _differentiable
    result: Tensor = apply(operator, *operands)[0]
    return result


def _check_memory(path: Tensor) -> None:
    """TypeError for a tensor whose values are not in the memory of a CPU or a GPU, or not all."""
    if path.layout is not torch.strided:
        raise TypeError(
            f"path: expected a dense tensor, received one of layout {path.layout}. Convert it with "
            "path.to_dense()."
        )
    if path.device.type not in ("cpu", "cuda"):
        raise TypeError(
            f"path: expected a tensor on the CPU or a CUDA device, received one on device "
            f"{path.device}. Move it with path.cpu()."
        )


# ---- tensors and arrays ----


def _run(operator: Operator, operands: Sequence[Tensor]) -> list[Tensor]:
    """The operator on arrays that share the memory of the tensors, on their device and stream."""
    like = operands[0]
    tensors = [tensor.detach().resolve_neg() for tensor in operands]
    if not like.is_cuda:
        return [torch.from_numpy(a) for a in operator.run(*(tensor.numpy() for tensor in tensors))]
    import cupy

    stream = torch.cuda.current_stream(like.device).cuda_stream
    with cupy.cuda.Device(like.device.index or 0), cupy.cuda.ExternalStream(stream):
        results = operator.run(*map(cupy.from_dlpack, tensors))
        return [torch.utils.dlpack.from_dlpack(array) for array in results]


# ---- the custom operator, for torch.compile ----

_read = lru_cache(Operator.read)
_make: Any = torch.library.Library  # PyTorch's own annotations are incomplete
_library: Any = _make("pysig", "DEF")
_library.define("apply(Tensor[] operands, str operator) -> Tensor[]")


def _kernel(operands: list[Tensor], operator: str) -> list[Tensor]:
    return _run(_read(operator), operands)


def _fake(operands: list[Tensor], operator: str) -> list[Tensor]:
    return [operands[0].new_empty(shape) for shape in _read(operator).shapes(*operands)]


def _compiled(operator: Operator, *operands: Tensor) -> list[Tensor]:
    results: list[Tensor] = torch.ops.pysig.apply(list(operands), operator.text)
    return results


def _keep_for_compiled(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    operands, ctx.operator = inputs
    ctx.save_for_backward(*operands)


def _back_compiled(ctx: Any, cotangents: list[Tensor]) -> Any:
    operands, operator = ctx.saved_tensors, _read(ctx.operator)
    wanted = [tensor.is_floating_point() for tensor in operands]
    return pull_back(_compiled, operator, operands, cotangents, wanted), None


for _device in ("CPU", "CUDA"):
    _library.impl("apply", _kernel, _device)
torch.library.register_fake("pysig::apply", _fake, lib=_library)
torch.library.register_autograd(
    "pysig::apply", _back_compiled, setup_context=_keep_for_compiled, lib=_library
)


# ---- the autograd function, for everything else ----


class _Function(torch.autograd.Function):
    @staticmethod
    def forward(operator: Operator, *operands: Tensor) -> tuple[Tensor, ...]:
        return tuple(_run(operator, operands))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.operator, *operands = inputs
        ctx.save_for_backward(*operands)
        ctx.save_for_forward(*operands)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        wanted = ctx.needs_input_grad[1:]
        return None, *pull_back(
            _differentiable, ctx.operator, ctx.saved_tensors, cotangents, wanted
        )

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        moved = push_forward(
            _differentiable, ctx.operator, ctx.saved_tensors, tangents[1:], torch.zeros_like
        )
        return tuple(moved)

    @staticmethod
    def vmap(info: Any, in_dims: Any, operator: Operator, *operands: Tensor) -> Any:
        """One more batch axis, in front of all operands and results."""
        wide = [
            tensor.expand(info.batch_size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            for tensor, dim in zip(operands, in_dims[1:], strict=True)
        ]
        results = _differentiable(operator, *wide)
        return results, (0,) * len(results)


def _differentiable(operator: Operator, *operands: Tensor) -> tuple[Tensor, ...]:
    apply: Any = _Function.apply
    results: tuple[Tensor, ...] = apply(operator, *operands)
    return results
