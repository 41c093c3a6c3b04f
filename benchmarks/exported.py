"""What does a bot in one file cost, and one of bytes? Size, time to the first reply, bits lost.

    python benchmarks/exported.py MODEL... [--runs 5] [--questions 500]

Each MODEL is a trained model folder with pairs held out. The bot is exported twice, as it is and
with --int8. The folder and both files answer a question in a new process, in turn; then they are
measured on all held-out pairs, and answer the first held-out questions.

Then it is exported for programs that have no chatbot. A SavedModel answers the same questions as
text in a TensorFlow that knows nothing else, by the bot's own settings. LiteRT's files, of floats
and of bytes, say them greedily, and how likely the held-out replies are, beside the bot itself.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from record import CHATBOT, must, run, save

from chatbot.config import ReplyConfig
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import EOS, GO
from chatbot.folder import bytes_in
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
    rows["savedmodel"] = served(bots["folder"], model, scratch, asked.questions)
    rows |= lite(bots["folder"], model, scratch, asked.questions, rows["folder"]["replies"])
    for row in rows.values():
        row.pop("replies", None)
    print(model, rows, file=sys.stderr)
    return rows


def judged(bot: Bot, model: Path, questions: int) -> dict[str, Any]:
    """Bits per character of the held-out pairs, and greedy replies with the time each takes."""
    with TokenStore(model / "pairs.store") as store:
        bits = Evaluator(bot)(held_out_pairs(store, bot)).bits_per_character
    bot.warm_up()
    replies, seconds = [], []
    for question in held_out(bot, model, questions)[0]:
        began = time.perf_counter()
        replies += bot.answers([question], ReplyConfig())
        seconds.append(time.perf_counter() - began)
    return {
        "bits_per_character": bits,
        "milliseconds": 1e3 * statistics.median(seconds),
        "replies": replies,
    }


def held_out(bot: Bot, model: Path, questions: int) -> tuple[list[list[int]], list[list[int]]]:
    """The first held-out questions and replies, as ids."""
    with TokenStore(model / "pairs.store") as store:
        header = store.header
        pairs = store.read([(header.train, min(header.pairs, header.train + questions))])
    return sides(pairs, bot)


_BARE = """
import json, os, resource, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules["chatbot"] = sys.modules["jieba"] = None
began = time.perf_counter()
import tensorflow as tf
imported = time.perf_counter()
bot = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
loaded = time.perf_counter()
questions = json.load(sys.stdin)
bot(questions=tf.constant(questions[:1]))
replies, seconds = [], []
for question in questions:
    start = time.perf_counter()
    replies.append(bot(questions=tf.constant([question]))["replies"].numpy()[0].decode())
    seconds.append(time.perf_counter() - start)
memory = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([imported - began, loaded - imported, replies, seconds, memory]))
"""


def served(bot: Bot, model: Path, scratch: Path, questions: int) -> dict[str, Any]:
    """What a SavedModel says in a bare TensorFlow, beside what the bot says."""
    folder = scratch / "served"
    command = [CHATBOT, "export", "--as", "savedmodel", "--model", str(model), "--out", str(folder)]
    must(run(command, cwd=scratch))
    asked = [bot.text(ids) for ids in held_out(bot, model, questions)[0]]
    done = run([sys.executable, "-c", _BARE, str(folder)], cwd=scratch, stdin=json.dumps(asked))
    imported, loaded, replies, seconds, memory = json.loads(must(done)["stdout"])
    own = [bot.reply(text) for text in asked]
    return {
        "bytes": bytes_in(folder),
        "seconds_to_import_tensorflow": imported,
        "seconds_to_load": loaded,
        "milliseconds": 1e3 * statistics.median(seconds),
        "peak_memory_bytes": memory,
        "same_replies": sum(map(str.__eq__, replies, own)) / len(own),
    }


def lite(
    bot: Bot, model: Path, scratch: Path, questions: int, said: list[list[int]]
) -> dict[str, dict[str, Any]]:
    """What LiteRT's files say, beside the bot's greedy replies."""
    from ai_edge_litert.interpreter import Interpreter

    asked, replies = held_out(bot, model, questions)
    characters = sum(len(bot.text(reply)) for reply in replies)
    rows = {}
    for name, options in (("litert", []), ("litert int8", ["--int8"])):
        out = scratch / "bot.tflite"
        command = [CHATBOT, "export", "--as", "litert", *options, "--model", str(model)]
        must(run([*command, "--out", str(out)], cwd=scratch))
        began = time.perf_counter()
        interpreter = Interpreter(model_path=str(out))
        begin, step = (interpreter.get_signature_runner(one) for one in ("begin", "step"))
        loaded = time.perf_counter() - began
        same, lost, seconds = 0, 0.0, []
        for question, reply, own in zip(asked, replies, said, strict=True):
            start = time.perf_counter()
            found = greedy(begin, step, question, bot)
            seconds.append((time.perf_counter() - start) / (len(found) + 1))
            same += found == own
            state, before = begin(question=np.array([question], np.int32)), GO
            its = bot.network.begin([question])
            for token in [*reply, EOS]:
                state = step(token=np.array([before], np.int32), **state)
                scores, its = bot.network.step(np.array([before], np.int32), its)
                lost += float(scores[0, token] - state.pop("scores")[0, token])
                before = token
        rows[name] = {
            "bytes": out.stat().st_size,
            "seconds_to_load": loaded,
            "milliseconds_a_token": 1e3 * statistics.median(seconds),
            "same_replies": same / len(asked),
            "bits_lost_per_character": lost / np.log(2) / characters,
        }
    return rows


def greedy(begin: Any, step: Any, question: list[int], bot: Bot) -> list[int]:  # noqa: ANN401
    """The greedy reply of LiteRT's file, under the bot's own rules."""
    config, reply = ReplyConfig(), []
    state, token = begin(question=np.array([question], np.int32)), GO
    for _ in range(config.max_reply):
        state = step(token=np.array([token], np.int32), **state)
        scores = bot.rules.apply(state.pop("scores"), [reply], config)
        token = int(scores.argmax())
        if token == EOS:
            break
        reply.append(token)
    return reply


if __name__ == "__main__":
    main()
