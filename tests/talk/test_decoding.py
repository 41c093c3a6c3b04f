"""Replies from toy decoders, against argmax walks, enumeration and counting."""

import dataclasses
import itertools
import math
from collections import Counter

import numpy as np
import pytest

from chatbot.config import ReplyConfig
from chatbot.corpus.batches import NOTHING_ASKED
from chatbot.talk import drawing
from chatbot.talk.beam import search
from chatbot.talk.decoding import EMPTY, decode, objective, stream
from chatbot.talk.drawing import choose, nucleus, typical
from chatbot.talk.rules import Rules, repeats

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

    def begin(self, questions, words=None):
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
        found = search(decoder, [question], config, rules)[0]
        assert [one.tokens for one in found] == [reply for _, _, reply in expected]
        scores = [(one.score, one.log_probability) for one in found]
        np.testing.assert_allclose(scores, [one[:2] for one in expected], rtol=1e-5)


def test_the_length_penalty_is_that_of_the_paper():
    assert ReplyConfig().length_penalty == 0.6


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
        found = search(decoder, [question], ReplyConfig(beam=width, max_reply=9), rules)[0]
        expected = plain_beam(decoder, question, width, 9, rules)
        assert [one.tokens for one in found] == [reply for _, reply in expected]
        np.testing.assert_allclose([one.score for one in found], [s for s, _ in expected], 1e-5)


def test_a_beam_ends_early_when_the_finished_replies_cannot_be_beaten():
    decoder = Markov(8, 3)
    decoder.table[:, 1:, :, EOS] += 9  # after the first entry a reply is all but over
    decoder.table -= np.log(np.exp(decoder.table).sum(-1, keepdims=True))
    found = search(decoder, [[4]], ReplyConfig(beam=2, max_reply=500), Rules())[0]
    assert all(len(one.tokens) == 1 for one in found)
    assert decoder.rows < 50  # of 999


def test_wider_beams_never_find_a_worse_reply_than_enumeration_allows():
    decoder, rules = Markov(7, 4), Rules()
    best = finished_replies(decoder, [5], 4, rules, (4, 5, 6))[0][0]
    for width in (1, 2, 5, 40):
        found = search(decoder, [[5]], ReplyConfig(beam=width, max_reply=4), rules)[0][0]
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
    narrow = search(decoder, QUESTIONS, ReplyConfig(beam=1, max_reply=9), Rules())
    assert [found[0].tokens for found in narrow] == greedy
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
    replies = decode(decoder, QUESTIONS * 20, dataclasses.replace(config, seed=seed), Rules())
    assert {len(reply) for reply in replies} <= set(range(1, 8))
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
    config = ReplyConfig(max_reply=1, temperature=temperature, top_k=top_k, seed=3)
    replies = decode(decoder, [[4]] * 20_000, config, Rules())
    counts = np.bincount([reply[0] for reply in replies], minlength=9)
    found, freedom = chi_square(counts, weights / weights.sum())
    assert freedom == (2 if top_k else 4)
    assert found < freedom + 4 * np.sqrt(2 * freedom)


def test_a_later_entry_is_drawn_given_the_ones_before_it():
    decoder = Markov(7, 9)
    config = ReplyConfig(max_reply=2, temperature=1.0)
    replies = decode(decoder, [[4]] * 20_000, config, Rules())
    after_four = [(*reply, EOS)[1] for reply in replies if reply[0] == 4]
    weights = np.exp(decoder.scores(4, (GO, 4)))
    weights[[PAD, GO, UNK]] = 0
    found, freedom = chi_square(np.bincount(after_four, minlength=7), weights / weights.sum())
    assert freedom == 3
    assert found < freedom + 4 * np.sqrt(2 * freedom)


def test_the_same_seed_draws_the_same_replies_and_another_seed_others():
    decoder, config = Markov(40, 2), ReplyConfig(temperature=1.0, max_reply=9)
    one = decode(decoder, QUESTIONS, config, Rules(), range(7))
    assert decode(decoder, QUESTIONS, config, Rules(), range(7)) == one
    assert decode(decoder, QUESTIONS, config, Rules(), range(1, 8)) != one


def test_a_tiny_temperature_is_greedy_and_a_top_of_one_too():
    decoder = Markov(11, 3)
    greedy = decode(decoder, QUESTIONS, ReplyConfig(max_reply=8), Rules())
    for changes in ({"temperature": 1e-6}, {"temperature": 5.0, "top_k": 1}):
        config = dataclasses.replace(ReplyConfig(max_reply=8), **changes)
        assert decode(decoder, QUESTIONS, config, Rules()) == greedy


