"""How well a bot predicts replies: loss, bits per character, accuracy.

Comes in: a bot and encoded pairs with the sizes of their replies. Goes out: `Metrics`. Never cuts a
pair, whatever its length.

Bits per character let bots with different vocabularies be compared. They are the bits of all target
tokens, EOS included, over the characters of the replies (whitespace collapsed) and one end per
reply; every character that the ids of a reply do not give back costs `BITS_PER_LOST_CHARACTER`
besides.
"""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.batches import make_batch
from chatbot.corpus.dialogue import Pairing, pair_up, turns_of
from chatbot.corpus.encoded import EncodedPairs, bounds_of
from chatbot.corpus.pairs import Corpus
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import UNK
from chatbot.errors import ChatbotError
from chatbot.history import perplexity
from chatbot.learn.dropout import NOTHING_DROPPED
from chatbot.learn.experts import blend
from chatbot.learn.judging import BITS_PER_LOST_CHARACTER, bits
from chatbot.learn.model import Features, Seq2Seq, Tensor, feature_spec
from chatbot.learn.networks import network
from chatbot.learn.packing import Packed
from chatbot.learn.tf import tf
from chatbot.talk import stored
from chatbot.talk.bot import Bot

_CHUNK = 4096
_MOST_TOKENS = 16_384
_MOST_SCORES = 4_194_304
_ROWS = 256


@dataclass(frozen=True)
class Metrics:
    """What an evaluation found.

    Attributes:
        pairs: pairs read.
        tokens: target tokens, EOS included.
        characters: characters of the replies, one end per reply included.
        loss_nats: mean loss per target token.
        perplexity: exp of that.
        bits_per_character: see the module.
        unknown_rate: share of target tokens that are UNK.
        lost_characters: reply characters that the ids do not give back.
        token_accuracy: share of target tokens that are the likeliest entry given those before.
    """

    pairs: int
    tokens: int
    characters: int
    loss_nats: float
    perplexity: float
    bits_per_character: float
    unknown_rate: float
    lost_characters: int
    token_accuracy: float


def held_out_pairs(store: TokenStore, bot: Bot) -> Iterator[EncodedPairs]:
    """The held-out pairs of a store, a bounded number at a time.

    Raises:
        ChatbotError: none are held out, or the ids of the store are not those of the bot.
    """
    header = store.header
    if header.vocabulary != bot.vocabulary.digest:
        raise ChatbotError(
            f"{store.path}: belongs to another vocabulary than the bot. Train the bot further with "
            "train --extend, put the matching one back, or name a file of pairs to evaluate on."
        )
    if not header.held_out:
        raise ChatbotError(
            f"{store.path}: none of its {header.pairs:,} pairs are held out. Name a file of pairs "
            "to evaluate on, or build anew with --holdout."
        )
    for pairs in store.parts(header.train, header.pairs, _CHUNK):
        _charge_blanks(pairs, bot)
        yield pairs


def _charge_blanks(pairs: EncodedPairs, bot: Bot) -> None:
    """Counts as lost also the blanks that go with unknown words; the store knows only the words."""
    for row, first, last in zip(pairs.sources, pairs.bounds[1::2], pairs.bounds[2::2], strict=True):
        ids = pairs.tokens[first:last]
        if UNK in ids:
            back = bot.vocabulary.decode(ids.tolist(), bot.tokenizer)
            row[3] = max(row[3], row[2] - len(back))


def pairs_of_text(corpora: Iterable[Corpus], bot: Bot) -> Iterator[EncodedPairs]:
    """Pairs of corpus files, encoded for a bot, a bounded number at a time.

    They are normalised, and put behind as many earlier turns, as those the bot was trained on.
    """
    config = bot.vocabulary.config
    for corpus in corpora:
        for turns in turns_of(corpus.conversations(), _CHUNK, config.context, corpus.skipped):
            texts = bot.normaliser.texts(turns.texts)
            filled = np.fromiter(map(bool, texts), np.bool_, len(texts))
            pairing = pair_up(turns, filled, config.context, corpus.skipped)
            if config.reverse:
                pairing = pairing.turned_round()
            corpus.pairs += len(pairing.reply)
            if len(pairing.reply):
                yield _encode(texts, pairing, turns.lines, bot)
        corpus.check()


