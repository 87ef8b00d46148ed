"""The operators of `_operator` and `_kernel_operator` in PyTorch.

They are one custom operator of PyTorch, which ``torch.compile`` uses directly. Otherwise an
autograd function wraps it, which ``torch.func`` can transform. Tensors are passed without copies:
to NumPy on the CPU, and by DLPack to CuPy on a GPU, where work is queued on PyTorch's current CUDA
stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
import torch.utils.dlpack
from torch import Tensor

from pysig.interop._kernel_operator import read
from pysig.interop._operator import Operator, pull_back, push_forward


def apply(operator: Operator, operands: Sequence[Tensor]) -> Tensor:
    """The result of a forward operator, differentiable and for ``torch.compile``."""
    run = _compiled if torch.compiler.is_compiling() else _differentiable
    result: Tensor = run(operator, *operands)[0]
    return result


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

_read = lru_cache(read)
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
