"""Metrics against nested loops over single decoder steps."""

import dataclasses
import json
import math

import numpy as np
import pytest

from chatbot.config import CorpusConfig, ModelConfig, ReadingConfig
from chatbot.corpus.building import Sources, build
from chatbot.corpus.encoded import EncodedPairs
from chatbot.corpus.pairs import find_corpora
from chatbot.corpus.store import TokenStore
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.learn.networks import network
from chatbot.learn.saved import find_checkpoint, read_position
from chatbot.talk import evaluation
from chatbot.talk.bot import Bot
from chatbot.talk.evaluation import (
    Evaluator,
    evaluate,
    held_out_pairs,
    lost_characters,
    pairs_of_text,
)

TEXT = [
    ("你好", "你好呀"),
    ("晚安", "我叫 \u3000  雨"),  # whitespace is collapsed to one blank
    ("你叫什么", "龘我叫鑫"),  # 龘 and 鑫 are not in the vocabulary
    ("今天天气怎么样", "2"),
    ("ni hao", "hello there, hello there, hello there, hello there, hello there"),
    ("饕餮", "饕餮饕"),  # nothing of it is known
    ("1+1", "1+1=2" * 20),
]


@pytest.fixture
def corpus(tmp_path):
    """(pairs of text) -> a corpus file of them."""

    def write(pairs, name="test.tsv"):
        path = tmp_path / name
        path.write_text("".join(f"{q}\t{r}\n" for q, r in pairs), encoding="utf-8")
        return find_corpora([path], ReadingConfig(format="tab"))

    return write


def by_hand(bot, pairs):
    """All metrics of pairs of text, from a definition that knows characters and ids only."""
    ids = {word: id for id, word in enumerate(bot.vocabulary.words) if id > 3}
    nats = bits = 0.0
    tokens = right = unknown = characters = lost = 0
    for question, reply in pairs:
        question, reply = " ".join(question.split()), " ".join(reply.split())
        state, entry = bot.network.begin([[ids.get(c, 3) for c in question]]), 1
        for target in [*(ids.get(c, 3) for c in reply), 2]:
            scores, state = bot.network.step(np.array([entry], np.int32), state)
            scores = scores[0].astype(np.float64)
            nats -= scores[target]
            right += int(scores.argmax() == target)
            unknown += target == 3
            tokens += 1
            entry = target
        characters += len(reply) + 1
        lost += sum(c not in ids for c in reply)
    bits = nats / math.log(2) + 17 * lost
    return {
        "pairs": len(pairs),
        "tokens": tokens,
        "characters": characters,
        "loss_nats": pytest.approx(nats / tokens, rel=1e-5),
        "perplexity": pytest.approx(math.exp(nats / tokens), rel=1e-4),
        "bits_per_character": pytest.approx(bits / characters, rel=1e-5),
        "unknown_rate": pytest.approx(unknown / tokens),
        "lost_characters": lost,
        "token_accuracy": pytest.approx(right / tokens),
    }


def test_the_metrics_are_those_of_nested_loops_over_single_steps(bot, corpus):
    metrics = dataclasses.asdict(evaluate(bot, pairs_of_text(corpus(TEXT), bot)))
    expected = by_hand(bot, TEXT)
    assert metrics == expected
    assert (expected["lost_characters"], metrics["pairs"]) == (9, 7)
    assert 0 < metrics["token_accuracy"] < 1


@pytest.mark.parametrize("pair", TEXT)
def test_so_are_those_of_every_pair_alone(bot, corpus, pair):
    metrics = evaluate(bot, pairs_of_text(corpus([pair]), bot))
    assert dataclasses.asdict(metrics) == by_hand(bot, [pair])


def test_pairs_known_by_heart_cost_little_and_are_guessed_right(bot, by_heart, corpus):
    metrics = evaluate(bot, pairs_of_text(corpus(by_heart[1]), bot))
    assert metrics.loss_nats < 0.05
    assert metrics.token_accuracy == 1
    assert metrics.lost_characters == metrics.unknown_rate == 0
    assert metrics.perplexity == pytest.approx(math.exp(metrics.loss_nats))


def test_nothing_is_cut_whatever_its_length(bot, corpus):
    long = [("你" * 130, "好" * 170)]
    assert bot.position.training.max_length < 130
    metrics = evaluate(bot, pairs_of_text(corpus(long), bot))
    assert metrics.tokens == metrics.characters == 171
    assert dataclasses.asdict(metrics) == by_hand(bot, long)


def close(metrics):
    found = dataclasses.asdict(metrics)
    return {k: pytest.approx(v, rel=1e-5) if isinstance(v, float) else v for k, v in found.items()}


