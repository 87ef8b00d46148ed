"""pysig: path signatures for NumPy arrays on CPUs and CuPy arrays on GPUs.

>>> import numpy as np
>>> import pysig
>>> pysig.signature(np.array([[0.0, 0.0], [1.0, 1.0]]), depth=2)
array([1. , 1. , 0.5, 0.5, 0.5, 0.5])
"""

from importlib import import_module as _import_module
from types import ModuleType as _ModuleType

from pysig import algebra, kernels
from pysig._api._gradients import SignatureCotangents
from pysig._api._kernel_gradients import SignatureKernelCotangents
from pysig._api.bases import (
    change_of_basis,
    hall_basis,
    logsignature_size,
    lyndon_brackets,
    lyndon_words,
)
from pysig._api.config import distribution_version as _distribution_version
from pysig._api.config import (
    get_cmake_dir,
    get_include,
    get_library,
    get_workers,
    set_workers,
    show_config,
)
from pysig._api.hsic import HSICResult, hsic, hsic_test
from pysig._api.incremental import IncrementalSignature
from pysig._api.iter_signatures import iter_signatures
from pysig._api.labels import labels, logsignature_labels, words_of_labels
from pysig._api.linear_functional import linear_functional
from pysig._api.linear_functional_jvp import linear_functional_jvp
from pysig._api.linear_functional_vjp import linear_functional_vjp
from pysig._api.logsignature import logsignature
from pysig._api.logsignature_convert import (
    logsignature_to_signature,
    logsignature_to_signature_jvp,
    logsignature_to_signature_vjp,
    signature_to_logsignature,
    signature_to_logsignature_jvp,
    signature_to_logsignature_vjp,
)
from pysig._api.logsignature_hvp import logsignature_hvp
from pysig._api.logsignature_intervals import (
    logsignature_intervals,
    logsignature_intervals_jvp,
    logsignature_intervals_vjp,
)
from pysig._api.logsignature_jvp import logsignature_jvp
from pysig._api.logsignature_vjp import logsignature_vjp
from pysig._api.logsignature_windows import (
    logsignature_windows,
    logsignature_windows_jvp,
    logsignature_windows_vjp,
)
from pysig._api.mmd import MMDResult, mmd, mmd_test
from pysig._api.signature import signature
from pysig._api.signature_hvp import signature_hvp
from pysig._api.signature_index import SignatureIndex
from pysig._api.signature_intervals import (
    signature_intervals,
    signature_intervals_jvp,
    signature_intervals_vjp,
)
from pysig._api.signature_jvp import signature_jvp
from pysig._api.signature_kernel import (
    signature_kernel,
    signature_kernel_jvp,
    signature_kernel_vjp,
)
from pysig._api.signature_kernel_from_increments import (
    signature_kernel_from_increments,
    signature_kernel_from_increments_jvp,
    signature_kernel_from_increments_vjp,
)
from pysig._api.signature_kernel_matrix import (
    signature_kernel_matrix,
    signature_kernel_matrix_jvp,
    signature_kernel_matrix_vjp,
)
from pysig._api.signature_kernel_order import signature_kernel_order
from pysig._api.signature_score import expected_signature_score, signature_score
from pysig._api.signature_vjp import signature_vjp
from pysig._api.signature_windows import (
    signature_windows,
    signature_windows_jvp,
    signature_windows_vjp,
)
from pysig._api.sliding import SlidingSignature
from pysig._api.transform import Time, transformed_shape
from pysig._api.window_bounds import dyadic_windows, window_bounds
from pysig._api.word_sets import anisotropic_words, prefix_closure
from pysig._api.words import index_word, signature_size, word_index, words
from pysig._gpu.memory import get_gpu_memory_limit, set_gpu_memory_limit

__version__ = _distribution_version()

__all__ = [
    "HSICResult",
    "IncrementalSignature",
    "MMDResult",
    "SignatureCotangents",
    "SignatureIndex",
    "SignatureKernelCotangents",
    "SlidingSignature",
    "Time",
    "algebra",
    "anisotropic_words",
    "change_of_basis",
    "dyadic_windows",
    "expected_signature_score",
    "get_cmake_dir",
    "get_gpu_memory_limit",
    "get_include",
    "get_library",
    "get_workers",
    "hall_basis",
    "hsic",
    "hsic_test",
    "index_word",
    "iter_signatures",
    "kernels",
    "labels",
    "linear_functional",
    "linear_functional_jvp",
    "linear_functional_vjp",
    "logsignature",
    "logsignature_hvp",
    "logsignature_intervals",
    "logsignature_intervals_jvp",
    "logsignature_intervals_vjp",
    "logsignature_jvp",
    "logsignature_labels",
    "logsignature_size",
    "logsignature_to_signature",
    "logsignature_to_signature_jvp",
    "logsignature_to_signature_vjp",
    "logsignature_vjp",
    "logsignature_windows",
    "logsignature_windows_jvp",
    "logsignature_windows_vjp",
    "lyndon_brackets",
    "lyndon_words",
    "mmd",
    "mmd_test",
    "prefix_closure",
    "set_gpu_memory_limit",
    "set_workers",
    "show_config",
    "signature",
    "signature_hvp",
    "signature_intervals",
    "signature_intervals_jvp",
    "signature_intervals_vjp",
    "signature_jvp",
    "signature_kernel",
    "signature_kernel_from_increments",
    "signature_kernel_from_increments_jvp",
    "signature_kernel_from_increments_vjp",
    "signature_kernel_jvp",
    "signature_kernel_matrix",
    "signature_kernel_matrix_jvp",
    "signature_kernel_matrix_vjp",
    "signature_kernel_order",
    "signature_kernel_vjp",
    "signature_score",
    "signature_size",
    "signature_to_logsignature",
    "signature_to_logsignature_jvp",
    "signature_to_logsignature_vjp",
    "signature_vjp",
    "signature_windows",
    "signature_windows_jvp",
    "signature_windows_vjp",
    "transformed_shape",
    "window_bounds",
    "word_index",
    "words",
    "words_of_labels",
]

_LAZY_MODULES = ("data", "interop", "testing")  # imported at first use


def __getattr__(name: str) -> _ModuleType:
    if name in _LAZY_MODULES:
        return _import_module(f"pysig.{name}")
    raise AttributeError(f"module 'pysig' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_LAZY_MODULES, *filter(_is_special, globals())})


def _is_special(name: str) -> bool:
    return name.startswith("__")
