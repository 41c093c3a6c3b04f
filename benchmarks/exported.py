"""What does a bot in one file cost, and one of bytes? Size, time to the first reply, bits lost.

    python benchmarks/exported.py MODEL... [--runs 5] [--questions 500]

Each MODEL is a trained model folder with pairs held out. The bot is exported twice, as it is and
with --int8. The folder and both files answer a question in a new process, in turn; then they are
measured on all held-out pairs, and answer the first held-out questions.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from record import CHATBOT, must, run, save

from chatbot.config import ReplyConfig
from chatbot.corpus.store import TokenStore
from chatbot.talk.assessment import sides
from chatbot.talk.bot import Bot
from chatbot.talk.evaluation import Evaluator, held_out_pairs


def main() -> None:
    """Exports, measures and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--questions", type=int, default=500)
    asked = parser.parse_args()
    found = {}
    for model in asked.models:
        with tempfile.TemporaryDirectory() as scratch:
            found[str(model)] = compared(model.resolve(), Path(scratch), asked)
    save("exported", {"runs": asked.runs, "questions": asked.questions, "models": found})


def compared(model: Path, scratch: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """The folder beside both files."""
    places = {"folder": model, "file": scratch / "bot", "int8": scratch / "small"}
    for name, options in (("file", []), ("int8", ["--int8"])):
        out = ["--out", str(places[name])]
        must(run([CHATBOT, "export", "--model", str(model), *options, *out], cwd=scratch))
    first: dict[str, list[dict[str, Any]]] = {name: [] for name in places}
    for _ in range(asked.runs):
        for name, place in places.items():
            command = [CHATBOT, "chat", "--model", str(place)]
            first[name].append(must(run(command, cwd=scratch, stdin="你好\n")))
    bots = {name: Bot.load(place) for name, place in places.items()}
    rows = {name: judged(bot, model, asked.questions) for name, bot in bots.items()}
    for name, row in rows.items():
        said = rows["folder"]["replies"]
        row["same_replies"] = sum(map(list.__eq__, row["replies"], said)) / len(said)
        row["seconds_to_first_reply"] = statistics.median(one["seconds"] for one in first[name])
        paths = [bots[name].checkpoint]
        if name == "folder":
            paths = [*paths[0].parent.glob(f"{paths[0].name}.*"), model / "vocabulary.txt"]
        row["bytes"] = sum(path.stat().st_size for path in paths)
    for row in rows.values():
        del row["replies"]
    print(model, rows, file=sys.stderr)
    return rows


def judged(bot: Bot, model: Path, questions: int) -> dict[str, Any]:
    """Bits per character of the held-out pairs, and greedy replies with the time each takes."""
    with TokenStore(model / "pairs.store") as store:
        bits = Evaluator(bot)(held_out_pairs(store, bot)).bits_per_character
        header = store.header
        pairs = store.read([(header.train, min(header.pairs, header.train + questions))])
    bot.warm_up()
    replies, seconds = [], []
    for question in sides(pairs, bot)[0]:
        began = time.perf_counter()
        replies += bot.answers([question], ReplyConfig())
        seconds.append(time.perf_counter() - began)
    return {
        "bits_per_character": bits,
        "milliseconds": 1e3 * statistics.median(seconds),
        "replies": replies,
    }


if __name__ == "__main__":
    main()
