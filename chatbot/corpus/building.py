"""Corpora -> vocabulary and token store, in bounded memory.

Comes in: corpora with their formats, or builds over parts of a corpus, and the settings. Goes out:
`vocabulary.txt`, `pairs.store` and the segmented corpus in the model folder, and a report. Knows
nothing of training.

Every line is cut into words once, into a segmented corpus on disk (`segmented`). Then repeats are
found, words counted, the vocabulary chosen (`choosing`), and part by part the pairs are sorted,
their ids exchanged for final ones and appended to the store. In memory are one generation of words
and one part of the pairs, never the corpus.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chatbot.config import DEFAULT_MIN_FREQ, CleaningConfig, CorpusConfig
from chatbot.corpus.choosing import Chosen, choose
from chatbot.corpus.cleaning import DUPLICATE, REPEATED
from chatbot.corpus.doctor.survey import Cutoff, FileFacts, Survey
from chatbot.corpus.installing import failed, install, install_part, workplace
from chatbot.corpus.merging import merge
from chatbot.corpus.pairs import Corpus
from chatbot.corpus.recorded import named, recorded
from chatbot.corpus.repeats import AllHashes, Marks, Repeats, find_repeats
from chatbot.corpus.segmented import Progress, Segmented
from chatbot.corpus.store import Header
from chatbot.corpus.storing import store_pairs, texts_at
from chatbot.corpus.vocabulary import Vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder

TOP_REPLIES = 20


@dataclass(frozen=True)
class Sources:
    """What a build is made of.

    Attributes:
        corpora: what to read, in this order.
        config: how text becomes ids; `user_dict` is the user's path, with parts what they recorded.
        cleaning: which pairs are left out; likewise its `block_list`.
        vocabulary: a file with a vocabulary to take as it is, or None to choose one.
        workers: processes that cut text; the result does not depend on it.
        progress: told now and then how far the build is.
        parts: folders of builds over parts of the corpus, whose pairs are taken as they were cut,
            in this order; then there are no corpora.
        shards: in how many files the store is written.
    """

    corpora: Sequence[Corpus]
    config: CorpusConfig
    cleaning: CleaningConfig = field(default_factory=CleaningConfig)
    vocabulary: Path | None = None
    workers: int = 1
    progress: Callable[[Progress], None] = lambda progress: None
    parts: Sequence[ModelFolder] = ()
    shards: int = 1


@dataclass
class Report:
    """What `build` did.

    Attributes:
        vocabulary: the vocabulary written.
        header: the header of the store written.
        survey: what was found out about the corpus.
        covered: running words that are vocabulary entries themselves.
        tokens: tokens of all pairs, encoded.
        unknown: those of them that are UNK.
    """

    vocabulary: Vocabulary
    header: Header
    survey: Survey
    covered: int
    tokens: int
    unknown: int


def build(
    sources: Sources,
    folder: ModelFolder,
    *,
    add: bool = False,
    keep: bool = True,
    restart: bool = False,
    extend: bool = False,
) -> Report:
    """Builds the vocabulary and the token store of some corpora.

    Args:
        sources: the corpora and how they are read.
        folder: the model folder to write to; made if absent.
        add: put the corpora behind those that the folder was built from. The result is the same, to
            the byte, as one build of all of them.
        keep: keep the segmented corpus in the folder, which `add` needs.
        restart: give up the model trained in the folder, if the corpus or a setting is another.
        extend: keep that model, for a training run to carry over to the new vocabulary.

    Raises:
        ChatbotError: a corpus cannot be read, the folder cannot be written, another build writes to
            it, or it has a model trained on other bytes.
    """
    with workplace(folder) as scratch:
        built = ModelFolder(scratch)
        segmented, hashes = _segmented(sources, folder, built, add)
        survey, marks = _survey(segmented, hashes, sources.cleaning)
        hashes.remove()
        chosen = choose(segmented, marks, sources.config, sources.vocabulary, scratch)
        chosen.vocabulary.save(built.vocabulary)
        found = (segmented, marks, chosen, survey.dropped)
        header = store_pairs(*found, built.store, sources.progress, shards=sources.shards)
        _complete(survey, chosen)
        install(built, folder, keep=keep, restart=restart, extend=extend)
    return Report(chosen.vocabulary, header, survey, chosen.covered, chosen.tokens, chosen.unknown)


def cut(sources: Sources, folder: ModelFolder) -> list[FileFacts]:
    """Cuts some corpora into words and goes no further: a part, for a merge with others.

    Args:
        sources: the corpora and how they are read.
        folder: the folder to write to; made if absent.

    Returns:
        What was found in every corpus.

    Raises:
        ChatbotError: as `build`; or a whole build stands in the folder.
    """
    with workplace(folder) as scratch:
        built = ModelFolder(scratch)
        segmented, hashes = _segmented(sources, folder, built, False)
        hashes.remove()
        install_part(built, folder)
    return segmented.files


def examine(sources: Sources) -> Survey:
    """Finds out all about some corpora that `build` would, and leaves nothing behind.

    Raises:
        ChatbotError: a corpus cannot be read, or there is no room for temporary files.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="chatbot-inspect-") as name:
            scratch = Path(name)
            built = ModelFolder(scratch)
            segmented, hashes = _segmented(sources, built, built, False)
            survey, marks = _survey(segmented, hashes, sources.cleaning)
            hashes.remove()
            chosen = choose(segmented, marks, sources.config, sources.vocabulary, scratch)
            _complete(survey, chosen)
    except OSError as error:
        elsewhere = "name another folder for temporary files with TMPDIR"
        raise failed(error, tempfile.gettempdir(), elsewhere) from error
    return survey


