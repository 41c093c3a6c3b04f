"""A trained network carried over to a vocabulary and a corpus that have grown.

Comes in: a checkpoint, the vocabulary it was trained with, and a network drawn for the present one.
Goes out: that network with all that was learned, and the position it goes on from. Knows nothing of
corpora.

What belongs to a word goes with it to its new place, moments and all: its embedding, its class in
the output layer and its bias. What belongs to no word is taken over as it is. New words stay as
they were drawn, their biases at the logarithm of their frequency, on the level of those learned
around them. A word that has come into another cluster of the adaptive softmax begins anew there, as
the widths differ, but near its embedding, which its class shares; so do all classes where the
vocabulary has outgrown its number of clusters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.store import Header
from chatbot.corpus.vocabulary import SPECIAL, Vocabulary
from chatbot.learn.checkpoint import restore
from chatbot.learn.engine import Engine, optimizer_of
from chatbot.learn.model import Seq2Seq
from chatbot.learn.networks import network
from chatbot.learn.optimizer import Adam
from chatbot.learn.output import OutputLayer, first_biases
from chatbot.learn.position import Position
from chatbot.learn.recovery import Recovery
from chatbot.learn.schedule import Schedule

Places = NDArray[np.int64]
"""For each row of a variable the row of the earlier one that it goes on from, or -1."""


class Extension(NamedTuple):
    """What became of the entries of a vocabulary."""

    kept: int
    new: int
    gone: int

    def __str__(self) -> str:
        """In words."""
        gone = f", {self.gone:,} no longer there" if self.gone else ""
        return f"{self.kept:,} entries of the vocabulary go on, {self.new:,} are new{gone}"


def extend(
    path: Path, stored: Position, before: Vocabulary, engine: Engine, now: Vocabulary
) -> Extension:
    """Fills a network and its optimizer from a checkpoint of an earlier vocabulary.

    Args:
        path: the checkpoint.
        stored: the position in it.
        before: the vocabulary it was trained with.
        engine: the network, as drawn for the present vocabulary.
        now: the present vocabulary.

    Raises:
        ChatbotError: text is cut in another way now, or the checkpoint cannot be read.
    """
    now.check_extends(before)
    net = network(len(before), stored.model)
    optimizer = optimizer_of(net, stored.training)
    restore(path, net, optimizer)
    places = places_of(before, now)
    _carry(engine.net, net, engine.optimizer, optimizer, places)
    _level_biases(engine.net.output, net.output, before, places)
    kept = int((places >= 0).sum())
    return Extension(kept, len(now) - kept, len(before) - kept)


def extended(stored: Position, header: Header, size: int, drawn: float) -> Position:
    """The position to go on from: as far as before, but what was judged is to be judged anew.

    The held-out pairs are others, so nothing can be compared with what was; and the rate begins
    anew with its warm-up, as there is something to learn again.

    Args:
        stored: the position in the checkpoint.
        header: the header of the present store.
        size: entries of the present vocabulary.
        drawn: the loss of a network as drawn on the present pairs, nats per token.
    """
    return replace(
        stored,
        schedule=Schedule(warm_from=stored.step),
        heldout_loss=None,
        vocabulary=header.vocabulary,
        size=size,
        store=header.identity,
        recovery=Recovery(start=drawn),
    )


def places_of(before: Vocabulary, now: Vocabulary) -> Places:
    """The earlier id of each entry, -1 for the new ones, int64 [V]."""
    words = now.words[len(SPECIAL) :]
    found = [*range(len(SPECIAL)), *(before.ids.get(word, -1) for word in words)]
    return np.asarray(found, np.int64)


def _carry(
    new: Seq2Seq, old: Seq2Seq, new_moments: Adam, old_moments: Adam, places: Places
) -> None:
    """Puts what was learned into its places, and the moments with it."""
    number, earlier = (
        {id(v): n for n, v in enumerate((net.embedding, *net.matrices))} for net in (new, old)
    )
    for variable, before, at in _matches(new, old, places):
        _put(variable, before, at)
        for some, others in (
            (new_moments.first, old_moments.first),
            (new_moments.second, old_moments.second),
        ):
            _put(some[number[id(variable)]], others[earlier[id(before)]], at)
    new_moments.steps.assign(old_moments.steps)
    for marks, before in zip(new_moments.marks, old_moments.marks, strict=True):
        _put(marks, before, places)


def _put(variable: Any, before: Any, at: Places | None) -> None:  # noqa: ANN401 - variables
    """Takes over a variable, whole or row by row."""
    values = before.numpy()
    if at is not None:
        drawn = variable.numpy()
        drawn[at >= 0] = values[at[at >= 0]]
        values = drawn
    variable.assign(values)


def _matches(
    new: Seq2Seq, old: Seq2Seq, places: Places
) -> Iterator[tuple[Any, Any, Places | None]]:
    """Every variable that goes on from an earlier one, that one, and by which rows if not all."""
    yield new.embedding, old.embedding, places
    yield from ((*pair, None) for pair in zip(_wordless(new), _wordless(old), strict=True))
    if len(new.output.cutoffs) != len(old.output.cutoffs):
        return
    one, other = new.output, old.output
    for name in ("projections", "views"):
        pairs = zip(getattr(one, name), getattr(other, name), strict=True)
        yield from ((*pair, None) for pair in pairs)
    for cluster, at in enumerate(_classes(one, other, places)):
        if one.own[cluster] is not None:
            slots_only = one.tied and cluster == 0
            yield one.own[cluster], other.own[cluster], None if slots_only else at
        yield _biases(one)[cluster], _biases(other)[cluster], at


def _wordless(net: Seq2Seq) -> list[Any]:
    """The variables outside embedding and output layer, in a fixed order."""
    of_output = {id(v) for v in net.output.trainable_variables}
    return [v for v in net.matrices if id(v) not in of_output]


def _biases(layer: OutputLayer) -> list[Any]:
    """The biases of the head and of each tail."""
    return [layer.bias, *layer.tail_biases]


def _classes(new: OutputLayer, old: OutputLayer, places: Places) -> Iterator[Places]:
    """For each cluster, which of its earlier classes its classes go on from.

    Those of words that were in another cluster are -1; the head's slots of the tails stay.
    """
    bounds = zip((0, *new.cutoffs), new.cutoffs, (0, *old.cutoffs), old.cutoffs, strict=False)
    for cluster, (first, last, before, end) in enumerate(bounds):
        at = places[first:last]
        at = np.where((at >= before) & (at < end), at - before, -1)
        slots = np.arange(end, end + len(old.cutoffs) - 1) if cluster == 0 else at[:0]
        yield np.concatenate([at, slots])


def _level_biases(new: OutputLayer, old: OutputLayer, before: Vocabulary, places: Places) -> None:
    """Puts the biases of what is new to a cluster on the level of those learned there.

    What is learned may have shifted all biases of a cluster, which changes no probability.
    """
    if len(new.cutoffs) != len(old.cutoffs):
        return
    drawn = first_biases(before.unigram, old.cutoffs)
    found = zip(_classes(new, old, places), _biases(new), _biases(old), drawn, strict=True)
    for at, bias, learned, first in found:
        level = np.float32((learned.numpy() - np.asarray(first)).mean())
        bias.assign(bias.numpy() + np.where(at < 0, level, np.float32(0)))
