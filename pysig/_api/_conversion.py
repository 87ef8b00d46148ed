"""The checked call of the conversions between signatures and log-signatures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pysig._api.algebra._rows import RowsCall, check_sizes, prepare
from pysig._api.bases import check_basis
from pysig._backend import require
from pysig._plans import basis_tables
from pysig._plans.layout import Plan, plan_for
from pysig._plans.sparse_matrix import SparseMatrix


@dataclass(frozen=True)
class Conversion:
    """One of the two conversions, with its tables and sizes."""

    plan: Plan  # without the scalar, which a logarithm does not have
    scalar_term: bool
    argument: str
    series: str
    before: tuple[SparseMatrix, ...]
    after: tuple[SparseMatrix, ...]
    out_width: int  # without the scalar

    @property
    def reads_scalar(self) -> bool:
        """Whether the argument has a scalar in front."""
        return self.scalar_term and self.series == "log"

    @property
    def writes_scalar(self) -> bool:
        """Whether the result has a scalar in front."""
        return self.scalar_term and self.series == "exp"

    def _rows(self, call: RowsCall, name: str, scalar: bool) -> Any:
        rows = call.rows(name)
        return call.xp.ascontiguousarray(rows[:, 1:]) if scalar else rows

    def _options(self, call: RowsCall) -> dict[str, Any]:
        return {
            "plan": self.plan,
            "maps": (self.before, self.after),
            "workers": call.threads,
        }

    def _deliver(self, call: RowsCall, out: Any, scalar: int, fill: Any) -> Any:
        """`fill` writes rows without scalar."""
        rows, result = call.target(out, self.out_width + self.writes_scalar)
        if not self.writes_scalar:
            fill(rows)
            return call.finish(rows, result)
        inner = call.empty(self.out_width)
        fill(inner)
        rows[:, :1] = scalar
        rows[:, 1:] = inner
        return call.finish(rows, result)

    def value(self, call: RowsCall, out: Any) -> Any:
        """The conversion."""
        a = self._rows(call, self.argument, self.reads_scalar)

        def fill(rows: Any) -> None:
            call.backend.impl.series(self.series, a, rows, **self._options(call))

        return self._deliver(call, out, 1, fill)

    def jvp(self, call: RowsCall, out: Any) -> Any:
        """Its derivative along the tangent."""
        a = self._rows(call, self.argument, self.reads_scalar)
        da = self._rows(call, "tangent", self.reads_scalar)

        def fill(rows: Any) -> None:
            call.backend.impl.series_jvp(self.series, a, da, rows, **self._options(call))

        return self._deliver(call, out, 0, fill)

    def vjp(self, call: RowsCall) -> Any:
        """The gradient."""
        a = self._rows(call, self.argument, self.reads_scalar)
        g = self._rows(call, "cotangent", self.writes_scalar)
        gradient = call.xp.zeros((call.count, a.shape[1] + self.reads_scalar), call.dtype)
        rows = call.empty(a.shape[1]) if self.reads_scalar else gradient
        call.backend.impl.series_vjp(self.series, a, g, rows, **self._options(call))
        if self.reads_scalar:
            gradient[:, 1:] = rows
        return call.reduced(gradient, self.argument)

    def hvp(self, call: RowsCall) -> Any:
        """The derivative of the gradient along the tangent, of an argument without scalar."""
        a, g, da = (call.rows(name) for name in (self.argument, "cotangent", "tangent"))
        rows = call.empty(a.shape[1])
        call.backend.impl.series_hvp(self.series, a, g, da, rows, **self._options(call))
        return call.reduced(rows, self.argument)


def prepare_conversion(
    name: str,
    channels: Any,
    depth: Any,
    basis: Any,
    scalar_term: Any,
    workers: Any,
    **given: Any,
) -> tuple[RowsCall, Conversion]:
    """The checked call of `name`, and its conversion."""
    plan = check_sizes(channels, depth, scalar_term)
    basis = check_basis(basis)
    coordinates = basis_tables.coordinate_count(plan.channels, plan.depth, basis)
    sizes = {"signature": plan.size, "logsignature": coordinates}
    reads = name.startswith("signature")
    source, target = ("expanded", basis) if reads else (basis, "expanded")
    steps = basis_tables.conversion_steps(plan.channels, plan.depth, source, target)
    conversion = Conversion(
        plan=plan_for(plan.channels, plan.depth),
        scalar_term=plan.scalar_term,
        argument="signature" if reads else "logsignature",
        series="log" if reads else "exp",
        before=() if reads else steps,
        after=steps if reads else (),
        out_width=coordinates if reads else plan.coefficients,
    )
    result_size = sizes["logsignature" if reads else "signature"]
    shapes: dict[str, tuple[int | None, ...]] = {
        "tangent": (sizes[conversion.argument],),
        "cotangent": (result_size,),
        conversion.argument: (sizes[conversion.argument],),
    }
    logarithms = ("cotangent",) if reads else ("tangent", "logsignature")
    follows = dict.fromkeys(logarithms, "channels, depth and basis")
    call = prepare(given, shapes, workers, follows=follows)
    require(call.backend, "logsignature")
    return call, conversion
