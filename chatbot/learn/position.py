"""Where a run stands: all it needs to go on but the numbers in its tensors.

Comes in: step, schedule, settings. Goes out: one text, and the same back. Knows nothing of files.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.errors import ChatbotError
from chatbot.learn.comparison import Block
from chatbot.learn.recovery import Recovery
from chatbot.learn.schedule import Schedule

FORMAT = 2

_BLOCKS = ("before", "block")


@dataclass(frozen=True)
class Position:
    """Where a run stands, and what it needs to go on.

    Attributes:
        step: steps done.
        seconds: training time so far.
        schedule: state of the learning rate.
        heldout_loss: of the last validation, nats per token, if there was one.
        vocabulary: digest of the vocabulary.
        size: its entries, V.
        model: settings of the network.
        training: settings of the run.
        recovery: how healthy the run is.
        losses: of the last few steps, nats per token.
        went_back: what was said of the roll-back that led here, empty once a step has been done.
        store: what tells the token store from others, empty where that was not yet recorded.
    """

    step: int
    seconds: float
    schedule: Schedule
    heldout_loss: float | None
    vocabulary: str
    size: int
    model: ModelConfig
    training: TrainingConfig
    recovery: Recovery = Recovery()
    losses: tuple[float, ...] = ()
    store: str = ""
    went_back: str = ""

    @property
    def mean_loss(self) -> float | None:
        """The mean loss of the last few steps, if there were any."""
        return fmean(self.losses) if self.losses else None

    def to_json(self) -> str:
        """The position as one line of JSON; losses of single pairs in base 64."""
        values = dataclasses.asdict(self)
        for name in _BLOCKS:
            block = values["schedule"][name]
            block["sums"] = base64.b64encode(block["sums"]).decode()
        return json.dumps({"format": FORMAT, **values})

    @classmethod
    def from_json(cls, text: str, where: str) -> Position:
        """What `to_json` gave, read back.

        Raises:
            ChatbotError: another format number or unknown settings.
        """
        values: dict[str, Any] = json.loads(text)
        number = values.pop("format")
        if number != FORMAT:
            raise ChatbotError(
                f"{where}: format {number}, this version reads {FORMAT}. Train anew with --restart."
            )
        schedule, recovery = values.pop("schedule"), values.pop("recovery", {})
        for state in (schedule, recovery):
            state["recent"] = tuple(state.get("recent", ()))
        schedule.pop("waited", None)  # of version 0.1.0
        for name in _BLOCKS:
            block = schedule.get(name, {"sums": "", "means": ()})
            schedule[name] = Block(base64.b64decode(block["sums"]), tuple(block["means"]))
        values["losses"] = tuple(values.get("losses", ()))
        return cls(
            schedule=Schedule(**schedule),
            recovery=Recovery(**recovery),
            model=ModelConfig.from_dict(values.pop("model"), where),
            training=TrainingConfig.from_dict(values.pop("training"), where),
            **values,
        )
