"""The kernels of signatures of intervals: copies of points and rows, and sums in a fixed order."""

from __future__ import annotations

from typing import Any

from pysig._gpu.compile import elementwise_kernel

FILE = "intervals.cuh"


def copy_kernel() -> Any:
    """Points of pieces, relative to the first."""
    return elementwise_kernel(
        "raw float64 points, raw int64 mids, raw int64 steps, int64 length, int64 channels, "
        "int64 sign",
        "raw T target",
        """
        const long long channel = i % channels, t = i / channels % length;
        const long long group = i / channels / length;
        const long long along = t < steps[group] ? t : steps[group];
        const long long point = mids[group] + sign * along;
        target[i] = points[point * channels + channel] - points[mids[group] * channels + channel];
        """,
        "pysig_copy_pieces",
        FILE,
    )


def gather_kernel() -> Any:
    """Rows at places; zero for the place -1."""
    return elementwise_kernel(
        "raw T rows, raw int64 places, int64 size",
        "raw T target",
        "target[i] = places[i / size] < 0 ? T(0) : rows[places[i / size] * size + i % size];",
        "pysig_gather_rows",
        FILE,
    )


def store_kernel() -> Any:
    """Rows, or their antipodes, to places of the result, with a scalar in front."""
    return elementwise_kernel(
        "raw T rows, raw int64 places, int64 size, int64 width, int64 stored, int64 scalar, "
        "int64 d, int64 inverse",
        "raw T out",
        """
        const long long query = i / width, index = i % width - stored;
        const T* row = &rows[0] + query * size;
        out[places[query] * width + i % width] =
            index < 0 ? T(scalar) : pysig_gpu::coefficient_of(row, index, d, inverse != 0);
        """,
        "pysig_store_rows",
        FILE,
    )


def load_kernel() -> Any:
    """Rows from places of the cotangent, without the scalar, or their antipodes."""
    return elementwise_kernel(
        "raw T cotangent, raw int64 places, int64 size, int64 width, int64 stored, int64 d, "
        "int64 inverse",
        "raw T rows",
        """
        const T* row = &cotangent[0] + places[i / size] * width + stored;
        rows[i] = pysig_gpu::coefficient_of(row, i % size, d, inverse != 0);
        """,
        "pysig_load_rows",
        FILE,
    )


def add_kernel() -> Any:
    """Sums of rows in the order of lists."""
    return elementwise_kernel(
        "raw T rows, raw int64 sources, raw int64 begin, raw int64 targets, int64 width",
        "raw S sums",
        """
        const long long k = i / width, column = i % width;
        S sum = sums[targets[k] * width + column];
        for (long long m = begin[k]; m < begin[k + 1]; ++m)
            sum += rows[sources[m] * width + column];
        sums[targets[k] * width + column] = sum;
        """,
        "pysig_add_rows",
        FILE,
    )
