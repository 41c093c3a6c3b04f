"""The report in the terminal: that it fits, tells everything, and obeys nothing it quotes."""

import re
import shlex
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from chatbot.cli.survey_text import bars, command_lines, cut, expectation, plain, report, wrapped
from chatbot.corpus.doctor.advice import Advice, Setting, advise
from chatbot.corpus.doctor.census import LENGTH_BINS, Census
from chatbot.corpus.doctor.forecast import Forecast
from chatbot.corpus.doctor.survey import Cutoff, FileFacts, Survey

FORECAST = Forecast(1_310_000_000, 760.0, 642, 1_000, 3.0, 20_000, 7_700_000, False)


def lengths(*found):
    return np.bincount(found, minlength=LENGTH_BINS)


def survey(**other):
    """A survey in which every part of the report has something to say."""
    facts = {
        "files": [
            FileFacts(
                "films/一.conv",
                "conv",
                "998 of 1,000 lines begin with E or M",
                "gb18030",
                1_200,
                skipped={"conversation of one turn": 41, "empty reply": 3},
                dropped={"too long": 7},
                bad_bytes=2,
                faults=["films/一.conv: 2 places are not text: line 17 byte 3, line 90 byte 1"],
                mixed={"utf-8": 5},
                normalised={"narrow": 812},
                first=[["早\n你好", "你好呀"], ["再见", "明天见"]],
            ),
            FileFacts("two.conv", "conv", "so it is", "gb18030", 34, first=[["不", "显示"]]),
            FileFacts("b.csv", "csv", "its header names ask and answer", "utf-8", 766),
        ],
        "census": Census(
            2_000,
            echoes=30,
            utterances=4_000,
            judged=2_500,
            segmented=25,
            scripts=Counter(simplified=3_000, latin=600, mixed=399, other=1),
            characters=np.stack([lengths(1, 4, 4, 4, 9), lengths(2, 5, 5, 5, 1024)]),
        ),
        "pairs": 2_000,
        "distinct_pairs": 1_900,
        "distinct_questions": 1_500,
        "distinct_replies": 1_000,
        "top_replies": [("我不知道", 120), ("好", 80), ("嗯", 1)],
        "tokens": np.stack([lengths(1, 2, 2, 2, 5), lengths(1, 3, 3, 3, 20)]),
        "words": 12_345,
        "distinct_words": 4_321,
        "distinct_characters": 1_234,
        "cutoffs": [Cutoff(1, 5_004, 0.0), Cutoff(2, 3_000, 0.03), Cutoff(4, 2_500, 0.06)],
        "settings": {"rare": "characters"},
    }
    return Survey(**facts | other)


ADVICE = Advice(
    ("The first thing is wrong.", "The second is " + "very " * 30 + "wrong."),
    (
        Setting("build-vocab", "max_repeats", 40, "a reply that is right too often is given."),
        Setting("train", "max_length", 60, "7% are longer."),
    ),
    (
        ("chatbot build-vocab", "films/", "'my b.csv'", "--max-repeats 40"),
        ("chatbot train", "--max-length 60"),
    ),
    FORECAST,
)

