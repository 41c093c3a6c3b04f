"""Replies from toy decoders, against argmax walks, enumeration and counting."""

import dataclasses
import itertools

import numpy as np
import pytest

from chatbot.config import ReplyConfig
from chatbot.talk.decoding import LENGTH_PENALTY, Rules, beam, choose, decode

PAD, GO, EOS, UNK = 0, 1, 2, 3


class Markov:
    """The next entry depends on the question's first id and on all entries so far.

    A state is a list of (question's first id, entries so far), so a state that was selected wrongly
    shows in the reply. It counts the rows it computed.
    """

    def __init__(self, size, seed, sharpness=1.0):
        logits = np.random.default_rng(seed).normal(0, sharpness, (9, 4, size, size))
        self.table = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        self.rows = 0

    def begin(self, questions):
        return [(question[0], ()) for question in questions]

    def step(self, tokens, state):
        self.rows += len(state)
        state = [
            (first, (*so_far, int(t))) for (first, so_far), t in zip(state, tokens, strict=True)
        ]
        assert all(so_far[0] == GO for _, so_far in state)
        return np.array([self.scores(*one) for one in state], np.float32), state

    def select(self, state, rows):
        return [state[row] for row in rows]

    def scores(self, first, so_far):
        return self.table[(first + sum(so_far[:-1])) % 9, len(so_far) % 4, so_far[-1]]

    def log_probability(self, question, reply):
        """Of the entries in turn, without EOS; and of EOS after them."""
        so_far, total = (GO,), 0.0
        for token in reply:
            total += self.scores(question[0], so_far)[token]
            so_far = (*so_far, token)
        return total, self.scores(question[0], so_far)[EOS]


QUESTIONS = [[4, 5], [5], [6, 4, 4], [7], [8, 5], [12], [4]]


def penalty(length):
    return (5 + length) ** 0.6 / (5 + 1) ** 0.6  # Wu et al. 2016, eq. 14


def greedy_walk(decoder, question, longest, rules):
    so_far = (GO,)
    while len(so_far) <= longest:
        scores = decoder.scores(question[0], so_far)
        forbidden = {*rules.never, *((EOS, *rules.not_first) if len(so_far) == 1 else ())}
        best = max((t for t in range(len(scores)) if t not in forbidden), key=lambda t: scores[t])
        if best == EOS:
            break
        so_far = (*so_far, best)
    return list(so_far[1:])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rules", [Rules(), Rules(not_first=(5, 8))])
def test_greedy_is_the_walk_along_the_likeliest(seed, rules):
    decoder = Markov(11, seed)
    config = ReplyConfig(max_reply=13)
    expected = [greedy_walk(decoder, question, 13, rules) for question in QUESTIONS]
    assert decode(decoder, QUESTIONS, config, rules) == expected
    assert len({len(reply) for reply in expected}) > 1


def finished_replies(decoder, question, longest, rules, words):
    """Every reply there is with its normalised score, the best first."""
    found = []
    for size in range(1, longest + 1):
        for reply in itertools.product(words, repeat=size):
            if reply[0] in rules.not_first:
                continue
            total, end = decoder.log_probability(question, reply)
            if size < longest:
                found.append(((total + end) / penalty(size + 1), total + end, list(reply)))
            else:  # cut at the longest length, no end
                found.append((total / penalty(size), total, list(reply)))
    return sorted(found, key=lambda one: -one[0])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("not_first", [(), (5,)])
def test_a_beam_that_holds_everything_finds_what_enumeration_finds(seed, not_first):
    decoder, rules = Markov(7, seed), Rules(not_first=not_first)
    config = ReplyConfig(beam=100, max_reply=4)
    for question in QUESTIONS[:3]:
        expected = finished_replies(decoder, question, 4, rules, (4, 5, 6))[:100]
        found = beam(decoder, question, config, rules)
        assert [one.tokens for one in found] == [reply for _, _, reply in expected]
        scores = [(one.score, one.log_probability) for one in found]
        np.testing.assert_allclose(scores, [one[:2] for one in expected], rtol=1e-5)


def test_the_length_penalty_is_that_of_the_paper():
    assert LENGTH_PENALTY == 0.6


