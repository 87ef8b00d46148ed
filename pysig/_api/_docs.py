"""Docstrings that share paragraphs: placeholders are filled when a module is imported.

A docstring marks a shared paragraph by a line ``{name}``; `documented` replaces it, indented as
the line is. ``help``, Sphinx and doctest see the full text. The derivatives of an operation take
the descriptions of its parameters from the docstring of the operation itself.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

# Entries of the section Parameters, by the names that they describe.
PARAMETERS = {
    "channels, depth": "int\n    Number of channels and truncation depth of the signatures.",
    "scalar_term": (
        "bool, optional\n    If True, rows begin with the coefficient of the empty word."
    ),
    "workers": "int, optional\n    Number of threads on the CPU, see `pysig.set_workers`.",
    "out": (
        "array, optional\n"
        "    Output array. Must have the shape and dtype of the result and must not overlap an "
        "input."
    ),
}
DTYPE = "    Of dtype float32 if all inputs are float32, otherwise float64."
RAISES = (
    "Raises\n------\nTypeError, ValueError\n    If an argument is invalid; the message names it."
)

_PLACEHOLDER = re.compile(r"^( *)\{([\w, ]+)\}$", re.MULTILINE)


def documented(like: Callable[..., Any] | None = None) -> Callable[[Function], Function]:
    """Fill the placeholders in the docstring of a function.

    ``{parameters}``, ``{gradients}`` and ``{derivative}`` are the sections Parameters and Returns
    of a derivative of the operation `like`, and ``{see also}`` is a reference to it; ``{raises}``
    is the section Raises; ``{dtype}`` states the dtype of results; other names are entries of the
    section Parameters.
    """

    def fill(function: Function) -> Function:
        if function.__doc__ is None:  # python -OO
            return function
        texts = {"raises": RAISES, "dtype": DTYPE.strip()}
        texts |= {names: f"{names} : {text}" for names, text in PARAMETERS.items()}
        if like is not None and like.__doc__ is not None:
            texts |= _derivative_sections(function, inspect.cleandoc(like.__doc__))
            texts["see also"] = f"See Also\n--------\n{like.__name__} : {_first(like.__doc__)}"

        def replaced(match: re.Match[str]) -> str:
            indent, name = match.groups()
            return "\n".join(indent + line if line else line for line in texts[name].split("\n"))

        function.__doc__ = _PLACEHOLDER.sub(replaced, function.__doc__)
        return function

    return fill


def _first(doc: str) -> str:
    return " ".join(doc.partition("\n\n")[0].split())


def _section(doc: str, title: str) -> str:
    return doc.partition(f"{title}\n{'-' * len(title)}\n")[2].partition("\n\n")[0]


def _entries(section: str) -> dict[str, str]:
    """Names -> the rest of the entry."""
    heads = re.split(r"^(?=\S)", section, flags=re.MULTILINE)
    return dict(head.rstrip("\n").split(" : ", 1) for head in heads if " : " in head)


def _derivative_sections(function: Callable[..., Any], doc: str) -> dict[str, str]:
    """The sections of a derivative of the operation that `doc` describes."""
    entries = _entries(_section(doc, "Parameters"))
    arrays = {
        name: text.split("\n")[0]
        for names, text in entries.items()
        if text.startswith("array_like")
        for name in names.split(", ")
    }
    first = next(iter(arrays))
    result = _section(doc, "Returns").split("\n")[0]
    described = dict(entries)
    described["cotangent"] = (
        result.replace("array", "array_like", 1) + "\n    Cotangent of the result."
    )
    described["tangent"] = f"{arrays[first]}\n    Tangent of `{first}`."
    for name, kind in arrays.items():
        described[f"tangent_{name}"] = f"{kind}\n    Tangent of `{name}`."
    of_name = {name: names for names in described for name in names.split(", ")}
    order = dict.fromkeys(of_name[name] for name in inspect.signature(function).parameters)
    parameters = "\n".join(f"{names} : {described[names]}" for names in order)
    gradients = (
        f"array\n    Gradient with respect to `{first}`, in its shape."
        if len(arrays) == 1
        else "(array, array)\n    Gradients with respect to "
        + " and ".join(f"`{name}`" for name in arrays)
        + ", in their shapes."
    )
    return {names: f"{names} : {text}" for names, text in described.items()} | {
        "parameters": f"Parameters\n----------\n{parameters}",
        "gradients": f"Returns\n-------\n{gradients}",
        "derivative": f"Returns\n-------\n{result}\n    Derivative of the result.",
    }
