"""Links for the names in single back quotes of docstrings: `signature` leads to its page.

The default role of docstrings looks a name up among the public names. Names that are also
parameters, such as `transform`, become links only if they are written with their module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref


def role(public: dict[str, str]) -> Callable[..., Any]:
    """A role that links the keys of `public` to the pages of their values."""

    def link(
        name: str, rawtext: str, text: str, lineno: int, inliner: Any, *_: Any, **__: Any
    ) -> tuple[list[nodes.Node], list[Any]]:
        code = nodes.literal(rawtext, text, classes=["name"])
        target = public.get(text.removesuffix("()"))
        if target is None:
            return [code], []
        env = inliner.document.settings.env
        reference = pending_xref(
            rawtext,
            code,
            refdomain="py",
            reftype="obj",
            reftarget=target,
            refdoc=env.docname,
            refexplicit=True,
            refwarn=True,
        )
        return [reference], []

    return link
