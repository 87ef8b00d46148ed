"""Signatures and signature kernels of PyTorch tensors, under autograd, ``torch.func`` and
``torch.compile``.

`_torch_operator` has the operators. Tensors are passed to NumPy or CuPy without copies.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pysig.interop._kernel_operator import Framework, Sums, check_mmd, mmd_of_sums, split_sides
from pysig.interop._kernel_operator import prepare as prepare_kernel
from pysig.interop._operator import prepare
from pysig.interop._torch_operator import apply

__all__ = ["logsignature", "mmd", "signature", "signature_kernel", "signature_kernel_matrix"]


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

    See Also
    --------
    pysig.signature : Signature of arrays, with all options explained.
    logsignature : Log-signatures of the same input.

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

    See Also
    --------
    pysig.logsignature : Log-signature of arrays, with all options explained.
    signature : Signatures of the same input.

    Examples
    --------
    >>> import torch
    >>> from pysig.interop.torch import logsignature
    >>> path = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> logsignature(path, 2).tolist()
    [1.0, 2.0, 1.0]
    """
    return _call("logsignature", path, depth, basepoint, initial, lengths, options)


def signature_kernel(
    x: Tensor,
    y: Tensor,
    depth: int | None = None,
    *,
    lengths: Any = None,
    parameters: Any = None,
    **options: Any,
) -> Tensor:
    """Signature kernels of pairs of paths, a differentiable PyTorch function.

    Parameters
    ----------
    x, y : Tensor, shapes (..., length_x, channels) and (..., length_y, channels)
        The paths, of one dtype, float32 or float64. Batch axes broadcast.
    depth : int, optional
        As for `pysig.signature_kernel`.
    lengths : tuple of two arrays of int or None, optional
        As for `pysig.signature_kernel`.
    parameters : dict of str to Tensor of shape (), optional
        Parameters of `static_kernel` that receive derivatives, such as ``{"bandwidth": b}``. They
        replace its own.
    **options
        All other options of `pysig.signature_kernel` except `grid` and `out`, such as `order`,
        `static_kernel` or `normalize`. Only `basepoint` may be a tensor, or a tuple with one; it
        receives derivatives.

    Returns
    -------
    Tensor
        The result of `pysig.signature_kernel`, with the dtype of the paths.

    Raises
    ------
    TypeError, ValueError, MemoryError
        Under the conditions of `pysig.signature_kernel`.
    NotImplementedError
        For a second derivative.

    See Also
    --------
    pysig.signature_kernel : The function of arrays, with all options explained.

    Examples
    --------
    >>> import torch
    >>> from pysig.interop.torch import signature_kernel
    >>> x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]], requires_grad=True)
    >>> y = torch.tensor([[0.0, 0.0], [0.5, 1.0]])
    >>> k = signature_kernel(x, y, depth=2)
    >>> k.item()
    5.0625
    >>> k.backward()
    >>> x.grad.tolist()
    [[-1.125, -2.25], [0.0, 0.0], [1.125, 2.25]]
    """
    arrays = {"x": x, "y": y, "lengths": lengths, "parameters": parameters}
    return _call_kernel("signature_kernel", depth, arrays, options)


def signature_kernel_matrix(
    x: Tensor,
    y: Tensor | None = None,
    depth: int | None = None,
    *,
    lengths: Any = None,
    parameters: Any = None,
    **options: Any,
) -> Tensor:
    """Signature kernels of all pairs of paths, a differentiable PyTorch function.

    Parameters
    ----------
    x : Tensor, shape (paths_x, length_x, channels)
        The paths, float32 or float64.
    y : Tensor, shape (paths_y, length_y, channels), optional
        The other paths. None: those of x; the matrix is symmetric and half of it is computed.
    depth
        As for `signature_kernel`.
    lengths : array of int, or a tuple of two with `y`, optional
        As for `pysig.signature_kernel_matrix`.
    parameters, **options
        As for `signature_kernel`.

    Returns
    -------
    Tensor
        The result of `pysig.signature_kernel_matrix`, with the dtype of the paths.

    Raises
    ------
    TypeError, ValueError, MemoryError
        Under the conditions of `pysig.signature_kernel_matrix`.
    NotImplementedError
        For a second derivative.

    See Also
    --------
    pysig.signature_kernel_matrix : The function of arrays, with all options explained.

    Examples
    --------
    >>> import pysig
    >>> import torch
    >>> from pysig.interop.torch import signature_kernel_matrix
    >>> paths = torch.tensor([[[0.0], [1.0]], [[0.0], [2.0]]])
    >>> signature_kernel_matrix(paths, depth=1).tolist()
    [[2.0, 3.0], [3.0, 5.0]]
    >>> scale = torch.tensor(2.0, requires_grad=True)
    >>> gram = signature_kernel_matrix(paths, depth=1, parameters={"scale": scale})
    >>> gram.sum().backward()
    >>> scale.grad.item()
    9.0
    """
    arrays = {"x": x, "y": y, "lengths": lengths, "parameters": parameters}
    return _call_kernel("signature_kernel_matrix", depth, arrays, options)


