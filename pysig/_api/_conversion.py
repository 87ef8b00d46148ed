"""The checked call of conversions between signatures and log-signatures."""

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

    plan: Plan  # without scalar term, since a logarithm has none
    scalar_term: bool
    argument: str
    series: str
    before: tuple[SparseMatrix, ...]
    after: tuple[SparseMatrix, ...]
    out_width: int  # without scalar term

    @property
    def reads_scalar(self) -> bool:
        """Whether rows of the argument begin with a scalar term."""
        return self.scalar_term and self.series == "log"

    @property
    def writes_scalar(self) -> bool:
        """Whether rows of the result begin with a scalar term."""
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
        """Let `fill` write the result without scalar term; prepend `scalar` if required."""
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
        """Compute the conversion."""
        a = self._rows(call, self.argument, self.reads_scalar)

        def fill(rows: Any) -> None:
            call.backend.impl.series(self.series, a, rows, **self._options(call))

        return self._deliver(call, out, 1, fill)

    def jvp(self, call: RowsCall, out: Any) -> Any:
        """Compute the derivative along the tangent."""
        a = self._rows(call, self.argument, self.reads_scalar)
        da = self._rows(call, "tangent", self.reads_scalar)

        def fill(rows: Any) -> None:
            call.backend.impl.series_jvp(self.series, a, da, rows, **self._options(call))

        return self._deliver(call, out, 0, fill)

    def vjp(self, call: RowsCall) -> Any:
        """Compute the gradient."""
        a = self._rows(call, self.argument, self.reads_scalar)
        cotangent = self._rows(call, "cotangent", self.writes_scalar)
        a_bar = call.xp.zeros((call.count, a.shape[1] + self.reads_scalar), call.dtype)
        rows = call.empty(a.shape[1]) if self.reads_scalar else a_bar
        call.backend.impl.series_vjp(self.series, a, cotangent, rows, **self._options(call))
        if self.reads_scalar:
            a_bar[:, 1:] = rows
        return call.reduced(a_bar, self.argument)

    def hvp(self, call: RowsCall) -> Any:
        """Compute the derivative of the gradient along the tangent, without scalar term."""
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
    """Check a call of the public function `name`; return it with its conversion."""
    plan = check_sizes(channels, depth, scalar_term)
    basis = check_basis(basis)
    coordinates = basis_tables.coordinate_count(plan.channels, plan.depth, basis)
    sizes = {"signature": plan.size, "logsignature": coordinates}
    to_log = name.startswith("signature")
    source, target = ("expanded", basis) if to_log else (basis, "expanded")
    steps = basis_tables.conversion_steps(plan.channels, plan.depth, source, target)
    conversion = Conversion(
        plan=plan_for(plan.channels, plan.depth),
        scalar_term=plan.scalar_term,
        argument="signature" if to_log else "logsignature",
        series="log" if to_log else "exp",
        before=() if to_log else steps,
        after=steps if to_log else (),
        out_width=coordinates if to_log else plan.coefficients,
    )
    result_size = sizes["logsignature" if to_log else "signature"]
    shapes: dict[str, tuple[int | None, ...]] = {
        "tangent": (sizes[conversion.argument],),
        "cotangent": (result_size,),
        conversion.argument: (sizes[conversion.argument],),
    }
    logarithms = ("cotangent",) if to_log else ("tangent", "logsignature")
    follows = dict.fromkeys(logarithms, "channels, depth and basis")
    call = prepare(given, shapes, workers, follows=follows)
    require(call.backend, "logsignature")
    return call, conversion