def _segmented(
    sources: Sources, folder: ModelFolder, built: ModelFolder, add: bool
) -> tuple[Segmented, AllHashes]:
    """Cuts the corpora, behind what stands in `folder` when they are added."""
    hashes = AllHashes(built.path)
    if sources.parts:
        return _merged(sources, built, hashes), hashes
    config, cleaning = sources.config, sources.cleaning
    user_dict = None
    if config.user_dict is not None:
        user_dict = folder.user_dict if add else Path(config.user_dict)
        _copy(user_dict, built.user_dict)
    if add:
        built.segmented.mkdir()
        for path in folder.segmented.iterdir():
            shutil.copyfile(path, built.segmented / path.name)
        segmented = Segmented.open(built.segmented)
        before = segmented.cleaning
        segmented.settings = config  # the cut-offs and repeats that may be chosen anew
        segmented.cleaning = dataclasses.replace(cleaning, block_list=before.block_list)
        for writing in segmented.spill.writings():
            hashes.add(writing.rows, writing.places)
    else:
        settings = recorded(config, cleaning)
        segmented = Segmented.new(built.segmented, *settings)
    segmented.vocab = named(sources.vocabulary) if sources.vocabulary else None
    segmented.add(
        sources.corpora,
        hashes,
        cleaning=cleaning,
        user_dict=user_dict,
        workers=sources.workers,
        progress=sources.progress,
    )
    segmented.finish()
    return segmented, hashes


def _merged(sources: Sources, built: ModelFolder, hashes: AllHashes) -> Segmented:
    """The segmented corpora of the parts as one."""
    if sources.config.user_dict is not None:
        _copy(sources.parts[0].user_dict, built.user_dict)
    segmented = Segmented.new(built.segmented, sources.config, sources.cleaning)
    segmented.vocab = named(sources.vocabulary) if sources.vocabulary else None
    merge(sources.parts, segmented, hashes, sources.progress)
    segmented.finish()
    return segmented


def _copy(path: Path, to: Path) -> None:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ChatbotError(f"{path}: cannot be read ({error.strerror}). Check the file.") from error
    to.write_bytes(data)


def _survey(
    segmented: Segmented, hashes: AllHashes, cleaning: CleaningConfig
) -> tuple[Survey, Marks]:
    """Finds repeats, and leaves out those that `cleaning` asks to."""
    pairs = find_repeats(hashes.pairs)
    questions = find_repeats(hashes.questions)
    replies = find_repeats(hashes.replies, top=TOP_REPLIES)
    marks = Marks.none(segmented.spill.rows.tolist())
    dropped: Counter[str] = Counter()
    for facts in segmented.files:
        dropped.update(facts.dropped)
    if cleaning.drop_duplicates:
        dropped[DUPLICATE] = find_repeats(hashes.pairs, marks=marks, allowed=1).marked
    if cleaning.max_repeats is not None:
        said = hashes.questions if segmented.settings.reverse else hashes.replies
        found = find_repeats(said, marks=marks, allowed=cleaning.max_repeats)
        dropped[REPEATED] = found.marked
    if marks.count == segmented.spill.pairs:
        reasons = ", ".join(f"{n:,} {why}" for why, n in dropped.items())
        raise ChatbotError(f"cleaning: not one pair is left ({reasons}). Ask for less of it.")
    survey = Survey(
        files=segmented.files,
        census=segmented.census,
        dropped=dict(dropped),
        pairs=segmented.spill.pairs - marks.count,
        distinct_pairs=pairs.distinct,
        distinct_questions=questions.distinct,
        distinct_replies=replies.distinct,
        top_replies=_texts(segmented, replies),
        settings=segmented.settings.as_dict(),
        cleaning=cleaning.as_dict(),
    )
    return survey, marks


def _texts(segmented: Segmented, replies: Repeats) -> list[tuple[str, int]]:
    texts = texts_at(segmented, [place for _, place in replies.most])
    return [(text, count) for text, (count, _) in zip(texts, replies.most, strict=True)]


def _complete(survey: Survey, chosen: Chosen) -> None:
    """Fills in what the counting of words has shown."""
    survey.tokens, survey.openings = chosen.lengths, chosen.openings
    survey.words, survey.distinct_words = chosen.words, chosen.distinct
    survey.distinct_characters = chosen.characters
    survey.cutoffs = chosen.cutoffs
    least = chosen.vocabulary.config.min_freq or DEFAULT_MIN_FREQ
    unknown = 1 - chosen.covered / chosen.words
    survey.chosen = Cutoff(least, len(chosen.vocabulary), unknown)
