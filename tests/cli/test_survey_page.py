"""The page: that it is one whole document, shows every fact, and trusts nothing it quotes."""

import re
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbot.cli.survey_page import page
from chatbot.corpus.doctor.advice import Advice, Setting, advise
from chatbot.corpus.doctor.census import LENGTH_BINS, Census
from chatbot.corpus.doctor.forecast import Forecast
from chatbot.corpus.doctor.survey import Cutoff, FileFacts, Survey

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Document(HTMLParser):
    """What a browser makes of a page: elements that close in order, their text, attributes."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def lengths(*found):
    return np.bincount(found, minlength=LENGTH_BINS)


def survey(quoted="你好呀", **other):
    facts = {
        "files": [
            FileFacts(
                f"films/{quoted}.conv",
                "conv",
                f"998 of 1,000 lines, {quoted}",
                "gb18030",
                1_200,
                skipped={f"reason {quoted}": 41},
                dropped={"too long": 7},
                bad_bytes=2,
                faults=[f"fault {quoted}"],
                mixed={"utf-8": 5},
                normalised={"narrow": 812},
                first=[[f"question {quoted}", f"reply {quoted}"]],
            )
        ],
        "census": Census(
            2_000,
            echoes=30,
            utterances=4_000,
            judged=2_500,
            segmented=25,
            scripts=Counter(simplified=3_000, latin=600, mixed=400),
            characters=np.stack([lengths(1, 4, 4, 4, 9), lengths(2, 5, 5, 5, 1024)]),
        ),
        "pairs": 2_000,
        "distinct_pairs": 1_900,
        "distinct_questions": 1_500,
        "distinct_replies": 1_000,
        "top_replies": [(quoted, 120), ("好", 80)],
        "tokens": np.stack([lengths(1, 2, 2, 2, 5), lengths(1, 3, 3, 3, 20)]),
        "words": 12_345,
        "distinct_words": 4_321,
        "distinct_characters": 1_234,
        "cutoffs": [Cutoff(1, 5_004, 0.0), Cutoff(2, 3_000, 0.03), Cutoff(5, 2_500, 0.06)],
        "settings": {"rare": "characters"},
        "text_bytes": 3_000_000,
        "seconds": 8.0,
    }
    return Survey(**facts | other)


def advice(quoted="你好呀"):
    return Advice(
        (f"Wrong: {quoted}",),
        (Setting("build-vocab", "columns", quoted, f"because {quoted}."),),
        (("chatbot build-vocab", quoted), ("chatbot train", "--max-length 60")),
        Forecast(1_310_000_000, 760.0, 642, 1_000, 3.0, 20_000, 7_700_000, False),
    )


def drawings(text):
    return [ElementTree.fromstring(one) for one in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]


def test_the_page_is_one_well_formed_document():
    text = page(survey(), advice())
    document = Document(text)
    tags = [tag for tag, _ in document.elements]
    assert text.startswith("<!doctype html>\n<html lang=")
    assert [tags.count(tag) for tag in ("html", "head", "body", "main", "h1", "title")][:5] == [
        1
    ] * 5
    assert {"meta", "header", "section", "table", "thead", "tbody", "figure", "figcaption"} <= set(
        tags
    )
    text.encode("utf-8")
    viewport = [one for tag, one in document.elements if one.get("name") == "viewport"]
    assert viewport[0]["content"].startswith("width=device-width")


def test_every_fact_is_on_the_page():
    text = Document(page(survey(), advice())).text
    for fact in (
        "2,000 pairs",
        "12,345 words",
        "3 MB read in 8 s",
        "Wrong: 你好呀",
        "chatbot build-vocab 你好呀 && chatbot train --max-length 60",
        "--columns",
        "because 你好呀.",
        "about 1.3 GB of memory and about 13 minutes",
        "films/你好呀.conv",
        "1,200 pairs, conv, GB18030",
        "Recognised: 998 of 1,000 lines, 你好呀",
        "fault 你好呀",
        "skipped: 41 reason 你好呀",
        "left out: 7 too long",
        "changed: 812 narrow",
        "question 你好呀 reply 你好呀",
        "5.0% of the pairs are copies of others; 25.0% of the questions were asked before, 50.0%",
        "The 2 most frequent replies are 10.0% of all",
        "6.00% 120 你好呀",
        "replies by characters: half up to 5, 95 % up to 1024, 99 % up to 1024, the longest",
        "simplified Chinese 75.0%",
        "Chinese with Latin words 10.0%",
        "1.0% of the Chinese text is cut into words by blanks already",
        "2 3,000 3.0%",
        "the ring is what the settings give: 3,000 entries, 3.0% spelled",
    ):
        assert fact in text, fact


def test_every_drawing_is_well_formed_and_says_what_it_shows():
    found = drawings(page(survey(), advice()))
    titles = [one.findtext("{http://www.w3.org/2000/svg}title") for one in found]
    assert [title for title in titles if title] == [
        "questions by characters",
        "replies by characters",
        "questions by words",
        "replies by words",
        "120 times",
        "80 times",
        "scripts",
        "share of running words spelled, by entries of the vocabulary",
    ]


HOSTILE = [
    '</script><svg onload="alert(1)">',
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><b>&amp;&lt;",
    "</style></title></bdi></svg></pre><!-- ]]>",
    "\u202etxt.exe\u2066\u0000\u001b[31m\ufeff\ud800",
    "{{7*7}} ${x} `y`",
]


@pytest.mark.parametrize("quoted", HOSTILE)
def test_what_is_quoted_stays_text(quoted):
    plain_page = Document(page(survey(), advice()))
    text = page(survey(quoted), advice(quoted))
    document = Document(text)
    assert [tag for tag, _ in document.elements] == [tag for tag, _ in plain_page.elements]
    assert [sorted(a) for _, a in document.elements] == [sorted(a) for _, a in plain_page.elements]
    drawings(text)
    text.encode("utf-8")
    if quoted.isprintable():
        assert text.count(quoted) == 0 or not set(quoted) & set("<>&\"'")
        assert " ".join(quoted.split()) in document.text


def test_nothing_invisible_turns_the_text_around():
    text = page(survey(HOSTILE[5]), advice(HOSTILE[5]))
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b\ufeff]", text)
    assert "txt.exe" in text


def test_text_from_right_to_left_stays_in_its_place():
    text = page(survey("مرحبا"), advice("مرحبا"))
    quoted = re.findall(r".{5}مرحبا", text)
    table = [one for one in quoted if "td" not in one]
    assert "<td><bdi>مرحبا</bdi></td>" in text
    assert len(table) > 3


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(max_size=30))
def test_any_text_makes_a_page_that_parses(quoted):
    text = page(survey(quoted), advice(quoted))
    Document(text)
    drawings(text)


def test_the_page_needs_nothing_else_and_runs_nothing():
    text = page(survey(HOSTILE[0]), advice(HOSTILE[0]))
    document = Document(text)
    tags = {tag for tag, _ in document.elements}
    assert tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base"} == set()
    names = {name for _, attributes in document.elements for name in attributes}
    assert not [name for name in names if name.startswith("on")]
    assert names & {"src", "href", "xlink:href", "srcset", "action", "style"} == set()
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)[1]
    assert not re.search(r"url\(|@import|expression|http", style)
    policy = [a for _, a in document.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy[0]["content"].startswith("default-src 'none'")
    outside = text.replace("http://www.w3.org/2000/svg", "")
    assert "http:" not in outside
    assert "https:" not in outside


def test_it_is_light_or_dark_as_the_reader_likes_and_fits_a_phone():
    style = re.search("<style>(.*?)</style>", page(survey(), advice()), re.DOTALL)[1]
    light, dark = (
        re.search(r"^:root\{.*?\}", style, re.S | re.M)[0],
        style.split("(prefers-color-scheme:dark){")[1],
    )
    for name in ("paper", "ink", "soft", "rule", "card", "warn", *"abcdef"):
        assert f"--{name}:#" in light
        assert f"--{name}:#" in dark.split("}}")[0]
    used = set(re.findall(r"var\(--(\w+)\)", style))
    assert used <= set(re.findall(r"--(\w+):", light))
    assert "svg{width:100%" in style


def test_every_class_that_is_used_has_a_style():
    text = page(survey(), advice())
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)[1]
    used = {name for _, one in Document(text).elements for name in (one.get("class") or "").split()}
    assert {name for name in used if f".{name}" not in style} == set()


def test_only_the_first_files_are_unfolded():
    files = [FileFacts(f"{n}.tsv", "tab", "so", "utf-8", n) for n in range(9)]
    document = Document(page(survey(files=files), advice()))
    folds = ["open" in attributes for tag, attributes in document.elements if tag == "details"]
    assert folds == [True] * 4 + [False] * 5


def test_a_page_about_nothing_is_a_page():
    nothing = Survey(files=[FileFacts("a.txt", "csv", pairs=0)])
    document = Document(page(nothing, advise(nothing)))
    assert "No pairs at all." in document.text
    assert "svg" not in [tag for tag, _ in document.elements]