def _encode(
    texts: Sequence[str], pairing: Pairing, lines: NDArray[np.uint32], bot: Bot
) -> EncodedPairs:
    vocabulary, tokenizer = bot.vocabulary, bot.tokenizer
    halves: list[list[int]] = []
    sources = np.zeros((len(pairing.reply), 4), np.int64)
    places = zip(sources, pairing.first, pairing.question, pairing.reply, strict=True)
    for row, first, last, reply in places:
        question = "\n".join(filter(None, texts[first : last + 1]))
        asked = vocabulary.encode(tokenizer.tokens(question), tokenizer)
        said = vocabulary.encode(tokenizer.tokens(texts[reply]), tokenizer)
        halves += [asked, said]
        lost = lost_characters(texts[reply], vocabulary.decode(said, tokenizer))
        row[1:] = lines[max(last, reply)], len(texts[reply]), lost
    lengths = np.asarray([len(half) for half in halves], np.int64)
    tokens = np.fromiter(itertools.chain.from_iterable(halves), np.int32)
    return EncodedPairs(tokens, bounds_of(lengths), sources)


def lost_characters(text: str, back: str) -> int:
    """The characters of a text that are missing from what its ids gave back.

    >>> lost_characters("祸不单行", "不单行")
    1
    """
    if text == back:
        return 0
    blocks = difflib.SequenceMatcher(None, text, back, autojunk=False).get_matching_blocks()
    return len(text) - sum(block.size for block in blocks)


def evaluate(bot: Bot, parts: Iterable[EncodedPairs]) -> Metrics:
    """Measures a bot on pairs, once; see `Evaluator`."""
    return Evaluator(bot)(parts)


def net_of(bot: Bot) -> Seq2Seq:
    """The network of a bot in TensorFlow, which is faster over many pairs.

    Raises:
        ChatbotError: its checkpoint cannot be read.
    """
    found = stored.read(bot.checkpoint)
    net = network(len(bot.vocabulary), bot.position.model)
    for name, variable in net.named.items():
        variable.assign(found.weights[name])
    if net.mixture is not None:
        net.mixture.counts.ngrams = found.ngrams
    return net


