"""`chatbot info`: what stands in a model folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from chatbot.cli.options import check_folder, json_option, model_option
from chatbot.cli.show import duration, size
from chatbot.config import ModelConfig
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder, bytes_in
from chatbot.history import read
from chatbot.settings import option_of


@click.command()
@model_option
@json_option
def info(model: Path, as_json: bool) -> None:
    """Tell what stands in the model folder: corpus, vocabulary, training."""
    check_folder(model)
    facts = _facts(ModelFolder(model))
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else _text(facts))


def _facts(folder: ModelFolder) -> dict[str, Any]:
    from chatbot.corpus.store import TokenStore
    from chatbot.corpus.vocabulary import Vocabulary

    if not folder.vocabulary.exists() and not folder.store.exists():
        raise ChatbotError(
            f"{folder.path}: nothing built here yet. Begin with: chatbot build-vocab --model "
            f"{folder.path}."
        )
    vocabulary = Vocabulary.load(folder.vocabulary)
    with TokenStore(folder.store, verify=False) as store:
        header = store.header
    return {
        "model": str(folder.path),
        "corpora": header.files,
        "pairs": header.pairs - header.openings,
        "openings": header.openings,
        "held_out": header.held_out,
        "tokens": header.tokens,
        "settings": header.settings,
        "vocabulary": len(vocabulary),
        "vocabulary_matches_store": vocabulary.digest == header.vocabulary,
        "checkpoints": _names(folder.checkpoints),
        "best": _names(folder.best),
        "bytes": bytes_in(folder.path),
        "last": _last(folder),
    }


def _names(folder: Path) -> list[str]:
    return sorted((path.stem for path in folder.glob("step-*.index")), key=lambda n: (len(n), n))


def _last(folder: ModelFolder) -> dict[str, Any]:
    """What the history says last of each quantity."""
    last: dict[str, Any] = {}
    for record in read(folder.history):
        last |= record
    last.pop("kind", None)
    return last


def _text(facts: dict[str, Any]) -> str:
    lines = [f"{facts['model']}: {size(facts['bytes'])}"]
    lines += [
        f"  corpus      {one['name']}: {one['pairs']:,} pairs, {one['format']}"
        for one in facts["corpora"]
    ]
    settings = ", ".join(f"{k} {v}" for k, v in facts["settings"].items() if v is not None)
    openings = f", {facts['openings']:,} openings besides" if facts["openings"] else ""
    lines += [
        f"  pairs       {facts['pairs']:,}, {facts['held_out']:,} held out{openings}; "
        f"{facts['tokens']:,} tokens",
        f"  vocabulary  {facts['vocabulary']:,} entries ({settings})",
    ]
    if not facts["vocabulary_matches_store"]:
        lines.append("  warning     the vocabulary is not the one the token store was built with")
    last = facts["last"]
    if not facts["checkpoints"] and not facts["best"]:
        lines.append("  training    none yet: chatbot train")
    elif last:
        loss = f", loss {last['loss']:.3f}" if "loss" in last else ""
        held_out = f", held-out {last['heldout_loss']:.3f}" if "heldout_loss" in last else ""
        lines.append(
            f"  training    step {last['step']:,} after {duration(last['seconds'])}{loss}{held_out}"
        )
        network = ", ".join(_shape(last.get("model", {})))
        lines.append(f"  network     {network}")
    lines.append(f"  checkpoints {', '.join(facts['checkpoints']) or 'none'}")
    if facts["best"]:
        lines.append(f"  best        {facts['best'][-1]}")
    return "\n".join(lines)


def _shape(model: dict[str, Any]) -> Iterator[str]:
    """The widths of a network, and what else is not at its default."""
    usual = ModelConfig().as_dict()
    for name, value in model.items():
        if name in ("units", "embedding") or value != usual.get(name):
            yield f"{option_of(name)[2:]} {value}"
