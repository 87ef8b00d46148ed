"""P2. The extension module, or a message that helps."""

from __future__ import annotations

try:
    from pysig import _core as core
except ImportError as error:  # pragma: no cover - needs a broken installation
    raise ImportError(
        "pysig's compiled extension 'pysig._core' cannot be imported "
        f"({error}). If this is a source checkout, build it with `pip install .` and start Python outside the "
        "checkout; if pysig was installed as a wheel, reinstall it for this interpreter with "
        "`pip install --force-reinstall pysig-signatures`."
    ) from error

__all__ = ["core"]
