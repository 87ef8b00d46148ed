"""A ball in a box, compiled by Numba, which pushes its path into an incremental signature."""

import ctypes

import numba
import numpy as np
from numba.extending import get_cython_function_address

REAL = ctypes.POINTER(ctypes.c_double)
I64, INT, POINTER = ctypes.c_int64, ctypes.c_int, ctypes.c_void_p


def function(name, *arguments):
    """A function of pysig/pysig.h; pointers are passed as the address of an array's data."""
    address = get_cython_function_address("pysig.embed", name)
    return ctypes.CFUNCTYPE(INT, *arguments)(address)


signature_f64 = function("signature_f64", POINTER, I64, I64, INT, POINTER, POINTER, I64)
incremental_create = function("incremental_create_f64", I64, INT, POINTER)
incremental_push = function("incremental_push_f64", POINTER, POINTER, I64)
incremental_signature = function("incremental_signature_f64", POINTER, POINTER, I64)
incremental_destroy = ctypes.CFUNCTYPE(None, POINTER)(
    get_cython_function_address("pysig.embed", "incremental_destroy_f64")
)


@numba.njit
def signature_of_ball(steps, depth, out):
    """Fill `out` with the signature of the path of a ball and return the path."""
    path = np.empty((steps + 1, 3))
    handle = np.zeros(1, np.uintp)
    if incremental_create(3, depth, handle.ctypes.data):
        raise ValueError("channels or depth")
    incremental = handle[0]
    t, x, y, vx, vy, dt = 0.0, 0.5, 0.25, 0.75, -1.25, 1.0 / 64
    for step in range(steps + 1):
        path[step, 0], path[step, 1], path[step, 2] = t, x, y
        incremental_push(incremental, path[step].ctypes.data, 3)  # allocates nothing
        t += dt
        x += vx * dt
        y += vy * dt
        if x < 0 or x > 1:
            vx = -vx
        if y < 0 or y > 1:
            vy = -vy
    failed = incremental_signature(incremental, out.ctypes.data, out.size)
    incremental_destroy(incremental)
    if failed:
        raise ValueError("out: the size is not that of the signature")
    return path


@numba.njit
def signature(path, depth, out):
    """Fill `out` with the signature of a contiguous path (length, channels)."""
    if signature_f64(
        path.ctypes.data, path.size, path.shape[1], depth, 0, out.ctypes.data, out.size
    ):
        raise ValueError("pysig refused the arguments")


if __name__ == "__main__":
    found = np.empty(39)
    points = signature_of_ball(1000, 3, found)
    print("incremental", *found.tolist())
    signature(points, 3, found)
    print("signature", *found.tolist())
