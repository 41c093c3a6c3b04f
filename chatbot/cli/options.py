"""click options made from the settings in `config`, so that nothing is said twice.

Comes in: a settings class. Goes out: decorators for commands, and the values that were given
explicitly, as usage errors where they are out of bounds; and words for what cannot be written.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from chatbot.errors import ChatbotError
from chatbot.settings import Config, fault_of, option_of

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=Config)


def _model(help: str) -> Callable[[F], F]:
    return click.option(
        "--model",
        type=click.Path(path_type=Path),
        default=Path("model"),
        show_default=True,
        help=help,
    )


model_option = _model("folder of the vocabulary, the token store and the checkpoints")
bot_option = _model("the model folder, or a file that chatbot export wrote")
json_option = click.option(
    "--json", "as_json", is_flag=True, help="print the answer as JSON, for programs"
)
checkpoint_option = click.option(
    "--checkpoint",
    metavar="NAME",
    help="best, newest, a step, or a path  [default: the best by held-out loss, else the newest]",
)


def settings_options(group: type[Config], *names: str) -> Callable[[F], F]:
    """A decorator that gives a command one option for each field of a group, or for some."""

    def decorate(command: F) -> F:
        """Gives a command the options."""
        fields = {field.name: field for field in dataclasses.fields(group)}  # type: ignore[arg-type]
        kinds = typing.get_type_hints(group)
        for name in reversed(names or tuple(fields)):
            command = _option(fields[name], kinds[name])(command)
        return command

    return decorate


def _option(field: dataclasses.Field[Any], kind: Any) -> Callable[[F], F]:  # noqa: ANN401 - a type
    if isinstance(kind, types.UnionType):
        kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
    declared = option_of(field.name)
    if kind is bool:
        declared = f"{declared}/--no-{declared.removeprefix('--')}"
    choices = field.metadata["choices"]

    def check(context: click.Context, parameter: click.Parameter, value: object) -> object:
        """Refuses a value that the field does not allow."""
        if fault := fault_of(field, value):
            raise click.BadParameter(fault)
        return value

    return click.option(
        declared,
        field.name,
        type=click.Choice(choices) if choices else None if kind is bool else kind,
        default=field.default,
        show_default=field.default is not None,
        help=field.metadata["help"],
        callback=check,
    )


def settings_of(group: type[C], values: Mapping[str, Any]) -> C:
    """The settings of a group among the values of a command's options."""
    return group(**{field.name: values[field.name] for field in dataclasses.fields(group)})  # type: ignore[arg-type]


def given(values: dict[str, Any], group: type[Config]) -> dict[str, Any]:
    """The values of a group's fields that stand on the command line, defaults left out."""
    context = click.get_current_context()
    names = {field.name for field in dataclasses.fields(group)}  # type: ignore[arg-type]
    explicit = click.core.ParameterSource.COMMANDLINE
    return {
        name: value
        for name, value in values.items()
        if name in names and context.get_parameter_source(name) is explicit
    }


@contextmanager
def writing(option: str, path: Path) -> Iterator[None]:
    """Says in words that a file which an option names cannot be written."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else error
        raise ChatbotError(
            f"{option} {path}: cannot be written ({reason}). Name another file."
        ) from error


def check_writable(option: str, path: Path) -> None:
    """Opens a file for writing and leaves it as it was, or absent: what comes first may take long.

    Raises:
        ChatbotError: it cannot be written.
    """
    there = path.exists()
    with writing(option, path):
        path.open("ab").close()
        if not there:
            path.unlink()


def check_folder(model: Path) -> None:
    """Refuses a bot in one file where a model folder is wanted.

    Raises:
        ChatbotError: it is a file.
    """
    if model.is_file():
        raise ChatbotError(
            f"--model {model}: is a file, a bot to talk to at best. Name the folder it was "
            "trained in."
        )
