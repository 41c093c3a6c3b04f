"""`chatbot evaluate`: how well the bot predicts replies it was not trained on."""

from __future__ import annotations

import dataclasses
import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chatbot.cli.corpora import opened, reading_options
from chatbot.cli.options import checkpoint_option, json_option, model_option, settings_of
from chatbot.cli.show import tell_damaged
from chatbot.config import ReadingConfig
from chatbot.folder import ModelFolder

if TYPE_CHECKING:
    from chatbot.talk.evaluation import Metrics


@click.command()
@click.argument("pairs", nargs=-1, metavar="[PAIRS]...", type=click.Path(path_type=Path))
@model_option
@checkpoint_option
@reading_options
@json_option
def evaluate(
    pairs: tuple[Path, ...],
    model: Path,
    checkpoint: str | None,
    as_json: bool,
    **settings: Any,  # noqa: ANN401 - those of ReadingConfig
) -> None:
    """Measure the bot on pairs: loss, perplexity, bits per character, token accuracy.

    PAIRS are files in any format that build-vocab reads; without any, the pairs held out of
    training are used.
    """
    from chatbot.corpus.store import TokenStore

    with ExitStack() as stack:
        reading = settings_of(ReadingConfig, settings)
        corpora = stack.enter_context(opened(pairs, reading)).corpora if pairs else ()
        store = None if pairs else stack.enter_context(TokenStore(ModelFolder(model).store))
        from chatbot.talk import evaluation
        from chatbot.talk.bot import Bot

        bot = Bot.load(model, checkpoint)
        tell_damaged(bot)
        parts = evaluation.pairs_of_text(corpora, bot)
        if store is not None:
            parts = evaluation.held_out_pairs(store, bot)
        metrics = evaluation.evaluate(bot, parts)
    click.echo(json.dumps(dataclasses.asdict(metrics)) if as_json else _table(metrics))


def _table(metrics: Metrics) -> str:
    rows = {
        "pairs": f"{metrics.pairs:,}",
        "tokens": f"{metrics.tokens:,}",
        "characters": f"{metrics.characters:,}",
        "loss": f"{metrics.loss_nats:.4f} nats per token",
        "perplexity": f"{metrics.perplexity:.2f}",
        "bits per character": f"{metrics.bits_per_character:.4f}",
        "unknown tokens": f"{metrics.unknown_rate:.3%}",
        "lost characters": f"{metrics.lost_characters:,}",
        "token accuracy": f"{metrics.token_accuracy:.2%}",
    }
    width = max(map(len, rows))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())
