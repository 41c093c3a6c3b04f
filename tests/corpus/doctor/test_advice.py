"""What is recommended for which corpora, and what it is said to take."""

import json
import shlex
from collections import Counter

import numpy as np
import pytest

from chatbot.config import CleaningConfig, CorpusConfig, ModelConfig, TrainingConfig
from chatbot.corpus.doctor.advice import advise
from chatbot.corpus.doctor.budget import MARGIN
from chatbot.corpus.doctor.census import LENGTH_BINS, Census
from chatbot.corpus.doctor.rules import written
from chatbot.corpus.doctor.survey import Cutoff, FileFacts, Survey
from chatbot.memory import bytes_of

GB = 10**9


def lengths(*shares):
    """A histogram of 10,000 utterances: (length, share) by turns."""
    counts = np.zeros(LENGTH_BINS, np.int64)
    for length, share in shares:
        counts[length] += round(10_000 * share)
    return counts


SHORT = lengths((3, 0.3), (6, 0.4), (12, 0.25), (25, 0.05))


def sound(pairs=20_000, **other):
    """A survey with nothing wrong in it, or with this."""
    facts = {
        "files": [FileFacts("talk.tsv", "tab", "so", "utf-8", pairs)],
        "census": census(pairs),
        "pairs": pairs,
        "distinct_pairs": pairs,
        "distinct_questions": pairs - 900,
        "distinct_replies": pairs - 800,
        "top_replies": [("是的", 30), ("谢谢", 25)],
        "tokens": np.stack([SHORT, SHORT]),
        "words": 12 * pairs,
        "distinct_words": 9_000,
        "distinct_characters": 2_500,
        "cutoffs": [Cutoff(1, 11_000, 0.0), Cutoff(2, 7_000, 0.02), Cutoff(3, 5_000, 0.04)],
        "settings": CorpusConfig().as_dict(),
        "cleaning": CleaningConfig().as_dict(),
    }
    return Survey(**facts | other)


def census(pairs=20_000, **other):
    facts = {
        "utterances": 2 * pairs,
        "judged": pairs,
        "scripts": Counter(simplified=2 * pairs),
        "characters": np.stack([SHORT, SHORT]),
    }
    return Census(pairs, **facts | other)


def advised(survey, given=None, memory=64 * GB):
    """The recommended options without their end, which every larger corpus gets."""
    found = advise(survey, (), given, "", memory, 112.0).settings
    return [one.option for one in found if one.name != "epochs"]


def test_nothing_is_changed_for_sound_corpora():
    assert advised(sound()) == []


LONG = lengths((10, 0.5), (35, 0.44), (57, 0.06))
LONGER = lengths((10, 0.4), (57, 0.35), (140, 0.25))
RECOMMENDED = {
    "blanks": ({"census": census(segmented=10_000)}, ["--blanks none"]),
    "scripts": (
        {"census": census(scripts=Counter(simplified=97, traditional=3))},
        ["--simplify"],
    ),
    "names": ({"census": census(named=38_000)}, ["--strip-speakers"]),
    "copies": ({"distinct_pairs": 17_000}, ["--drop-duplicates"]),
    "dull": ({"top_replies": [("不知道", 500), ("好", 130), ("嗯", 30)]}, ["--max-repeats 40"]),
    "echoes": ({"census": census(echoes=500)}, ["--drop-echoes"]),
    "long replies": ({"tokens": np.stack([SHORT, LONG])}, ["--max-length 60"]),
    "long questions": ({"tokens": np.stack([LONG, SHORT])}, ["--max-length 60"]),
    "no room for the end": (
        {"tokens": np.stack([SHORT, lengths((10, 0.9), (40, 0.1))])},
        ["--max-length 50"],
    ),
    "some far too long": (
        {"tokens": np.stack([SHORT, lengths((10, 0.93), (140, 0.07))])},
        ["--max-length 100"],
    ),
    "far too long": (
        {
            "tokens": np.stack([SHORT, LONGER]),
            "census": census(characters=np.stack([SHORT, np.roll(LONGER, 30)])),
        },
        ["--max-chars 87", "--max-length 100"],
    ),
    "many words": (
        {"cutoffs": [Cutoff(2, 60_000, 0.01), Cutoff(3, 36_000, 0.04), Cutoff(6, 20_000, 0.08)]},
        ["--max-size 40000"],
    ),
    "more words than were kept": (
        {
            "cutoffs": [Cutoff(2, 60_000, 0.01), Cutoff(3, 36_000, 0.04), Cutoff(6, 20_000, 0.08)],
            "chosen": Cutoff(2, 20_000, 0.09),
        },
        ["--max-size 40000"],
    ),
    "too many words": (
        {"cutoffs": [Cutoff(2, 300_000, 0.01), Cutoff(9, 60_000, 0.1), Cutoff(20, 20_000, 0.2)]},
        ["--max-size 60000"],
    ),
}


