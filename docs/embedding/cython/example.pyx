# A ball in a box, which pushes its path (time, x, y) into an incremental signature, without the GIL.
from libc.stdint cimport int64_t

cimport pysig.embed as embed

import numpy as np


cdef int check(int status) except -1 nogil:
    if status != embed.OK:
        with gil:
            raise ValueError(embed.last_error().decode())
    return 0


def signature_of_ball(int steps, int depth):
    """The signature of the path of a ball, and that path."""
    cdef int64_t size
    cdef embed.pysig_incremental_f64* incremental = NULL
    cdef double[:, ::1] path = np.empty((steps + 1, 3))
    cdef double t = 0, x = 0.5, y = 0.25, vx = 0.75, vy = -1.25, dt = 1.0 / 64
    cdef int step
    check(embed.signature_size(3, depth, &size))
    cdef double[::1] out = np.empty(size)
    check(embed.incremental_create_f64(3, depth, &incremental))
    try:
        with nogil:
            for step in range(steps + 1):
                path[step, 0], path[step, 1], path[step, 2] = t, x, y
                check(embed.incremental_push_f64(incremental, &path[step, 0], 3))  # allocates nothing
                t += dt
                x += vx * dt
                y += vy * dt
                if x < 0 or x > 1:
                    vx = -vx
                if y < 0 or y > 1:
                    vy = -vy
            check(embed.incremental_signature_f64(incremental, &out[0], size))
    finally:
        embed.incremental_destroy_f64(incremental)
    return np.asarray(out), np.asarray(path)


def signature_of_last_second(double[:, ::1] path not None, int depth):
    """The signature of the latest points of a path (time, x, y), pushed one by one."""
    cdef int64_t size
    cdef embed.pysig_sliding_f64* window = NULL
    cdef double time
    cdef Py_ssize_t step
    check(embed.signature_size(3, depth, &size))
    cdef double[::1] out = np.empty(size)
    check(embed.sliding_create_f64(3, depth, 0, 100, &window))
    try:
        with nogil:
            for step in range(path.shape[0]):
                time = path[step, 0]
                check(embed.sliding_push_times_f64(window, &path[step, 0], 3, &time, 1))
                check(embed.sliding_evict_f64(window, time - 1, 0, 0, NULL))
            check(embed.sliding_signature_f64(window, &out[0], size))
    finally:
        embed.sliding_destroy_f64(window)
    return np.asarray(out)


def signature(double[:, ::1] path not None, int depth, *, bint scalar_term=False):
    """The signature of a path of at least one point and one channel, with options."""
    cdef int64_t size
    cdef embed.pysig_options options
    check(embed.options_init(&options, sizeof(options)))
    options.scalar_term = scalar_term
    check(embed.signature_size(path.shape[1], depth, &size))
    cdef double[::1] out = np.empty(size + scalar_term)
    cdef int64_t points = path.shape[0] * path.shape[1], channels = path.shape[1]
    with nogil:
        check(
            embed.signature_f64(
                &path[0, 0], points, channels, depth, &options, &out[0], out.shape[0]
            )
        )
    return np.asarray(out)
