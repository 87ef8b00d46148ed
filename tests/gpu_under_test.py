"""The CuPy that the tests run on: the real one where there is a GPU, else the emulator."""

import functools
import importlib
import importlib.util
import sys
import warnings


@functools.cache
def real_cupy():
    """(CuPy, "") or (None, what is absent: CuPy, a driver or a device).

    All other errors are raised: a GPU that does not work must not pass for an absent one.
    """
    if importlib.util.find_spec("cupy") is None:
        return None, "CuPy is not installed"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cupy = importlib.import_module("cupy")
    absent = absence(cupy.cuda.runtime)
    if not absent:
        return cupy, ""
    forget_cupy()
    return None, absent


def forget_cupy():
    """Remove CuPy from the imported modules, so that the next import can find the emulator.

    Frameworks import the real one on their own: dask.array does.
    """
    for name in [name for name in sys.modules if name.split(".")[0] in ("cupy", "cupyx")]:
        del sys.modules[name]


def absence(runtime):
    """What of a GPU is absent: the driver or the device; "" if there is a device."""
    try:
        if not runtime.driverGetVersion():
            return "no CUDA driver"
        return "" if runtime.getDeviceCount() else "no CUDA device"
    except runtime.CUDARuntimeError as error:
        if "cudaErrorNoDevice" not in str(error):
            raise
        return "no CUDA device"


def header():
    """The line of the report that names what is tested."""
    cupy, absent = real_cupy()
    if cupy is None:
        return f"GPU tests: on the emulator of CuPy ({absent})"
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    return f"GPU tests: on {name}, CuPy {cupy.__version__}"