class Evaluator:
    """Measures a bot, as often as wanted: its functions are compiled once."""

    def __init__(self, bot: Bot) -> None:
        """Reads the weights.

        Raises:
            ChatbotError: its checkpoint cannot be read.
        """
        self._net = net = net_of(bot)
        self._classes = net.output.classes(net.embedding)
        self._vectors = tf.function(
            self._vectors_of, input_signature=[feature_spec()], autograph=False
        )
        part = tf.TensorSpec((None, net.config.units), tf.float32)
        self._scores = tf.function(self._scores_of, input_signature=[part], autograph=False)

    def __call__(
        self, parts: Iterable[EncodedPairs], each: list[NDArray[np.float64]] | None = None
    ) -> Metrics:
        """What the bot predicts of pairs.

        Args:
            parts: encoded pairs; their sources hold the characters of each reply and those lost.
            each: takes for every part the bits and the characters of each pair, [pairs, 2].

        Raises:
            ChatbotError: there are no pairs.
        """
        pairs = tokens = characters = lost = unknown = 0
        nats, right = 0.0, 0
        for part in parts:
            pairs += len(part)
            characters += int(part.sources[:, 2].sum()) + len(part)
            lost += int(part.sources[:, 3].sum())
            of_pairs = np.zeros(len(part))
            for rows, packed in _batches(part, self._net):
                real = packed.weights > 0
                tokens += int(real.sum())
                unknown += int((packed.labels[real] == UNK).sum())
                some_nats, some_right = self._judge(packed)
                of_pairs[rows] = np.bincount(packed.pairs[real], some_nats, len(rows))
                right += some_right
            nats += float(of_pairs.sum())
            if each is not None:
                sizes = part.sources[:, 2:].astype(np.float64)
                charged = of_pairs / math.log(2) + BITS_PER_LOST_CHARACTER * sizes[:, 1]
                each.append(np.stack([charged, sizes[:, 0] + 1], 1))
        if not pairs:
            raise ChatbotError("no pairs to evaluate on. Name a file that has some.")
        return Metrics(
            pairs=pairs,
            tokens=tokens,
            characters=characters,
            loss_nats=nats / tokens,
            perplexity=perplexity(nats / tokens),
            bits_per_character=bits(nats, lost) / characters,
            unknown_rate=unknown / tokens,
            lost_characters=lost,
            token_accuracy=right / tokens,
        )

    def scores(self, pairs: EncodedPairs) -> list[NDArray[np.float32]]:
        """Log-probabilities of all entries at every place of every reply, [T, V] each."""
        found: list[Any] = [[] for _ in range(len(pairs))]
        for rows, packed in _batches(pairs, self._net):
            vectors = self._vectors(self._net.features(packed))
            place = packed.output_place[packed.target_row]
            order = np.argsort(-(pairs.reply_lengths[rows] + 1), kind="stable")
            for rank, number in enumerate(order):
                chosen = place[rank, : pairs.reply_lengths[rows[number]] + 1].astype(np.int64)
                found[rows[number]] = self._mixed(vectors, packed, chosen)
        return found

    def _judge(self, packed: Packed) -> tuple[NDArray[np.float64], int]:
        """The loss of every real row, and how many are the likeliest entry."""
        vectors = self._vectors(self._net.features(packed))
        real = np.flatnonzero(packed.weights)
        nats, right = np.zeros(len(real)), 0
        for first in range(0, len(real), _ROWS):
            rows = real[first : first + _ROWS]
            scores, labels = self._mixed(vectors, packed, rows), packed.labels[rows]
            nats[first : first + _ROWS] = -scores[np.arange(len(rows)), labels]
            right += int((scores.argmax(1) == labels).sum())
        return nats, right

    def _mixed(
        self, vectors: Tensor, packed: Packed, rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Log-probabilities of all entries for some rows, [rows, V]."""
        scores, shares = (found.numpy() for found in self._scores(tf.gather(vectors, rows)))
        mixture = self._net.mixture
        if mixture is None:
            return scores  # type: ignore[no-any-return]
        probabilities = np.exp(scores)
        asked = packed.asked[packed.pairs[rows]]
        blend(probabilities, shares, mixture.ngrams, packed.contexts[rows], asked)
        logarithms: NDArray[np.float32] = np.log(probabilities)
        return logarithms

    def _vectors_of(self, batch: Features) -> Tensor:
        rows = tf.gather(self._net.embedding, batch["touched"])
        return self._net.vectors(rows, batch, tf.float32, NOTHING_DROPPED)

    def _scores_of(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        return self._net.output.log_probabilities(vectors, self._classes), self._net.shares(vectors)


def _batches(pairs: EncodedPairs, net: Seq2Seq) -> Iterator[tuple[NDArray[np.int64], Packed]]:
    """Pairs of like length together, as many as fit a bound on tokens and attention scores."""
    source, target = pairs.question_lengths, pairs.reply_lengths + 1
    order = np.lexsort((source, target))
    start = 0
    # Additive attention holds a vector for every score.
    held = net.config.units if net.config.attention == "additive" else 1
    while start < len(order):
        stop = start + _fitting(source[order[start:]], target[order[start:]], held)
        rows = order[start:stop]
        yield rows, net.pack(make_batch(pairs.take(rows)))
        start = stop


def _fitting(source: NDArray[np.int64], target: NDArray[np.int64], held: int) -> int:
    count = np.arange(1, len(source) + 1)
    s, t = np.maximum.accumulate(source), np.maximum.accumulate(target)
    fits = (count * (s + t) <= _MOST_TOKENS) & (count * s * t * held <= _MOST_SCORES)
    return max(1, int(np.argmin(fits)) if not fits.all() else len(fits))
