"""Every setting is an option; what is out of bounds is a usage error."""

import dataclasses
import re
from pathlib import Path
from typing import get_args, get_type_hints

import click
import pytest
from click.testing import CliRunner

from chatbot.cli import cli
from chatbot.cli.options import given, settings_options
from chatbot.config import (
    CleaningConfig,
    CorpusConfig,
    ModelConfig,
    ReadingConfig,
    ReplyConfig,
    TrainingConfig,
)

GROUPS = {
    "inspect": (ReadingConfig, CorpusConfig, CleaningConfig),
    "build-vocab": (ReadingConfig, CorpusConfig, CleaningConfig),
    "merge": (),
    "train": (TrainingConfig, ModelConfig),
    "chat": (ReplyConfig,),
    "evaluate": (ReadingConfig,),
    "export": (),
    "info": (),
    "report": (),
}
OTHERS = {
    "inspect": {"workers", "json", "html", "help"},
    "build-vocab": {
        "model",
        "vocab",
        "add",
        "keep-segmented",
        "workers",
        "restart",
        "extend",
        "part",
        "shards",
        "help",
    },
    "merge": {
        *("model", "min-freq", "max-size", "rare", "holdout", "openings"),
        *(
            "drop-duplicates",
            "max-repeats",
            "vocab",
            "keep-segmented",
            "shards",
            "restart",
            "extend",
            "help",
        ),
    },
    "train": {
        *("model", "restart", "extend", "set-learning-rate", "distribute", "wait", "store"),
        *("quiet", "json", "tensorboard", "help"),
    },
    "chat": {"model", "checkpoint", "backward", "transcript", "json", "help"},
    "evaluate": {"model", "checkpoint", "replies", "compare", "html", "json", "help"},
    "export": {"model", "checkpoint", "as", "out", "int8", "help"},
    "info": {"model", "json", "help"},
    "report": {"model", "out", "svg", "png", "json", "help"},
}
FIELDS = [
    (command, group, field)
    for command, groups in GROUPS.items()
    for group in groups
    for field in dataclasses.fields(group)
]


def answer(*arguments):
    done = CliRunner().invoke(cli, arguments, prog_name="chatbot", terminal_width=100)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done


def entries(command):
    """What --help says of every option: its declaration and its text, blanks collapsed."""
    said = answer(command, "--help").stdout.split("Options:\n")[1]
    found = {}
    for entry in re.split(r"\n(?=  -)", said.rstrip()):
        declared, _, text = entry.strip().partition("  ")
        text = " ".join(re.sub(r"-\n\s+", "-", text).split())  # click breaks lines there too
        found[re.search(r"--([a-z0-9-]+)", declared)[1]] = declared, text
    return found


@pytest.mark.parametrize("command", GROUPS)
def test_help_lists_every_setting_of_the_command_and_nothing_else(command):
    settings = {
        field.name.replace("_", "-")
        for group in GROUPS[command]
        for field in dataclasses.fields(group)
    }
    assert set(entries(command)) == settings | OTHERS[command]


@pytest.mark.parametrize(("command", "group", "field"), FIELDS)
def test_help_says_of_a_setting_what_config_says(command, group, field):
    declared, text = entries(command)[field.name.replace("_", "-")]
    help, default = " ".join(field.metadata["help"].split()), field.default
    name = field.name.replace("_", "-")
    shown = ("" if default else "no-") + name if isinstance(default, bool) else default
    if default is None or "[default:" in help:
        assert text == help
    else:
        assert text == f"{help} [default: {shown}]"
    for choice in field.metadata["choices"]:
        assert re.search(rf"[\[|]{choice}[|\]]", declared)


def test_settings_without_a_default_say_what_happens_unless_it_is_nothing():
    silent = [
        f.name for _, _, f in FIELDS if f.default is None and "[default:" not in f.metadata["help"]
    ]
    assert set(silent) == {
        *("user_dict", "block_list", "max_repeats", "min_chars", "max_chars"),
        *("steps", "minutes", "epochs"),
    }


@pytest.mark.parametrize("command", sorted(set(GROUPS) - {"inspect"}))
def test_no_option_of_a_command_names_another_default_folder(command):
    declared, text = entries(command)["model"]
    assert declared == "--model PATH"
    assert text.endswith("[default: model]")


def test_the_defaults_of_the_options_are_those_of_the_settings():
    for name, groups in GROUPS.items():
        for group in groups:
            parameters = {one.name: one for one in cli.commands[name].params}
            for field in dataclasses.fields(group):
                assert parameters[field.name].default == field.default
                assert not parameters[field.name].required


