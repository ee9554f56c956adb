"""What the shim wrote down, and the files that a power cut may leave behind of it.

The disk may have kept any of the writes that were not yet waited for, and of each of them any of its
sectors; what was waited for it has. Each file is on its own.
"""
import struct

import msgpack

RECORD = struct.Struct("<IIQII")
WRITE, SYNC, SIZE, SEND = 1, 2, 3, 4
SECTOR = 512
FILES = ("log/data.mdb", "views/data.mdb", "views/rollback")
WAY_BACK = 2  # each write of it is of all of it; empty: it is not there
HANDSHAKE = b"\0SP\0"
FRAME_HEAD = 9  # of an ipc frame: one byte, and the length


class Step:
    def __init__(self, kind, file, offset, durable, data):
        self.kind, self.file, self.offset, self.durable = kind, file, offset, durable
        self.data = data
        self.promised = 0  # up to here events were acknowledged or published before this step


def load(path):
    """All steps, in order."""
    with open(path, "rb") as file:
        raw = file.read()
    steps, at = [], 0
    while at < len(raw):
        kind, file, offset, size, durable = RECORD.unpack_from(raw, at)
        at += RECORD.size
        steps.append(Step(kind, file, offset, durable, raw[at:at + size]))
        at += size
    _note_promises(steps)
    return steps


def _note_promises(steps):
    streams, promised = {}, 0
    for step in steps:
        step.promised = promised
        if step.kind == SEND:
            data = step.data[:step.offset]  # as much as the kernel took
            if data.startswith(HANDSHAKE):
                streams[step.file] = bytearray(data[8:])
            elif step.file in streams:
                streams[step.file] += data
            promised = max([promised, *_promises(streams.get(step.file, bytearray()))])


def _promises(stream):
    """The positions that the whole frames at the stream's begin tell of; takes them off."""
    while len(stream) >= FRAME_HEAD:
        size, = struct.unpack_from(">Q", stream, 1)
        if len(stream) < FRAME_HEAD + size:
            return
        payload = bytes(stream[FRAME_HEAD:FRAME_HEAD + size])
        del stream[:FRAME_HEAD + size]
        if payload[0] & 0x80:
            body = msgpack.unpackb(payload[4:], raw=False, strict_map_key=False)
            yield from (reply.get("pos") or 0 for reply in body.get("batch", [body]))
        else:
            body = msgpack.unpackb(payload.split(b"\0", 1)[1], raw=False, strict_map_key=False)
            yield body.get("seq", body.get("last_seq", 0))


def write(content, offset, data):
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


def keep(file, content, offset, data):
    if file == WAY_BACK:
        content.clear()
    write(content, offset, data)


class Disk:
    """What is safe of each file, and the writes that are not."""

    def __init__(self, honest=True):
        self.safe = [bytearray() for _ in FILES]
        self.open = [[] for _ in FILES]
        self.honest = honest

    def apply(self, step):
        if step.kind == WRITE and step.durable and self.honest:
            write(self.safe[step.file], step.offset, step.data)
        elif step.kind == WRITE:
            self.open[step.file].append((step.offset, step.data))
        elif step.kind == SIZE and len(self.safe[step.file]) < step.offset:
            self.open[step.file].append((step.offset, b""))
        elif step.kind == SYNC and self.honest:
            for offset, data in self.open[step.file]:
                keep(step.file, self.safe[step.file], offset, data)
            self.open[step.file].clear()

    def is_open(self):
        return any(self.open)

    def all_written(self):
        return self._image(lambda: True, False)

    def nothing_open(self):
        return self._image(lambda: False, False)

    def some_writes(self, draw):
        return self._image(lambda: draw.random() < 0.5, False)

    def some_sectors(self, draw):
        return self._image(lambda: draw.random() < 0.5, True)

    def _image(self, is_kept, by_sector):
        image = [bytearray(content) for content in self.safe]
        for file, (content, waiting) in enumerate(zip(image, self.open)):
            for offset, data in waiting:
                if not by_sector or file == WAY_BACK:
                    if is_kept():
                        keep(file, content, offset, data)
                    continue
                at = 0
                while at < len(data):
                    end = min(len(data), at + SECTOR - (offset + at) % SECTOR)
                    if is_kept():
                        write(content, offset + at, data[at:end])
                    at = end
        return image
