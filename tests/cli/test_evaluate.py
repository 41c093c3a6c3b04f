"""`chatbot evaluate` as its user meets it."""

import json
import re

import pytest

FIGURES = [
    "pairs",
    "tokens",
    "characters",
    "loss_nats",
    "perplexity",
    "bits_per_character",
    "unknown_rate",
    "lost_characters",
    "token_accuracy",
]


def test_nothing_built_and_nothing_trained_are_refused(tmp_path, built, main, refused):
    (tmp_path / "empty").mkdir()
    refused(
        main("evaluate", cwd=tmp_path / "empty"),
        "model/pairs.store: no token store yet. Build it first: chatbot build-vocab --model model.",
    )
    refused(
        main("evaluate", cwd=built),
        "model: no checkpoint yet. Train first: chatbot train --model model.",
    )
    refused(
        main("evaluate", "gone.tsv", cwd=built),
        "gone.tsv: no such file or folder. Name a file of conversations, or put one in data/.",
    )


def test_a_file_that_gives_no_pair_is_refused(trained, main, refused):
    (trained / "one.conv").write_text("E\nM a\n", "utf-8")
    refused(
        main("evaluate", "one.conv", cwd=trained),
        "one.conv: read as E/M conversations, but not one line gives a pair (1 conversation of "
        "one turn). See docs/formats.md.",
        ["one.conv: E/M conversations (2 of 2 lines are E alone or begin with M)"],
    )


@pytest.mark.parametrize("command", ["evaluate", "chat"])
def test_a_checkpoint_of_another_vocabulary_is_refused(trained, main, refused, command):
    (trained / "other.tsv").write_text("甲\t乙\n", "utf-8")
    assert main("build-vocab", "other.tsv", "--model", "other", cwd=trained).code == 0
    (trained / "other" / "vocabulary.txt").replace(trained / "model" / "vocabulary.txt")
    refused(
        main(command, cwd=trained),
        "model/best/step-2: trained with another vocabulary (55 entries) than the one beside it "
        "(6). Go on with this one with train --extend, put the matching vocabulary.txt back, or "
        "train anew with --restart.",
    )


@pytest.mark.parametrize("command", ["evaluate", "chat"])
def test_a_checkpoint_that_is_not_there_is_named_with_those_that_are(
    trained, main, refused, command
):
    refused(
        main(command, "--checkpoint", "7", cwd=trained),
        "--checkpoint: no '7' in model. There: 2.",
    )


def test_held_out_pairs_are_measured_and_told_as_a_table(trained, main):
    done = main("evaluate", cwd=trained)
    assert (done.code, done.err) == (0, "")
    held_out = json.loads(main("evaluate", "--json", cwd=trained).out)
    assert list(held_out) == [
        *FIGURES,
        *("question_gain", "replies", "copied", "baselines", "nearest", "verdicts"),
    ]
    assert held_out["pairs"] == 5
    expected = [
        r"pairs               5",
        rf"tokens              {held_out['tokens']}",
        rf"characters          {held_out['characters']}",
        rf"loss                {held_out['loss_nats']:.4f} nats per token",
        rf"perplexity          {held_out['perplexity']:.2f}",
        rf"bits per character  {held_out['bits_per_character']:.4f}",
        r"unknown tokens      [\d.]+%",
        rf"lost characters     {held_out['lost_characters']}",
        rf"token accuracy      {held_out['token_accuracy']:.2%}",
    ]
    parts = [part.splitlines() for part in done.out.split("\n\n")]
    for line, pattern in zip(parts[0], expected, strict=False):
        assert re.fullmatch(re.sub(" {2,}", " +", pattern), line)
    assert parts[0][-1].startswith("gain by the question")
    assert [part[0] for part in parts[1:4]] == [
        "bits per character",
        "its replies to 5 questions",
        "replies to the nearest training question",
    ]
    assert parts[4] == held_out["verdicts"]
    assert len(parts) == 5


def test_named_files_are_measured_instead(trained, main):
    (trained / "mine.tsv").write_text("问题一\t回答啊\n龘\t龘龘答\n", "utf-8")
    done = main("evaluate", "--json", "mine.tsv", "--checkpoint", "newest", cwd=trained)
    assert (done.code, done.err) == (
        0,
        "mine.tsv: TAB-separated lines (2 of 2 lines have one TAB between texts)\n",
    )
    figures = json.loads(done.out)
    assert (figures["pairs"], figures["tokens"], figures["characters"]) == (2, 8, 8)
    assert (figures["lost_characters"], figures["unknown_rate"]) == (2, 0.25)


def test_what_is_said_is_measured_beside_simple_models(trained, main):
    figures = json.loads(main("evaluate", "--json", cwd=trained).out)
    assert list(figures["baselines"]) == ["unigrams", "bigrams", "trigrams", "this bot"]
    assert figures["baselines"]["this bot"] == pytest.approx(figures["bits_per_character"])
    for measured in (figures["replies"], figures["nearest"]):
        assert measured["replies"] == 5
        assert 0 < measured["distinct_1"] <= 1
        assert measured["signature"].startswith("nrefs:1|")
    assert 0 <= figures["copied"] <= 1
    assert len(figures["verdicts"]) == 4


def test_without_replies_there_are_none(trained, main):
    figures = json.loads(main("evaluate", "--json", "--replies", "0", cwd=trained).out)
    assert figures["replies"] is figures["copied"] is figures["nearest"] is None
    done = main("evaluate", "--replies", "0", cwd=trained)
    assert "its replies" not in done.out
    assert (done.code, done.err) == (0, "")


def test_a_bot_is_no_better_than_itself(trained, main):
    done = main("evaluate", "--compare", "model", "--replies", "0", cwd=trained)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == (
        "No difference to model can be told: +0.000 (95 %: +0.000 to +0.000)."
    )


def test_bots_of_other_vocabularies_are_compared_on_text(trained, main, refused):
    (trained / "other.tsv").write_text("甲\t乙\n" * 30 + "丙\t丁\n" * 30, "utf-8")
    built = main("build-vocab", "other.tsv", "--model", "other", "--tokenizer", "char", cwd=trained)
    assert built.code == 0
    small = ("--units", "16", "--embedding", "12", "--steps", "2", "--batch", "20")
    assert main("train", "--model", "other", *small, cwd=trained).code == 0
    refused(
        main("evaluate", "--compare", "other", cwd=trained),
        "--compare other: has another vocabulary, so that the held-out pairs mean nothing to it. "
        "Name a file of pairs to compare on.",
    )
    text = (trained / "other.tsv").read_bytes()
    done = main("evaluate", "-", "--compare", "other", "--json", cwd=trained, stdin=text)
    assert done.code == 0
    figures = json.loads(done.out)
    assert figures["comparison"]["with"] == "other"
    assert figures["comparison"]["low"] <= figures["comparison"]["bits"]
    assert figures["comparison"]["bits"] <= figures["comparison"]["high"] < 0  # it knows nothing
    assert figures["comparison"]["verdict"].startswith("It predicts replies worse than other by ")


def test_a_page_says_the_same(trained, main):
    done = main("evaluate", "--html", "page.html", cwd=trained)
    assert (done.code, done.err) == (0, "wrote page.html\n")
    text = (trained / "page.html").read_text("utf-8")
    assert text.startswith("<!doctype html>")
    for word in ("token accuracy", "trigrams", "distinct-1", "nearest training question"):
        assert word in text
    assert "<script" not in text
    done = main("evaluate", "--html", "no/page.html", "--replies", "0", cwd=trained)
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("Error: --html no/page.html: cannot be written")
