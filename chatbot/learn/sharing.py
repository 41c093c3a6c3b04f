"""What the chief of a team has opened or restored, given to all its workers.

Comes in: the chief's engine and position. Goes out: the same on every worker: weights, moments,
n-grams, position. Knows nothing of where they come from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.learn.engine import Engine
from chatbot.learn.ngrams import Ngrams
from chatbot.learn.position import Position
from chatbot.learn.team import Team

_WHERE = "what the chief says"
OWN = ("threads", "memory")
"""Settings that every machine has its own of."""


def settings_from_chief(
    team: Team, opened: tuple[ModelConfig, TrainingConfig] | None, asked: Mapping[str, Any]
) -> tuple[ModelConfig, TrainingConfig]:
    """The settings of a run, those of the machine aside.

    Args:
        team: the workers.
        opened: what the chief has found; None on the others.
        asked: what was asked for here.
    """
    mine = [one.as_dict() for one in opened] if opened else []
    model, training = json.loads(team.hear(json.dumps(mine).encode()))
    if opened:
        return opened
    settings = TrainingConfig.from_dict(training, _WHERE)
    own = {name: asked[name] if name in asked else getattr(TrainingConfig(), name) for name in OWN}
    return ModelConfig.from_dict(model, _WHERE), replace(settings, **own)


def from_chief(engine: Engine, position: Position | None) -> Position:
    """Gives every worker what the chief's engine holds, and where its run stands.

    Args:
        engine: of the settings of the run.
        position: where it stands; None on workers that are not the chief.
    """
    team = engine.team
    if team.workers == 1 and position is not None:
        return position
    optimizer = engine.optimizer
    moments = [*optimizer.first, *optimizer.second, optimizer.steps]
    team.share([*engine.net.named.values(), *moments, *optimizer.marks])
    if (mixture := engine.net.mixture) is not None:
        packed = mixture.ngrams.to_bytes() if team.chief else b""
        heard = team.hear(packed)
        if not team.chief:
            mixture.counts.ngrams = Ngrams.from_bytes(heard)
            mixture.ngrams.index()
    text = team.hear(position.to_json().encode() if position is not None else b"").decode()
    found = Position.from_json(text, _WHERE)
    if position is not None:
        return position
    return found
