"""Pairs of paths for signature kernels of a GPU, against the reference."""

from functools import partial

import numpy as np

from pysig._gpu import signature_kernel, signature_kernel_jvp, signature_kernel_vjp
from pysig._plans import signature_kernel as plans
from pysig._plans.paths import Cotangents, Paths, Tangents
from pysig._plans.signature_kernel import KernelPlan, Pairs, StaticKernel
from pysig._plans.transform import Transform, code
from pysig._reference import signature_kernel as reference
from support import assert_close as close_within

RTOL = {"float32": 1e-5, "float64": 1e-11}
assert_close = partial(close_within, rtol=RTOL)

KAPPAS = {
    plans.LINEAR: lambda p: reference.linear(p[0]),
    plans.RBF: lambda p: reference.rbf(p[0]),
    plans.MATERN_12: lambda p: reference.matern(p[0], 0.5),
    plans.MATERN_32: lambda p: reference.matern(p[0], 1.5),
    plans.MATERN_52: lambda p: reference.matern(p[0], 2.5),
    plans.RATIONAL_QUADRATIC: lambda p: reference.rational_quadratic(p[0], p[1]),
    plans.POLYNOMIAL: lambda p: reference.polynomial(3, p[1], p[2]),
}
STATICS = [
    StaticKernel(plans.LINEAR, (0.8, 0.0, 0.0)),
    StaticKernel(plans.RBF, (1.2, 0.0, 0.0)),
    StaticKernel(plans.MATERN_12, (1.3, 0.0, 0.0)),
    StaticKernel(plans.MATERN_32, (1.1, 0.0, 0.0)),
    StaticKernel(plans.MATERN_52, (1.4, 0.0, 0.0)),
    StaticKernel(plans.RATIONAL_QUADRATIC, (1.2, 0.7, 0.0)),
    StaticKernel(plans.POLYNOMIAL, (3.0, 0.5, 0.4)),
]
SQUARE, GRADED = KernelPlan("square", 3), KernelPlan("levels", 2, 3)
DIFFERENCE = KernelPlan("finite_difference", 0)


def options_of(plan):
    """The options of the reference."""
    return {
        "depth": plan.depth or None,
        "order": plan.order,
        "dyadic_order": plan.dyadic_order,
        "finite": plan.scheme == "finite_difference",
        "weights": plan.weights,
    }


