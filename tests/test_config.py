"""Settings: their defaults, their checks, and their way through a file."""

import dataclasses
import json

import pytest

from chatbot.config import CorpusConfig, ModelConfig, ReplyConfig, TrainingConfig, option_of
from chatbot.errors import ChatbotError

GROUPS = [CorpusConfig, ModelConfig, TrainingConfig, ReplyConfig]
EVERY = [(group, field) for group in GROUPS for field in dataclasses.fields(group)]


def refusal(make, *args, **more):
    with pytest.raises(ChatbotError) as caught:
        make(*args, **more)
    return str(caught.value)


@pytest.mark.parametrize("group", GROUPS)
def test_the_defaults_pass_their_own_checks(group):
    group()


@pytest.mark.parametrize("group", GROUPS)
def test_settings_come_back_from_json_as_they_were(group):
    stored = json.loads(json.dumps(group().as_dict()))
    assert group.from_dict(stored, "file") == group()
    assert list(stored) == [field.name for field in dataclasses.fields(group)]


def test_values_that_are_not_the_defaults_come_back_too():
    settings = CorpusConfig("char", 5, 99, "unk", 0.5, 2**63 - 1)
    assert CorpusConfig.from_dict(settings.as_dict(), "file") == settings


@pytest.mark.parametrize("group", GROUPS)
def test_an_unknown_stored_setting_is_refused(group):
    assert refusal(group.from_dict, group().as_dict() | {"zeal": 1}, "a/file") == (
        "a/file: unknown setting 'zeal'. Written by a newer version? Update chatbot, or build anew "
        "with --restart."
    )


@pytest.mark.parametrize("group", GROUPS)
def test_settings_cannot_be_changed_in_place(group):
    settings = group()
    for field in dataclasses.fields(group):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(settings, field.name, 1)


@pytest.mark.parametrize(("group", "field"), EVERY)
def test_every_setting_has_one_line_of_help(group, field):
    help = field.metadata["help"]
    assert help
    assert "\n" not in help
    assert not help.endswith(".")


@pytest.mark.parametrize(("group", "field"), EVERY)
def test_every_bound_is_allowed_and_what_lies_beyond_is_not(group, field):
    option = option_of(field.name)
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    if low is not None:
        group(**{field.name: low})
        assert refusal(group, **{field.name: low - 1}) == (
            f"{option}: {low - 1} is not at least {low:g}."
        )
        fault = f"is not at least {low:g}" if "float" in field.type else "is not of its type"
        assert refusal(group, **{field.name: float("nan")}) == f"{option}: nan {fault}."
    if high is not None:
        group(**{field.name: high})
        beyond = high * 2
        assert refusal(group, **{field.name: beyond}) == (
            f"{option}: {beyond} is not at most {high:g}."
        )
    for choice in field.metadata["choices"]:
        assert getattr(group(**{field.name: choice}), field.name) == choice


@pytest.mark.parametrize(
    ("group", "value", "line"),
    [
        (CorpusConfig, {"tokenizer": "words"}, "--tokenizer: 'words' is not one of jieba, char."),
        (CorpusConfig, {"min_freq": 0}, "--min-freq: 0 is not at least 1."),
        (CorpusConfig, {"max_size": 7}, "--max-size: 7 is not at least 8."),
        (CorpusConfig, {"rare": ""}, "--rare: '' is not one of characters, unk."),
        (CorpusConfig, {"holdout": -0.1}, "--holdout: -0.1 is not at least 0."),
        (CorpusConfig, {"seed": -1}, "--seed: -1 is not at least 0."),
        (TrainingConfig, {"dropout": 1.0}, "--dropout: 1.0 is not at most 0.95."),
        (TrainingConfig, {"batch": 0}, "--batch: 0 is not at least 1."),
        (
            TrainingConfig,
            {"sampler": "all"},
            "--sampler: 'all' is not one of window, epoch, blocks, cyclic.",
        ),
        (
            TrainingConfig,
            {"save_every": "soon"},
            "--save-every: 'soon' is not understood; it takes a number of steps between "
            "checkpoints, or minutes such as 5m.",
        ),
        (ReplyConfig, {"beam": 101}, "--beam: 101 is not at most 100."),
    ],
)
def test_a_value_outside_is_refused_in_one_line(group, value, line):
    assert refusal(group, **value) == line


@pytest.mark.parametrize("text", ["1", "500", "5m", "0.5m", "12.25m"])
def test_saving_takes_steps_or_minutes(text):
    assert TrainingConfig(save_every=text).save_every == text


@pytest.mark.parametrize(
    "text", ["", "0", "0m", "-5", "1.5", "5 m", "m", "5s", "5m5", "٥m", "5m\n"]
)
def test_saving_takes_nothing_else(text):
    assert "is not understood" in refusal(TrainingConfig, save_every=text)
