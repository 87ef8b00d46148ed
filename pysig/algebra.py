"""The algebra of signatures: what can be done with a signature once it is there.

Rows of coefficients are laid out as `pysig.signature` returns them; all leading dimensions
broadcast; NumPy and CuPy arrays are computed where they are; every operation has a ``_vjp``
(gradients) and a ``_jvp`` (derivative along tangents).

>>> import numpy as np
>>> import pysig
>>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
>>> s = pysig.signature(path, 2)
>>> pysig.algebra.combine(s, pysig.algebra.invert(s, 2, 2), 2, 2)
array([0., 0., 0., 0., 0., 0.])
"""

from pysig._api.algebra.combine import (
    combine,
    combine_jvp,
    combine_vjp,
)
from pysig._api.algebra.inner import (
    inner,
    inner_jvp,
    inner_vjp,
)
from pysig._api.algebra.linear import (
    antipode,
    antipode_jvp,
    antipode_vjp,
    dilate,
    dilate_jvp,
    dilate_vjp,
)
from pysig._api.algebra.map_channels import (
    map_channels,
    map_channels_jvp,
    map_channels_vjp,
)
from pysig._api.algebra.segments import (
    append,
    append_jvp,
    append_vjp,
    prepend,
    prepend_jvp,
    prepend_vjp,
)
from pysig._api.algebra.series import (
    exp,
    exp_jvp,
    exp_vjp,
    invert,
    invert_jvp,
    invert_vjp,
    log,
    log_jvp,
    log_vjp,
)
from pysig._api.algebra.shuffle import (
    half_shuffle,
    half_shuffle_jvp,
    half_shuffle_vjp,
    shuffle,
    shuffle_jvp,
    shuffle_vjp,
)

__all__ = [
    "antipode",
    "antipode_jvp",
    "antipode_vjp",
    "append",
    "append_jvp",
    "append_vjp",
    "combine",
    "combine_jvp",
    "combine_vjp",
    "dilate",
    "dilate_jvp",
    "dilate_vjp",
    "exp",
    "exp_jvp",
    "exp_vjp",
    "half_shuffle",
    "half_shuffle_jvp",
    "half_shuffle_vjp",
    "inner",
    "inner_jvp",
    "inner_vjp",
    "invert",
    "invert_jvp",
    "invert_vjp",
    "log",
    "log_jvp",
    "log_vjp",
    "map_channels",
    "map_channels_jvp",
    "map_channels_vjp",
    "prepend",
    "prepend_jvp",
    "prepend_vjp",
    "shuffle",
    "shuffle_jvp",
    "shuffle_vjp",
]
