"""Replies reranked by how likely they make their question."""

import math

import numpy as np
import pytest

from chatbot.config import MMI, MMI_BEAM, ReadingConfig, ReplyConfig
from chatbot.corpus.batches import make_batch
from chatbot.corpus.pairs import find_corpora
from chatbot.corpus.store import TokenStore
from chatbot.errors import ChatbotError
from chatbot.talk import stored
from chatbot.talk.beam import Hypothesis
from chatbot.talk.bot import Bot
from chatbot.talk.decoding import candidates
from chatbot.talk.evaluation import Evaluator, pairs_of_text
from tests.conftest import KNOWN_BY_HEART

TABS = ReadingConfig(format="tab")


@pytest.fixture(scope="module")
def backward(new_folder, trained):
    """A folder whose bot has half learnt to predict the questions of `KNOWN_BY_HEART`."""
    folder = new_folder(KNOWN_BY_HEART, reverse=True)
    trained(folder, model={"units": 24, "embedding": 24}, batch=6, steps=40, learning_rate=0.02)
    return folder.path


@pytest.fixture
def asking(by_heart, backward):
    """The bot of `by_heart` with a model."""
    return Bot.load(by_heart[0].path, backward=backward)


def test_questions_have_the_likelihood_that_training_gives_them(asking, tmp_path):
    model = asking.backward
    judge = Evaluator(model.bot)
    for said, answered in (*KNOWN_BY_HEART, ("你好", "晚安，好梦"), ("晚", "2")):
        path = tmp_path / "pair.tsv"
        path.write_text(f"{said}\t{answered}\n", encoding="utf-8")
        metrics = judge(pairs_of_text(find_corpora([path], TABS), model.bot))
        (found,) = model.log_probabilities(said, [answered])
        assert found == pytest.approx(-metrics.loss_nats * metrics.tokens, abs=2e-4)


def test_of_a_long_question_counts_what_was_used_in_training(asking, encoded):
    bot = asking.backward.bot
    longest = bot.position.training.max_length
    for size in (longest - 1, longest, longest + 1, 3 * longest):
        question = ("你好晚安" * longest)[:size]
        batch = make_batch(encoded([(bot.ids("2"), bot.ids(question))]), longest)
        state, total = bot.network.begin([bot.ids("2")]), 0.0
        for given, wanted in zip(batch.decoder_input[0], batch.targets[0], strict=True):
            scores, state = bot.network.step(np.array([given], np.int32), state)
            total += scores[0, wanted]
        found = asking.backward.log_probabilities(question, ["2"])
        assert found == pytest.approx([total], abs=1e-3)


def test_several_replies_are_judged_as_one_by_one(asking):
    replies = [reply for _, reply in KNOWN_BY_HEART]
    together = asking.backward.log_probabilities("你叫什么名字", replies)
    alone = [asking.backward.log_probabilities("你叫什么名字", [one])[0] for one in replies]
    np.testing.assert_allclose(together, alone, atol=1e-4)
    assert together.argmax() == 1


@pytest.mark.parametrize("weight", [0, 0.3, 0.5, 1])
def test_replies_are_ranked_by_both_likelihoods(asking, weight):
    texts = [reply for _, reply in KNOWN_BY_HEART]
    found = [Hypothesis([n], -float(n), -n / 3) for n in range(len(texts))]
    guessed = asking.backward.log_probabilities("晚安", texts).tolist()
    by_hand = [
        (1 - weight) * one.score + weight * log for one, log in zip(found, guessed, strict=True)
    ]
    best = sorted(range(len(texts)), key=lambda n: (-by_hand[n], n))
    ranked = asking.backward.reranked("晚安", found, texts, weight)
    assert [one.tokens[0] for one in ranked] == best


def test_the_reply_is_the_best_of_the_beam_by_both(asking, bot):
    """A reply the beam puts lower comes first, where the backward model alone counts."""
    moved = 0
    for question, _ in KNOWN_BY_HEART:
        config = ReplyConfig(mmi=1.0)
        found = candidates(
            asking.network, [asking.ids(question)], asking.settled(config), asking.rules
        )[0]
        texts = [asking.text(one.tokens) for one in found]
        assert len(texts) == MMI_BEAM
        best = texts[asking.backward.log_probabilities(question, texts).argmax()]
        assert asking.reply(question, config) == best
        assert asking.candidates(question, config)[0] == best
        assert "".join(asking.stream(question, config)) == best
        moved += best != texts[0]
        assert asking.candidates(question)[0] == asking.reply(question)
        assert asking.reply(question, ReplyConfig(mmi=0.0)) == bot.reply(question)
    assert moved


def test_a_backward_model_counts_unless_replies_are_drawn(asking, bot):
    assert (bot.settled(None).mmi, bot.settled(None).beam) == (0, 1)
    assert bot.settled(ReplyConfig(mmi=0.7)).mmi == 0  # there is none
    settled = asking.settled(None)
    assert (settled.mmi, settled.beam) == (MMI, MMI_BEAM)
    assert asking.settled(ReplyConfig(beam=3)).beam == 3
    drawn = asking.settled(ReplyConfig(temperature=1.0, mmi=0.7))
    assert (drawn.mmi, drawn.beam) == (0, 1)


@pytest.mark.parametrize("text", ["", "龘", "🙂" * 3, "你好" * 5_000, "<eos>"])
def test_whatever_is_said_gets_a_reply(asking, text):
    assert asking.reply(text).strip()
    assert math.isfinite(asking.backward.log_probabilities(text, ["", "龘", "你好" * 500]).sum())


def test_a_bot_of_pairs_as_they_were_said_is_no_backward_model(by_heart):
    path = by_heart[0].path
    with pytest.raises(ChatbotError) as refusal:
        Bot.load(path, backward=path)
    assert str(refusal.value) == (
        f"--backward {path}: predicts replies, not questions. Name a bot whose pairs were turned "
        "round: build-vocab --reverse."
    )


def test_turned_round_the_same_pairs_are_held_out(new_folder):
    pairs = [(f"问{chr(0x4E00 + n)}", f"答答{chr(0x5E00 + n)}") for n in range(90)]
    found = []
    for reverse in (False, True):
        folder = new_folder(pairs, reverse=reverse, holdout=20)
        bot_words = (folder.path / "vocabulary.txt").read_text("utf-8").splitlines()[1:]
        with TokenStore(folder.store) as store:
            held = store.read([(store.header.train, store.header.pairs)])
        sides = [
            "".join(bot_words[id] for id in held.tokens[first:last])
            for first, last in zip(held.bounds, held.bounds[1:], strict=False)
        ]
        found.append(list(zip(sides[::2], sides[1::2], strict=True)))
    as_said, turned = found
    assert len(as_said) == 20
    assert [(b, a) for a, b in turned] == as_said
    assert held.sources[:, 2].tolist() == [2] * 20  # characters of what is guessed


def test_a_backward_model_may_be_one_file(asking, by_heart, tmp_path):
    bot = asking.backward.bot
    files = stored.files(bot.folder, bot.vocabulary)
    stored.write(tmp_path / "backward", stored.read(bot.checkpoint), files)
    other = Bot.load(by_heart[0].path, backward=tmp_path / "backward")
    expected = asking.backward.log_probabilities("你好", ["晚安", "2"])
    np.testing.assert_array_equal(other.backward.log_probabilities("你好", ["晚安", "2"]), expected)
