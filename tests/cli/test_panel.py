"""The panel as text, at given sizes of the window."""

import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from chatbot.cli.panel import MOST_ROWS, Panel, rows
from chatbot.cli.sparks import ASCII, BLOCKS
from chatbot.cli.standing import Standing
from chatbot.config import TrainingConfig
from chatbot.history import Record
from chatbot.learn.comparison import Block
from chatbot.learn.ending import Ending
from chatbot.learn.schedule import Schedule

SAMPLES = [
    ("你好", "你好呀"),
    ("你叫什么名字", "[red]我[/red] :smile:"),
    ("what is the meaning of life, the universe and the rest", "四十二" * 30),
]


BLOCK = Block(b"", (3.6, 3.5))


def progress(step, **more):
    known = {
        "seconds": 432.0,
        "loss": 3.4,
        "learning_rate": 0.0149,
        "pairs_per_second": 930.4,
        "tokens_per_second": 9321.0,
        "memory": 631_000_000,
        "seconds_left": 963.0,
        "next_save": 182.0,
        "disk_left": 12_400_000_000,
    }
    return Record("progress", step, **known | more)


def standing(*records, schedule=None, memorising=False, **training):
    ending = Ending(TrainingConfig(**training), 90_000, memorising)
    found = Standing(ending, schedule or Schedule())
    for record in records:
        found.see(record, schedule or Schedule())
    return found


def full(**training):
    """A run in which everything that can be shown has happened."""
    losses = [9, 8, 6, 5, 4.5, 4, 3.8, 3.6, 3.5, 3.4]
    judged = [5.0, 4.0, 3.6, 3.61]
    return standing(
        *(progress(1240 + i, loss=loss) for i, loss in enumerate(losses, 1)),
        *(Record("validation", 1150 + 25 * i, heldout_loss=v) for i, v in enumerate(judged, 1)),
        Record("validation", 1250, heldout_loss=3.612, bits_per_character=5.214),
        Record("decay", 900, note="a sentence that is told elsewhere"),
        Record("checkpoint", 1200, note="saved step-1200"),
        Record("probe", 1250, samples=SAMPLES),
        Record("alarm", 1250, alarm="question ignored", note="advice"),
        progress(1250, loss=3.2),
        schedule=Schedule(before=BLOCK, block=BLOCK),
        **training,
    )


def shown(standing, width, height, glyphs=BLOCKS):
    """What stands in a terminal of that size, without its styles."""
    console = Console(
        file=io.StringIO(), record=True, width=width, height=height, force_terminal=True
    )
    console.print(Panel(standing, glyphs))
    return console.export_text().splitlines()


def test_a_window_of_80_columns():
    assert shown(full(steps=4000), 80, 24) == [
        "step 1,250 of 4,000  ━━━━━━━━━━━━━━━━────────────────────────────────────  31 %",
        "training  ███▆▅▄▃▂▂▁▁  3.200, mean 4.909",
        "held out  ██▁▁▁  3.612, best 3.600 at step 1,225",
        "7 min 12 s so far · 16 min 3 s left · perplexity 37.0 · 5.21 bits/character",
        "rate 0.015 · rate judged in 8 validations · 930 pairs/s · 9,321 tokens/s",
        "peak 631 MB · next save in 3 min 2 s · 12.40 GB of disk left",
        "after step 1,250:",
        "  你好 → 你好呀",
        "  你叫什么名字 → [red]我[/red] :smile:",
        "  what is the meaning of life, the uni… → 四十二四十二四十二四十二四十二四十二…",
        "lately: question ignored at 1,250 · saved at 1,200 · rate lowered at 900",
    ]


