"""Pairs as ids -> padded arrays for a sequence-to-sequence model.

Comes in: encoded pairs from the store. Goes out: encoder input, decoder input, targets and weights.
Knows nothing of sampling order or of the network; a training loop of anyone's own can be fed from
here (`stream`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.encoded import EncodedPairs, indices_of_runs
from chatbot.corpus.sampler import ranges
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import EOS, GO, PAD
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder

NOTHING_ASKED = EOS
"""What the network reads where a reply opens a conversation. Not GO, which stands for whatever
may be asked: anti-LM asks what is said then, and that is to be what training made dull."""


@dataclass(frozen=True)
class Batch:
    """B pairs, padded with PAD (0) at the end to S source and T target positions.

    All arrays are int32 but the weights.

    Attributes:
        encoder_input: the questions, [B, S]; `NOTHING_ASKED` alone where there is none.
        encoder_lengths: tokens of every question, [B].
        decoder_input: GO, then the reply, [B, T].
        targets: the reply, then EOS unless it is cut, [B, T].
        weights: 1 on every target that counts (EOS included), 0 on padding, float32 [B, T].
        truncated: how many of the pairs were cut to the longest length allowed.
    """

    encoder_input: NDArray[np.int32]
    encoder_lengths: NDArray[np.int32]
    decoder_input: NDArray[np.int32]
    targets: NDArray[np.int32]
    weights: NDArray[np.float32]
    truncated: int

    def __len__(self) -> int:
        """The number of pairs, B."""
        return len(self.encoder_input)

    @property
    def target_lengths(self) -> NDArray[np.int32]:
        """Targets of every pair, EOS included, int32 [B]."""
        lengths: NDArray[np.int32] = self.weights.sum(1).astype(np.int32)
        return lengths


def make_batch(pairs: EncodedPairs, max_length: int | None = None) -> Batch:
    """Pads pairs to the longest among them.

    Args:
        pairs: B encoded pairs.
        max_length: most tokens of a question, and of a reply with its EOS. Of a longer question the
            end is kept, which is nearest to the reply; of a longer reply the beginning, and not its
            EOS, as it does not end there. None cuts nothing.
    """
    limit = max_length if max_length is not None else np.iinfo(np.int32).max
    questions = np.minimum(pairs.question_lengths, limit)
    wanted = np.minimum(pairs.reply_lengths + 1, limit)
    ending = pairs.reply_lengths < wanted
    cut = (questions < pairs.question_lengths) | ~ending
    lengths = np.maximum(questions, 1)
    widest = int(lengths.max(initial=1))
    source = _padded(pairs, pairs.bounds[1::2] - questions, questions, widest)
    source[questions == 0, 0] = NOTHING_ASKED
    targets = _padded(pairs, pairs.bounds[1::2], wanted - ending, int(wanted.max(initial=1)))
    decoder_input = np.roll(targets, 1, axis=1)
    decoder_input[:, 0] = GO
    targets[ending, wanted[ending] - 1] = EOS
    weights = np.arange(targets.shape[1]) < wanted[:, None]
    return Batch(
        source,
        lengths.astype(np.int32),
        decoder_input,
        targets,
        weights.astype(np.float32),
        int(cut.sum()),
    )


def _padded(
    pairs: EncodedPairs, starts: NDArray[np.int64], lengths: NDArray[np.int64], width: int
) -> NDArray[np.int32]:
    inside = np.arange(width) < lengths[:, None]
    padded = np.full((len(lengths), width), PAD, np.int32)
    padded[inside] = pairs.tokens[indices_of_runs(starts, lengths)]
    return padded


def stream(
    model: str | Path = "model",
    *,
    batch: int = 1000,
    sampler: str = "window",
    seed: int = 0,
    start: int = 0,
    max_length: int | None = 40,
    worker: int = 0,
    workers: int = 1,
) -> Iterator[Batch]:
    """Batches without end from the training pairs of a model folder, for a loop of one's own.

    Batch i is a pure function of the arguments and `start + i`; reading begins at the first `next`.

        for batch in itertools.islice(chatbot.batches("model", batch=64), 1000):
            my_step(batch.encoder_input, batch.decoder_input, batch.targets, batch.weights)

    Args:
        model: the folder that `chatbot build-vocab` wrote.
        batch: pairs a step, of all workers together.
        sampler: `window`, `epoch`, `blocks` or `cyclic`, see `sampler.ranges`.
        seed: seed of the order.
        start: the first step, from 0.
        max_length: most tokens of a question or reply; None cuts nothing.
        worker: this worker, from 0.
        workers: how many share every window.

    Raises:
        ChatbotError: no store in the folder, a damaged one, or more workers than pairs a step.
    """
    with TokenStore(ModelFolder(Path(model)).store) as store:
        most = min(batch, store.header.train)
        if batch > 0 and workers > most:
            raise ChatbotError(f"{workers} workers: a step has {most} pairs. Use fewer workers.")
        for step in itertools.count(start):
            runs = ranges(sampler, seed, step, batch, store.header.train, worker, workers)
            yield make_batch(store.read(runs), max_length)
