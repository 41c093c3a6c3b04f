"""What is told of a bot, against loops and figures worked out by hand."""

import math

import numpy as np
import pytest

from chatbot.config import ReplyConfig
from chatbot.corpus.encoded import EncodedPairs
from chatbot.corpus.store import TokenStore
from chatbot.learn.preparing import count_ngrams
from chatbot.talk.assessment import (
    Assessment,
    Comparison,
    assess,
    compare,
    sides,
    with_other_questions,
)
from chatbot.talk.baselines import Nearest, nats_of
from chatbot.talk.bot import Bot
from chatbot.talk.copies import copied, copies_of
from chatbot.talk.evaluation import evaluate, held_out_pairs


def test_every_reply_gets_the_question_of_another_pair(encoded):
    pairs = [([n], [n + 1]) for n in range(4, 40)]  # a dialogue: each reply is the next question
    found = with_other_questions(encoded(pairs))
    halves = [half.tolist() for half in np.split(found.tokens, found.bounds[1:-1])]
    assert sorted(halves[::2]) == [question for question, _ in pairs]
    assert halves[1::2] == [reply for _, reply in pairs]
    assert not any(asked == pair[0] for asked, pair in zip(halves[::2], pairs, strict=True))
    assert sum(asked == reply for asked, reply in zip(halves[::2], halves[1::2], strict=True)) < 5


@pytest.fixture
def store(new_folder):
    """A token store of 60 pairs, some replies more than once, five held out."""
    generator = np.random.default_rng(4)
    words = "天地人你我他上下左右"
    pairs = [
        tuple("".join(generator.choice(list(words), generator.integers(1, 4))) for _ in range(2))
        for _ in range(60)
    ]
    folder = new_folder(pairs, tokenizer="char", holdout=5)
    with TokenStore(folder.store) as store:
        yield store


def replies_of(store):
    train = store.read([(0, store.header.train)])
    halves = np.split(train.tokens, train.bounds[1:-1])
    return [tuple(half.tolist()) for half in halves[1::2]], halves[::2]


def test_copies_of_many_are_those_of_each(store):
    said, _ = replies_of(store)
    wanted = [*dict.fromkeys(said), (4, 4, 4, 4, 4), (5,) * 9, ()]
    assert copied(store, wanted).tolist() == [said.count(one) for one in wanted]
    assert [copies_of(store, one).pairs for one in wanted] == [said.count(one) for one in wanted]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_losses_of_n_grams_are_those_of_their_probabilities(store, order):
    ngrams = count_ngrams(store, order, 14)
    pairs = store.read([(store.header.train, store.header.pairs)])
    expected = 0.0
    for reply in np.split(pairs.tokens, pairs.bounds[1:-1])[1::2]:
        context = [1] * (order - 1)
        for entry in [*reply.tolist(), 2]:
            (p,) = ngrams.probabilities(np.array([context], np.int32).reshape(1, -1))
            expected -= math.log(p[entry])
            context = [*context, entry][1:] if order > 1 else []
    assert nats_of(ngrams, pairs) == pytest.approx(expected, rel=1e-5)


def test_the_nearest_question_is_the_one_a_loop_finds(store):
    said, asked = replies_of(store)
    rarity = [math.log(len(asked) / max(1, sum(t in q for q in asked))) for t in range(14)]

    def vector(question):
        found = np.zeros(14)
        for token in question:
            found[token] += rarity[token]
        return found

    questions = [[4, 5], [6, 6, 7], [13], [8, 9, 10, 11]]
    for question, reply in zip(questions, Nearest(store, 14).replies(questions), strict=True):
        cosines = [vector(question) @ vector(q) / np.linalg.norm(vector(q)) for q in asked]
        best = [n for n, c in enumerate(cosines) if c > max(cosines) - 1e-6]
        assert tuple(reply) in {said[n] for n in best}


def test_all_is_measured_on_held_out_pairs(new_folder, trained):
    pairs = [(f"{a}{b}", f"{b}{a}") for a in "天地人你我他" for b in "上下左右"]
    folder = new_folder(pairs, tokenizer="char", holdout=4)
    trained(folder, steps=3, batch=10)
    bot = Bot.load(folder.path)
    each = []
    with TokenStore(folder.store) as store:
        found = assess(bot, held_out_pairs(store, bot), store, 3, each)
        held = list(held_out_pairs(store, bot))
        assert found.metrics == evaluate(bot, held)
        shuffled = evaluate(bot, [with_other_questions(EncodedPairs.concatenate(held))])
        assert found.question_gain == pytest.approx(
            shuffled.loss_nats - found.metrics.loss_nats, abs=1e-5
        )
        questions, _ = sides(EncodedPairs.concatenate(held), bot)
        said = bot.answers(questions[:3], bot.settled(ReplyConfig()))
        assert found.copied == pytest.approx(np.mean(copied(store, said) > 0))
    bits, characters = np.concatenate(each).sum(0)
    assert bits / characters == pytest.approx(found.metrics.bits_per_character)
    assert characters == found.metrics.characters
    assert found.replies.replies == found.nearest.replies == 3
    assert found.baselines["this bot"] == pytest.approx(found.metrics.bits_per_character)


def test_an_interval_holds_the_difference_and_is_narrower_with_more_pairs():
    generator = np.random.default_rng(1)
    widths = []
    for count in (100, 10_000):
        characters = generator.integers(2, 30, count)
        this = np.stack([4.0 * characters + generator.normal(0, 5, count), characters], 1)
        other = this + np.stack(
            [0.1 * characters + generator.normal(0, 3, count), 0 * characters], 1
        )
        found = compare([this[:40], this[40:]], [other])
        assert found.low < found.bits < found.high
        assert found.bits == pytest.approx((other - this)[:, 0].sum() / characters.sum())
        widths.append(found.high - found.low)
    assert found.low > 0
    assert 7 < widths[0] / widths[1] < 14  # the square root of a hundred


def test_a_verdict_says_what_an_interval_means():
    assert Comparison(0.2, 0.1, 0.3).verdict("b") == (
        "It predicts replies better than b by 0.200 bits per character (95 %: +0.100 to +0.300)."
    )
    assert Comparison(-0.2, -0.3, -0.1).verdict("b").startswith("It predicts replies worse than b")
    assert Comparison(0.2, -0.1, 0.5).verdict("b").startswith("No difference to b can be told")


def test_verdicts_follow_the_numbers(bot, by_heart):
    with TokenStore(by_heart[0].store) as store:
        pairs = store.read([(0, store.header.train)])
        found = assess(bot, [pairs], store, 20)
    listens, predicts, copies, _ = found.verdicts()
    assert listens.startswith("It listens: another question costs it ")
    assert predicts.startswith("It predicts replies better than trigrams by ")
    assert copies.endswith("word for word: it mostly repeats what it has read.")
    deaf = Assessment(found.metrics, 0.001, None, None, {}, None)
    assert deaf.verdicts() == [
        "It ignores the question: another one costs it only 0.001 nats a token."
    ]
