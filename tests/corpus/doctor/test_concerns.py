"""What is told as wrong with corpora, and what is not."""

from collections import Counter

import numpy as np
import pytest

from chatbot.corpus.doctor.census import LENGTH_BINS, Census
from chatbot.corpus.doctor.concerns import (
    concerns,
    copies,
    dullest,
    echoes,
    rarer_script,
    segmented,
)
from chatbot.corpus.doctor.survey import Cutoff, FileFacts, Survey
from chatbot.corpus.formats import ON_PURPOSE


def sound(pairs=20_000, **other):
    """A survey with nothing wrong in it, or with this."""
    facts = {
        "files": [FileFacts("talk.tsv", "tab", "so", "utf-8", pairs)],
        "census": census(pairs),
        "pairs": pairs,
        "distinct_pairs": pairs - 300,
        "distinct_questions": pairs - 900,
        "distinct_replies": pairs - 800,
        "top_replies": [("是的", 60), ("谢谢", 55)],
        "words": 12 * pairs,
        "distinct_words": 9_000,
        "distinct_characters": 2_500,
        "cutoffs": [Cutoff(1, 11_000, 0.0), Cutoff(2, 7_000, 0.02), Cutoff(3, 5_000, 0.04)],
        "tokens": np.zeros((2, LENGTH_BINS), np.int64),
        "settings": {"blanks": "one", "simplify": False, "rare": "characters"},
    }
    return Survey(**facts | other)


def census(pairs=20_000, **other):
    scripts = Counter(simplified=31_000, chinese=6_000, latin=3_000, traditional=100)
    facts = {"echoes": 90, "utterances": 40_000, "judged": 25_000, "segmented": 60}
    return Census(pairs, **facts | {"scripts": scripts} | other)


def file(**facts):
    return [FileFacts(**{"name": "a.csv", "format": "csv", "pairs": 1_000} | facts)]


def test_nothing_is_told_of_sound_corpora():
    assert concerns(sound()) == []


