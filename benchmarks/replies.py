"""Which way of choosing replies gives the best ones? What --anti-lm, beams and draws are worth.

    python benchmarks/replies.py --work DIR CORPUS CORPUS [--pairs 1000] [--minutes 4]

Each CORPUS is one that build-vocab reads. On each two bots are trained for so many minutes with
seeds 0 and 1, and one on the pairs turned round, unless they stand in DIR already. The first
answers so many held-out questions in every way of METHODS, by MMI with the third as backward model;
the second judges the replies: bits per character of the reply, given the question. Replies are
found one question at a time, as in a conversation, so that their times can be compared; the rounds
of all methods alternate.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from record import CHATBOT, save

from chatbot.config import ReplyConfig
from chatbot.corpus.encoded import EncodedPairs
from chatbot.corpus.store import TokenStore
from chatbot.talk.assessment import sides
from chatbot.talk.bot import Bot
from chatbot.talk.evaluation import Evaluator
from chatbot.talk.measures import measure

METHODS = {
    "greedy": {},
    "no 3 twice": {"no_repeat": 3},
    "no 4 twice": {"no_repeat": 4},
    "no 5 twice": {"no_repeat": 5},
    "repetition penalty 1.2": {"repetition_penalty": 1.2},
    "anti-LM 0.3": {"anti_lm": 0.3},
    "anti-LM 0.5": {"anti_lm": 0.5},
    "anti-LM 0.7": {"anti_lm": 0.7},
    "anti-LM 0.3, no 4 twice": {"anti_lm": 0.3, "no_repeat": 4},
    "anti-LM 0.5, no 4 twice": {"anti_lm": 0.5, "no_repeat": 4},
    "anti-LM 0.7, no 4 twice": {"anti_lm": 0.7, "no_repeat": 4},
    "beam 5": {"beam": 5},
    "diverse beam 6 in 3": {"beam": 6, "groups": 3},
    "anti-LM 0.5, beam 5": {"anti_lm": 0.5, "beam": 5},
    "MMI 0.3, beam 10": {"mmi": 0.3, "beam": 10},
    "MMI 0.5, beam 10": {"mmi": 0.5, "beam": 10},
    "MMI 0.7, beam 10": {"mmi": 0.7, "beam": 10},
    "MMI 0.5, anti-LM 0.5, beam 10": {"mmi": 0.5, "anti_lm": 0.5, "beam": 10},
    "MMI 0.5, anti-LM 0.5, no 4 twice, beam 10": {
        "mmi": 0.5,
        "anti_lm": 0.5,
        "no_repeat": 4,
        "beam": 10,
    },
    "draw, temperature 1": {"temperature": 1.0},
    "draw, temperature 0.7": {"temperature": 0.7},
    "nucleus 0.9": {"temperature": 1.0, "top_p": 0.9},
    "typical 0.9": {"temperature": 1.0, "typical": 0.9},
}

_TIMED = 100
"""Questions that are answered one by one for the time."""


def main() -> None:
    """Trains, answers, judges and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", type=Path, nargs=2)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=1_000)
    parser.add_argument("--minutes", type=float, default=4)
    asked = parser.parse_args()
    found, work = {}, asked.work.resolve()
    for corpus in asked.corpora:
        models = [trained(work, corpus, str(seed), asked.minutes) for seed in (0, 1)]
        backward = trained(work, corpus, "backward", asked.minutes)
        bot = Bot.load(models[0], backward=backward)
        found[corpus.name] = compared(bot, Bot.load(models[1]), models[0], asked.pairs)
    save("replies", {"pairs": asked.pairs, "minutes": asked.minutes, "corpora": found})


def trained(work: Path, corpus: Path, which: str, minutes: float) -> Path:
    """The model folder of a bot, of a seed or `backward`, which is made if it is not there."""
    model = work / f"{corpus.name.split('.')[0]}-{which}"
    if not (model / "best").exists():
        work.mkdir(parents=True, exist_ok=True)
        build = [CHATBOT, "build-vocab", str(corpus.resolve()), "--model", str(model)]
        train = [CHATBOT, "train", "--model", str(model), "--quiet", "--minutes", str(minutes)]
        backward = which == "backward"
        subprocess.run([*build, "--reverse"] if backward else build, check=True)
        subprocess.run(train if backward else [*train, "--seed", which], check=True)
    return model


def compared(bot: Bot, judge: Bot, model: Path, count: int) -> list[dict[str, Any]]:
    """What each method's replies are like."""
    if bot.vocabulary.digest != judge.vocabulary.digest:
        sys.exit(f"{model}: the second bot has another vocabulary.")
    with TokenStore(model / "pairs.store") as store:
        header = store.header
        pairs = store.read([(header.train, min(header.pairs, header.train + count))])
    questions, said = sides(pairs, bot)
    given = [bot.text(ids) for ids in said]
    bot.warm_up()
    judged_by = Evaluator(judge)
    rows = []
    for name, settings in METHODS.items():
        config = ReplyConfig(**settings)
        replies = bot.answers(questions, config)
        texts = [bot.text(reply) for reply in replies]
        judged = judged_by([encoded(questions, replies, texts)])
        measures = dataclasses.asdict(measure(replies, texts, given))
        rows.append({"method": name, **settings, **measures, "bits": judged.bits_per_character})
    for row, seconds in zip(rows, timed(bot, questions[:_TIMED]), strict=True):
        row["milliseconds"] = 1e3 * statistics.median(seconds)
        print(
            f"{row['method']:28} {row['distinct_2']:.3f} {row['commonest_share']:.3f} "
            f"{row['bleu']:.2f} {row['bits']:.2f} {row['milliseconds']:.1f}",
            file=sys.stderr,
        )
    return rows


def timed(bot: Bot, questions: list[list[int]]) -> list[list[float]]:
    """For each method the seconds of every reply."""
    found: list[list[float]] = [[] for _ in METHODS]
    for question in questions:
        for seconds, settings in zip(found, METHODS.values(), strict=True):
            began = time.perf_counter()
            bot.answers([question], ReplyConfig(**settings))
            seconds.append(time.perf_counter() - began)
    return found


def encoded(questions: list[list[int]], replies: list[list[int]], texts: list[str]) -> EncodedPairs:
    """Pairs as an evaluation takes them."""
    sources = np.zeros((len(questions), 4), np.int64)
    sources[:, 2] = [len(text) for text in texts]
    return EncodedPairs.of_sides(questions, replies, sources)


if __name__ == "__main__":
    main()
