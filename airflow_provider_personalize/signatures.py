"""
Signatures and docstrings of classes that have the parameters of their bases, too.

A parameter is documented once, where it is defined; ``help()`` and notebooks show it with every class that takes it.
Signatures are put together when somebody asks, so that to read a DAG file costs nothing more. Type checkers and editors
read ``options.py`` instead.
"""

from __future__ import annotations

import inspect


class InheritedSignature:
    """The ``__signature__`` of a class and its subclasses: own parameters, those of the bases, and ``**kwargs``."""

    def __get__(self, instance: object | None, owner: type) -> inspect.Signature:
        """Return that of a class; its instances have none."""
        if instance is not None:
            raise AttributeError("__signature__")
        named: dict[str, inspect.Parameter] = {}
        rest: list[inspect.Parameter] = []
        for init in [vars(base)["__init__"] for base in _family(owner) if "__init__" in vars(base)]:
            _, *own = inspect.signature(init).parameters.values()
            rest = [each for each in own if each.kind is each.VAR_KEYWORD]
            for each in own:
                if each not in rest:
                    named.setdefault(each.name, each)
            if not rest:
                break
        return inspect.Signature([*named.values(), *rest])


def inherited_doc(own: str, of_base: str) -> str:
    """
    Return a class's docstring, with what its base says of its parameters after what it says of its own.

    That base's docstring was made so, too.
    """
    about, *fields = _split(own)
    parameters = {name: field for field in fields if (name := _parameter(field))}
    for field in _split(of_base)[1:]:
        if name := _parameter(field):
            parameters.setdefault(name, field)
    others = [field for field in fields if not _parameter(field)]
    return "\n".join([about, "", *parameters.values(), *others])


def _family(owner: type) -> list[type]:
    """Return a class and its bases, down to the one that has all signatures put together."""
    root = next(base for base in owner.__mro__ if isinstance(vars(base).get("__signature__"), InheritedSignature))
    return [base for base in owner.__mro__ if issubclass(base, root)]


def _split(doc: str) -> list[str]:
    """Split a docstring into its text and its fields."""
    about, *fields = inspect.cleandoc(doc).split("\n:")
    return [about.rstrip("\n"), *(f":{field}".rstrip("\n") for field in fields)]


def _parameter(field: str) -> str:
    """Return the name of the parameter that a field is about; empty for any other field."""
    return field.removeprefix(":param ").partition(":")[0] if field.startswith(":param ") else ""