def test_a_small_window_keeps_what_matters_most():
    assert shown(full(minutes=60), 40, 12) == [
        "step 1,250  ━━───────────────────  12 %",
        "training  ███▆▅▄▃▂▂▁  3.200, mean 4.909",
        "held out  ██▁▁▁  3.612, best 3.600",
        "7 min 12 s so far · 16 min 3 s left",
        "perplexity 37.0 · 5.21 bits/character",
        "rate 0.015",
        "rate judged in 8 validations",
        "930 pairs/s · 9,321 tokens/s",
        "  你好 → 你好呀",
        "lately: question ignored at 1,250",
    ]


def test_ascii_where_the_terminal_has_nothing_else():
    drawn = shown(full(steps=4000), 80, 9, ASCII)
    assert drawn[:4] == [
        "step 1,250 of 4,000  ################------------------------------------  31 %",
        "training  ###+=:-..__  3.200, mean 4.909",
        "held out  ##___  3.612, best 3.600 at step 1,225",
        "7 min 12 s so far | 16 min 3 s left | perplexity 37.0 | 5.21 bits/character",
    ]
    assert all(ord(one) < 128 for line in [*drawn[:-2], drawn[-1]] for one in line)


def test_a_run_without_a_given_end_tells_the_step_it_stops_at_in_any_case():
    assert shown(full(batch=1000), 80, 24)[0] == "step 1,250 of at most 18,000"


def test_a_run_without_heldout_pairs_tells_the_loss_with_nothing_dropped():
    records = progress(50, seconds_left=None), Record("validation", 50, loss=0.5)
    drawn = shown(standing(*records, memorising=True), 80, 24)
    assert drawn[1:3] == [
        "training  ▁  3.400, mean 3.400",
        "undropped ▁  0.500, best 0.500 at step 50",
    ]
    assert drawn[3].startswith("7 min 12 s so far · perplexity 1.65 · rate ")


def test_before_the_first_step_there_is_one_row():
    before = shown(standing(Record("start", 0)), 80, 24)
    assert before == ["step 0: the first step takes longer"]


def test_what_is_not_known_is_left_out():
    only = standing(Record("progress", 3, loss=2.5))
    assert shown(only, 80, 24) == [
        "step 3 of at most 18,000",
        "training  ▁  2.500, mean 2.500",
        "0 s so far",
    ]


def test_a_resumed_run_goes_on_from_its_best_loss():
    records = progress(700), Record("validation", 700, heldout_loss=3.9)
    drawn = shown(standing(*records, schedule=Schedule(best=3.75)), 80, 24)
    assert drawn[2] == "held out  ▁  3.900, best 3.750"


def test_losses_that_are_no_numbers_are_shown_as_such():
    records = progress(7, loss=math.nan), Record("validation", 7, heldout_loss=math.inf)
    drawn = shown(standing(*records), 80, 24)
    assert drawn[1] == "training  nan, mean nan"
    assert drawn[2] == "held out  inf, best inf at step 7"


def test_colours_are_left_out_where_they_are_not_wanted(monkeypatch):
    def codes():
        console = Console(
            file=io.StringIO(), width=80, height=24, force_terminal=True, color_system="standard"
        )
        console.print(Panel(full(steps=4000)))
        return console.file.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[36m" in codes()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[36m" not in codes()
    assert "[red]我[/red]" in codes()


@given(st.integers(1, 130), st.integers(-2, 40), st.sampled_from([BLOCKS, ASCII]))
def test_the_panel_fits_whatever_window(width, height, glyphs):
    for one in (full(steps=4000), full(), standing(progress(1)), standing()):
        drawn = rows(one, width, height, glyphs)
        assert 1 <= len(drawn) <= max(1, min(height, MOST_ROWS))
        assert max(row.cell_len for row in drawn) <= width


@pytest.mark.parametrize("height", range(3, 12))
def test_the_position_and_both_losses_stand_above_all_else(height):
    drawn = shown(full(steps=4000), 80, height)
    assert len(drawn) == max(1, height - 2)
    begins = ("step 1,250", "training", "held out")
    assert all(line.startswith(b) for line, b in zip(drawn, begins, strict=False))