def test_the_smallest_temperature_there_is_draws_the_likeliest():
    scores = np.log(np.float32([[0.2, 0.5, 0.3]]))
    for temperature in (5e-324, 1e-310, 1e300):
        (drawn,) = choose(scores, ReplyConfig(temperature=temperature), [np.random.default_rng(3)])
        assert drawn == 1 or temperature > 1


def test_a_penalty_never_makes_a_repeat_likelier():
    config = ReplyConfig(repetition_penalty=1.5)
    scores = np.float32([[0, 0, 0, 0, 1.5, -1.5, 1]])
    found = Rules().apply(scores, [[4, 5]], config)
    np.testing.assert_allclose(found[0, 4:], [1, -2.25, 1])


def test_a_top_larger_than_the_vocabulary_is_all_of_it():
    scores = np.log(np.float32([[0.2, 0.3, 0.5]] * 50))
    for top_k in (3, 99):
        config = ReplyConfig(temperature=1.0, top_k=top_k)
        draws = [np.random.default_rng(n) for n in range(50)]
        assert set(choose(scores, config, draws).tolist()) == {0, 1, 2}


def test_a_reply_to_one_of_many_is_drawn_as_it_is_alone():
    decoder, config = Markov(40, 2), ReplyConfig(temperature=1.0, max_reply=9, seed=8)
    together = decode(decoder, QUESTIONS * 20, config, Rules())
    alone = [decode(decoder, [q], config, Rules(), [n]) for n, q in enumerate(QUESTIONS * 20)]
    assert together == [reply for (reply,) in alone]


def test_a_stream_gives_the_entries_of_each_reply_in_turn():
    decoder, config = Markov(11, 1), ReplyConfig(max_reply=13)
    found = list(stream(decoder, QUESTIONS, config, Rules()))
    replies = [[token for row, token in found if row == n] for n in range(len(QUESTIONS))]
    assert replies == decode(decoder, QUESTIONS, config, Rules())
    assert [row for row, _ in found[: len(QUESTIONS)]] == list(range(len(QUESTIONS)))


P = np.array([[0.05, 0.4, 0.25, 0.2, 0.1], [0.2] * 5])


@pytest.mark.parametrize(
    ("share", "kept"),
    [
        (0.3, [{1}, {0, 1}]),
        (0.41, [{1, 2}, {0, 1, 2}]),
        (0.81, [{1, 2, 3}, {0, 1, 2, 3, 4}]),
        (0.96, [{0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}]),
    ],
)
def test_a_nucleus_is_the_fewest_that_reach_a_share(share, kept):
    for constant in (0, 7):  # of probabilities only their ratios are known
        found = nucleus(np.log(P) + constant, share)
        assert [set(np.flatnonzero(row)) for row in found] == kept


def typical_twin(p, share):
    information = [-math.log(x) for x in p]
    entropy = sum(x * i for x, i in zip(p, information, strict=True))
    kept, total = set(), 0.0
    for n in sorted(range(len(p)), key=lambda n: (abs(information[n] - entropy), n)):
        if total < share:
            kept.add(n)
            total += p[n]
    return kept


@pytest.mark.parametrize("share", [0.1, 0.35, 0.6, 0.9])
def test_typical_entries_are_those_nearest_to_the_entropy(share):
    p = np.random.default_rng(6).dirichlet(np.ones(30) / 2, 20)
    found = typical(np.log(p), share)
    assert [set(np.flatnonzero(row)) for row in found] == [typical_twin(row, share) for row in p]
    if share < 0.9:
        assert not all(kept[row.argmax()] for row, kept in zip(p, found, strict=True))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999, 1.0])
@pytest.mark.parametrize("kept", [nucleus, typical])
def test_of_many_entries_the_foremost_are_enough(monkeypatch, share, kept):
    generator = np.random.default_rng(5)
    scores = np.round(generator.normal(0, [[0.1], [3], [9]], (3, 500)), 1)  # many are equal
    scores[1, ::3] = -np.inf
    whole = kept(scores, share)
    for most in (1, 7, 100, 499):
        monkeypatch.setattr(drawing, "_FOREMOST", most)
        np.testing.assert_array_equal(kept(scores, share), whole)


