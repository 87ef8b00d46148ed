"""Static kernels: kernels of points, for signature kernels of paths.

Let κ be a kernel of points, and φ its features. The signature kernel of two paths with
``static_kernel=κ`` is the signature kernel of their images under φ. It needs the double differences
of κ at the points of both paths only.

>>> import numpy as np
>>> import pysig
>>> x = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
>>> round(float(pysig.signature_kernel(x, x, static_kernel=pysig.kernels.RBF(2.0))), 4)
2.2945
"""

from pysig._api.median_bandwidth import median_bandwidth
from pysig._api.static_kernels import (
    RBF,
    Linear,
    Matern,
    Polynomial,
    RationalQuadratic,
)

__all__ = [  # noqa: RUF022 - the order of `sorted`
    "Linear",
    "Matern",
    "Polynomial",
    "RBF",
    "RationalQuadratic",
    "median_bandwidth",
]
