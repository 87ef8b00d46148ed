"""pysig: path signatures for NumPy arrays on CPUs and CuPy arrays on GPUs.

>>> import numpy as np
>>> import pysig
>>> pysig.signature(np.array([[0.0, 0.0], [1.0, 1.0]]), depth=2)
array([1. , 1. , 0.5, 0.5, 0.5, 0.5])
"""

from pysig._api.config import distribution_version as _distribution_version
from pysig._api.config import get_include, get_workers, set_workers, show_config
from pysig._api.derivatives import signature_hvp, signature_jvp, signature_vjp
from pysig._api.signature import signature
from pysig._api.words import index_word, signature_size, word_index, words
from pysig._gpu.memory import get_gpu_memory_limit, set_gpu_memory_limit

__version__ = _distribution_version()

__all__ = [
    "get_gpu_memory_limit",
    "get_include",
    "get_workers",
    "index_word",
    "set_gpu_memory_limit",
    "set_workers",
    "show_config",
    "signature",
    "signature_hvp",
    "signature_jvp",
    "signature_size",
    "signature_vjp",
    "word_index",
    "words",
]
