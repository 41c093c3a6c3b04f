"""`chatbot evaluate`: how well the bot predicts replies it was not trained on, and what it says."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chatbot.cli.corpora import opened, reading_options
from chatbot.cli.options import (
    bot_option,
    check_writable,
    checkpoint_option,
    json_option,
    settings_of,
    writing,
)
from chatbot.cli.show import load_bot, tell
from chatbot.config import ReadingConfig
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder, write_whole

if TYPE_CHECKING:
    from chatbot.corpus.encoded import EncodedPairs
    from chatbot.corpus.store import TokenStore
    from chatbot.talk.assessment import Assessment, Comparison
    from chatbot.talk.bot import Bot


@click.command()
@click.argument("pairs", nargs=-1, metavar="[PAIRS]...", type=click.Path(path_type=Path))
@bot_option
@checkpoint_option
@click.option(
    "--replies",
    type=click.IntRange(0),
    default=1_000,
    show_default=True,
    metavar="N",
    help="measure the replies to so many questions",
)
@click.option(
    "--compare",
    "other",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="say whether this bot is better than the one in another model folder, or in a file",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="write a page, too",
)
@reading_options
@json_option
def evaluate(
    pairs: tuple[Path, ...],
    model: Path,
    checkpoint: str | None,
    replies: int,
    other: Path | None,
    html: Path | None,
    as_json: bool,
    **settings: Any,  # noqa: ANN401 - those of ReadingConfig
) -> None:
    """Measure the bot: what it predicts, what it says, and what simple models would.

    PAIRS are files in any format that build-vocab reads; without any, the pairs held out of
    training are used.
    """
    from chatbot.cli.evaluation_text import page, report

    with ExitStack() as stack:
        reading = settings_of(ReadingConfig, settings)
        corpora = stack.enter_context(opened(pairs, reading)).corpora if pairs else ()
        store = None if pairs else stack.enter_context(_store(model))
        if html is not None:
            check_writable("--html", html)
        bot = load_bot(model, checkpoint)
        against = None if other is None else load_bot(other)
        if against is not None and store is not None:
            _check_comparable(bot, against, other)
        from chatbot.talk.assessment import assess, compare
        from chatbot.talk.evaluation import Evaluator, held_out_pairs, pairs_of_text

        def parts(bot: Bot) -> Iterator[EncodedPairs]:
            """The pairs to evaluate on, encoded for a bot."""
            return pairs_of_text(corpora, bot) if store is None else held_out_pairs(store, bot)

        each: list[Any] = []
        found = assess(bot, parts(bot), store, replies, each)
        comparison = None
        if against is not None:
            others: list[Any] = []
            Evaluator(against)(parts(against), others)
            comparison = compare(each, others)
    if as_json:
        click.echo(json.dumps(_facts(found, comparison, other), ensure_ascii=False))
    else:
        click.echo(report(found, comparison, other))
    if html is not None:
        with writing("--html", html):
            write_whole(html, page(found, comparison, other, str(model)).encode())
        tell(f"wrote {html}")


def _store(model: Path) -> TokenStore:
    """The token store of a model folder."""
    if model.is_file():
        raise ChatbotError(f"{model}: a bot in one file has no pairs. Name files to evaluate on.")
    from chatbot.corpus.store import TokenStore

    return TokenStore(ModelFolder(model).store)


def _check_comparable(bot: Bot, against: Bot, other: Path | None) -> None:
    """Raises if the pairs held out for a bot mean nothing to the other."""
    if against.vocabulary.digest != bot.vocabulary.digest:
        raise ChatbotError(
            f"--compare {other}: has another vocabulary, so that the held-out pairs mean nothing "
            "to it. Name a file of pairs to compare on."
        )


def _facts(found: Assessment, comparison: Comparison | None, other: Path | None) -> dict[str, Any]:
    """JSON-ready; what is infinite is null."""
    facts = found.as_dict()
    if comparison is not None:
        said = {"verdict": comparison.verdict(str(other))}
        facts["comparison"] = {"with": str(other), **comparison._asdict(), **said}
    finite: dict[str, Any] = _finite(facts)
    return finite


def _finite(value: Any) -> Any:  # noqa: ANN401 - anything JSON-ready
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
