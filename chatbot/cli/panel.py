"""What the terminal shows of a run while it trains: a few rows that fit the window.

Comes in: where the run stands, the size of the window, and the characters to draw with. Goes out:
rows of text, none wider and no more of them than there is room for. Knows nothing of time or
redrawing: the same standing gives the same rows.

    step 1,250 of 4,000  ━━━━━━━━━━━━━━━━━━━━──────────────────────────────────  31 %
    training  ▇▆▅▄▄▄▃▃▃▃▂▂▂▁▁▁  3.412, mean 3.450
    held out  █▇▅▄▃▂▂▂▁▁        3.612, best 3.601 at step 1,200
    7 min 12 s so far · 16 min 3 s left · perplexity 37.0 · 5.21 bits/character · ...
    after step 1,225:
      你好 → 你好呀
    lately: saved at 1,200 · rate lowered at 900
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from chatbot.cli.show import duration, size
from chatbot.cli.sparks import BLOCKS, Glyphs, bar, spark
from chatbot.cli.standing import Standing, judged_loss
from chatbot.cli.wording import legible
from chatbot.history import Record, perplexity

MOST_ROWS = 20
_LABEL = 10
_WIDEST_SPARK = 60
_WIDEST_BAR = 100
_SPARE_ROWS = 2


class Panel:
    """Where a run stands, for rich to draw in whatever room there is.

    Attributes:
        widths: cells of the rows when they were last drawn.
    """

    def __init__(self, standing: Standing, glyphs: Glyphs = BLOCKS) -> None:
        """Takes what to show and the characters to draw with."""
        self._standing, self._glyphs = standing, glyphs
        self.widths: list[int] = []

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The rows, a cell narrower than the window and two lines lower."""
        width, height = console.size
        drawn = rows(self._standing, width - 1, height - _SPARE_ROWS, self._glyphs)
        self.widths = [row.cell_len for row in drawn]
        yield Text("\n", no_wrap=True, overflow="crop", end="").join(drawn)


def rows(standing: Standing, width: int, height: int, glyphs: Glyphs = BLOCKS) -> list[Text]:
    """The rows of the panel.

    Args:
        standing: where the run stands.
        width: most cells of a row.
        height: most rows; where they are few, sample replies go first, then facts.
        glyphs: the characters to draw with.
    """
    height = max(1, min(height, MOST_ROWS))
    if standing.latest is None:
        return [_cut(Text(f"step {standing.step:,}: the first step takes longer"), width, glyphs)]
    top = [_position(standing, width, glyphs), *_curves(standing, width, glyphs)][:height]
    left = height - len(top)
    lately = _lately(standing, width, glyphs)[:left]
    left -= len(lately)
    facts = _flowed(list(_facts(standing, standing.latest)), width, glyphs)
    facts = facts[: max(left - 1, min(left, 1)) if standing.probe else left]
    samples = _samples(standing, width, left - len(facts), glyphs)
    return [_cut(row, width, glyphs) for row in (*top, *facts, *samples, *lately)]


def _position(standing: Standing, width: int, glyphs: Glyphs) -> Text:
    """How far the run is: a bar to its end, or the step it stops at in any case."""
    ending, latest = standing.ending, standing.latest
    given = ending.last_step is not None or ending.training.minutes is not None
    if not given:
        return Text(f"step {standing.step:,} of at most {ending.cap:,}", style="bold")
    share = ending.fraction(standing.step, latest.seconds or 0.0 if latest else 0.0)
    of = "" if ending.last_step is None else f" of {ending.last_step:,}"
    begin, end = f"step {standing.step:,}{of}  ", f"  {int(100 * share)} %"
    room = min(_WIDEST_BAR, width - len(begin) - len(end))
    done, ahead = bar(share, room, glyphs) if room >= 5 else ("", "")
    return Text.assemble((begin, "bold"), (done, "green"), (ahead, "dim"), end)


def _curves(standing: Standing, width: int, glyphs: Glyphs) -> Iterator[Text]:
    """Both losses."""
    last = standing.latest.loss if standing.latest else None
    if last is not None and standing.smoothed is not None:
        said = f"{last:.3f}, mean {standing.smoothed:.3f}"
        yield _curve("training", standing.training.values(), said, "cyan", width, glyphs)
    judged = judged_loss(standing.validation) if standing.validation else None
    if judged is not None and standing.best is not None:
        best, step = standing.best
        where = f" at step {step:,}" if step and width >= 60 else ""
        said = f"{judged:.3f}, best {best:.3f}{where}"
        label = "undropped" if standing.ending.memorising else "held out"
        yield _curve(label, standing.judged.values(), said, "green", width, glyphs)