class Case:
    """Pairs of paths: for the backend, and as arguments of the reference."""

    def __init__(
        self, cupy, rng, plan, x=(2, 5), y=(3, 4), *, channels=2, how="all", dtype=np.float64,
        lengths=False, basepoint=False, stages=(), scale=0.4,
    ):  # fmt: skip
        self.cupy, self.plan, self.how, self.dtype = cupy, plan, how, dtype
        shapes = [x] if how == "self" else [x, (x[0], y[1])] if how == "paired" else [x, y]
        self.points = [
            (scale * rng.standard_normal((*shape, channels))).cumsum(1).astype(dtype)
            for shape in shapes
        ]
        self.bases = self.counts = [None] * len(shapes)
        if basepoint:
            self.bases = [
                rng.standard_normal((len(p), channels)).astype(dtype) for p in self.points
            ]
        if lengths:
            self.counts = [rng.integers(1, p.shape[1] + 1, len(p)) for p in self.points]
            for p, count in zip(self.points, self.counts, strict=True):
                for row, own in zip(p, count, strict=True):
                    row[own:] = np.nan  # not read
        self.names, self.flat = stages, False
        self.transform = Transform(code(list(stages)), None, 1.0) if stages else None

    def paths(self, side):
        if self.flat:
            return self.flat_paths(side)
        on_gpu = (
            None if a is None else self.cupy.asarray(a)
            for a in (self.points[side], self.bases[side], self.counts[side])
        )  # fmt: skip
        points, base, counts = on_gpu
        return Paths(points, base, None, counts, None, self.transform)

    def flat_paths(self, side):
        """Without padding."""
        rows = zip(self.points[side], self.counts[side], strict=True)
        points = np.concatenate([row[:own] for row, own in rows])
        starts = np.cumsum(self.counts[side]) - self.counts[side]
        base = self.bases[side]
        base = None if base is None else self.cupy.asarray(base)
        transform, counts = self.transform, self.counts[side]
        return Paths(self.cupy.asarray(points), base, None, counts, None, transform, starts)

    @property
    def pairs(self):
        y = None if self.how == "self" else self.paths(1)
        return Pairs(self.paths(0), y, None, self.how == "paired")

    def reference(self, arrays, rows="value"):
        """Of the points of each side, then the base points, then the static parameters."""
        sides = len(self.points)
        points, bases, parameters = arrays[:sides], arrays[sides:-1], arrays[-1]
        both = [0, 0] if self.how == "self" else [0, 1]
        return reference.signature_kernel(
            *(points[k] for k in both),
            kappa=KAPPAS[self.plan.static.kind](parameters),
            lengths=[self.counts[k] for k in both],
            basepoint=[bases[k] if bases else None for k in both],
            transform=list(self.names) or None,
            paired=self.how == "paired",
            rows=rows,
            **options_of(self.plan),
        )

    @property
    def arguments(self):
        """What the reference is differentiated by, in float64."""
        bases = [] if self.bases[0] is None else self.bases
        arrays = [*self.points, *bases, np.array(self.plan.static.parameters)]
        return [np.nan_to_num(a.astype(np.float64)) for a in arrays]

    def value(self, rows="value"):
        pairs = self.pairs
        more = {
            "value": (),
            "levels": (self.plan.depth + 1,),
            "grid": tuple(n + 1 for n in pairs.steps),
        }
        out = self.cupy.empty((*pairs.leading, *more[rows]), self.dtype)
        signature_kernel(pairs, out, self.plan, rows)
        return out.get()

    def check_value(self, rows="value"):
        assert_close(self.value(rows), self.reference(self.arguments, rows))

    def gradients(self, cotangent):
        """Of the points of each side, the base points, the parameters."""
        empty = [
            Cotangents(*(None if a is None else self.cupy.empty(a.shape, self.dtype) for a in both))
            for both in zip(self.points, self.bases, strict=True)
        ]
        parameters = self.cupy.empty(3)
        into_y = None if self.how == "self" else empty[1]
        bar = self.cupy.asarray(cotangent.astype(self.dtype))
        signature_kernel_vjp(self.pairs, bar, empty[0], into_y, parameters, self.plan)
        bases = [bar.basepoint for bar in empty if bar.basepoint is not None]
        return [a.get() for a in (*(bar.path for bar in empty), *bases, parameters)]

    def check_gradients(self, rng, rows="value"):
        shape = self.pairs.leading
        cotangent = rng.standard_normal(
            (*shape, self.plan.depth + 1) if rows == "levels" else shape
        )
        cotangent = cotangent.astype(self.dtype).astype(np.float64)
        expected = reference.gradient(
            lambda *arrays: self.reference(arrays, rows), self.arguments, cotangent
        )
        if self.plan.static.kind == plans.POLYNOMIAL:
            expected[-1][0] = 0  # the power is a whole number
        for actual, right in zip(self.gradients(cotangent), expected, strict=True):
            assert_close(actual.astype(self.dtype), right)

    def check_derivative(self, rng, rows="value", fixed=False):
        """`fixed`: only the second side moves."""
        moves = [rng.standard_normal(a.shape) for a in self.arguments]
        static = self.plan.static
        moves[-1] *= np.array(static.parameters) != 0
        if static.kind == plans.POLYNOMIAL:
            moves[-1][0] = 0  # the power is a whole number
        plan = self.plan._replace(static=static._replace(tangents=tuple(moves[-1].tolist())))
        sides = len(self.points)
        if fixed:
            moves[0] *= 0
            if self.bases[0] is not None:
                moves[sides] *= 0
        expected = reference.derivative(
            lambda *arrays: self.reference(arrays, rows), self.arguments, moves
        )
        tangents = []
        for side in range(sides):
            base = None if self.bases[0] is None else moves[sides + side]
            both = (
                None if a is None else self.cupy.asarray(a.astype(self.dtype))
                for a in (moves[side], base)
            )
            tangents.append(Tangents(*both))
        of_y = None if self.how == "self" else tangents[1]
        out = self.cupy.empty(expected.shape, self.dtype)
        signature_kernel_jvp(self.pairs, None if fixed else tangents[0], of_y, out, plan)
        assert_close(out.get(), expected)