def test_the_manual_names_only_options_that_exist():
    root = Path(__file__).parents[2]
    manual = "".join(path.read_text("utf-8") for path in (root / "docs").glob("*.md"))
    options = {option for name in GROUPS for option in entries(name)}
    for mentioned in set(re.findall(r"`--([a-z][a-z0-9-]+)", manual)):
        assert {mentioned, mentioned.removeprefix("no-")} & options


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["nonsense"], "No such command 'nonsense'."),
        (["--nonsense"], "No such option '--nonsense'."),
        (["train", "--nonsense"], "No such option '--nonsense'."),
        (["train", "more"], "Got unexpected extra argument (more)"),
        (["chat", "--units", "8"], "No such option '--units'."),
        (["train", "--batch", "0"], "Invalid value for '--batch': 0 is not at least 1"),
        (["train", "--batch", "1.5"], "Invalid value for '--batch': '1.5' is not a valid integer."),
        (
            ["build-vocab", "--min-freq", "0"],
            "Invalid value for '--min-freq': 0 is not at least 1",
        ),
        (
            ["build-vocab", "--holdout", "inf"],
            "Invalid value for '--holdout': inf is not finite",
        ),
        (
            ["build-vocab", "--holdout", "nan"],
            "Invalid value for '--holdout': nan is not at least 0",
        ),
        (
            ["train", "--sampler", "nonsense"],
            "Invalid value for '--sampler': 'nonsense' is not one of 'window', 'epoch', 'blocks', "
            "'cyclic'.",
        ),
        (
            ["train", "--save-every", "0"],
            "Invalid value for '--save-every': '0' is not understood; it takes a number of steps "
            "between checkpoints, or minutes such as 5m",
        ),
        (
            ["build-vocab", "--workers", "0"],
            "Invalid value for '--workers': 0 is not in the range x>=1.",
        ),
        (
            ["train", "--precision", "half"],
            "Invalid value for '--precision': 'half' is not one of 'auto', 'float32', 'bfloat16'.",
        ),
        (["chat", "--beam", "101"], "Invalid value for '--beam': 101 is not at most 100"),
        (["evaluate", "--json", "--beam", "2"], "No such option '--beam'."),
    ],
)
def test_wrong_usage_is_told_with_the_usage_and_exit_code_2(
    tmp_path, monkeypatch, arguments, fault
):
    monkeypatch.chdir(tmp_path)
    done = answer(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    known = arguments[0] if arguments[0] in GROUPS else "[OPTIONS] COMMAND [ARGS]..."
    assert done.stderr.startswith(f"Usage: chatbot {known}")
    line = done.stderr.splitlines()[-1]
    assert line.split(" Did you mean")[0] == f"Error: {fault}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("command", "group", "field"), FIELDS)
def test_what_a_setting_refuses_is_wrong_usage(command, group, field):
    option, rules = "--" + field.name.replace("_", "-"), field.metadata
    bad = []
    bad += [str(rules["minimum"] - 1)] if rules["minimum"] is not None else []
    bad += [str(rules["maximum"] * 2)] if rules["maximum"] is not None else []
    any_text = "str" in field.type and not rules["choices"] and not rules["pattern"]
    bad += ["nonsense"] if "bool" not in field.type and not any_text else []
    for value in bad:
        done = answer(command, option, value)
        assert (done.exit_code, done.stdout) == (2, "")
        assert f"Error: Invalid value for '{option}': " in done.stderr


def test_only_what_stands_on_the_command_line_is_given():
    seen = []

    @click.command()
    @settings_options(ModelConfig)
    @settings_options(TrainingConfig, "batch", "dropout", "steps")
    def command(**settings):
        seen.append((given(settings, ModelConfig), given(settings, TrainingConfig), settings))

    arguments = ["--batch", "1000", "--bidirectional", "--units", "9", "--dropout", "0"]
    assert CliRunner().invoke(command, arguments).exit_code == 0
    ((model, training, every),) = seen
    assert model == {"units": 9, "bidirectional": True}
    assert training == {"batch": 1000, "dropout": 0.0}
    assert set(every) == {
        *(field.name for field in dataclasses.fields(ModelConfig)),
        *("batch", "dropout", "steps"),
    }


def test_options_have_the_types_of_their_settings():
    seen = []

    @click.command()
    @settings_options(CorpusConfig)
    def command(**settings):
        seen.append(CorpusConfig(**settings))

    arguments = "--tokenizer char --min-freq 3 --max-size 99 --rare unk --holdout 7 --seed 5"
    assert CliRunner().invoke(command, arguments.split()).exit_code == 0
    assert CliRunner().invoke(command, []).exit_code == 0
    assert seen == [CorpusConfig("char", 3, 99, "unk", 7.0, seed=5), CorpusConfig()]
    for field in dataclasses.fields(CorpusConfig):
        hint = get_type_hints(CorpusConfig)[field.name]
        assert type(getattr(seen[0], field.name)) in (hint, *get_args(hint))