@pytest.mark.parametrize("setting", [{"top_p": 0.6}, {"typical": 0.6}, {"top_k": 4, "top_p": 0.7}])
def test_only_what_is_kept_is_drawn(setting):
    decoder = Markov(12, 5)
    scores = np.array([decoder.scores(4, (GO,))])
    scores[:, [PAD, GO, UNK, EOS]] = -np.inf
    if "top_k" in setting:
        scores[scores < np.sort(scores)[:, -4]] = -np.inf
    kept = (typical if "typical" in setting else nucleus)(scores, list(setting.values())[-1])
    weights = np.where(kept, np.exp(scores), 0)[0]
    config = ReplyConfig(max_reply=1, temperature=1.0, seed=1, **setting)
    drawn = [reply[0] for reply in decode(decoder, [[4]] * 9_000, config, Rules())]
    found, freedom = chi_square(np.bincount(drawn, minlength=12), weights / weights.sum())
    assert 0 < freedom < 7
    assert found < freedom + 4 * np.sqrt(2 * freedom)


def test_what_would_be_a_repeat_is_known():
    assert repeats([4, 5, 6, 4, 5], 3) == [6]
    assert repeats([4, 5, 6, 4, 5], 2) == [6]
    assert sorted(repeats([4, 5, 6, 5], 1)) == [4, 5, 5, 6]
    assert repeats([4, 4], 2) == [4]
    assert repeats([4, 5, 6], 0) == repeats([4], 2) == repeats([], 1) == []


@pytest.mark.parametrize("kind", [{}, {"beam": 3}, {"temperature": 1.0}])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_block_of_repeats_holds_however_a_reply_is_chosen(kind, n):
    decoder = Markov(7, 3)
    decoder.table[..., EOS] -= 6
    decoder.table -= np.log(np.exp(decoder.table).sum(-1, keepdims=True))

    def most(config):
        replies = decode(decoder, QUESTIONS, config, Rules())
        rows = [Counter(zip(*(r[i:] for i in range(n)), strict=False)) for r in replies]
        return max(max(row.values(), default=0) for row in rows)

    assert most(ReplyConfig(max_reply=30, **kind)) > (1 if n < 3 else 0)
    assert most(ReplyConfig(max_reply=30, no_repeat=n, **kind)) == 1


def test_what_has_been_said_is_less_likely_by_the_penalty():
    scores = np.log(np.float32([[0.1, 0.1, 0.1, 0.1, 0.4, 0.2], [0.1, 0.1, 0.1, 0.1, 0.2, 0.4]]))
    config = ReplyConfig(repetition_penalty=1.5)
    found = Rules().apply(scores, [[4, 4], [5, 4]], config)
    expected = scores.copy()
    expected[:, [PAD, GO, UNK]] = -np.inf
    expected[0, 4] *= 1.5
    expected[1, 4:] *= 1.5
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("kind", [{}, {"beam": 3}, {"temperature": 1.0}])
def test_banned_rows_are_never_said(kind):
    decoder = Markov(7, 8)
    config = ReplyConfig(max_reply=9, **kind)
    decoder.table[..., EOS] -= 3
    decoder.table -= np.log(np.exp(decoder.table).sum(-1, keepdims=True))
    free = decode(decoder, QUESTIONS * 3, config, Rules())
    pairs = Counter(pair for reply in free for pair in itertools.pairwise(reply))
    (worst, _), (other, _) = pairs.most_common(2)
    rules = Rules(banned=(worst, other, (free[0][0],)))
    for reply in decode(decoder, QUESTIONS * 3, config, rules):
        assert free[0][0] not in reply
        assert {worst, other}.isdisjoint(itertools.pairwise(reply))


@pytest.mark.parametrize("kind", [{}, {"beam": 3}, {"temperature": 1.0}])
def test_a_bot_that_may_say_nothing_says_nothing(kind):
    rules = Rules(banned=((4,), (5,), (6,)))
    config = ReplyConfig(max_reply=9, **kind)
    assert decode(Markov(7, 8), QUESTIONS, config, rules) == [[]] * len(QUESTIONS)


@pytest.mark.parametrize("kind", [{}, {"beam": 3}, {"temperature": 1.0}])
def test_a_reply_is_as_long_as_is_asked(kind):
    config = ReplyConfig(min_reply=5, max_reply=7, **kind)
    lengths = {len(reply) for reply in decode(Markov(7, 3, 0.1), QUESTIONS * 5, config, Rules())}
    assert lengths <= {5, 6, 7}
    assert 5 in lengths