def _curve(
    label: str, values: Sequence[float], said: str, colour: str, width: int, glyphs: Glyphs
) -> Text:
    room = min(_WIDEST_SPARK, width - _LABEL - 2 - len(said))
    drawn = spark(values, room, glyphs)
    return Text.assemble((f"{label:{_LABEL}}", "dim"), (drawn, colour), "  " if drawn else "", said)


def _facts(standing: Standing, latest: Record) -> Iterator[str]:
    """What is known besides, the most wanted first."""
    yield f"{duration(latest.seconds or 0)} so far"
    if latest.seconds_left is not None:
        yield f"{duration(latest.seconds_left)} left"
    yield from _judgement(standing)
    if latest.learning_rate is not None:
        yield f"rate {latest.learning_rate:.2g}"
    training, schedule = standing.ending.training, standing.schedule
    if schedule.before.means and training.decay_on == "heldout":
        left = schedule.cooling + training.patience - len(schedule.block.means)
        yield f"rate judged in {left} validations"
    if latest.pairs_per_second is not None:
        yield f"{latest.pairs_per_second:,.0f} pairs/s"
    if latest.tokens_per_second is not None:
        yield f"{latest.tokens_per_second:,.0f} tokens/s"
    if latest.memory is not None:
        yield f"peak {size(latest.memory)}"
    if latest.next_save is not None:
        yield f"next save in {duration(latest.next_save)}"
    if latest.disk_left is not None:
        yield f"{size(latest.disk_left)} of disk left"


def _judgement(standing: Standing) -> Iterator[str]:
    """The loss of the last validation as people compare it."""
    record = standing.validation
    loss = judged_loss(record) if record else None
    if record is None or loss is None:
        return
    amount = perplexity(loss)
    digits = ",.2f" if amount < 10 else ",.1f" if amount < 1000 else ",.0f"
    yield f"perplexity {amount:{digits if amount < 1e9 else '.1e'}}"
    if record.bits_per_character is not None:
        yield f"{record.bits_per_character:.2f} bits/character"


def _samples(standing: Standing, width: int, room: int, glyphs: Glyphs) -> list[Text]:
    """Sample replies, under a heading where there is room for one."""
    probe = standing.probe
    if probe is None or not probe.samples or room < 1:
        return []
    heading = [Text(f"after step {probe.step:,}:", style="dim")] if room > 1 else []
    return [
        *heading,
        *(_sample(*one, width, glyphs) for one in probe.samples[: room - len(heading)]),
    ]


def _sample(question: str, reply: str, width: int, glyphs: Glyphs) -> Text:
    """A question and its reply; a long question leaves half of the row to the reply."""
    asked = _short(f"  {legible(question)}", max(8, width // 2), glyphs)
    return Text.assemble((asked, "dim"), f" {glyphs.arrow} {legible(reply)}")


def _lately(standing: Standing, width: int, glyphs: Glyphs) -> list[Text]:
    """The latest events, as many as fit into a row."""
    said = ""
    for event in standing.events:
        longer = f"{said} {glyphs.dot} {legible(event)}" if said else f"lately: {legible(event)}"
        if said and cell_len(longer) > width:
            break
        said = longer
    return [Text(said, style="dim")] if said else []


def _flowed(facts: Sequence[str], width: int, glyphs: Glyphs) -> list[Text]:
    """Facts in rows, as many in each as fit."""
    lines: list[str] = []
    for fact in facts:
        longer = f"{lines[-1]} {glyphs.dot} {fact}" if lines else ""
        if lines and cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(fact)
    return [Text(line) for line in lines]


def _cut(row: Text, width: int, glyphs: Glyphs) -> Text:
    """A row that is not wider than the window."""
    if row.cell_len > width:
        row.truncate(max(1, width - len(glyphs.ellipsis)), overflow="crop")
        row.append(glyphs.ellipsis[: max(0, width - 1)])
    return row


def _short(text: str, width: int, glyphs: Glyphs) -> str:
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - len(glyphs.ellipsis)).rstrip() + glyphs.ellipsis
