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
    assert list(held_out) == FIGURES
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
    lines = done.out.splitlines()
    assert len(lines) == len(expected)
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line)


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
