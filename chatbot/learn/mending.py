"""A run that has gone wrong, taken back to its last good weights.

Comes in: a position, an engine, and what is wrong. Goes out: the position to go on from, the
weights of which are then in the engine, and the pairs of the step that went wrong. Knows nothing
of when that is to be done: see `recovery`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.corpus.batches import make_batch
from chatbot.corpus.encoded import EncodedPairs
from chatbot.corpus.store import Ranges, TokenStore
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder, write_whole
from chatbot.learn import recovery
from chatbot.learn.checkpoint import restore
from chatbot.learn.engine import Engine
from chatbot.learn.position import Position
from chatbot.learn.saved import fault_of, newest_whole, read_position, saved
from chatbot.learn.schedule import halved
from chatbot.learn.sharing import from_chief

_NAMED = 3
_AT_ONCE = 250


def check_start(fault: str | None, folder: ModelFolder) -> None:
    """Refuses a network that is at fault as it was drawn.

    Raises:
        ChatbotError: it is.
    """
    if fault:
        raise ChatbotError(
            f"{folder.path}: {fault} at the start. If --vectors were given, look at their file; "
            "begin anew with --restart."
        )


def check_tries(wrong: Position, fault: str | None, folder: ModelFolder) -> None:
    """Gives up a run that has gone wrong once too often.

    Raises:
        ChatbotError: there were `recovery.MOST_TRIES` attempts without a gain.
    """
    if wrong.recovery.tries >= recovery.MOST_TRIES:
        raise ChatbotError(
            f"at step {wrong.step:,} {fault}, after {wrong.recovery.tries} attempts at ever lower "
            f"rates. The last good weights are kept. Look at the pairs of this step in "
            f"{folder.suspects}, or begin anew with a lower --learning-rate and --restart."
        )


def least_saved(folder: ModelFolder, position: Position, engine: Engine) -> float:
    """The least judged loss whose weights the chief keeps, of these pairs; infinite without any."""
    found = _least_saved(folder, position) if engine.team.chief else inf
    return float(engine.team.hear(repr(found).encode()))


def _least_saved(folder: ModelFolder, position: Position) -> float:
    for path in reversed(saved(folder.best)):
        if fault_of(path) is None:
            best = read_position(path)
            same = best.vocabulary == position.vocabulary
            same &= best.store in ("", position.store)  # earlier versions did not record it
            return best.schedule.best if same else inf
    return inf


def without_the_step(now: Position) -> Position:
    """The position after a single refused step: nothing was changed by it, half the rate."""
    health = replace(now.recovery, tries=now.recovery.tries + 1)
    return replace(now, schedule=halved(now.schedule), recovery=health)


def back_to_the_best(now: Position, folder: ModelFolder, engine: Engine) -> Position:
    """Brings back the best weights, with new moments; the position to go on from at half the rate.

    Those that the chief of a team keeps, on all its workers.

    Raises:
        ChatbotError: there are none, or they cannot be read.
    """
    good = from_chief(engine, _back(now, folder, engine) if engine.team.chief else None)
    return replace(good, training=now.training)  # threads and memory are those of this machine


def _back(now: Position, folder: ModelFolder, engine: Engine) -> Position:
    best, _ = newest_whole(folder.best)
    if best is None:
        raise ChatbotError(
            f"{folder.best}: no good weights to go back to at step {now.step}. Begin anew with a "
            "lower --learning-rate and --restart."
        )
    good = read_position(best)
    restore(best, engine.net)
    engine.forget_moments()
    if engine.net.mixture is not None:
        engine.net.mixture.ngrams.index()
    schedule = replace(good.schedule, halvings=now.schedule.halvings, warm_from=good.step)
    return replace(
        now,
        step=good.step,
        heldout_loss=good.heldout_loss,
        losses=good.losses,
        schedule=halved(schedule),
        recovery=recovery.rolled_back(now.recovery, good.recovery),
    )


def suspects(
    folder: ModelFolder, store: TokenStore, runs: Ranges, engine: Engine, max_length: int
) -> str:
    """Lists the pairs of a step in the model folder; the first and where the others are, in words.

    Only the chief of a team does.

    Args:
        folder: the model folder.
        store: its token store.
        runs: which pairs they are.
        engine: what they are judged by.
        max_length: most tokens of a question or reply.
    """
    if not engine.team.chief:
        return "listed by the chief"
    pairs = store.read(runs)
    every = np.arange(len(pairs))
    parts = np.array_split(every, -(-len(pairs) // _AT_ONCE))
    nats, _ = engine.validate(make_batch(pairs.take(part), max_length) for part in parts)
    names = [str(file["name"]) for file in store.header.files]
    return list_pairs(folder.suspects, pairs, nats, names)


def list_pairs(
    path: Path, pairs: EncodedPairs, nats: NDArray[np.float32], files: Sequence[str]
) -> str:
    """Lists the pairs of a step, the highest loss first, a line each: `talk.tsv:17 <TAB> 12.80`.

    Args:
        path: the file to write.
        pairs: the pairs.
        nats: the summed loss of each, [pairs].
        files: the names of the corpora.

    Returns:
        The first of them and where all are listed, in words.
    """
    order = np.argsort(-np.nan_to_num(nats, nan=np.inf), kind="stable")
    places = [f"{files[file]}:{line}" for file, line in pairs.sources[order, :2].tolist()]
    lines = [f"{place}\t{nat:.2f}\n" for place, nat in zip(places, nats[order], strict=True)]
    first = ", ".join(places[:_NAMED]) + (", …" if len(places) > _NAMED else "")
    try:
        write_whole(path, "".join(lines).encode())
    except OSError as error:
        return f"{first} (the others could not be listed: {error.strerror})"
    return f"{first} (all in {path}, the highest loss first)"
