"""Where a build works, and how what it has made comes into the model folder.

Comes in: a model folder. Goes out: a folder inside it for unfinished files that is nobody else's,
and in the end the finished ones in their places. Knows nothing of what they hold.

The folder for unfinished files is `.building-…`. It is removed whatever happens; what a killed
build left goes with the next one. A lock on the model folder keeps two builds apart, and a build
and a training run.
"""

from __future__ import annotations

import filecmp
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from multiprocessing.pool import ThreadPool
from pathlib import Path

from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import Vocabulary
from chatbot.errors import NO_ROOM, ChatbotError
from chatbot.folder import ModelFolder, put_in_place, sync, sync_names
from chatbot.locking import Lock


@contextmanager
def workplace(folder: ModelFolder) -> Iterator[Path]:
    """A folder for unfinished files, removed at the end whatever happens.

    Raises:
        ChatbotError: the model folder cannot be written to, another program writes to it, or what
            is done here fails for want of room or of another thing that the system gives.
    """
    scratch: Path | None = None
    made = not folder.path.exists()
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        with closing(Lock(folder.path)):
            for left in folder.path.glob(".building-*"):  # by a build that was killed
                shutil.rmtree(left, ignore_errors=True)
            scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=folder.path))
            yield scratch
    except OSError as error:
        elsewhere = "choose another folder with --model; what stood there before is untouched"
        raise failed(error, folder.path, elsewhere) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
            if made and not any(folder.path.iterdir()):
                folder.path.rmdir()


def failed(error: OSError, where: Path | str, otherwise: str) -> ChatbotError:
    """What the system says of a failure, in one line.

    Args:
        error: the failure.
        where: the folder that is written to.
        otherwise: what to do instead of making room or mending what is said.
    """
    said = error.strerror or error
    if error.errno in NO_ROOM:
        return ChatbotError(f"{where}: cannot be written ({said}). Make room, or {otherwise}.")
    where = error.filename or where
    return ChatbotError(f"{where}: {said}. Mend this and run the same again, or {otherwise}.")


def install(
    built: ModelFolder, folder: ModelFolder, *, keep: bool, restart: bool, extend: bool
) -> None:
    """Puts finished files into place, all of them or none; what stood there goes to `built`.

    Args:
        built: where the finished files are.
        folder: where they go. A model trained there stays if they are the same as before.
        keep: whether the segmented corpus goes there too.
        restart: give that model up if they are not the same.
        extend: keep it, and beside it the vocabulary it was trained with.

    Raises:
        ChatbotError: another model was trained there, and neither is asked for; or it was trained
            on text that was cut in another way.
        OSError: a file cannot be put into place.
    """
    steps: list[tuple[Path | None, Path]] = []
    same = _same(built.vocabulary, folder.vocabulary) and _same_pairs(built.store, folder.store)
    if not same:
        if folder.trained and extend:
            _keep_vocabulary(built, folder)
        elif folder.trained and not restart:
            raise ChatbotError(
                f"{folder.path}: a model was trained here on another corpus or with other settings."
                " Choose another folder with --model, keep it with --extend to train it further on "
                "this corpus, or give it up with --restart."
            )
    if not same or not _same(built.store, folder.store):  # the same pairs in other shards, perhaps
        steps = [(built.vocabulary, folder.vocabulary), (built.store, folder.store)]
    steps += [
        (built.user_dict if built.user_dict.exists() else None, folder.user_dict),
        (built.segmented if keep else None, folder.segmented),
    ]
    if folder.trained and not same and not extend:
        steps += [(None, one) for one in folder.of_training]
    _sync([new for new, _ in steps if new is not None])
    before = built.path / "before"
    before.mkdir()
    _exchange(steps, before)
    sync_names(folder.path)


def install_part(built: ModelFolder, folder: ModelFolder) -> None:
    """Puts a segmented corpus, and the words of the user's it was cut with, into place.

    Raises:
        ChatbotError: there is a vocabulary or a store, which it may not belong to.
        OSError: a file cannot be put into place.
    """
    for path in (folder.vocabulary, folder.store):
        if path.exists():
            raise ChatbotError(
                f"{path}: a whole build stands here, which a part would not belong to. Choose "
                "another folder with --model."
            )
    words = built.user_dict if built.user_dict.exists() else None
    _sync([built.segmented, *([words] if words else [])])
    before = built.path / "before"
    before.mkdir()
    _exchange([(words, folder.user_dict), (built.segmented, folder.segmented)], before)
    sync_names(folder.path)


def _keep_vocabulary(built: ModelFolder, folder: ModelFolder) -> None:
    """Keeps the vocabulary that was trained with; refuses one that cannot be carried over.

    None stands only where a build was killed while it put its files into place, and has kept it.
    """
    if not folder.vocabulary.exists():
        return
    before = Vocabulary.load(folder.vocabulary)
    Vocabulary.load(built.vocabulary).check_extends(before)
    kept = folder.earlier_vocabulary(before.digest)
    if not kept.exists():
        folder.earlier.mkdir(exist_ok=True)
        sync_names(folder.path)
        temporary = built.path / kept.name
        before.save(temporary)
        put_in_place(temporary, kept)
        sync_names(folder.earlier)


def _sync(paths: Sequence[Path]) -> None:
    """Waits until files, and folders of files, are on disk."""
    folders = [path for path in paths if path.is_dir()]
    files = [path for path in paths if not path.is_dir()]
    files += [path for folder in folders for path in folder.iterdir()]
    with ThreadPool(8) as pool:  # a disk does several at a time in the time of one
        pool.map(sync, files)
    for folder in folders:
        sync_names(folder)


def _exchange(steps: Sequence[tuple[Path | None, Path]], before: Path) -> None:
    """Moves what stands in each second place to `before`, and what stands in the first there.

    If any of it fails, or is interrupted, all stands where it stood.
    """
    with ExitStack() as undo:
        for new, final in steps:
            undo.callback(_move_back, new, final, before / final.name)
            if final.exists():
                final.rename(before / final.name)
            if new is not None:
                new.rename(final)
        undo.pop_all()


def _move_back(new: Path | None, final: Path, old: Path) -> None:
    if new is not None and not new.exists():
        final.rename(new)
    if old.exists():
        old.rename(final)


def _same_pairs(one: Path, other: Path) -> bool:
    """Whether two stores have the same pairs, if in other files or damaged ones."""
    try:
        with TokenStore(one, verify=False) as now, TokenStore(other, verify=False) as before:
            return now.header._replace(checksums={}) == before.header._replace(checksums={})
    except ChatbotError:
        return False


def _same(one: Path, other: Path) -> bool:
    """Whether two files, or two folders of files, have the same bytes."""
    if one.is_dir() and other.is_dir():
        names = sorted(path.name for path in one.iterdir())
        if names != sorted(path.name for path in other.iterdir()):
            return False
        return all(_same(one / name, other / name) for name in names)
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)