SPOILT = {
    "skipped": (
        {"files": file(skipped={"wrong number of fields": 230, "not JSON": 20})},
        "a.csv: 250 skipped against 1,000 learnt (most often: wrong number of fields). If csv is "
        "not its format, name it with --format.",
    ),
    "skipped in earnest": (
        {"files": file(skipped={"system turn": 900, "not JSON": 250})},
        "a.csv: 250 skipped against 1,000 learnt (most often: not JSON). If csv is not its format, "
        "name it with --format.",
    ),
    "cut off": (
        {"files": file(skipped={"cut off": 1})},
        "a.csv: ends in the middle of a record, so more may be missing. Get the whole file, if "
        "there is one.",
    ),
    "a header": (
        {"files": file(first=[["客户 问题", "客服回复"], ["早", "你早"]])},
        "a.csv: the first pair, 客户 问题 → 客服回复, may be the names of two columns. If it is, "
        "say so: --columns '客户 问题,客服回复'.",
    ),
    "a header of Latin words": (
        {"files": file(first=[["foo", "bar_2"], ["早", "你早"]])},
        "a.csv: the first pair, foo → bar_2, may be the names of two columns. If it is, say so: "
        "--columns foo,bar_2.",
    ),
    "bad bytes": (
        {"files": file(bad_bytes=10, encoding="big5hkscs+utf-8")},
        "a.csv: 10 places are not text. If Big5+UTF-8 is not its encoding, name it with "
        "--encoding.",
    ),
    "mixed encodings": (
        {"files": file(mixed={"gb18030": 12})},
        "a.csv: 12 lines are in GB18030, the others in UTF-8.",
    ),
    "cut": (
        {"census": census(segmented=12_500)},
        "The Chinese text is cut into words by blanks already (50% of it).",
    ),
    "partly cut": (
        {"census": census(segmented=1_250)},
        "5% of the Chinese text is cut into words by blanks, the rest is not: the same sentence is "
        "learned in two spellings.",
    ),
    "times": (
        {"census": census(stamped=10_000)},
        "25% of the turns begin with a date and a time, which the bot would learn to say. If they "
        "are messages of a chat, read them with --format chat; else take them out of the file "
        "first, as cut -c18- does with 17 characters in front of lines.",
    ),
    "names": (
        {"census": census(named=20_000)},
        "50% of the turns begin with the name of who speaks, such as 小明：.",
    ),
    "mixed scripts": (
        {"census": census(scripts=Counter(simplified=9_700, traditional=300))},
        "3% of the Chinese text is traditional, the rest simplified.",
    ),
    "mixed the other way": (
        {"census": census(scripts=Counter(simplified=300, traditional=9_700))},
        "3% of the Chinese text is simplified, the rest traditional.",
    ),
    "spelled": (
        {"cutoffs": [Cutoff(1, 90_000, 0.0), Cutoff(2, 40_000, 0.1), Cutoff(9, 20_000, 0.16)]},
        "16% of the running words are too rare for the vocabulary: the bot will spell them in "
        "characters.",
    ),
    "unknown": (
        {
            "cutoffs": [Cutoff(2, 400, 0.15)],
            "settings": {"rare": "unk"},
        },
        "15% of the running words are too rare for the vocabulary: the bot will not know them.",
    ),
    "dull": (
        {"top_replies": [("我不知道", 200), ("好", 40)]},
        "1.0% of all replies are the same (200 times): the bot will tend to say it whatever it is "
        "asked.",
    ),
    "copies": (
        {"distinct_pairs": 18_000},
        "10% of the pairs are copies of other pairs.",
    ),
    "echoes": (
        {"census": census(echoes=200)},
        "1.0% of the replies only repeat their question.",
    ),
    "few": (
        {"pairs": 4_999, "distinct_pairs": 4_999, "census": census(4_999, echoes=0)},
        "4,999 pairs are few. The bot will know them by heart and answer anything else freely, "
        "often oddly; some tens of thousands of pairs make it talk.",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_wrong_is_told_in_a_sentence(name):
    spoilt, sentence = SPOILT[name]
    facts = {"top_replies": []} if name == "few" else {}
    assert concerns(sound(**facts | spoilt)) == [sentence]


NEARLY = {
    "skipped": {"files": file(skipped={"wrong number of fields": 249})},
    "skipped on purpose": {"files": file(skipped=dict.fromkeys(ON_PURPOSE, 5_000))},
    "bad bytes": {"files": file(bad_bytes=9)},
    "cut": {"census": census(segmented=1_249)},
    "times": {"census": census(stamped=9_999)},
    "names": {"census": census(named=19_999)},
    "scripts": {"census": census(scripts=Counter(simplified=981, traditional=19, latin=5))},
    "spelled": {"cutoffs": [Cutoff(2, 20_000, 0.149)]},
    "dull": {"top_replies": [("好", 199)]},
    "copies": {"distinct_pairs": 18_001},
    "echoes": {"census": census(echoes=199)},
    "few": {
        "pairs": 5_000,
        "distinct_pairs": 5_000,
        "census": census(5_000, echoes=0),
        "top_replies": [],
    },
}


@pytest.mark.parametrize("name", NEARLY)
def test_what_is_usual_is_not_told(name):
    assert concerns(sound(**NEARLY[name])) == []


MENDED = {
    "names": ({"census": census(named=39_000)}, {"strip_speakers": True}, {}),
    "cut": ({"census": census(segmented=25_000)}, {"blanks": "none"}, {}),
    "scripts": (
        {"census": census(scripts=Counter(simplified=50, traditional=50))},
        {"simplify": True},
        {},
    ),
    "dull": ({"top_replies": [("好", 900)]}, {}, {"max_repeats": 10}),
    "copies": ({"distinct_pairs": 9_000}, {}, {"drop_duplicates": True}),
}


@pytest.mark.parametrize("name", MENDED)
def test_what_an_option_mends_is_not_told(name):
    spoilt, settings, cleaning = MENDED[name]
    assert concerns(sound(**spoilt, settings=settings, cleaning=cleaning)) == []
    assert concerns(sound(**spoilt)) != []


def test_a_small_corpus_may_spell_its_words():
    cutoffs = [Cutoff(2, 3_000, 0.3)]
    few = sound(3_000, distinct_pairs=2_999, census=census(3_000, echoes=0), cutoffs=cutoffs)
    few.top_replies = []
    assert [one[:21] for one in concerns(few)] == ["3,000 pairs are few. "]


def test_a_reply_that_is_given_once_is_not_dull():
    few = {"pairs": 9, "distinct_pairs": 9, "distinct_questions": 9, "distinct_replies": 9}
    told = concerns(sound(census=census(9), top_replies=[("嗯", 1)], **few))
    assert not any("are the same" in one for one in told)


def test_no_pairs_is_all_that_is_told_of_none():
    told = concerns(Survey(files=file(pairs=0, skipped={"not JSON": 9})))
    assert told == ["No pairs at all. Look at the format and the skipped lines of each file below."]


def test_all_that_is_wrong_is_told_files_first():
    everything = sound(
        files=file(bad_bytes=99, mixed={"big5": 3}, skipped={"x": 900}),
        census=census(segmented=25_000, echoes=9_000, scripts=Counter(simplified=9, traditional=5)),
        distinct_pairs=5_000,
        top_replies=[("好", 9_000)],
    )
    subjects = ["900 skipped", "99 places", "3 lines", "cut into", "is traditional", "are the same",
                "are copies", "repeat their"]  # fmt: skip
    told = concerns(everything)
    assert len(told) == len(subjects)
    assert all(subject in sentence for subject, sentence in zip(subjects, told, strict=True))


def test_shares_of_nothing_are_nothing():
    nothing = Survey()
    assert (copies(nothing), dullest(nothing), echoes(nothing), segmented(nothing)) == (0, 0, 0, 0)
    assert rarer_script(nothing)[1] == 0


def test_repeats_are_counted_among_all_pairs_that_were_read():
    assert copies(sound(pairs=15_000, distinct_pairs=15_000, census=census(20_000))) == 0.25


def test_a_pair_alone_is_one():
    alone = sound(pairs=1, distinct_pairs=1, census=census(1, echoes=0), top_replies=[])
    assert concerns(alone)[-1].startswith("There is only 1 pair. The bot will know it by heart")


def test_a_vocabulary_that_does_not_fit_is_told_of_a_small_corpus_too():
    small = {"pairs": 40, "distinct_pairs": 40, "census": census(40, echoes=0), "top_replies": []}
    survey = sound(**small, chosen=Cutoff(2, 7, 0.94))
    assert concerns(survey, "list.txt")[0] == (
        "list.txt has only 6% of the running words: the bot will spell the others in characters. "
        "Without --vocab one is made that fits."
    )
    survey.settings["rare"] = "unk"
    assert ": the bot will not know the others. " in concerns(survey, "list.txt")[0]
    assert len(concerns(survey)) == 1
    assert concerns(sound(chosen=Cutoff(2, 7, 0.149)), "list.txt") == []
