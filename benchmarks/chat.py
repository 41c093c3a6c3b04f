"""How soon is the prompt there, how fast are replies, how much memory does a conversation take?

    python benchmarks/chat.py MODEL [--runs 10] [--questions 1000]

MODEL is a trained model folder with held-out pairs. Starts `chatbot chat` in a terminal of its own
so many times and takes the time from the start to the prompt, to the first reply to who types at
once, and the resident memory after twenty replies. In one process it takes the time of replies of
ten tokens, of greedy and of a beam of 5. Then every token of the greedy replies to held-out
questions is compared with what the network in TensorFlow says.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import signal
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from record import CHATBOT, save

from chatbot.config import ReplyConfig
from chatbot.corpus.encoded import EncodedPairs
from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import EOS
from chatbot.talk.bot import Bot
from chatbot.talk.decoding import decode

TIMED = 200
COMPARED = 50
"""Questions that are compared at a time."""

NEAR = 1e-4
"""Scores that lie nearer than this may be taken for equal: float32 has no more."""

_QUESTION = "你今天过得怎么样"


def main() -> None:
    """Times, compares and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--questions", type=int, default=1_000)
    asked = parser.parse_args()
    talked(asked.model)  # not counted: files come from the disk, Python compiles
    starts = [talked(asked.model) for _ in range(asked.runs)]
    bot = Bot.load(asked.model)
    bot.warm_up()
    questions = held_out(asked.model, bot, asked.questions)
    result = {
        "vocabulary": len(bot.vocabulary),
        "units": bot.position.model.units,
        "runs": asked.runs,
        **{name: summary([start[name] for start in starts]) for name in starts[0]},
        "milliseconds_of_ten_tokens": {
            name: summary(timed(bot, questions[:TIMED], config))
            for name, config in {
                "greedy": ReplyConfig(min_reply=10, max_reply=10),
                "beam 5": ReplyConfig(min_reply=10, max_reply=10, beam=5),
                "anti-LM 0.5": ReplyConfig(min_reply=10, max_reply=10, anti_lm=0.5),
            }.items()
        },
        "against_tensorflow": compared(bot, questions),
    }
    save("chat", result)


def summary(numbers: list[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": statistics.median(numbers), "least": min(numbers), "most": max(numbers)}


def talked(model: Path) -> dict[str, float]:
    """One conversation in a terminal."""
    began = time.monotonic()
    child, end = pty.fork()
    if not child:
        os.environ["PROMPT_TOOLKIT_NO_CPR"] = "1"
        os.execv(CHATBOT, [CHATBOT, "chat", "--model", str(model)])
    seen = Screen(end)
    seen.wait_for("> ")
    prompt = time.monotonic() - began
    os.write(end, f"{_QUESTION}\r".encode())
    seen.wait_for("\n[^/\n]+\n.*> ")
    first = time.monotonic() - began
    for _ in range(20):
        os.write(end, f"{_QUESTION}\r".encode())
        seen.wait_for("\n.+\n.*> ")
    status = Path(f"/proc/{child}/status").read_text()
    resident, peak = (int(re.search(rf"{name}:\s+(\d+)", status)[1]) for name in ("VmRSS", "VmHWM"))
    os.write(end, b"/quit\r")
    time.sleep(0.3)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(end)
    return {
        "seconds_to_prompt": prompt,
        "seconds_to_first_reply": first,
        "resident_bytes": resident * 1024,
        "peak_bytes": peak * 1024,
    }


class Screen:
    """What a terminal shows."""

    def __init__(self, end: int) -> None:
        """Takes the end of the terminal that a person sits at."""
        self._end, self._text = end, ""

    def wait_for(self, pattern: str) -> None:
        """Reads until it is there; forgets what came before."""
        until = time.monotonic() + 60
        while not (found := re.search(pattern, self._text)):
            ready, _, _ = select.select([self._end], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                sys.exit(f"{pattern!r} is not in {self._text!r}")
            text = os.read(self._end, 1 << 16).decode("utf-8", "replace")
            text = text.replace(">\b\x1b[2C", "> ")
            self._text += re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|[=>])|[\r\x07\x08]", "", text)
        self._text = self._text[found.end() :]


def held_out(model: Path, bot: Bot, count: int) -> list[list[int]]:
    """Questions of held-out pairs, as ids."""
    with TokenStore(model / "pairs.store") as store:
        header = store.header
        pairs = store.read([(header.train, min(header.pairs, header.train + count))])
    longest = bot.position.training.max_length
    return [half[-longest:].tolist() for half in np.split(pairs.tokens, pairs.bounds[1:-1])[::2]]


def timed(bot: Bot, questions: list[list[int]], config: ReplyConfig) -> list[float]:
    """Milliseconds of each reply, one after another."""
    found = []
    for question in questions:
        began = time.perf_counter()
        (reply,) = decode(bot.network, [question], config, bot.rules)
        found.append(1e3 * (time.perf_counter() - began))
        if len(reply) != 10:
            sys.exit(f"{len(reply)} tokens instead of 10")
    return found


def compared(bot: Bot, questions: list[list[int]]) -> dict[str, Any]:
    """How many greedy replies have every token that TensorFlow's network would choose.

    Its choices after the first tokens of a reply are those of the pass that training makes.
    """
    from chatbot.talk.evaluation import Evaluator

    evaluator, config = Evaluator(bot), ReplyConfig()
    same = near = tokens = 0
    for first in range(0, len(questions), COMPARED):
        asked = questions[first : first + COMPARED]
        replies = bot.answers(asked, config)
        pairs = EncodedPairs.of_sides(asked, replies, np.zeros((len(asked), 4), np.int64))
        for reply, scores in zip(replies, evaluator.scores(pairs), strict=True):
            wanted = [*reply, EOS][: config.max_reply]
            for place, token in enumerate(wanted):
                allowed = bot.rules.apply(scores[place, None], [wanted[:place]], config)[0]
                tokens += 1
                if int(allowed.argmax()) != token:
                    near += bool(allowed.max() - allowed[token] < NEAR)
                    break
            else:
                same += 1
    return {
        "replies": len(questions),
        "tokens": tokens,
        "the_same": same,
        "differ_where_two_scores_are_within_1e-4": near,
        "differ": len(questions) - same - near,
    }


if __name__ == "__main__":
    main()