def plain_beam(decoder, question, width, longest, rules):
    """Beam search that never stops early, one hypothesis at a time."""
    alive, done = [((GO,), 0.0)], []
    for length in range(1, longest + 1):
        grown = []
        for so_far, total in alive:
            for token, score in enumerate(decoder.scores(question[0], so_far)):
                first = len(so_far) == 1
                if token in rules.never or (first and token in (EOS, *rules.not_first)):
                    continue
                if token == EOS:
                    done.append(((total + score) / penalty(length), list(so_far[1:])))
                else:
                    grown.append(((*so_far, token), total + score))
        alive = sorted(grown, key=lambda one: -one[1])[:width]
    done += [(total / penalty(longest), list(so_far[1:])) for so_far, total in alive]
    return sorted(done, key=lambda one: -one[0])[:width]


@pytest.mark.parametrize("width", [1, 2, 3, 8])
@pytest.mark.parametrize("seed", range(8))
def test_ending_early_loses_nothing(width, seed):
    decoder, rules = Markov(8, seed, sharpness=2.0), Rules()
    for question in QUESTIONS[:4]:
        found = beam(decoder, question, ReplyConfig(beam=width, max_reply=9), rules)
        expected = plain_beam(decoder, question, width, 9, rules)
        assert [one.tokens for one in found] == [reply for _, reply in expected]
        np.testing.assert_allclose([one.score for one in found], [s for s, _ in expected], 1e-5)


def test_a_beam_ends_early_when_the_finished_replies_cannot_be_beaten():
    decoder = Markov(8, 3)
    decoder.table[:, 1:, :, EOS] += 9  # after the first entry a reply is all but over
    decoder.table -= np.log(np.exp(decoder.table).sum(-1, keepdims=True))
    found = beam(decoder, [4], ReplyConfig(beam=2, max_reply=500), Rules())
    assert all(len(one.tokens) == 1 for one in found)
    assert decoder.rows < 50  # of 999


def test_wider_beams_never_find_a_worse_reply_than_enumeration_allows():
    decoder, rules = Markov(7, 4), Rules()
    best = finished_replies(decoder, [5], 4, rules, (4, 5, 6))[0][0]
    for width in (1, 2, 5, 40):
        found = beam(decoder, [5], ReplyConfig(beam=width, max_reply=4), rules)[0]
        assert found.score <= best + 1e-6
    assert found.score == pytest.approx(best)


def test_a_beam_of_one_agrees_with_greedy_where_the_likeliest_walk_is_the_best_reply():
    decoder = Markov(9, 6, sharpness=0.1)
    for question in range(9):
        for length, last in itertools.product(range(4), range(9)):
            liked = EOS if length == 3 else 4 + (question + last) % 5
            decoder.table[question, length, last, liked] += 9
    decoder.table -= np.log(np.exp(decoder.table).sum(-1, keepdims=True))
    greedy = decode(decoder, QUESTIONS, ReplyConfig(max_reply=9), Rules())
    narrow = [beam(decoder, q, ReplyConfig(beam=1, max_reply=9), Rules())[0] for q in QUESTIONS]
    assert [one.tokens for one in narrow] == greedy
    assert decode(decoder, QUESTIONS, ReplyConfig(beam=4, max_reply=9), Rules()) == greedy
    assert {len(reply) for reply in greedy} == {2}


KINDS = [
    ReplyConfig(max_reply=6),
    ReplyConfig(max_reply=6, beam=3),
    ReplyConfig(max_reply=6, temperature=1.5),
    ReplyConfig(max_reply=6, temperature=0.7, top_k=2),
]