@pytest.mark.parametrize("name", RECOMMENDED)
def test_what_a_corpus_needs_is_recommended(name):
    spoilt, options = RECOMMENDED[name]
    assert advised(sound(**spoilt)) == options


NOT_WORTH_IT = {
    "few words more": {"cutoffs": [Cutoff(2, 20_100, 0.049), Cutoff(3, 20_000, 0.0499)]},
    "no more words": {"cutoffs": [Cutoff(2, 9_000, 0.2)]},
    "room left": {"cutoffs": [Cutoff(2, 9_000, 0.2)], "chosen": Cutoff(2, 9_400, 0.19)},
    "a few long ones": {
        "tokens": np.stack([SHORT, lengths((10, 0.96), (200, 0.04))]),
    },
    "dull but few": {
        "pairs": 600,
        "distinct_pairs": 600,
        "census": census(600),
        "top_replies": [("好", 10)],
    },
}


@pytest.mark.parametrize("name", NOT_WORTH_IT)
def test_what_is_not_worth_it_is_not_recommended(name):
    assert advised(sound(**NOT_WORTH_IT[name])) == []


def test_of_few_pairs_none_is_left_out_for_its_length():
    spoilt, options = RECOMMENDED["far too long"]
    assert options[0] in advised(sound(**spoilt))
    assert options[0] not in advised(sound(**spoilt, pairs=4_000))


def test_no_pair_is_left_out_for_earlier_turns_that_are_long():
    both = census(characters=np.stack([LONGER, LONGER]))
    settings = CorpusConfig(context=5).as_dict()
    asked = sound(tokens=np.stack([LONGER, SHORT]), census=both, settings=settings)
    assert advised(asked) == ["--max-length 100"]
    said = sound(tokens=np.stack([SHORT, LONGER]), census=both, settings=settings)
    assert advised(said) == ["--max-chars 57", "--max-length 100"]


GIVEN = {
    "blanks": {"blanks": "comma"},
    "scripts": {"simplify": False},
    "names": {"strip_speakers": False},
    "copies": {"drop_duplicates": False},
    "dull": {"max_repeats": 900},
    "echoes": {"drop_echoes": False},
    "far too long": {"max_chars": 4_000},
    "many words": {"max_size": 20_000},
}


@pytest.mark.parametrize("name", GIVEN)
def test_what_the_user_has_set_is_not_argued_with_but_repeated(name):
    spoilt, options = RECOMMENDED[name]
    answer = advise(sound(**spoilt), ["a.tsv"], GIVEN[name], "", 64 * GB, 112.0)
    assert options[0] not in [one.option for one in answer.settings]
    ((option, value),) = GIVEN[name].items()
    assert written(option, value) in answer.commands[0]


