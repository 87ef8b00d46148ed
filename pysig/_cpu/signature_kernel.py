"""Signature kernels of NumPy arrays."""

from __future__ import annotations

from typing import Any

from pysig._plans.signature_kernel import KernelPlan, Pairs


def signature_kernel(
    pairs: Pairs, out: Any, plan: KernelPlan, rows: str = "value", workers: int = 1
) -> None:
    """Fill `out` with the kernels of `pairs`."""
    raise NotImplementedError


def signature_kernel_jvp(
    pairs: Pairs,
    tangents_x: Any,
    tangents_y: Any,
    out: Any,
    plan: KernelPlan,
    workers: int = 1,
) -> None:
    """Fill `out` with the derivatives of the kernels."""
    raise NotImplementedError


def signature_kernel_vjp(
    pairs: Pairs,
    cotangent: Any,
    into_x: Any,
    into_y: Any,
    into_parameters: Any,
    plan: KernelPlan,
    workers: int = 1,
) -> None:
    """Fill `into_x`, `into_y` and `into_parameters` with gradients."""
    raise NotImplementedError