def test_how_pairs_fall_into_batches_has_no_effect(bot, corpus, monkeypatch):
    whole = evaluate(bot, pairs_of_text(corpus(TEXT), bot))
    (part,) = pairs_of_text(corpus(TEXT), bot)
    singles = [part.take(np.array([row])) for row in (3, 0, 6, 2, 5, 1, 4)]
    assert dataclasses.asdict(evaluate(bot, singles)) == close(whole)
    monkeypatch.setattr(evaluation, "_MOST_TOKENS", 40)
    assert dataclasses.asdict(evaluate(bot, [part])) == close(whole)
    monkeypatch.setattr(evaluation, "_CHUNK", 4)  # turns
    parts = list(pairs_of_text(corpus(TEXT), bot))
    assert [len(one) for one in parts] == [2, 2, 2, 1]
    assert dataclasses.asdict(evaluate(bot, parts)) == close(whole)


def test_batches_keep_to_a_bound_on_tokens_and_scores_and_hold_every_pair_once(encoded):
    net = network(20, ModelConfig(units=4, embedding=4))
    generator = np.random.default_rng(4)
    lengths = generator.integers(1, 60, (90, 2))
    lengths[7] = 3_000, 2_000  # alone above both bounds
    pairs = encoded([([5] * s, [6 + b % 9] * t) for b, (s, t) in enumerate(lengths)])
    seen = []
    for _, packed in evaluation._batches(pairs, net):
        sources = packed.source_lengths[packed.source_lengths > 0]
        targets = (packed.target_row < len(packed.target) - 1).sum(1)[: len(sources)]
        seen += zip(sources.tolist(), (targets - 1).tolist(), strict=True)
        longest = int(sources.max()), int(targets.max())
        if len(sources) > 1:
            assert len(sources) * sum(longest) <= evaluation._MOST_TOKENS
            assert len(sources) * math.prod(longest) <= evaluation._MOST_SCORES
    assert sorted(seen) == sorted(map(tuple, lengths.tolist()))


@pytest.fixture(scope="module")
def judged(new_folder, trained):
    """A folder with held-out pairs, trained a little, and the bot of its best checkpoint."""
    folder = new_folder(holdout=9)
    trained(folder, steps=6, batch=20, validate_every=2)
    return folder, Bot.load(folder.path)


def test_the_held_out_part_measures_as_the_same_pairs_as_text(judged, corpus):
    folder, bot = judged
    with TokenStore(folder.store) as store:
        parts = list(held_out_pairs(store, bot))
    pairs = []
    for part in parts:
        for row in range(len(part)):
            sides = part.take(np.array([row]))
            cut = sides.bounds[1]
            pairs.append(
                tuple(
                    "".join(bot.vocabulary.words[id] for id in half)
                    for half in (sides.tokens[:cut], sides.tokens[cut:])
                )
            )
    assert len(pairs) == 9
    metrics = evaluate(bot, parts)
    assert dataclasses.asdict(evaluate(bot, pairs_of_text(corpus(pairs), bot))) == close(metrics)
    assert dataclasses.asdict(metrics) == by_hand(bot, pairs)


def full_width(text):
    """Letters and digits of a text in their wide forms."""
    return "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in text)


def test_a_file_is_normalised_and_put_behind_earlier_turns_as_the_bot_learnt_it(
    tmp_path, trained, corpus
):
    """Held-out pairs of conversations measure as the same raw turns in a file of their own."""
    talks = [
        [f"第{i}个人", f"a{i}&amp;b", full_width(f"Ab{i} 好\u200b吗"), f"x{i % 3} &lt;y&gt;"]
        for i in range(20)
    ]
    turns = [None, *(turn for talk in talks for turn in (None, *talk))]  # by line
    text = "".join("E\n" + "".join(f"M {turn}\n" for turn in talk) for talk in talks)
    (tmp_path / "talk.conv").write_text(text, "utf-8")
    folder = ModelFolder(tmp_path / "model")
    config = CorpusConfig(tokenizer="char", min_freq=1, context=2, holdout=13)
    build(Sources(find_corpora([tmp_path / "talk.conv"]), config), folder)
    trained(folder, steps=3, batch=20)
    bot = Bot.load(folder.path)
    with TokenStore(folder.store) as store:
        held_out = list(held_out_pairs(store, bot))
    records, questions = [], set()
    for line in held_out[0].sources[:, 1].tolist():
        first = max(place for place in range(line) if turns[place] is None) + 1
        *history, query = turns[max(first, line - 3) : line]
        assert len(history) == min(2, line - 1 - first)
        padded = history if len(history) % 2 == 0 else ["", *history]
        pairs = [padded[i : i + 2] for i in range(0, len(padded), 2)]
        records.append({"query": query, "response": turns[line], "history": pairs})
        questions.add(len(history))
    assert questions == {0, 1, 2}
    path = tmp_path / "same.jsonl"
    lines = (json.dumps(record, ensure_ascii=False) for record in records)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    parts = list(pairs_of_text(find_corpora([path]), bot))
    assert sum(map(len, parts)) == 13
    np.testing.assert_array_equal(parts[0].tokens, held_out[0].tokens)
    np.testing.assert_array_equal(parts[0].sources[:, 2:], held_out[0].sources[:, 2:])
    assert dataclasses.asdict(evaluate(bot, parts)) == close(evaluate(bot, held_out))


