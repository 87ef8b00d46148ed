"""A thrown ball with drag: its motion, estimated from points without times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import pysig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEPTH, GRAVITY, NOISE = 4, 9.81, 0.01  # m/s^2, m
TRUTH = np.array([6.0, 9.0, 0.7])  # velocity (m/s), drag (1/s)
UNTIL = 1.6  # s


def curve(parameters, times):
    """Positions (times, 2), and their derivatives by the parameters (3, times, 2)."""
    vx, vy, drag = parameters
    t = times[:, None]
    fade = (1 - np.exp(-drag * t)) / drag
    fade_drag = (t * np.exp(-drag * t) - fade) / drag
    velocity, fall = np.array([[vx, vy]]), np.array([[0.0, GRAVITY]])
    place = velocity * fade + fall * (fade - t) / drag
    by_drag = velocity * fade_drag + fall * (fade_drag / drag - (fade - t) / drag**2)
    return place, np.stack([[1.0, 0.0] * fade, [0.0, 1.0] * fade, by_drag])


def observed(seed=0):
    """Points of the curve at unknown, uneven times, with noise."""
    rng = np.random.default_rng(seed)
    times = np.concatenate([[0.0], np.sort(rng.uniform(0, UNTIL, 60)), [UNTIL]])
    places = curve(TRUTH, times)[0]
    return places + NOISE * rng.normal(size=places.shape)


def fit(points, start=(4.0, 7.0, 0.3), rounds=12):
    """The Gauss-Newton fit: parameters whose curve has the signature of the points."""
    times = np.linspace(0, UNTIL, 200)
    weights = np.concatenate([np.full(2**k, 1 / 4.0**k) for k in range(1, DEPTH + 1)])
    target = pysig.signature(points, DEPTH)
    parameters = np.array(start)
    for _ in range(rounds):
        path, moves = curve(parameters, times)
        gap = weights * (target - pysig.signature(path, DEPTH))
        paths = np.broadcast_to(path, moves.shape)
        jacobian = weights * pysig.signature_jvp(paths, DEPTH, moves)
        parameters = parameters + np.linalg.lstsq(jacobian.T, gap, rcond=None)[0]
    # Propagation of errors: the parameters are linear in small changes of the signature, and the
    # signature in small changes of the points.
    solve = np.linalg.pinv(jacobian.T) * weights
    sensitivity = pysig.signature_vjp(np.broadcast_to(points, (3, *points.shape)), DEPTH, solve)
    flat = sensitivity.reshape(3, -1)
    return parameters, NOISE**2 * flat @ flat.T


def figure() -> Figure:
    """The points and the fitted curve; estimates of many experiments and the predicted ellipse."""
    points = observed()
    parameters, covariance = fit(points)
    many = np.array([fit(observed(seed))[0] for seed in range(200)])
    from matplotlib import pyplot as plt  # the fit alone needs no figure

    result, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    left.plot(*points.T, ".", label="observed, no times")
    left.plot(*curve(parameters, np.linspace(0, UNTIL, 100))[0].T, label="fitted")
    left.set(xlabel="x (m)", ylabel="y (m)", aspect="equal")
    left.legend()
    right.plot(many[:, 1], many[:, 2], ".", alpha=0.5, label="200 experiments")
    angle = np.linspace(0, 2 * np.pi)
    part = covariance[1:, 1:]
    ellipse = 2.45 * np.linalg.cholesky(part) @ [np.cos(angle), np.sin(angle)]  # 95 per cent
    right.plot(*(TRUTH[1:, None] + ellipse), "k", label="predicted, 95 %")
    right.set(xlabel="vertical velocity (m/s)", ylabel="drag (1/s)")
    right.legend()
    return result
