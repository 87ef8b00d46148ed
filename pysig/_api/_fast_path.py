"""Calls without options on plain arrays, whose checks the extension does: in Python they would
cost more than a small call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api.config import check_workers
from pysig._backend import NUMPY

# Signatures of such calls, in bytes: so little that no memory need be asked, and so much that
# checks in Python cost nothing beside the work.
LITTLE, PLAIN = 2**16, 2**24


def plain_call(
    compute: Callable[..., Any], method: Any, workers: Any, path: Any, *arguments: Any
) -> Any:
    """``compute(path, *arguments, workers, limit)``; None where the call has to be checked here.

    `compute` returns None for what it does not take, for signatures beyond `limit` bytes, and with
    0 workers for all but little work, which is never shared out.
    """
    if type(path) is not np.ndarray or type(method) is not str or method != "auto":
        return None
    if workers is not None and (type(workers) is not int or workers < 1):
        return None
    computed = compute(path, *arguments, 0, LITTLE)
    if computed is None:
        most = min(_checks.memory_limit(NUMPY) or PLAIN, PLAIN)
        computed = compute(path, *arguments, check_workers(workers), most)
    return computed
