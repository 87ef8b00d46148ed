"""The extension module, or a message that helps."""

from __future__ import annotations

try:
    from pysig import _core as core
except ImportError as error:
    raise ImportError(
        f"pysig's compiled extension 'pysig._core' cannot be imported: {error}.\n"
        "- In a source tree, build it: `pip install -e .` (needs a C++17 compiler).\n"
        "- After `pip install .`, start Python outside the source tree: its folder `pysig`, which\n"
        "  holds no compiled extension, hides the installed package.\n"
        "- A wheel for another Python version or platform: `pip install --force-reinstall "
        "pysig-signatures`."
    ) from error

__all__ = ["core"]