@pytest.mark.parametrize(
    "name", ["blanks", "scripts", "names", "copies", "dull", "echoes", "far too long"]
)
def test_what_was_done_already_is_not_recommended_again(name):
    spoilt, options = RECOMMENDED[name]
    survey = sound(**spoilt)
    done = {
        "blanks": {"blanks": "none"},
        "simplify": {"simplify": True},
        "strip_speakers": {"strip_speakers": True},
        "drop_duplicates": {"drop_duplicates": True},
        "max_repeats": {"max_repeats": 40},
        "drop_echoes": {"drop_echoes": True},
        "max_chars": {"max_chars": 87},
    }[options[0].split()[0].removeprefix("--").replace("-", "_")]
    survey.settings |= done
    survey.cleaning |= done
    assert options[0] not in advised(survey)


def test_a_training_that_does_not_fit_is_capped():
    survey = sound(tokens=np.stack([LONG, LONG]))
    room = roomy_for(survey)
    roomy, tight, tiny = (advise(survey, (), None, "", n, 112.0) for n in (64 * GB, room, GB // 4))
    assert [one.value for one in roomy.settings if one.name == "memory"] == []
    (cap,) = (one for one in tight.settings if one.name == "memory")
    assert 0.8 * room - 100e6 < bytes_of(cap.value) <= 0.8 * room
    assert cap.why.startswith("1,000 pairs at once would take about ")
    assert tight.forecast.memory_bytes <= 0.8 * room < roomy.forecast.memory_bytes
    assert tight.forecast.batch == 1_000
    # Where even the least does not fit, it is the least.
    (least,) = (one for one in tiny.settings if one.name == "memory")
    assert 0 <= bytes_of(least.value) - MARGIN * tiny.forecast.memory_bytes < 2e6


def roomy_for(survey):
    """Bytes of a machine on which training would fit only if it did half of what it does."""
    free = advise(survey, (), None, "", 64 * GB, 112.0).forecast
    least = advise(survey, (), None, "", GB // 4, 112.0).forecast
    return (free.memory_bytes + least.memory_bytes) / 2 / 0.8


def test_memory_that_is_not_known_limits_nothing(monkeypatch):
    monkeypatch.setattr("chatbot.corpus.doctor.advice.total_memory", lambda: 0)
    assert advised(sound(tokens=np.stack([LONG, LONG])), memory=None) == ["--max-length 60"]


@pytest.mark.parametrize(
    ("pairs", "epochs"), [(4_999, []), (5_000, [3]), (2_999_999, [3]), (3_000_000, [1])]
)
def test_the_end_depends_on_the_size_of_the_corpus(pairs, epochs):
    answer = advise(sound(pairs), (), None, "", 64 * GB, 112.0)
    assert [one.value for one in answer.settings if one.name == "epochs"] == epochs
    assert answer.forecast.by_heart == (epochs == [])
    if epochs:
        assert answer.forecast.steps == epochs[0] * -(-pairs // 1_000)


def test_the_command_is_ready_to_paste():
    survey = sound(**RECOMMENDED["dull"][0] | RECOMMENDED["long replies"][0])
    given = {"columns": "ask,my answer", "narrow": False, "drop_echoes": True, "context": 2}
    answer = advise(survey, ["my films/", "it's.csv"], given, "", 64 * GB, 112.0)
    build, train = answer.command.split(" && ")
    assert shlex.split(build) == [
        *("chatbot", "build-vocab", "my films/", "it's.csv", "--columns", "ask,my answer"),
        *("--no-narrow", "--drop-echoes", "--context", "2", "--max-repeats", "40"),
    ]
    assert shlex.split(train)[:4] == ["chatbot", "train", "--max-length", "60"]
    assert [piece for piece in answer.commands[0] if "columns" in piece] == [
        "--columns 'ask,my answer'"
    ]


@pytest.mark.parametrize("value", [0.02, 0.1, 500.0, 1234567.0, 1e-5])
def test_a_number_is_repeated_as_it_was_given(value):
    option, number = written("holdout", value).split()
    assert (option, float(number)) == ("--holdout", value)
    assert not number.endswith(".0")


def test_a_model_folder_of_ones_own_stands_in_both_commands():
    commands = advise(sound(), ["a"], {"context": 1}, "my bot", 64 * GB, 112.0).commands
    assert commands[0] == ("chatbot build-vocab", "a", "--context 1", "--model 'my bot'")
    assert commands[1] == ("chatbot train", "--model 'my bot'", "--epochs 3")


def test_where_corpora_were_added_only_training_is_advised_on():
    survey = sound(**RECOMMENDED["dull"][0] | RECOMMENDED["long replies"][0])
    answer = advise(survey, ["b"], {"min_freq": 3}, "my bot", 64 * GB, 112.0, added=True)
    assert answer.command == "chatbot train --model 'my bot' --max-length 60 --epochs 3"
    assert [one.name for one in answer.settings] == ["max_length", "epochs"]
    assert answer.forecast == advised_forecast(sound(**RECOMMENDED["long replies"][0]))
    assert advise(Survey(), ["b"], added=True).command == "chatbot train"


def advised_forecast(survey):
    return advise(survey, (), None, "", 64 * GB, 112.0).forecast


def test_a_vocabulary_that_is_brought_is_named_again_and_not_made_larger():
    survey = sound(**RECOMMENDED["many words"][0])
    answer = advise(survey, ["a"], {"vocab": "my words.txt"}, "", 64 * GB, 112.0)
    assert answer.commands[0] == ("chatbot build-vocab", "a", "--vocab 'my words.txt'")


def test_every_option_that_is_recommended_exists():
    fields = {
        "build-vocab": {*CorpusConfig().as_dict(), *CleaningConfig().as_dict()},
        "train": {*ModelConfig().as_dict(), *TrainingConfig().as_dict()},
    }
    for spoilt, _ in RECOMMENDED.values():
        for one in advise(sound(**spoilt), (), None, "", 2 * GB, 112.0).settings:
            assert one.name in fields[one.command]
            assert one.why.endswith(".")


def test_the_forecast_is_that_of_the_recommended_settings():
    plain = advise(sound(), (), None, "", 64 * GB, 112.0).forecast
    assert plain.vocabulary == 7_000
    longer = advise(sound(**RECOMMENDED["long replies"][0]), (), None, "", 64 * GB, 112.0).forecast
    assert longer.memory_bytes > plain.memory_bytes
    fewer = advise(sound(distinct_pairs=10_000), (), None, "", 64 * GB, 112.0).forecast
    assert fewer.steps == pytest.approx(plain.steps / 2, abs=1)
    bigger = advise(sound(**RECOMMENDED["many words"][0]), (), None, "", 64 * GB, 112.0).forecast
    assert bigger.vocabulary == 40_000
    assert bigger.parameters > plain.parameters


def test_words_that_are_spelled_take_longer():
    spelled = advise(sound(cutoffs=[Cutoff(2, 7_000, 0.12)]), (), None, "", 64 * GB, 112.0).forecast
    whole = advise(sound(cutoffs=[Cutoff(2, 7_000, 0.0)]), (), None, "", 64 * GB, 112.0).forecast
    assert 1.1 < spelled.seconds / whole.seconds < 1.4


def test_without_pairs_nothing_is_recommended_but_to_look():
    answer = advise(Survey(), ["a.txt"], {"format": "csv"})
    assert answer.settings == ()
    assert answer.forecast is None
    assert answer.command == "chatbot build-vocab a.txt --format csv && chatbot train"
    assert len(answer.concerns) == 1


def test_a_program_gets_the_advice_too():
    survey = sound(distinct_pairs=15_000)
    answer = advise(survey, (), None, "", 64 * GB, 112.0)
    facts = json.loads(json.dumps(answer.as_dict()))
    assert facts["concerns"] == ["25% of the pairs are copies of other pairs."]
    assert facts["settings"][0] == {
        "option": "--drop-duplicates",
        "command": "build-vocab",
        "name": "drop_duplicates",
        "value": True,
        "why": "copies teach nothing new and take 25% of the time.",
    }
    assert facts["command"].startswith("chatbot build-vocab --drop-duplicates && chatbot train")
    assert set(facts["forecast"]) >= {"memory_bytes", "seconds", "steps", "batch", "epochs"}
    assert facts["forecast"]["seconds"] > 1