EXPECTED = """\
Look first
  ! The first thing is wrong.
  ! The second is very very very very very very very very very very very very
    very very very very very very very very very very very very very very very
    very very very wrong.

2,000 pairs in 3 files
  films/一.conv: 1,200 pairs, conv, GB18030
    recognised: 998 of 1,000 lines begin with E or M
    skipped: 41 conversation of one turn, 3 empty reply
    left out: 7 too long
    films/一.conv: 2 places are not text: line 17 byte 3, line 90 byte 1
    changed: 812 narrow
    早 / 你好 → 你好呀
    再见 → 明天见
  two.conv: 34 pairs, conv, GB18030
  b.csv: 766 pairs, csv, UTF-8
    recognised: its header names ask and answer

Repetition
  5.0% of the pairs are copies of others; 25.0% of the questions were asked
  before, 50.0% of the replies given before; 1.5% of the replies equal their
  question
  the 2 most frequent replies are 10.0% of all:
     6.00%       120  我不知道
     4.00%        80  好

Lengths                  half   95%   99%  longest
  questions, characters     4     9     9        9  ▃  █    ▃
  replies, characters       5  1024  1024     1024+ █                      ▃
  questions, words          2     5     5        5  ▃█  ▃
  replies, words            3    20    20       20  ▃ █                ▃

Script
  simplified Chinese 75.0%, Latin 15.0%, Chinese with Latin words 10.0%, other
  0.0%
  cut into words by blanks already: 1.0% of the Chinese

Vocabulary
  12,345 words, 4,321 distinct; 1,234 distinct characters
  seen at least    entries    words spelled
              1      5,004            0.0%
              2      3,000            3.0%
  as set now: 3,000 entries, 3.0% spelled

Recommended
    chatbot build-vocab films/ 'my b.csv' --max-repeats 40 \\
      && chatbot train --max-length 60
  --max-repeats 40: a reply that is right too often is given.
  --max-length 60: 7% are longer.
  Training will take about 1.3 GB of memory and about 13 minutes on this
  machine, left to it: about 642 steps of 1,000 pairs, 3 passes."""


def test_the_report_says_all_this():
    assert report(survey(), ADVICE) == EXPECTED


@pytest.mark.parametrize("width", [78, 80, 100])
def test_no_line_is_wider_than_asked(width):
    wide = [FileFacts("很长的名字" * 30, "tab", "因为" * 60, "utf-8", 9, first=[["问" * 90] * 2])]
    found = report(survey(files=wide, top_replies=[("答" * 99, 5)]), ADVICE, width)
    assert max(cell_len(line) for line in found.splitlines()) <= width


def test_many_files_are_summed_up():
    files = [FileFacts(f"{n:02}.tsv", "tab", "so", "utf-8", n) for n in range(40)]
    found = report(survey(files=files), ADVICE).splitlines()
    assert "  11.tsv: 11 pairs, tab, UTF-8" in found
    assert f"  and 28 more files: {sum(range(12, 40))} pairs" in found
    assert not any("12.tsv" in line for line in found)
    assert sum("recognised" in line for line in found) == 1


def test_nothing_is_made_up_where_nothing_was_found():
    nothing = Survey(files=[FileFacts("a.txt", "csv", "so", pairs=0, skipped={"x": 3})])
    found = report(nothing, advise(nothing, ["a.txt"]))
    assert found.splitlines() == [
        "Look first",
        "  ! No pairs at all. Look at the format and the skipped lines of each file",
        "    below.",
        "",
        "0 pairs in 1 file",
        "  a.txt: 0 pairs, csv, UTF-8",
        "    recognised: so",
        "    skipped: 3 x",
    ]


HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202egnp.exe\u2066\x00\r\n\u2028\ud800\x9b31mred"


