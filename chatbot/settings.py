"""What a setting is: a field with a default, a help line and a check.

Comes in: declarations of fields. Goes out: frozen dataclasses whose values have been checked, and
which go through plain dictionaries and back. Knows nothing of any particular setting (`config`), of
click or of files.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any, Self, get_args, get_type_hints

from chatbot.errors import ChatbotError


def setting(
    default: object,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    pattern: str | None = None,
    fixed: bool = False,
    changed_by: str | None = None,
) -> Any:  # noqa: ANN401 - the type of a field is the type of its default, as in dataclasses.field
    """Declares one field: its default, its help line and the values it may take.

    Args:
        default: the value used when nothing is given.
        help: one line for `--help`; says the unit where there is one.
        choices: the only values allowed, for text.
        minimum: the smallest value allowed, inclusive.
        maximum: the largest value allowed, inclusive.
        pattern: a regular expression that text must match as a whole.
        fixed: whether a run that resumes, or a corpus that is added to, must keep the value it
            began with.
        changed_by: an option that changes it all the same.
    """
    return dataclasses.field(
        default=default,
        metadata={
            "help": help,
            "choices": choices,
            "minimum": minimum,
            "maximum": maximum,
            "pattern": pattern,
            "fixed": fixed,
            "changed_by": changed_by,
        },
    )


class Config:
    """What all groups of settings share: checks, and a round trip through plain dictionaries."""

    def __post_init__(self) -> None:
        """Checks every field.

        Raises:
            ChatbotError: a value is outside what its field allows.
        """
        kinds = get_type_hints(type(self))
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value, kind = getattr(self, field.name), kinds[field.name]
            wanted = kind | int if isinstance(1.0, kind) else kind
            may_be_bool = bool in (kind, *get_args(kind))
            sound = isinstance(value, wanted) and (type(value) is not bool or may_be_bool)
            fault = fault_of(field, value) if sound else f"{value!r} is not of its type"
            if fault:
                raise ChatbotError(f"{option_of(field.name)}: {fault}.")

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON-ready values, in the order of the fields."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def free(cls) -> tuple[str, ...]:
        """The fields that may change when a run resumes, or a corpus is added to or merged."""
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        return tuple(field.name for field in fields if not field.metadata["fixed"])

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str) -> Self:
        """The settings that `as_dict` gave, read back.

        Args:
            values: one value per field.
            where: the file they come from, for the message.

        Raises:
            ChatbotError: a key that no field has, or a value outside what its field allows.
        """
        names = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - names)
        if unknown:
            raise ChatbotError(
                f"{where}: unknown setting {unknown[0]!r}. Written by a newer version? Update "
                "chatbot, or build anew with --restart."
            )
        return cls(**values)

    @classmethod
    def resumed(
        cls, stored: Self | None, given: Mapping[str, Any], anew: str = "with --restart"
    ) -> Self:
        """The settings of a run: what is given, over what the run began with, over the defaults.

        Args:
            stored: the settings of the run that resumes, or None for a new run.
            given: the values asked for explicitly now.
            anew: how to begin a new run, for the message.

        Raises:
            ChatbotError: a given value differs from a stored one that cannot change.
        """
        if stored is None:
            return cls(**given)
        for field in dataclasses.fields(cls):  # type: ignore[arg-type]
            before = getattr(stored, field.name)
            if field.metadata["fixed"] and given.get(field.name, before) != before:
                begun = "without one" if before is None else f"with {before}"
                other = field.metadata["changed_by"]
                way = f", change it with {other}," if other else ","
                raise ChatbotError(
                    f"{option_of(field.name)} {given[field.name]}: begun {begun}, which cannot "
                    f"change. Leave the option out to go on{way} or begin anew {anew}."
                )
        return dataclasses.replace(stored, **given)  # type: ignore[type-var]


def option_of(name: str) -> str:
    """The spelling of a field on the command line, e.g. `--min-freq` for `min_freq`."""
    return "--" + name.replace("_", "-")


def fault_of(field: dataclasses.Field[Any], value: object) -> str:
    """What is wrong with a value of a field, in words; empty when nothing is."""
    rules = field.metadata
    if value is None or isinstance(value, bool):
        return ""
    if rules["choices"] and value not in rules["choices"]:
        return f"{value!r} is not one of {', '.join(rules['choices'])}"
    if isinstance(value, int | float):
        low, high = rules["minimum"], rules["maximum"]
        if value != value or (low is not None and value < low):
            return f"{value} is not at least {low:g}"
        if high is not None and value > high:
            return f"{value} is not at most {high:g}"
        if value == math.inf:
            return f"{value} is not finite"
    if rules["pattern"] and not re.fullmatch(rules["pattern"], str(value)):
        return f"{value!r} is not understood; it takes {rules['help']}"
    return ""