def test_the_best_checkpoint_has_the_held_out_loss_it_was_chosen_for(judged):
    folder, bot = judged
    assert bot.checkpoint == find_checkpoint(folder, "best")[0]
    with TokenStore(folder.store) as store:
        metrics = evaluate(bot, held_out_pairs(store, bot))
    stored = read_position(bot.checkpoint).heldout_loss
    assert metrics.loss_nats == pytest.approx(stored, rel=1e-5)


def test_the_blanks_that_go_with_unknown_words_are_charged_in_both_parts(
    new_folder, trained, corpus
):
    """In spaced text an unknown word takes a blank with it."""
    pairs = [(f"ask {i}", f"one odd{i} two") for i in range(40)]
    folder = new_folder(pairs, tokenizer="jieba", min_freq=2, rare="unk", holdout=5)
    trained(folder, steps=1, batch=20)
    bot = Bot.load(folder.path)
    with TokenStore(folder.store) as store:
        held_out = list(held_out_pairs(store, bot))
    lines = held_out[0].sources[:, 1]
    text = list(pairs_of_text(corpus([pairs[line - 1] for line in lines]), bot))
    assert len(lines) == 5
    assert held_out[0].sources[:, 3].tolist() == text[0].sources[:, 3].tolist()
    assert held_out[0].sources[0, 3] == len(pairs[lines[0] - 1][1]) - len("one two")


def test_a_store_of_another_vocabulary_is_not_measured(judged, bot):
    with TokenStore(judged[0].store) as store, pytest.raises(ChatbotError) as caught:
        next(held_out_pairs(store, bot))
    assert str(caught.value) == (
        f"{store.path}: belongs to another vocabulary than the bot. Train the bot further with "
        "train --extend, put the matching one back, or name a file of pairs to evaluate on."
    )


def test_a_store_without_held_out_pairs_says_what_to_do(by_heart, bot):
    with TokenStore(by_heart[0].store) as store, pytest.raises(ChatbotError) as caught:
        next(held_out_pairs(store, bot))
    assert str(caught.value) == (
        f"{store.path}: none of its 6 pairs are held out. Name a file of pairs to evaluate on, or "
        "build anew with --holdout."
    )


def test_no_pairs_are_an_error(bot):
    with pytest.raises(ChatbotError, match="no pairs to evaluate on"):
        evaluate(bot, [])


LOST = [
    ("", "", 0),
    ("你好", "你好", 0),
    ("祸不单行", "不单行", 1),
    ("abc", "", 3),
    ("一二三四", "一四", 2),
    ("a b", "ab", 1),
    ("ab", "a b", 0),  # what came in besides is not lost
    ("xaxbx", "ab", 3),
]


@pytest.mark.parametrize(("text", "back", "lost"), LOST)
def test_lost_characters_are_those_that_do_not_come_back(text, back, lost):
    assert lost_characters(text, back) == lost


def test_the_sources_of_encoded_pairs_hold_line_characters_and_losses(bot, corpus):
    (part,) = pairs_of_text(corpus(TEXT[:3]), bot)
    assert isinstance(part, EncodedPairs)
    assert part.sources[:, 1:].tolist() == [[1, 3, 0], [2, 4, 0], [3, 4, 2]]


def test_scores_at_every_place_are_those_of_the_network_that_talks(bot, encoded):
    pairs = [([4, 5, 6], [7, 8]), ([5], [4, 4, 9, 6]), ([6, 7, 8, 9], [5])]
    found = Evaluator(bot).scores(encoded(pairs))
    assert [len(one) for one in found] == [len(reply) + 1 for _, reply in pairs]
    for scores, (question, reply) in zip(found, pairs, strict=True):
        state = bot.network.begin([question])
        for row, token in zip(scores, [1, *reply], strict=True):
            expected, state = bot.network.step(np.array([token], np.int32), state)
            np.testing.assert_allclose(row, expected[0], atol=1e-4)