def mmd(
    x: Tensor,
    y: Tensor,
    depth: int | None = None,
    *,
    unbiased: bool = True,
    lengths: Any = None,
    parameters: Any = None,
    **options: Any,
) -> Tensor:
    """Squared maximum mean discrepancy of two samples of paths, a differentiable loss.

    Parameters
    ----------
    x, y : Tensor, shapes (paths_x, length_x, channels) and (paths_y, length_y, channels)
        The samples, of one dtype, float32 or float64.
    depth
        As for `signature_kernel`.
    unbiased : bool, optional
        As for `pysig.mmd`. The biased estimate is not negative.
    lengths, parameters, **options
        As for `signature_kernel`, without `levels`. Pass `order` or `depth`, so that the three
        matrices are those of one kernel.

    Returns
    -------
    Tensor
        The estimate, of shape ().

    Raises
    ------
    TypeError, ValueError, MemoryError
        Under the conditions of `pysig.mmd`.
    NotImplementedError
        For a second derivative.

    See Also
    --------
    pysig.mmd : The function of arrays, with all options explained.

    Examples
    --------
    >>> import torch
    >>> from pysig.interop.torch import mmd
    >>> x = torch.tensor([[[0.0], [1.0]], [[0.0], [2.0]]], requires_grad=True)
    >>> y = torch.tensor([[[0.0], [1.0]], [[0.0], [4.0]]])
    >>> loss = mmd(x, y, depth=1, unbiased=False)
    >>> loss.item()
    1.0
    >>> loss.backward()
    >>> x.grad.tolist()
    [[[1.0], [-1.0]], [[1.0], [-1.0]]]
    """
    check_mmd(x, y, unbiased, options)
    base = options.pop("basepoint", None)
    shared = {"depth": depth, "parameters": parameters, **options}
    sides = split_sides(base, lengths)
    xx, yy = (
        signature_kernel_matrix(path, basepoint=own, lengths=count, **shared)
        for path, (own, count) in zip((x, y), sides, strict=True)
    )
    xy = signature_kernel_matrix(x, y, basepoint=base, lengths=lengths, **shared)
    result: Tensor = mmd_of_sums(xx, yy, xy, unbiased, _SUMS)
    return result


def _call(
    function: str,
    path: Any,
    depth: int | None,
    basepoint: Any,
    initial: Any,
    lengths: Any,
    options: dict[str, Any],
) -> Tensor:
    _check_tensor(path, "path")
    if isinstance(basepoint, bool):
        basepoint = path.new_zeros(path.shape[-1:]) if basepoint else None
    arrays = {
        "path": path,
        "basepoint": basepoint if basepoint is None else torch.as_tensor(basepoint).to(path),
        "initial": initial if initial is None else torch.as_tensor(initial).to(path),
        "lengths": lengths if lengths is None else torch.as_tensor(lengths, device=path.device),
    }
    operator, operands = prepare(function, depth, arrays, options, torch.broadcast_to)
    return apply(operator, operands)


def _call_kernel(
    function: str, depth: int | None, arrays: dict[str, Any], options: dict[str, Any]
) -> Tensor:
    for name in ("x", "y"):
        if arrays[name] is not None:
            _check_tensor(arrays[name], name)
    operator, operands = prepare_kernel(function, depth, arrays, options, _FRAMEWORK)
    return apply(operator, operands)


_SUMS = Sums(torch.sum, torch.trace, lambda gram: gram.shape)
_FRAMEWORK = Framework(
    as_floats=lambda value, like: torch.as_tensor(value).to(like),
    as_integers=lambda value, like: torch.as_tensor(value, device=like.device),
    broadcast=torch.broadcast_to,
    sizes=lambda array: tuple(array.shape),
)


def _check_tensor(path: Any, name: str) -> None:
    """TypeError unless it is a tensor with all values in the memory of a CPU or a GPU."""
    if not isinstance(path, Tensor):
        raise TypeError(f"{name}: expected a torch.Tensor, received {type(path).__name__}.")
    if path.layout is not torch.strided:
        raise TypeError(
            f"{name}: expected a dense tensor, received one of layout {path.layout}. Convert it "
            f"with {name}.to_dense()."
        )
    if path.device.type not in ("cpu", "cuda"):
        raise TypeError(
            f"{name}: expected a tensor on the CPU or a CUDA device, received one on device "
            f"{path.device}. Move it with {name}.cpu()."
        )
