"""The page of a run: whole, bounded, with everything that was recorded, trusting nothing."""

import json
import re
from xml.etree import ElementTree

import pytest

from chatbot.cli.curves import curves_of
from chatbot.cli.run_facts import facts_of
from chatbot.cli.run_page import page
from chatbot.history import Record

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></table></section></main></style>&amp;",
    "\u202etxt.exe\u2066\u0000\u001b[31m\ufeff\ud800",
]


def page_of(records, where="model"):
    plain = [one.as_dict() if isinstance(one, Record) else one for one in records]
    plain = json.loads(json.dumps(plain))
    facts = facts_of(plain)
    return page(facts, curves_of(plain, facts), where)


def body(text):
    """What stands between <main> and </main>, as XML: every element is closed in order."""
    return ElementTree.fromstring(re.search(r"<main>.*</main>", text, re.DOTALL)[0])


def words(text):
    return " ".join(" ".join(body(text).itertext()).split())


def test_every_kind_of_record_is_on_the_page(a_run):
    text = words(page_of(a_run))
    for fact in (
        "Training of model",
        "best held-out loss 3.000 nats per token",
        "600 steps 5 min 0 s of training 3.000 best held-out loss, nats per token",
        "20.1 perplexity 9,600 tokens/s 1.20 GB peak memory",
        "Look first Alarm: question ignored, at step 350.",
        "0 0 s start 70 are held out",
        "250 2 min 5 s roll-back back to step 200",
        "300 2 min 30 s resumed --learning-rate 0.015 → 0.003",
        "350 2 min 55 s alarm question ignored: replies do not depend on questions",
        "400 3 min 20 s best validation held-out loss 3.000",
        "500 4 min 10 s decay learning rate x 0.4",
        "600 5 min 0 s last checkpoint saved step-600, the last of 6 checkpoints",
        "600 5 min 0 s stop all 600 steps done",
        "你好 100 第0 200 to 300 第1 400 to 500 第2 600 第3",
        "<b>? 100 to 600 <script>alert(1)</script>",
        "--units 96 256 width of the layers",
        "--steps 600 not given steps of the whole run",
        "36 settings at their defaults",
        "--bidirectional no read the question in both directions, in recurrent layers",
    ):
        assert fact in text, fact


def test_every_curve_is_on_the_page_with_a_word_on_how_to_read_it(a_run):
    root = body(page_of(a_run))
    figures = list(root.iter("figure"))
    assert len(figures) == 9
    assert all(one.findtext("figcaption").endswith(".") for one in figures)
    titles = [one.findtext(".//{http://www.w3.org/2000/svg}title") for one in figures]
    assert titles[0] == "training and held-out loss, nats per token"
    assert len(set(titles)) == 8  # the loss is drawn twice


@pytest.mark.parametrize("quoted", HOSTILE)
def test_what_is_quoted_stays_text(a_run, quoted):
    def said(words):
        start = Record("start", 0, model={words: words}, training={"vectors": words})
        others = [
            Record("alarm", 5, alarm=words, note=words),
            {"kind": words, "step": 5, "note": words},
            Record("probe", 5, samples=[(words, words)]),
            Record("stop", 5, note=words),
        ]
        return page_of([start, *others], where=words)

    plain, hostile = said("plain"), said(quoted)
    assert [one.tag for one in body(plain).iter()] == [one.tag for one in body(hostile).iter()]
    assert [sorted(one.keys()) for one in body(plain).iter()] == [
        sorted(one.keys()) for one in body(hostile).iter()
    ]
    hostile.encode("utf-8")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b\ufeff]", hostile)
    if quoted.isprintable():
        assert quoted not in hostile
        assert quoted in words(hostile)


def test_the_page_needs_nothing_else_and_runs_nothing(a_run):
    text = page_of(a_run)
    assert text.startswith("<!doctype html>\n<html lang=")
    tags = {one.tag.split("}")[-1] for one in body(text).iter()}
    assert tags & {"script", "link", "img", "iframe", "object", "embed", "form", "a"} == set()
    names = {name for one in body(text).iter() for name in one.keys()}  # noqa: SIM118
    assert names & {"src", "href", "style", "onload", "onclick"} == set()
    assert "default-src 'none'" in text
    assert not re.search(r"https?:", text.replace("http://www.w3.org/2000/svg", ""))
    assert not re.search(r"url\(|@import", text)


def test_every_class_that_is_used_has_a_style(a_run):
    text = page_of(a_run)
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)[1]
    used = {name for one in body(text).iter() for name in (one.get("class") or "").split()}
    assert {name for name in used if f".{name}" not in style} == set()


def test_the_same_run_is_the_same_page(a_run):
    assert page_of(a_run) == page_of(a_run)


def test_a_long_run_gives_a_page_of_bounded_size():
    def run(length):
        records = [{"kind": "start", "step": 0, "model": {}, "training": {}}]
        for i in range(length // 5):
            at = {"step": 10 * i, "seconds": 3.0 * i}
            numbers = {"loss": 3 + i % 7, "learning_rate": 1 / (i + 1), "norm": 1 + i % 5}
            records += [
                {"kind": "progress", **at, **numbers, "tokens_per_second": i, "memory": 10**9 + i},
                {"kind": "validation", **at, "heldout_loss": 3 + i % 11, "bits_per_character": 2},
                {"kind": "probe", **at, "samples": [["问" * 999, f"答{i}" * 999]]},
                {"kind": "alarm", **at, "alarm": f"alarm {i}", "note": "x" * 999},
                {"kind": "decay", **at, "note": "learning rate x 0.4"},
            ]
        return page_of(records)

    short, long = run(10_000), run(100_000)
    assert len(long) < 1.05 * len(short)
    assert len(long.encode()) < 250_000
    assert "and 39," in words(long)
    assert "alarm 0" in words(long)
    assert "alarm 19999" in words(long)


def test_a_run_that_has_only_begun_has_a_page():
    text = words(page_of([Record("start", 0, 0.0, note="none are held out")]))
    assert "0 steps in 0 s; never validated." in text
    assert "Too little was recorded to draw" in text
    assert "none are held out" in text
    assert "Look first" not in text
    assert "Replies" not in text


def test_settings_that_are_all_defaults_are_told_as_such():
    from chatbot.config import ModelConfig, TrainingConfig

    start = Record("start", 0, model=ModelConfig().as_dict(), training=TrainingConfig().as_dict())
    text = words(page_of([start]))
    assert "All settings are the defaults." in text
    assert "default help" not in text


def test_replies_that_are_empty_or_many_are_told_as_such():
    records = [
        Record("probe", step, samples=[("问", "" if step == 90 else f"答{step}")])
        for step in range(10, 100, 10)
    ]
    text = words(page_of(records))
    assert "问 (3 earlier replies) 40 答40" in text
    assert text.count("答") == 5
    assert "90 nothing" in text
