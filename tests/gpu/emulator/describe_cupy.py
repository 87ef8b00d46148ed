"""Print, as JSON, the kinds and parameters of the public names of the `cupy` that is imported.

A separate program: the emulator and the real CuPy share one name. It needs no driver.
Usage: python describe_cupy.py NAMES, a JSON list of dotted names below `cupy`. An empty list stands
for all public names of the emulator.
"""

import inspect
import json
import re
import sys
import types

del sys.path[0]  # this folder, where the emulator is: PYTHONPATH decides

import cupy  # noqa: E402

MODULES = ["", "cuda", "cuda.runtime", "cuda.driver", "cuda.compiler", "cuda.memory"]
HIDDEN = object()


def find(name):
    """The object of that name, without running a property; HIDDEN if there is none."""
    found = cupy
    for part in filter(None, name.split(".")):
        try:
            if isinstance(found, type):
                found = inspect.getattr_static(found, part)
            else:
                found = getattr(found, part)
        except AttributeError:
            return HIDDEN
    return found


def kind_of(found):
    if isinstance(found, (types.ModuleType, types.SimpleNamespace)):
        return "module"
    if isinstance(found, type):
        return "class"
    if isinstance(found, (property, types.GetSetDescriptorType, types.MemberDescriptorType)):
        return "value"
    if isinstance(found, (staticmethod, classmethod)) or callable(found):
        return "function"
    return "value"


def parameters_of(found):
    """The names of parameters; None where they are unknown. Cython writes the declaration to the
    first line of the docstring."""
    text = inspect.getdoc(found) or ""
    if isinstance(found, type):
        found = found.__init__
    try:
        parameters = inspect.signature(found).parameters.values()
        if all(p.kind is not p.VAR_POSITIONAL for p in parameters):
            names = ["kwargs" if p.kind is p.VAR_KEYWORD else p.name for p in parameters]
            return [name for name in names if name != "self"]
    except (TypeError, ValueError):
        pass
    line = text.partition("\n")[0].replace("()", "")  # defaults that are empty tuples
    declared = re.match(r"[\w.]+\((.*?)\)", line)
    if not declared or re.search(r"\*args", declared[1]):
        return None
    parts = [part.strip().partition("=")[0].split() for part in declared[1].split(",")]
    names = [words[-1].lstrip("\\*") for words in parts if words]
    return [name for name in names if name not in ("self", "", "/")]


def public_names():
    names = []
    for module in MODULES:
        for name in vars(find(module)):
            dotted = f"{module}.{name}".lstrip(".")
            if name.startswith("_") or isinstance(find(dotted), types.ModuleType):
                continue
            names.append(dotted)
            if isinstance(find(dotted), type) and find(dotted).__module__.startswith("cupy"):
                names += [
                    f"{dotted}.{member}"
                    for c in find(dotted).__mro__
                    if c.__module__.startswith("cupy")
                    for member in vars(c)
                    if not member.startswith("_")
                ]
    return names


def main():
    described = {}
    for name in json.loads(sys.argv[1]) or public_names():
        found = find(name)
        if found is not HIDDEN:
            described[name] = {"kind": kind_of(found), "parameters": parameters_of(found)}
    json.dump(described, sys.stdout)


if __name__ == "__main__":
    main()
