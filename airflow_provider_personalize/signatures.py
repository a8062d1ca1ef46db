"""
Signatures and docstrings of classes that have the parameters of their bases, too.

A parameter, a result or an error that classes have in common is documented once, at their base; ``help()`` and
notebooks show it with each of them.
Signatures are put together when somebody asks, so that to read a DAG file costs nothing more. Type checkers and editors
read ``options.py`` instead.
"""

from __future__ import annotations

import inspect
import re
from typing import Final

# A line of text may begin with a role, such as :class:
_FIELDS: Final = re.compile(r"\n:(?=param |return|raises )")


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
    Return a class's docstring, with what its base says of parameters, result and errors where it does not itself.

    :param own: As in the source.
    :param of_base: As this returned it for the base.
    """
    (about, *fields), (_, *inherited) = (_FIELDS.split(inspect.cleandoc(doc)) for doc in (own, of_base))
    named: dict[str, str] = {}
    for field in [*fields, *inherited]:
        named.setdefault(field.partition(":")[0], field.rstrip())
    ordered = sorted(named.values(), key=_section)
    return "\n:".join([f"{about.rstrip()}\n", *ordered]) if ordered else about


def _family(owner: type) -> list[type]:
    """Return a class and its bases, down to the one that has all signatures put together."""
    root = next(base for base in owner.__mro__ if isinstance(vars(base).get("__signature__"), InheritedSignature))
    return [base for base in owner.__mro__ if issubclass(base, root)]


def _section(field: str) -> int:
    """Return the place of a field: parameters come first, then the result, then errors."""
    return next(place for place, name in enumerate(("param ", "return", "")) if field.startswith(name))
