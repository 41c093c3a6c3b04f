"""Settings of replies: how one is chosen.

Comes in: values from the command line or from Python. Goes out: a frozen dataclass whose values
have been checked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from chatbot.settings import Config, setting

ANTI_LM, NO_REPEAT, MMI, MMI_BEAM = 0.5, 4, 0.5, 10  # see docs/chat.md


@dataclass(frozen=True)
class ReplyConfig(Config):
    """How a reply is chosen; belongs to one conversation."""

    beam: int = setting(
        1, "width of the beam; 1 is greedy; not used when replies are drawn", minimum=1, maximum=100
    )
    length_penalty: float = setting(
        0.6, "how much a beam favours longer replies; 0 not at all", minimum=0, maximum=10
    )
    groups: int = setting(
        1,
        "parts of the beam, of one reply at least, that are kept from choosing the same words",
        minimum=1,
        maximum=100,
    )
    diversity: float = setting(
        0.5, "what a word costs a group that another has chosen, in nats", minimum=0, maximum=1e6
    )
    anti_lm: float | None = setting(
        None,
        "how much it counts against a word that it is likely whatever was asked  "
        f"[default: {ANTI_LM}; 0 for pairs learned by heart]",
        minimum=0,
        maximum=1,
    )
    anti_lm_tokens: int = setting(
        5, "for how many tokens of a reply --anti-lm counts", minimum=1, maximum=10_000
    )
    mmi: float | None = setting(
        None,
        "what it counts for, of 1, among the best of a beam that a reply makes its question "
        f"likely; not used when replies are drawn  [default: {MMI} with --backward, and a beam of "
        f"1 becomes {MMI_BEAM}]",
        minimum=0,
        maximum=1,
    )
    temperature: float = setting(
        0.0, "draw from the distribution at this temperature; 0 takes the likeliest", minimum=0
    )
    top_k: int = setting(
        0, "when replies are drawn, only among this many likeliest tokens; 0 for all", minimum=0
    )
    top_p: float = setting(
        1.0,
        "when replies are drawn, only among the likeliest tokens that reach this together",
        minimum=1e-6,
        maximum=1,
    )
    typical: float = setting(
        1.0, "the same of those nearest to the expected information", minimum=1e-6, maximum=1
    )
    no_repeat: int | None = setting(
        None,
        "no so many tokens in a row stand twice in a reply; 0 allows it  "
        f"[default: {NO_REPEAT}; 0 for pairs learned by heart]",
        minimum=0,
    )
    repetition_penalty: float = setting(1, "what a repeat costs; 1 is free", minimum=1, maximum=1e3)
    ban: str | None = setting(None, "words never to say, separated by commas  [default: none]")
    min_reply: int = setting(1, "fewest tokens in a reply", minimum=1, maximum=10_000)
    max_reply: int = setting(60, "most tokens in a reply", minimum=1, maximum=1_000)
    seed: int = setting(0, "seed of what is drawn", minimum=0, maximum=2**63 - 1)

    def settled(self, *, by_heart: bool, backward: bool) -> Self:
        """The settings, with what is not given as this bot has it.

        For `anti_lm` and `no_repeat` the recorded comparison of docs/chat.md decides.

        Args:
            by_heart: the bot has learned its pairs by heart, and is to say them as they are.
            backward: there is a backward model.
        """
        anti_lm, no_repeat = (0.0, 0) if by_heart else (ANTI_LM, NO_REPEAT)
        mmi = MMI if self.mmi is None else self.mmi
        mmi = mmi if backward and not self.temperature else 0.0
        return replace(
            self,
            anti_lm=anti_lm if self.anti_lm is None else self.anti_lm,
            no_repeat=no_repeat if self.no_repeat is None else self.no_repeat,
            mmi=mmi,
            beam=MMI_BEAM if mmi and self.beam == 1 else self.beam,
        )
