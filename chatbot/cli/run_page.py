"""A training run as one HTML page.

Comes in: `RunFacts` and the `Curve`s of the run. Goes out: a document that needs nothing else and
whose size is bounded however long the run was. Replies and notes are quoted: they stay text
whatever they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from chatbot.cli.curve_svg import drawing
from chatbot.cli.curves import Curve
from chatbot.cli.document import document, facts, quoted, section, table, warning
from chatbot.cli.run_events import KIND_NAMES, Event
from chatbot.cli.run_facts import Reply, RunFacts, Setting, alarmed, headline
from chatbot.cli.show import duration, size
from chatbot.settings import option_of

_EVENTS = 60
_QUESTIONS = 20
_REPLIES = 6
_ALARMS = 10
_SETTINGS = 100
_LONGEST = 400
_WIDE = ' class="wide"'


def page(facts: RunFacts, curves: Sequence[Curve], where: str) -> str:
    """The whole document.

    Args:
        facts: what the history says.
        curves: what is drawn.
        where: the model folder.
    """
    parts = [
        _head(facts, where),
        warning("Look first", [_short(one) for one in list(alarmed(facts))[:_ALARMS]]),
        _curves(curves),
        _events(facts.events),
        _samples(facts),
        _settings(facts.settings),
    ]
    return document("A training run of chatbot", parts)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _time(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


def _head(run: RunFacts, where: str) -> str:
    best, last = run.best, run.last
    numbers = [
        (f"{run.steps:,}", "steps" if run.steps != 1 else "step"),
        (_time(run.seconds), "of training"),
        (f"{best.loss:.3f}" if best else "", f"best {run.judged_by}, nats per token"),
        (f"{best.perplexity:,.1f}" if best and best.perplexity else "", "perplexity"),
        (f"{last['tokens_per_second']:,.0f}" if "tokens_per_second" in last else "", "tokens/s"),
        (size(last["memory"]) if "memory" in last else "", "peak memory"),
    ]
    told = quoted(_short(headline(run)))
    shown = facts(one for one in numbers if one[0])
    return f"<header>\n<h1>Training of {quoted(where)}</h1>\n<p>{told}</p>\n{shown}\n</header>"


def _curves(curves: Sequence[Curve]) -> str:
    figures = "\n".join(
        f"<figure{_WIDE if one.wide else ''}>{drawing(one)}"
        f"<figcaption>{escape(one.explained)}</figcaption></figure>"
        for one in curves
    )
    if not figures:
        figures = "<p>Too little was recorded to draw: a run records every tenth step.</p>"
    return section("Curves", f'<div class="two">\n{figures}\n</div>')


def _events(events: Sequence[Event]) -> str:
    """The first and the last ones, where there are many."""
    begin, end = events, list[Event]()
    if len(events) > 2 * _EVENTS:
        begin, end = events[:_EVENTS], list(events[-_EVENTS:])
    rows = [_event(one) for one in begin]
    if end:
        rows.append(("", "", f"and {len(events) - 2 * _EVENTS:,} more", ""))
        rows += [_event(one) for one in end]
    header = ("step", "time", "what", "note")
    body = table(header, rows, {0: "n", 1: "n", 2: "slim"})
    return section("What happened", body) if rows else ""


def _event(event: Event) -> tuple[str, str, str, str]:
    kind = quoted(KIND_NAMES.get(event.kind, _short(event.kind)))
    return f"{event.step:,}", escape(_time(event.seconds)), kind, quoted(_short(event.note))


def _samples(run: RunFacts) -> str:
    if not run.samples:
        return ""
    rows = [
        row for question, replies in run.samples[:_QUESTIONS] for row in _asked(question, replies)
    ]
    said = "<p>The same questions at every probe; a row for each time the reply was another.</p>\n"
    header = ("question", "at step", "reply")
    return section("Replies as they changed", said + table(header, rows, {1: "slim"}))


def _asked(question: str, replies: Sequence[Reply]) -> list[tuple[str, str, str]]:
    """The last replies to a question."""
    rows = []
    for reply in replies[-_REPLIES:]:
        until = f" to {reply.last_step:,}" if reply.last_step != reply.first_step else ""
        shown = quoted(_short(reply.text)) if reply.text else '<span class="soft">nothing</span>'
        rows.append(("", f"{reply.first_step:,}{until}", shown))
    left_out = len(replies) - len(rows)
    more = f' <span class="soft">({left_out:,} earlier replies)</span>' if left_out else ""
    return [(quoted(_short(question)) + more, *rows[0][1:]), *rows[1:]]


def _settings(settings: Sequence[Setting]) -> str:
    """Those that were changed, then the others folded away."""
    changed = [one for one in settings if one.changed][:_SETTINGS]
    others = [one for one in settings if not one.changed][:_SETTINGS]
    parts = []
    if changed:
        parts.append(_setting_table(changed, "default"))
    elif settings:
        parts.append("<p>All settings are the defaults.</p>")
    if others:
        shown = _setting_table(others, "")
        count = f"{len(others):,} settings at their defaults"
        parts.append(f"<details>\n<summary>{count}</summary>\n{shown}\n</details>")
    return section("Settings", "\n".join(parts)) if parts else ""


def _setting_table(settings: Sequence[Setting], other: str) -> str:
    rows = []
    for one in settings:
        default = quoted(_value(one.default)) if one.known else "not known to this version"
        cells = [f"<code>{quoted(option_of(_short(one.name)))}</code>", quoted(_value(one.value))]
        rows.append((*cells, *([default] if other else []), quoted(one.help)))
    header = ("setting", "value", *([other] if other else []), "")
    return table(header, rows, {0: "slim", 1: "value", **({2: "value"} if other else {})})


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not given" if value is None else _short(f"{value}")
