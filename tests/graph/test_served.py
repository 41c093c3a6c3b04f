"""A SavedModel of a bot, opened by a TensorFlow that knows nothing of chatbot."""

import json
import subprocess
import sys

import pytest
from helpers import fill, small_disk

from chatbot.corpus.vocabulary import UNK
from chatbot.graph import served
from chatbot.talk import stored
from chatbot.talk.bot import Bot

BARE = """
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
for name in ("chatbot", "jieba", "click"):
    sys.modules[name] = None
import tensorflow as tf
bot = tf.saved_model.load(sys.argv[1])
asked = json.load(sys.stdin)
found = bot.signatures["serving_default"](questions=tf.constant(asked, tf.string))["replies"]
print(json.dumps([reply.decode() for reply in found.numpy()]))
"""
STRANGE = ["", " ", "👍" * 3, "x" * 3_000, "مرحبا", "你\u0000好", "\ufffd", "你好\t\t", "\t"]


@pytest.fixture(scope="module")
def written(by_heart, tmp_path_factory):
    """The bot of `by_heart`, and its SavedModel."""
    bot = Bot.load(by_heart[0].path)
    folder = tmp_path_factory.mktemp("served") / "bot"
    served.write(served.GraphBot(bot, stored.read(bot.checkpoint)), folder)
    return bot, folder


def asked(folder, questions):
    """The replies of a SavedModel in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", BARE, str(folder)],
        input=json.dumps(questions).encode(),
        capture_output=True,
        check=True,
    )
    return json.loads(run.stdout)


def test_a_bare_tensorflow_gives_the_bots_replies(written, by_heart):
    bot, folder = written
    questions = [question for question, _ in by_heart[1]]
    assert asked(folder, questions) == [reply for _, reply in by_heart[1]] == bot.replies(questions)


def test_whatever_is_asked_has_a_reply(written):
    bot, folder = written
    found = asked(folder, STRANGE)
    assert len(found) == len(STRANGE)
    assert all(found)
    assert asked(folder, []) == []
    turns = [text.rpartition("\t")[2] for text in STRANGE]
    known = [n for n, text in enumerate(turns) if UNK not in bot.ids(text)]
    assert len(known) >= 4
    assert [found[n] for n in known] == bot.replies([turns[n] for n in known])


def test_many_questions_are_answered_in_order(written, by_heart):
    pairs = list(by_heart[1]) * 30
    assert asked(written[1], [question for question, _ in pairs]) == [reply for _, reply in pairs]


@pytest.mark.parametrize("settings", [{}, {"tokenizer": "jieba", "context": 1}], ids=str)
def test_a_bot_that_has_held_pairs_out_has_its_settings(settings, new_folder, trained):
    """The anti-language model and no repeats; words, and a turn before."""
    folder = new_folder(holdout=7, **settings)
    trained(folder, steps=30, batch=16, learning_rate=0.02, warmup=2)
    bot = Bot.load(folder.path)
    assert bot.settled(None).anti_lm
    graph = served.GraphBot(bot, stored.read(bot.checkpoint))
    questions = ["天地人1", "你我他上下22", "左右天地3", "人"]
    known = [text for text in questions if UNK not in bot.ids(text)]
    assert known
    found = [reply.decode() for reply in graph.reply(known)["replies"].numpy()]
    assert found == bot.replies(known)
    before = [f"下上\t{text}" for text in known]
    found = [reply.decode() for reply in graph.reply(before)["replies"].numpy()]
    assert found == bot.replies(known, earlier=[["下上"]] * len(known))


def test_one_that_is_there_gives_way_and_stays_if_the_disk_is_full(written, tmp_path):
    bot, folder = written
    graph = served.GraphBot(bot, stored.read(bot.checkpoint))
    with small_disk(tmp_path / "disk", 24) as disk:
        target = disk / "bot"
        served.write(graph, target)
        (target / "mark").touch()
        fill(disk)
        with pytest.raises(OSError, match="No space left on device$"):
            served.write(graph, target)
        assert (target / "mark").exists()
        assert {path.name for path in disk.iterdir()} == {"bot", "filler"}
        (disk / "filler").unlink()
        served.write(graph, target)
        assert not (target / "mark").exists()
        assert [path.name for path in disk.iterdir()] == ["bot"]


def test_one_that_is_there_comes_back_if_the_new_one_cannot_take_its_place(tmp_path):
    folder, old = tmp_path / "bot", tmp_path / "old"
    folder.mkdir()
    (folder / "mark").touch()
    with pytest.raises(FileNotFoundError):
        served._replace(folder, tmp_path / "nothing", old)
    assert (folder / "mark").exists()
    assert not old.exists()
