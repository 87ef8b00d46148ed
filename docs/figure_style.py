"""Figures of the documentation: one style, and a version of each for dark pages.

A figure is an SVG without a background. Its dark version has the same coordinates and colours; only
the ink and pure greys are inverted. `setup` replaces each image that has a dark version by both,
and the theme shows the one that fits.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cycler import cycler
from docutils import nodes
from matplotlib.figure import Figure
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

INK = "#24292f"
#: Readable on white and on black: the contrast with both is at least 3.
COLOURS = ["#2f7fc1", "#c9721c", "#2a9d6f", "#c74f6f", "#8d6cc9", "#8a7a3c"]
STYLE: dict[str, Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "legend.frameon": False,
    "savefig.facecolor": "none",
    "svg.hashsalt": "pysig",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def apply_style(*_: Any) -> None:
    """Set the style of the documentation; sphinx-gallery calls this before each example."""
    mpl.use("agg")
    mpl.rcdefaults()
    mpl.rcParams.update(STYLE)


def save(figure: Figure, path: Path) -> None:
    """Write the figure to `path`, an SVG, and its dark version beside it."""
    figure.savefig(path, metadata={"Date": None})
    darken(path)


def darken(path: Path) -> None:
    """Write the dark version of an SVG."""
    text = path.read_text(encoding="utf-8")
    dark = re.sub(r"#[0-9a-f]{6}\b", lambda match: _dark(match[0]), text)
    dark_path(path).write_text(dark, encoding="utf-8")


def dark_path(path: Path) -> Path:
    """Where the dark version of a figure is."""
    return path.with_name(f"{path.stem}-dark.svg")


def _dark(colour: str) -> str:
    channels = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    if colour != INK and len(set(channels)) > 1:
        return colour
    return "#" + "".join(f"{255 - round(0.9 * channel):02x}" for channel in channels)


def scraper(block: Any, variables: dict[str, Any], conf: Any) -> str:
    """Save the open figures of a block of an example; the name of a figure is its description."""
    del block, conf
    from matplotlib import pyplot as plt

    directives = []
    for number in plt.get_fignums():
        figure = plt.figure(number)
        text = figure.get_label()
        if not text:
            raise ValueError(f"{variables['src_file']}: pass num='description' of the figure")
        path = Path(next(variables["image_path_iterator"])).with_suffix(".svg")
        save(figure, path)
        where = path.relative_to(Path(__file__).parent).as_posix()
        directives.append(f".. image:: /{where}\n   :alt: {text}\n   :class: sphx-glr-single-img\n")
    plt.close("all")
    return "\n" + "\n".join(directives)


class DarkVersions(SphinxTransform):
    """Put the dark version of an image behind it, if there is one."""

    default_priority = 200

    def apply(self, **_: Any) -> None:
        for image in list(self.document.findall(nodes.image)):
            _, name = self.env.relfn2path(image["uri"], self.env.docname)
            if name.endswith(".svg") and dark_path(Path(name)).exists():
                dark = image.copy()
                dark["uri"] = image["uri"].removesuffix(".svg") + "-dark.svg"
                for node, mode in ((image, "only-light"), (dark, "only-dark")):
                    node["classes"] = [*node["classes"], mode]
                image.parent.insert(image.parent.index(image) + 1, dark)


def darken_thumbnails(app: Sphinx) -> None:
    """Dark versions of the thumbnails of the gallery; runs after sphinx-gallery."""
    for path in (Path(app.srcdir) / "gallery" / "images" / "thumb").glob("*.svg"):
        if not path.stem.endswith("-dark"):
            darken(path)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.add_transform(DarkVersions)
    app.connect("builder-inited", darken_thumbnails, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
