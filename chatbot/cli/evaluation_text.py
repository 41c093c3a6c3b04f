"""An assessment of a bot, in words: as a table in the terminal, and as a page.

Comes in: an `Assessment`, and a `Comparison` if there is one. Goes out: text, and HTML.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.cli.document import document, quoted, section, table
from chatbot.cli.show import counted

if TYPE_CHECKING:
    from chatbot.talk.assessment import Assessment, Comparison
    from chatbot.talk.evaluation import Metrics
    from chatbot.talk.measures import ReplyMeasures

_BLEU = (
    "BLEU and chrF are low in open dialogue, as most utterances have many good replies; they tell "
    "bots apart, not good replies from bad ones."
)


def report(found: Assessment, comparison: Comparison | None, other: Path | None) -> str:
    """The tables and verdicts as text."""
    parts = []
    for title, rows in _tables(found):
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:<{width}}  {value}" for name, value in rows]
        parts.append("\n".join([*([title] if title else []), *lines]))
    verdicts = _verdicts(found, comparison, other)
    return "\n\n".join([*parts, "\n".join(verdicts)] if verdicts else parts)


def page(found: Assessment, comparison: Comparison | None, other: Path | None, where: str) -> str:
    """The same as one HTML page."""
    parts = [f"<header>\n<h1>{quoted(where)}, measured</h1>\n</header>"]
    if verdicts := _verdicts(found, comparison, other):
        items = "".join(f"<li>{quoted(one)}</li>" for one in verdicts)
        parts.append(section("In words", f"<ul>{items}</ul>"))
    for title, rows in _tables(found):
        quotes = [[quoted(name), quoted(value)] for name, value in rows]
        parts.append(section(title or "What it predicts", table(["", ""], quotes, {})))
    if found.replies is not None and found.replies.bleu is not None:
        parts.append(f"<p class='soft'>{_BLEU} {quoted(found.replies.signature or '')}</p>")
    return document(f"{where}, measured by chatbot", parts)


def _verdicts(found: Assessment, comparison: Comparison | None, other: Path | None) -> list[str]:
    verdicts = found.verdicts()
    return verdicts if comparison is None else [*verdicts, comparison.verdict(str(other))]


def _tables(found: Assessment) -> list[tuple[str, list[tuple[str, str]]]]:
    """Titles, and rows of names and values."""
    gain = found.question_gain
    predicted = _metrics(found.metrics)
    if gain is not None:
        predicted.append(("gain by the question", f"{gain:.4f} nats per token"))
    tables = [("", predicted)]
    if found.baselines:
        rows = [(name, f"{value:.4f}") for name, value in found.baselines.items()]
        tables.append(("bits per character", rows))
    if found.replies is not None:
        rows = _replies(found.replies)
        if found.copied is not None:
            rows.append(("copied from training", f"{found.copied:.1%}"))
        tables.append((f"its replies to {counted(found.replies.replies, 'question')}", rows))
    if found.nearest is not None:
        tables.append(("replies to the nearest training question", _replies(found.nearest)))
    return tables


def _metrics(metrics: Metrics) -> list[tuple[str, str]]:
    return [
        ("pairs", f"{metrics.pairs:,}"),
        ("tokens", f"{metrics.tokens:,}"),
        ("characters", f"{metrics.characters:,}"),
        ("loss", f"{metrics.loss_nats:.4f} nats per token"),
        ("perplexity", f"{metrics.perplexity:.2f}"),
        ("bits per character", f"{metrics.bits_per_character:.4f}"),
        ("unknown tokens", f"{metrics.unknown_rate:.3%}"),
        ("lost characters", f"{metrics.lost_characters:,}"),
        ("token accuracy", f"{metrics.token_accuracy:.2%}"),
    ]


def _replies(found: ReplyMeasures) -> list[tuple[str, str]]:
    rows = [
        ("distinct-1, distinct-2", f"{found.distinct_1:.4f}, {found.distinct_2:.4f}"),
        ("entropy of four words", f"{found.entropy:.2f} bits"),
        ("commonest", f"{found.commonest_share:.1%}: {found.commonest}"),
        ("characters", f"{found.characters:.1f}, {found.length_ratio:.2f} of people's"),
        ("repetition", f"{found.repetition:.2%}"),
    ]
    if found.bleu is None or found.chrf is None:
        return [*rows, ("BLEU", "not measured: pip install 'chatbot[bleu]'")]
    return [*rows, ("BLEU, chrF", f"{found.bleu:.2f}, {found.chrf:.2f}")]
