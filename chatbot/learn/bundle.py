"""What TensorFlow has saved, read without TensorFlow.

Comes in: the path of a checkpoint. Goes out: its tensors by name, every byte checked. So whoever
only talks needs not wait two seconds for TensorFlow, nor give it half a gigabyte.

A checkpoint is an index and data. The index is a table of names and entries in LevelDB's format
("Table format" in its doc/table_format.md; TensorFlow writes it uncompressed): blocks of entries,
in which a name shares a prefix with the one before it, a block that lists the blocks, a footer that
tells where that one is. The entry without a name is a header; there is one file of data here. An
entry is a `BundleEntryProto` (tensor_bundle.proto): type, shape, where in the data the tensor
begins, its size and its checksum, CRC-32C masked as in LevelDB. The data are the bytes of the
tensors, in row-major order, little-endian. A text is its length as a varint, the checksum of that,
and its bytes; the entry's checksum goes over the length as 4 bytes, its checksum as written, and
the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
from numpy.typing import NDArray

DATA, INDEX = ".data-00000-of-00001", ".index"

_FOOTER = 48
_MAGIC = 0xDB4775248B80FB57
_TRAILER = 5
"""Bytes behind a block: how it is compressed, and its checksum."""

_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_OF_VARIABLES = "/.ATTRIBUTES/VARIABLE_VALUE"

_TEXT = 7
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}
"""Of tensorflow/core/framework/types.proto, as far as checkpoints here hold them."""


class DamagedError(ValueError):
    """A checkpoint is not what was written."""


class _Entry(NamedTuple):
    """Where a tensor is, and what its bytes are."""

    kind: int
    shape: tuple[int, ...]
    offset: int
    size: int
    checksum: int


class _Node(NamedTuple):
    """An object that was saved: the objects it has by name, and the names of its own tensors."""

    children: dict[str, int]
    keys: list[str]


class Bundle:
    """A checkpoint."""

    def __init__(self, path: Path) -> None:
        """Reads the index.

        Args:
            path: of the checkpoint, without `.index`.

        Raises:
            DamagedError: it is not whole.
            OSError: it cannot be read.
        """
        self._data = path.with_name(path.name + DATA)
        table = path.with_name(path.name + INDEX).read_bytes()
        try:
            self._entries = {name.decode(): _entry(value) for name, value in _table(table) if name}
        except (IndexError, KeyError, ValueError, struct.error) as error:
            reason = str(error) if isinstance(error, DamagedError) else "its index is cut off"
            raise DamagedError(reason) from error

    @property
    def names(self) -> list[str]:
        """The names of all tensors, ascending."""
        return list(self._entries)

    def variables(self, root: str) -> dict[str, str]:
        """The names of the tensors of an object's variables, by their paths below it.

        TensorFlow names a tensor by the shortest path that leads to its variable, and that may go
        through another object. So the graph of objects is walked, which every checkpoint has
        (trackable_object_graph.proto); what is below a network refers to nothing above it. Raises
        what `check` does.

        Args:
            root: the name that the object was saved under.
        """
        graph = self.text(_GRAPH)
        try:
            nodes = [_node(node) for _, node in _fields(graph)]
            found, open_ = {}, [("", nodes[0].children[root])]
            while open_:
                path, number = open_.pop()
                children, keys = nodes[number]
                for key in keys:
                    if key.endswith(_OF_VARIABLES):
                        found[path] = key
                open_ += [(f"{path}/{name}".lstrip("/"), to) for name, to in children.items()]
        except (IndexError, KeyError, ValueError, struct.error) as error:
            raise DamagedError(f"no {root} in its graph of objects") from error
        return found

    def check(self) -> None:
        """Reads every tensor.

        Raises:
            DamagedError: bytes are missing or others than were written.
            OSError: they cannot be read.
        """
        for name in self._entries:
            self._bytes(name)

    def array(self, name: str) -> NDArray[Any]:
        """A tensor of numbers; raises what `check` does."""
        entry = self._of(name)
        data = self._bytes(name)
        try:
            return np.frombuffer(data, np.dtype(_TYPES[entry.kind])).reshape(entry.shape)
        except (KeyError, ValueError) as error:
            raise DamagedError(f"{name}: its bytes are no such array as its index says") from error

    def text(self, name: str) -> bytes:
        """A tensor that is one text; raises what `check` does."""
        return self._bytes(name)

    def __contains__(self, name: str) -> bool:
        """Whether there is such a tensor."""
        return name in self._entries

    def _of(self, name: str) -> _Entry:
        if name not in self._entries:
            raise DamagedError(f"no {name} in it")
        return self._entries[name]

    def _bytes(self, name: str) -> bytes:
        """The bytes of a tensor, checked."""
        entry = self._of(name)
        with self._data.open("rb") as file:
            file.seek(entry.offset)
            data = file.read(entry.size)
        if len(data) < entry.size:
            raise DamagedError(f"{name}: {entry.size - len(data):,} bytes are missing")
        checked = data
        if entry.kind == _TEXT:
            try:
                length, at = _varint(data, 0)
                checked = struct.pack("<I", length) + data[at:]
            except (IndexError, struct.error) as error:
                raise DamagedError(f"{name}: not the bytes that were written") from error
            data = data[at + 4 :]
        if _masked(google_crc32c.value(checked)) != entry.checksum:
            raise DamagedError(f"{name}: not the bytes that were written, by their checksum")
        return data


def _table(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a table."""
    footer = table[-_FOOTER:]
    if len(footer) < _FOOTER or struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise DamagedError("its index is cut off")
    _, _, at = _place(footer, 0)
    for _, value in _block(table, *_place(footer, at)[:2]):
        yield from _block(table, *_place(value, 0)[:2])


