"""Settings: their defaults, their checks, and their way through a file."""

import dataclasses
import json

import pytest

from chatbot.config import (
    CleaningConfig,
    CorpusConfig,
    ModelConfig,
    ReadingConfig,
    ReplyConfig,
    TrainingConfig,
)
from chatbot.errors import ChatbotError
from chatbot.settings import option_of

GROUPS = [ReadingConfig, CleaningConfig, CorpusConfig, ModelConfig, TrainingConfig, ReplyConfig]
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
    settings = CorpusConfig("char", 5, 99, "unk", 0.5, True, 2**63 - 1)
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
    beside = {"heads": {"model_type": "transformer"}}.get(field.name, {})
    if low is not None:
        group(**{field.name: low}, **beside)
        assert refusal(group, **{field.name: low - 1}) == (
            f"{option}: {low - 1} is not at least {low:g}."
        )
        fault = f"is not at least {low:g}" if "float" in field.type else "is not of its type"
        assert refusal(group, **{field.name: float("nan")}) == f"{option}: nan {fault}."
    if high is not None:
        group(**{field.name: high}, **beside)
        beyond = high * 2
        assert refusal(group, **{field.name: beyond}) == (
            f"{option}: {beyond} is not at most {high:g}."
        )
    if "float" in field.type:
        limit = "finite" if high is None else f"at most {high:g}"
        assert refusal(group, **{field.name: float("inf")}) == f"{option}: inf is not {limit}."
    for choice in field.metadata["choices"]:
        assert getattr(group(**{field.name: choice}), field.name) == choice


@pytest.mark.parametrize(
    ("group", "value", "line"),
    [
        (
            CorpusConfig,
            {"tokenizer": "words"},
            "--tokenizer: 'words' is not one of jieba, rjieba, char.",
        ),
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


@pytest.mark.parametrize("text", ["1", "500", "5m", "0.5m", ".5m", "5.0m", "0.10m", "12.25m"])
def test_saving_takes_steps_or_minutes(text):
    assert TrainingConfig(save_every=text).save_every == text


@pytest.mark.parametrize(
    "text",
    ["", "0", "0m", "-5", "1.5", "5 m", "m", "5s", "5m5", "٥m", "5m\n"]
    + ["0.0m", ".m", "0.m", "05m", "1e3"],
)
def test_saving_takes_nothing_else(text):
    assert "is not understood" in refusal(TrainingConfig, save_every=text)


def of_other_types(kind):
    """Values that are not of a type, among them True where numbers are."""
    every = {"bool": [True], "int": [60], "float": [0.5], "str": ["char"], "None": [None]}
    every["other"] = ["", b"5", [5], {"a": 5}, 5j]
    parts = set(kind.split(" | "))
    parts |= {"int"} if "float" in parts else set()
    refused = [value for part in every if part not in parts for value in every[part]]
    return [value for value in refused if not (isinstance(value, str) and "str" in parts)]


@pytest.mark.parametrize(("group", "field"), EVERY)
def test_a_setting_takes_values_of_its_type_only(group, field):
    refused = of_other_types(field.type)
    assert len(refused) >= 6
    for value in refused:
        assert refusal(group, **{field.name: value}) == (
            f"{option_of(field.name)}: {value!r} is not of its type."
        )


@pytest.mark.parametrize(("group", "field"), EVERY)
def test_a_whole_number_is_a_number_and_nothing_is_a_value_where_it_is_the_default(group, field):
    if "float" in field.type:
        least = field.metadata["minimum"]
        assert getattr(group(**{field.name: 1 if least > 0 else 0}), field.name) in (0, 1)
    if field.default is None:
        assert "None" in field.type
        assert getattr(group(**{field.name: None}), field.name) is None


# Resuming.


def test_a_new_run_takes_what_is_given_over_the_defaults():
    assert TrainingConfig.resumed(None, {"batch": 7}) == TrainingConfig(batch=7)


def test_a_resumed_run_takes_what_is_given_over_what_it_began_with():
    began = TrainingConfig(batch=7, steps=30, keep=2)
    assert TrainingConfig.resumed(began, {}) == began
    assert TrainingConfig.resumed(began, {"steps": 50, "batch": 7}) == TrainingConfig(
        batch=7, steps=50, keep=2
    )
    assert TrainingConfig.resumed(began, {"steps": None}) == TrainingConfig(batch=7, keep=2)


FREE = {
    *("warmup", "steps", "minutes", "epochs", "save_every", "keep", "average"),
    *("memory", "threads"),
}
"""What may change while a run goes on."""


@pytest.mark.parametrize("group", [ModelConfig, TrainingConfig])
def test_a_resumed_run_keeps_what_cannot_change(group):
    other = {int: 77, float: 0.031, str: None, type(None): 0.9}
    for field in dataclasses.fields(group):
        rest = [one for one in field.metadata["choices"] if one != field.default]
        if isinstance(field.default, bool):
            value = not field.default
        else:
            value = rest[0] if rest else other[type(field.default)]
        value = {"save_every": "7", "steps": 77, "memory": "2GB", "average": 3}.get(
            field.name, value
        )
        if field.name in FREE:
            assert getattr(group.resumed(group(), {field.name: value}), field.name) == value
        else:
            begun = "without one" if field.default is None else f"with {field.default}"
            other_way = field.metadata["changed_by"]
            way = f", change it with {other_way}" if other_way else ""
            assert refusal(group.resumed, group(), {field.name: value}) == (
                f"{option_of(field.name)} {value}: begun {begun}, which cannot change. Leave the "
                f"option out to go on{way}, or begin anew with --restart."
            )


def test_vectors_are_frozen_only_where_there_are_some():
    assert TrainingConfig(vectors="zh.vec", freeze_vectors=True).freeze_vectors
    line = "--freeze-vectors: nothing to freeze. Name a file with --vectors."
    assert refusal(TrainingConfig, freeze_vectors=True) == line
    assert refusal(TrainingConfig.resumed, None, {"freeze_vectors": True}) == line


def test_a_resumed_run_checks_what_is_given():
    assert refusal(TrainingConfig.resumed, TrainingConfig(), {"keep": 0}) == (
        "--keep: 0 is not at least 1."
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"heads": 2}, "--heads: is for --model-type transformer only"),
        *(
            ({"model_type": "transformer", **one}, f"--{name}: is for --model-type recurrent only")
            for name, one in (
                ("cell", {"cell": "gru"}),
                ("bidirectional", {"bidirectional": True}),
                ("attention", {"attention": "dot"}),
                ("layer-norm", {"layer_norm": False}),
            )
        ),
    ],
)
def test_a_setting_of_another_kind_of_network_is_refused(settings, said):
    with pytest.raises(ChatbotError, match=said):
        ModelConfig(**settings)
    assert ModelConfig(model_type="transformer", heads=8, layers=3, tied=True).depth == 3


@pytest.mark.parametrize("kind", ["recurrent", "transformer"])
def test_a_network_of_before_layer_norm_and_copying_were_defaults_has_none(kind):
    stored = ModelConfig(model_type=kind, copying=False).as_dict() | {"layer_norm": False}
    for gone in ([], ["layer_norm"], ["copying"], ["layer_norm", "copying"]):
        values = {key: stored[key] for key in stored if key not in gone}
        found = ModelConfig.from_dict(values, "file")
        assert not found.copying
        assert found.model_type == kind
        assert found.layer_norm == (kind == "transformer")  # which has norms of its own
