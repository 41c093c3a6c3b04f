"""`chatbot train`: token store -> checkpoints."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from chatbot.cli.display import display
from chatbot.cli.options import check_folder, given, model_option, settings_options
from chatbot.cli.show import size, tell
from chatbot.cluster import HOW, Cluster, Stopped
from chatbot.config import ModelConfig, TrainingConfig
from chatbot.folder import ModelFolder
from chatbot.history import Record

if TYPE_CHECKING:
    from chatbot.corpus.vectors import Coverage
    from chatbot.learn.training import Run


@click.command()
@model_option
@settings_options(TrainingConfig)
@settings_options(ModelConfig)
@click.option(
    "--store",
    metavar="NAME",
    help="the token store, if it is elsewhere: a path, or a URL that TensorFlow reads",
)
@click.option(
    "--distribute",
    type=click.Choice(HOW),
    default="none",
    show_default=True,
    help="train on all devices of this machine, or on the machines that TF_CONFIG names",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=1),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="how long to wait for the other machines",
)
@click.option("--restart", is_flag=True, help="give up what was trained and begin anew")
@click.option("--extend", is_flag=True, help="go on though vocabulary or corpus have grown")
@click.option(
    "--set-learning-rate",
    type=click.FloatRange(min=1e-9, max=1_000),
    metavar="RATE",
    help="go on at this learning rate instead of the one that the run began with",
)
@click.option(
    "--quiet", "-q", is_flag=True, help="say only what goes wrong, and at the end how it went"
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="print what happens as JSON on stdout, a record a line, for programs",
)
@click.option(
    "--tensorboard",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="write what happens to a folder for TensorBoard too, one folder a run",
)
def train(
    model: Path,
    store: str | None,
    distribute: str,
    wait: float,
    restart: bool,
    extend: bool,
    set_learning_rate: float | None,
    quiet: bool,
    as_json: bool,
    tensorboard: Path | None,
    **settings: Any,  # noqa: ANN401 - fields of two groups
) -> None:
    """Train the network; the same command resumes a run.

    Ends after --steps, --minutes or --epochs, counted over the whole run, with the learning rate
    falling towards that end; without them when the loss no longer falls at the smallest rate.
    Ctrl-C saves and ends.
    """
    if restart and extend:
        raise click.UsageError("--restart gives up what --extend goes on with. Choose one.")
    check_folder(model)
    folder = ModelFolder(model)
    cluster = Cluster.of(os.environ) if distribute == "multi-worker" else None
    signals = _Signals()
    if not quiet:
        tell("starting TensorFlow …")
    from chatbot.learn.joining import Joining
    from chatbot.learn.preparing import prepare
    from chatbot.talk.tensorboard import Events
    from chatbot.talk.watching import Watch

    joining = Joining(distribute, cluster, wait, _tell_absent(cluster))
    events = Events(tensorboard if joining.chief else None)
    with signals.caught(), closing(events), signals.leaving():
        run = prepare(
            folder,
            given(settings, ModelConfig),
            given(settings, TrainingConfig),
            restart=restart,
            extending=extend,
            learning_rate=set_learning_rate,
            stop=signals.reason,
            joining=joining,
            elsewhere=store,
        )
        if joining.chief:
            run.watch = watch = Watch(run)
            events.looks = watch.looks
        _introduce(run, cluster, quiet=quiet)
        chief = joining.chief
        with display(run, quiet=quiet or not chief, as_json=as_json and chief) as shown:
            for record in run.records():
                shown.show(record)
                signals.heard(record)
                if fault := events.add(record):
                    shown.show(Record("alarm", record.step, alarm="TensorBoard", note=fault))
    if signals.number:
        sys.exit(128 + signals.number)


def _introduce(run: Run, cluster: Cluster | None, *, quiet: bool) -> None:
    """Tells what begins, and where in the cluster; if that is not wanted, only what is damaged."""
    for line in _damage(run) if quiet else _introduction(run):
        tell(line)
    if cluster is not None and not quiet:
        tell(_place(cluster))


def _place(cluster: Cluster) -> str:
    count, name = len(cluster.addresses), cluster.name(cluster.index)
    if cluster.chief:
        return f"{name}, the chief of {count}: it alone writes"
    return f"{name} of {count}: {cluster.name(0)} shows and writes what becomes of the run"


def _tell_absent(cluster: Cluster | None) -> Callable[[Sequence[int]], None]:
    """What tells the workers that are not there yet, when they change."""
    told: list[Sequence[int]] = [()]

    def tell_them(absent: Sequence[int]) -> None:
        """Tells them."""
        if cluster is not None and absent and list(absent) != list(told[0]):
            tell("waiting for " + ", ".join(map(cluster.name, absent)))
        told[0] = absent

    return tell_them


_REASONS = {int(signal.SIGINT): "interrupted", int(signal.SIGTERM): "terminated"}
if hasattr(signal, "SIGHUP"):  # Windows has none
    _REASONS[int(signal.SIGHUP)] = "the terminal was closed"


class _Signals:
    """Remembers the first Ctrl-C or SIGTERM; the second Ctrl-C interrupts at once."""

    def __init__(self) -> None:
        self.number = 0

    def reason(self) -> str | None:
        """Why the run is to end, in words, if it is."""
        return _REASONS.get(self.number)

    def heard(self, record: Record) -> None:
        """Remembers a signal that another worker of the run got."""
        for number, reason in _REASONS.items():
            if record.kind == "stop" and record.note == reason:
                self.number = self.number or number

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """Ends the program as a signal asks, where it came before there was anything to save."""
        try:
            yield
        except Stopped as stopped:
            tell(str(stopped))
            sys.exit(128 + self.number)

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Remembers signals for a while; as many as are not ignored."""
        names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        # What was set to be ignored, by nohup for one, stays ignored.
        numbers = [n for n in numbers if signal.getsignal(n) is not signal.SIG_IGN]
        before = {n: signal.signal(n, self._note) for n in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            raise KeyboardInterrupt
        self.number = number


def _introduction(run: Run) -> Iterator[str]:
    training, store = run.position.training, run.store.header
    limit = training.max_length
    longer = max(sum(counts[limit + 1 :]) for counts in store.lengths)
    cut = f"; at least {longer:,} longer than {limit} tokens are cut" if longer else ""
    openings = f" and {store.openings:,} openings" if store.openings else ""
    yield (
        f"{run.pairs - store.openings:,} pairs{openings} to train on, {store.held_out:,} held out, "
        f"vocabulary {len(run.vocabulary):,}{cut}"
    )
    yield _machinery(run)
    yield from _damage(run)
    if run.position.step:
        grown = "" if run.extension is None else f", extended: {run.extension}"
        yield f"resuming after step {run.position.step:,}{grown}"
    if run.coverage is not None:
        yield _covered(run.coverage)
    if run.memorising:
        yield (
            "memorising: the corpus is too small to hold pairs out, so the training loss decides "
            "when to stop"
        )


def _damage(run: Run) -> Iterator[str]:
    yield from (f"{one}, not used" for one in run.damaged)


def _machinery(run: Run) -> str:
    engine, planned = run.engine, run.budget
    held = run.position.training.memory
    parts = f"; a step in {planned.told}, to stay under {held}" if held else ""
    return (
        f"matrix products in {engine.product_type}, {engine.workers} "
        f"{'processor' if engine.workers == 1 else 'processors'}, about {size(planned.bytes)} of "
        f"memory{parts}"
    )


def _covered(coverage: Coverage) -> str:
    share = coverage.covered / coverage.entries
    s = "" if coverage.left_out == 1 else "s"
    odd = f"; {coverage.left_out:,} line{s} of another width left out" if coverage.left_out else ""
    return (
        f"vectors: {coverage.covered:,} of {coverage.entries:,} entries ({100 * share:.1f} %), "
        f"{100 * coverage.running:.1f} % of the running words, width {coverage.width}{odd}"
    )
