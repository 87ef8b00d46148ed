"""Rolling signatures with scipy.ndimage, which calls pysig's C function for every window."""

import ctypes

import numpy as np
import pysig.embed
from scipy import LowLevelCallable, ndimage

import pysig


class Window(ctypes.Structure):
    """pysig_window of pysig/pysig.h: selects one coefficient of the signature of a window."""

    _fields_ = [
        ("channels", ctypes.c_int64),
        ("depth", ctypes.c_int64),
        ("word", ctypes.c_int64),
    ]


def rolling_coefficient(path, depth, word, width):
    """S(word) of the windows of `width` points of a path (length, channels)."""
    length, channels = path.shape
    index = pysig.word_index(word, channels)
    which = Window(channels, depth, index)
    pointer = ctypes.cast(ctypes.pointer(which), ctypes.c_void_p)
    callback = LowLevelCallable.from_cython(pysig.embed, "window_f64", pointer)
    filtered = ndimage.generic_filter(path, callback, size=(width, channels))
    # The filter is centred. Keep the windows that lie within the path and cover all channels.
    centre = width // 2
    return filtered[centre : length - (width - 1 - centre), channels // 2]


if __name__ == "__main__":
    t = np.arange(200) / 64
    walk = np.stack([t, t**2 - t], axis=1)
    area = rolling_coefficient(walk, 2, (0, 1), 16)
    print("window", *area.tolist())
