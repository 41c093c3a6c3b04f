"""Openings of conversations, from the corpus to the bot, as a user meets them."""

import itertools
import json

import pytest

TALKS = [[f"{i}话{j}句" for j in range(6)] for i in range(120)]
BUILD = ("build-vocab", "--tokenizer", "char", "--holdout", "50")
TRAIN = ("train", "--units", "8", "--embedding", "8", "--batch", "60", "--precision", "float32")


@pytest.fixture(scope="module")
def talking(tmp_path_factory, main):
    """A folder in which a bot was trained for three steps on conversations, a pair a line."""
    folder = tmp_path_factory.mktemp("talking")
    pairs = ["\t".join(pair) for turns in TALKS for pair in itertools.pairwise(turns)]
    (folder / "talk.tsv").write_text("".join(f"{pair}\n" for pair in pairs), "utf-8")
    built = main(*BUILD, "talk.tsv", cwd=folder)
    trained = main(*TRAIN, "--steps", "3", cwd=folder)
    return folder, built, trained


def test_they_are_counted_beside_the_pairs(talking, main):
    folder, built, trained = talking
    assert "600 pairs, 50 held out, besides 110 openings of conversations;" in built.err
    assert "550 pairs and 110 openings to train on, 50 held out, vocabulary" in trained.err
    assert "  pairs       600, 50 held out, 110 openings besides; " in main("info", cwd=folder).out
    facts = json.loads(main("info", "--json", cwd=folder).out)
    assert (facts["pairs"], facts["openings"], facts["held_out"]) == (600, 110, 50)


def test_the_bot_is_judged_by_pairs_alone_and_a_copied_opening_is_found(talking, main):
    folder, _, _ = talking
    found = json.loads(main("evaluate", "--json", cwd=folder).out)
    assert found["pairs"] == 50
    held_out = {f"{i}话0句" for i in range(120)} - {*openings_of(folder)}
    assert len(held_out) == 10


def openings_of(folder):
    from chatbot.corpus.store import TokenStore
    from chatbot.corpus.tokenizer import make_tokenizer
    from chatbot.corpus.vocabulary import Vocabulary
    from chatbot.talk.copies import copies_of

    vocabulary = Vocabulary.load(folder / "model" / "vocabulary.txt")
    tokenizer = make_tokenizer("char")
    with TokenStore(folder / "model" / "pairs.store") as store:
        pairs = store.read([(0, store.header.train)])
        for number, length in enumerate(pairs.question_lengths.tolist()):
            if not length:
                first, last = pairs.bounds[2 * number + 1 : 2 * number + 3]
                reply = pairs.tokens[first:last].tolist()
                line = 1 + 5 * int(vocabulary.decode(reply, tokenizer).partition("话")[0])
                found = copies_of(store, reply)
                assert found == (1, f"talk.tsv:{line}")
                yield vocabulary.decode(reply, tokenizer)


def test_other_openings_ask_for_a_new_run(talking, main):
    folder, _, _ = talking
    done = main(*BUILD, "talk.tsv", "--no-openings", cwd=folder)
    assert done.code == 1
    assert "--restart" in done.err
    again = main(*TRAIN, "--steps", "4", cwd=folder)
    assert again.code == 0
    assert "step 4" in again.err
