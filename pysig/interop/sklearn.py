"""Signatures as scikit-learn transformers.

Paths are a 3-D array (n, length, channels), a list of arrays or data frames (length, channels) of
any lengths, or rows of numbers (n, length * channels), as scikit-learn has them.
"""

from pysig.interop._sklearn_scaler import SignatureScaler
from pysig.interop._sklearn_transformer import SignatureTransformer
from pysig.interop._sklearn_windows import WindowSignatureTransformer

__all__ = ["SignatureScaler", "SignatureTransformer", "WindowSignatureTransformer"]
