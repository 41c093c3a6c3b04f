"""Does training show what is held out?

    python benchmarks/holdout.py CORPUS...

Builds each corpus and counts the held-out pairs whose reply is the question of a training pair, or
whose question is the reply of one: pairs of a talk follow each other. Beside it the same where as
many pairs are held out one by one, by a hash of question and reply. By chance alone some are there
anyway, as people say the same again.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from record import CHATBOT, must, run, save

from chatbot.corpus.store import TokenStore
from chatbot.folder import ModelFolder

_Pair = tuple[bytes, bytes]
BUILD = [CHATBOT, "build-vocab", "--tokenizer", "char", "--min-freq", "1", "--no-openings"]


def pairs_of(model: Path) -> tuple[list[_Pair], int]:
    """The pairs of a built model as bytes of ids, and how many of them are for training."""
    with TokenStore(ModelFolder(model).store) as store:
        pairs = store.read([(0, store.header.pairs)])
        ends = pairs.bounds.tolist()
        sides = [pairs.tokens[a:b].tobytes() for a, b in zip(ends, ends[1:], strict=False)]
        return list(zip(sides[::2], sides[1::2], strict=True)), store.header.train


def shown(held: Sequence[_Pair], train: Sequence[_Pair]) -> dict[str, float]:
    """Of held-out pairs the shares whose reply is asked, and question said, in training."""
    asked, said = ({pair[side] for pair in train} for side in (0, 1))
    return {
        "held_out": len(held),
        "replies_asked": round(sum(reply in asked for _, reply in held) / len(held), 4),
        "questions_said": round(sum(question in said for question, _ in held) / len(held), 4),
    }


def one_by_one(pairs: Sequence[_Pair], number: int) -> dict[str, float]:
    """The same where so many pairs are held out by a hash of question and reply."""
    hashes = [hashlib.blake2b(b"\0".join(pair), digest_size=8).digest() for pair in pairs]
    limit = sorted(hashes)[number]
    held = [pair for pair, found in zip(pairs, hashes, strict=True) if found < limit]
    train = [pair for pair, found in zip(pairs, hashes, strict=True) if found >= limit]
    return shown(held, train)


def main() -> None:
    """Builds, counts and records."""
    found = {}
    for corpus in map(Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as name:
            must(run([*BUILD, str(corpus.resolve()), "--model", "model"], cwd=Path(name)))
            pairs, train = pairs_of(Path(name) / "model")
        found[corpus.name] = {
            "pairs": len(pairs),
            "stretches": shown(pairs[train:], pairs[:train]),
            "one_by_one": one_by_one(pairs, len(pairs) - train),
        }
    save("holdout", found)


if __name__ == "__main__":
    main()