def test_what_a_terminal_would_obey_is_not_shown():
    facts = survey(
        files=[FileFacts(HOSTILE, "tab", HOSTILE, "utf-8", 3, {HOSTILE: 1}, first=[[HOSTILE] * 2])],
        top_replies=[(HOSTILE, 9)],
    )
    found = report(facts, ADVICE)
    assert "owned" in found
    assert not [c for c in found if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\n"]
    assert len(found.splitlines()) == found.count("\n") + 1
    found.encode()


@given(st.text(max_size=40))
def test_plain_text_is_one_line_that_can_be_printed(text):
    found = plain(text)
    assert len(found.splitlines()) <= 1
    found.encode()
    assert not [c for c in found if unicodedata.category(c)[0] == "C"]


@pytest.mark.parametrize("text", ["你好，world! 😀", "é ü ñ", "ありがとう", "한국어", "مرحبا"])
def test_ordinary_text_stays_as_it_is(text):
    assert plain(text) == text


@given(st.text("ab 好，é", max_size=40), st.integers(2, 30))
def test_a_text_is_cut_to_its_room(text, room):
    found = cut(text, room)
    assert cell_len(found) <= room
    assert found == text or (found[-1] == "…" and text.startswith(found[:-1]))
    assert found == text or cell_len(found) >= room - 1


@given(st.text("ab 好，é", max_size=80), st.integers(12, 40))
def test_a_wrapped_text_keeps_its_characters_and_its_width(text, width):
    lines = list(wrapped(text, width, first="- ", rest="  "))
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(line[2:] for line in lines).replace(" ", "") == text.replace(" ", "")
    assert lines[0].startswith("- ")
    assert all(line.startswith("  ") for line in lines[1:])


def test_lines_are_filled_before_they_are_broken():
    assert list(wrapped("aa bb cc dd", 7, first="", rest="")) == ["aa bb", "cc dd"]
    assert list(wrapped("aa bb cc dd", 8, first="", rest="")) == ["aa bb cc", "dd"]


@pytest.mark.parametrize("width", [40, 60, 200])
def test_commands_can_be_pasted_however_they_are_broken(width):
    lines = list(command_lines(ADVICE, width))
    pasted = "\n".join(lines).replace("\\\n", " ")
    assert shlex.split(pasted) == shlex.split(ADVICE.command)
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert not lines[-1].endswith("\\")
    assert len(lines) == {40: 3, 60: 2, 200: 1}[width]


@pytest.mark.parametrize(
    ("counts", "last", "drawn"),
    [
        ([5, 1, 2, 4, 8], 4, "▂▃▅█"),
        ([0, 8, 0, 0, 1], 4, "█  ▂"),
        ([0, 1, 1, 1, 1], 2, "██"),
        ([0, 0], 1, ""),
        ([9], 0, ""),
    ],
)
def test_bars_are_as_high_as_their_counts(counts, last, drawn):
    assert bars(np.array(counts), last) == drawn


def test_many_lengths_share_a_bar():
    counts = np.zeros(LENGTH_BINS, int)
    counts[1:101] = 3
    assert bars(counts, 100) == "█" * 20
    assert len(bars(np.ones(LENGTH_BINS, int), 1024)) <= 24


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5, "1 minute"),
        (100, "2 minutes"),
        (3_000, "50 minutes"),
        (5_399, "90 minutes"),
        (9_000, "2.5 hours"),
        (400_000, "4.6 days"),
    ],
)
def test_times_are_said_roughly(seconds, words):
    said = expectation(FORECAST.__class__(*[2e9, seconds, 10, 30, 2.0, 9, 9, True]))
    assert said == (
        f"Training will take about 2.0 GB of memory and about {words} on this machine, left to it: "
        "about 10 steps of 30 pairs, until they are known by heart."
    )


def test_no_colours_are_sent():
    assert not re.search("\x1b", report(survey(), ADVICE))


def test_a_step_of_one_pair_has_one():
    said = expectation(FORECAST.__class__(*[2e9, 60, 10, 1, 2.0, 9, 9, True]))
    assert "about 10 steps of 1 pair, until" in said


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        (1, "  the most frequent is 5.0% of all:"),
        (8, "  the 8 most frequent replies are 40.0% of all:"),
        (10, "  the 8 most frequent replies are 40.0% of all:"),
    ],
)
def test_as_many_frequent_replies_are_counted_as_are_listed(replies, said):
    top = [(f"好{n}", 5) for n in range(replies)]
    lines = report(Survey(pairs=100, census=Census(100), top_replies=top), Advice((), (), (), None))
    at = lines.splitlines().index(said)
    listed = lines.splitlines()[at + 1 :]
    assert sum(line.startswith("     5.00%") for line in listed) == min(8, replies)
