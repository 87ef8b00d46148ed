"""The checked call of `logsignature`, and the check of tables that its derivatives share."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from pysig._api import _checks
from pysig._api._call import SignatureCall, check_derivative_method
from pysig._api._memory import check_bytes
from pysig._api._path_checks import check_path
from pysig._api._ragged import RaggedPaths, first_array
from pysig._api.algebra._rows import check_sizes
from pysig._api.bases import check_basis
from pysig._api.transform import transformed_shape
from pysig._backend import backend_of
from pysig._plans import basis_tables
from pysig._plans.layout import plan_for


class LogsignatureCall(SignatureCall):
    """A checked call of `logsignature` in `basis`."""

    def __init__(
        self, path: Any, depth: Any, basis: Any, options: Mapping[str, Any], allocates: bool
    ) -> None:
        self.basis = check_basis(basis)
        super().__init__("logsignature", path, depth, options, allocates)
        size = self.plan.channels, self.plan.depth
        self.maps = basis_tables.conversion_steps(*size, "expanded", self.basis)
        self.own_shape = (basis_tables.coordinate_count(*size, self.basis),)

    def check_size(self, channels: int, depth: int, allocates: bool) -> None:
        """MemoryError if the result does not fit beside the signatures of the logarithms that are
        taken at a time: those of two paths or more, or of the only path.
        """
        itemsize = self.array.dtype.itemsize
        rows = prod(self.rows)
        scratch = max(rows, 1) * min(max(self.count, 1), 2) * itemsize
        result = self.count * rows * itemsize if allocates else 0

        def bytes_at(candidate: int) -> int:
            coordinates = basis_tables.coordinate_count(channels, candidate, self.basis)
            return int(scratch * plan_for(channels, candidate).size + result * coordinates)

        check_bytes("the log-signature", channels, depth, bytes_at, self.backend)

    def fill(self, out: Any) -> None:
        """Compute log-signatures."""
        self.backend.impl.logsignature(self.paths, out, self.plan, self.maps, self.options)


def check_tables(caller: str, path: Any, depth: Any, basis: Any, options: Mapping[str, Any]) -> int:
    """The channels of the transformed path, once it is known that the derivative `caller` has the
    method and that the tables of the logarithm fit: before a signature is computed in vain.
    """
    depth = _checks.check_depth(depth)
    check_derivative_method(options["method"], backend_of(first_array(path)), caller)
    array = path if isinstance(path, RaggedPaths) else check_path(path)[1]
    channels = transformed_shape(1, array.shape[-1], options["transform"])[1]
    plan = check_sizes(channels, depth)
    basis_tables.conversion_steps(channels, plan.depth, "expanded", check_basis(basis))
    return channels