def plain_groups(decoder, question, config, rules):
    """Diverse beam search of groups of one reply each: Vijayakumar et al., algorithm 1.

    A group that cannot find a better reply than it has goes on no more.
    """
    alive = [((GO,), 0.0) for _ in range(config.groups)]
    done = [[] for _ in alive]
    for length in range(1, config.max_reply + 1):
        taken = Counter()
        for group, one in enumerate(alive):
            if one is None:
                continue
            so_far, total = one
            scores = {
                token: score
                for token, score in enumerate(decoder.scores(question[0], so_far))
                if token not in rules.never and not (token == EOS and length == 1)
            }
            if EOS in scores:
                done[group].append(((total + scores[EOS]) / penalty(length), list(so_far[1:])))
                scores.pop(EOS)
            best = max(scores, key=lambda t: scores[t] - config.diversity * taken[t])
            total += scores[best]
            if done[group] and max(done[group])[0] >= total / penalty(config.max_reply):
                alive[group] = None
                continue
            taken[best] += 1
            alive[group] = (*so_far, best), total
    for group, one in enumerate(alive):
        if one is not None:
            done[group].append((one[1] / penalty(config.max_reply), list(one[0][1:])))
    return sorted((max(group) for group in done), key=lambda one: -one[0])


@pytest.mark.parametrize("diversity", [0.0, 0.4, 50.0])
@pytest.mark.parametrize("seed", range(4))
def test_groups_of_a_beam_keep_from_what_others_have_chosen(diversity, seed):
    decoder = Markov(8, seed, sharpness=2.0)
    config = ReplyConfig(beam=3, groups=3, diversity=diversity, max_reply=6)
    for question in QUESTIONS[:4]:
        found = search(decoder, [question], config, Rules())[0]
        expected = plain_groups(decoder, question, config, Rules())
        assert found[0].tokens == expected[0][1]
        distinct = {tuple(reply): score for score, reply in expected}
        assert [tuple(one.tokens) for one in found] == list(distinct)
        np.testing.assert_allclose([one.score for one in found], list(distinct.values()), 1e-5)
        if diversity == 50.0:
            assert len({one.tokens[0] for one in found}) == 3


def test_groups_of_several_have_their_share_of_the_beam():
    config = ReplyConfig(beam=7, groups=3, diversity=9.0, max_reply=5)
    found = search(Markov(30, 2), [[4]], config, Rules())[0]
    assert len(found) == 7
    assert len({one.tokens[0] for one in found}) >= 3
    alone = dataclasses.replace(config, groups=1)
    assert [one.tokens for one in search(Markov(30, 2), [[4]], alone, Rules())[0]] != [
        one.tokens for one in found
    ]


def anti_walk(decoder, question, config):
    """Greedy by log p(t | question) - weight log p(t | nothing) for the first entries."""
    so_far = (GO,)
    while len(so_far) <= config.max_reply:
        asked = decoder.scores(question[0], so_far)
        anyway = decoder.scores(EMPTY[0], so_far)
        scores = {}
        for token, score in enumerate(asked):
            if token in (PAD, GO, UNK) or (token == EOS and len(so_far) == 1):
                continue
            scores[token] = score
            if len(so_far) <= config.anti_lm_tokens:
                scores[token] -= config.anti_lm * anyway[token]
                if score < max(asked) + math.log(0.1):
                    scores[token] = score - 1_000
        best = max(scores, key=scores.get)
        if best == EOS:
            break
        so_far = (*so_far, best)
    return list(so_far[1:])


@pytest.mark.parametrize("weight", [0.3, 1.0])
@pytest.mark.parametrize("tokens", [1, 3, 99])
def test_the_anti_language_model_is_taken_off_the_first_entries(weight, tokens):
    changed = 0
    for seed in range(6):
        decoder = Markov(9, seed, 0.7)
        config = ReplyConfig(anti_lm=weight, anti_lm_tokens=tokens, max_reply=8)
        found = decode(decoder, QUESTIONS, config, Rules())
        assert found == [anti_walk(decoder, question, config) for question in QUESTIONS]
        changed += found != decode(decoder, QUESTIONS, ReplyConfig(max_reply=8), Rules())
    assert changed > 1


@pytest.mark.parametrize("tokens", [2, 99])
def test_a_beam_by_the_anti_language_model_stops_no_sooner_than_it_may(tokens):
    """A beam that holds everything finds the best of all replies by the same objective."""
    for seed in range(4):
        decoder = Markov(7, seed, 0.4)
        config = ReplyConfig(beam=100, anti_lm=0.9, anti_lm_tokens=tokens, max_reply=4)
        found = search(objective(decoder, config), [[5]], config, Rules())[0]
        narrow = dataclasses.replace(config, beam=2)
        best = search(objective(decoder, narrow), [[5]], narrow, Rules())[0][0]
        assert best.score <= found[0].score + 1e-6
        assert found[0].score == pytest.approx(max(one.score for one in found))


def test_what_is_said_whatever_is_asked_is_not_what_opens_a_conversation():
    """The anti-language model is to ask what training made dull, not what it taught as openings."""
    assert NOTHING_ASKED not in EMPTY