def _place(data: bytes, at: int) -> tuple[int, int, int]:
    """Where a block begins and its size, and where what tells so ends."""
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return offset, size, at


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a block."""
    block, trailer = table[offset : offset + size], table[offset + size :][:_TRAILER]
    packing, checksum = struct.unpack("<BI", trailer)
    if packing or _masked(google_crc32c.value(block + trailer[:1])) != checksum:
        raise DamagedError("its index is not what was written, by its checksum")
    restarts = struct.unpack("<I", block[-4:])[0]
    end, at, key = size - 4 - 4 * restarts, 0, b""
    while at < end:
        shared, at = _varint(block, at)
        new, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + new]
        yield key, block[at + new : at + new + length]
        at += new + length


def _entry(data: bytes) -> _Entry:
    """A tensor's entry."""
    fields = dict(_fields(data))
    shape = [dict(_fields(size)).get(1, 0) for number, size in _fields(fields[2]) if number == 2]
    return _Entry(
        kind=fields[1],
        shape=tuple(shape),
        offset=fields.get(4, 0),
        size=fields.get(5, 0),
        checksum=fields.get(6, 0),
    )


def _node(data: bytes) -> _Node:
    """An object of the graph."""
    children, keys = {}, []
    for number, value in _fields(data):
        fields = dict(_fields(value)) if number in (1, 2) else {}
        if number == 1:
            children[fields[2].decode()] = fields.get(1, 0)
        elif number == 2:
            keys.append(fields[3].decode())
    return _Node(children, keys)


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The numbers and values of a protocol buffer."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value
        elif kind == 2:
            length, at = _varint(data, at)
            yield number, data[at : at + length]
            at += length
        elif kind == 5:
            yield number, struct.unpack_from("<I", data, at)[0]
            at += 4
        else:
            raise DamagedError("its index has an entry of an unknown kind")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of as many bytes as it needs, 7 bits each, the lowest first; and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _masked(checksum: int) -> int:
    """A checksum as it is stored: LevelDB's, as checksums of checksums are poor ones."""
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
