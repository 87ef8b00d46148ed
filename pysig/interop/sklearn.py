"""Signatures and signature kernels for scikit-learn.

Paths are a 3-D array (n, length, channels), a list of arrays or data frames (length, channels) of
any lengths, or rows of numbers (n, length * channels), as scikit-learn has them.
"""

from pysig.interop._sklearn_input import path_objects
from pysig.interop._sklearn_kernel import SignatureKernel
from pysig.interop._sklearn_mmd import MMDTest
from pysig.interop._sklearn_scaler import SignatureScaler
from pysig.interop._sklearn_transformer import SignatureTransformer
from pysig.interop._sklearn_windows import WindowSignatureTransformer

__all__ = [
    "MMDTest",
    "SignatureKernel",
    "SignatureScaler",
    "SignatureTransformer",
    "WindowSignatureTransformer",
    "path_objects",
]