@pytest.mark.parametrize("config", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_special_entries_never_appear_and_a_reply_is_neither_empty_nor_too_long(config, seed):
    decoder = Markov(8, seed)
    decoder.table[..., [PAD, GO, UNK]] += 9
    decoder.table[:, 0, GO, EOS] += 9
    decoder.table[:, :, :, EOS] -= 12 * seed  # from short replies to replies that are cut
    decoder.table -= np.log(np.exp(decoder.table).sum(-1, keepdims=True))
    replies = decode(decoder, QUESTIONS * 20, config, Rules(), (seed, 1))
    assert {len(reply) for reply in replies} <= set(range(1, 7))
    assert {token for reply in replies for token in reply} <= {4, 5, 6, 7}
    assert seed < 3 or max(map(len, replies)) == 6


@pytest.mark.parametrize("config", KINDS)
def test_an_entry_that_may_not_begin_a_reply_may_go_on_in_it(config):
    decoder = Markov(7, 3)
    decoder.table[..., 5] += 3
    decoder.table -= np.log(np.exp(decoder.table).sum(-1, keepdims=True))
    replies = decode(decoder, QUESTIONS * 9, config, Rules(not_first=(5,)))
    assert 5 not in {reply[0] for reply in replies}
    assert any(5 in reply for reply in replies)


@pytest.mark.parametrize("config", [KINDS[0], KINDS[1], ReplyConfig(beam=9, max_reply=3)])
def test_the_replies_to_a_batch_are_those_one_by_one(config):
    decoder = Markov(9, 12)
    together = decode(decoder, QUESTIONS, config, Rules())
    assert together == [decode(decoder, [one], config, Rules())[0] for one in QUESTIONS]
    assert together == decode(decoder, QUESTIONS[::-1], config, Rules())[::-1]
    assert together[0] == together[-1]


def test_replies_that_ended_are_not_computed_any_longer():
    decoder = Markov(11, 1)
    replies = decode(decoder, QUESTIONS, ReplyConfig(max_reply=13), Rules())
    assert decoder.rows == sum(min(len(reply) + 1, 13) for reply in replies)


def chi_square(counts, shares):
    expected = shares * counts.sum()
    likely = expected > 0
    assert not counts[~likely].any()
    return ((counts - expected)[likely] ** 2 / expected[likely]).sum(), likely.sum() - 1


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("top_k", [0, 3])
def test_draws_have_the_frequencies_of_the_distribution_at_its_temperature(temperature, top_k):
    decoder = Markov(9, 7)
    scores = decoder.scores(4, (GO,))
    weights = np.exp(scores / temperature)
    weights[[PAD, GO, UNK, EOS]] = 0
    if top_k:
        weights[weights < np.sort(weights)[-top_k]] = 0
    config = ReplyConfig(max_reply=1, temperature=temperature, top_k=top_k)
    replies = decode(decoder, [[4]] * 20_000, config, Rules(), (3,))
    counts = np.bincount([reply[0] for reply in replies], minlength=9)
    found, freedom = chi_square(counts, weights / weights.sum())
    assert freedom == (2 if top_k else 4)
    assert found < freedom + 4 * np.sqrt(2 * freedom)


def test_a_later_entry_is_drawn_given_the_ones_before_it():
    decoder = Markov(7, 9)
    config = ReplyConfig(max_reply=2, temperature=1.0)
    replies = decode(decoder, [[4]] * 20_000, config, Rules(), (5,))
    after_four = [(*reply, EOS)[1] for reply in replies if reply[0] == 4]
    weights = np.exp(decoder.scores(4, (GO, 4)))
    weights[[PAD, GO, UNK]] = 0
    found, freedom = chi_square(np.bincount(after_four, minlength=7), weights / weights.sum())
    assert freedom == 3
    assert found < freedom + 4 * np.sqrt(2 * freedom)


def test_the_same_seed_draws_the_same_replies_and_another_seed_others():
    decoder, config = Markov(40, 2), ReplyConfig(temperature=1.0, max_reply=9)
    one = decode(decoder, QUESTIONS, config, Rules(), (1, 2))
    assert decode(decoder, QUESTIONS, config, Rules(), (1, 2)) == one
    assert decode(decoder, QUESTIONS, config, Rules(), (1, 3)) != one


def test_a_tiny_temperature_is_greedy_and_a_top_of_one_too():
    decoder = Markov(11, 3)
    greedy = decode(decoder, QUESTIONS, ReplyConfig(max_reply=8), Rules())
    for changes in ({"temperature": 1e-6}, {"temperature": 5.0, "top_k": 1}):
        config = dataclasses.replace(ReplyConfig(max_reply=8), **changes)
        assert decode(decoder, QUESTIONS, config, Rules(), (4,)) == greedy


def test_a_top_larger_than_the_vocabulary_is_all_of_it():
    scores = np.log(np.float32([[0.2, 0.3, 0.5]] * 50))
    for top_k in (3, 99):
        config = ReplyConfig(temperature=1.0, top_k=top_k)
        generator = np.random.default_rng(1)
        assert set(choose(scores, config, generator).tolist()) == {0, 1, 2}
