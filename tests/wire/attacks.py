"""Peers that mean harm, or are broken, each in bounded steps, over ipc and tcp.

What an attack does over and over is its step(); what it holds on to is let go by close(). Used by
test_siege.py, tests/bench/hostile and tests/soak/siege.
"""
import os
import random
import socket
import struct

import msgpack

from harness import PROTO_REQ, PROTO_SUB, Closed, Connection

HELLO = msgpack.packb({"v": 1, "op": "server.hello"})
MESSAGE_MAX = 1 << 20


class Attack:
    """On the daemon's command and events endpoints."""
    ipc_only = False

    def __init__(self, command, events, seed=1, connections=100):
        self.command, self.events = command, events
        self.draw = random.Random(seed)
        self.most = connections
        self.held = []

    def connect(self, url, proto=0, handshake=b""):
        """A connection that the test owns, or None where it is turned away."""
        try:
            return Connection(url, proto, None if proto else handshake)
        except (Closed, OSError):
            return None

    def hold(self, peer):
        """Keep it, and let go of the eldest where there are too many."""
        if peer:
            self.held.append(peer)
        while len(self.held) > self.most:
            self.held.pop(0).close()

    def once(self, url, proto, data, handshake=b""):
        """Connect, say that, and wait for the end: whoever breaks the rules is cut off."""
        peer = self.connect(url, proto, handshake)
        if not peer:
            return
        try:
            peer.send_raw(data)
            peer.wait_closed()
        except OSError:
            pass
        peer.close()

    def step(self):
        raise NotImplementedError

    def close(self):
        for peer in self.held:
            peer.close()
        self.held = []


class TalkingSubscribers(Attack):
    def step(self):
        size = self.draw.choice((0, 1, 17, 4096))
        self.once(self.events, PROTO_SUB, b"\1" + struct.pack(">Q", size) + bytes(size))


class GiantLengths(Attack):
    def step(self):
        size = self.draw.choice((MESSAGE_MAX + 257, 1 << 32, 1 << 36, 1 << 40, (1 << 63) - 1,
                                 1 << 63, (1 << 64) - 8, (1 << 64) - 1))
        prefix = b"\1" if self.command.startswith("ipc") else b""
        self.once(self.command, PROTO_REQ, prefix + struct.pack(">Q", size))


class HalfFrames(Attack):
    """Nearly all of the largest message, and never the end of it."""

    def step(self):
        peer = self.connect(self.command, PROTO_REQ)
        if peer:
            size = self.draw.choice((5, 5000, MESSAGE_MAX))
            frame = peer.frame(b"\x80\0\0\1" + bytes(size - 4))
            try:
                peer.send_raw(frame[:-1])
            except OSError:
                peer.close()
                return
        self.hold(peer)


class SilentConnections(Attack):
    def step(self):
        self.hold(self.connect(self.draw.choice((self.command, self.events))))


class Floods(Attack):
    """More connections than are let in, whole handshakes and all."""

    def step(self):
        proto, url = self.draw.choice(((PROTO_REQ, self.command), (PROTO_SUB, self.events)))
        self.hold(self.connect(url, proto))


class Resets(Attack):
    """Connect, perhaps ask, and be gone with a reset."""

    def step(self):
        peer = self.connect(self.command, PROTO_REQ if self.draw.random() < 0.5 else 0)
        if not peer:
            return
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            if self.draw.random() < 0.5:
                peer.send(b"\x80\0\0\1" + HELLO)
        except OSError:
            pass
        peer.close()


class PassedDescriptors(Attack):
    ipc_only = True

    def step(self):
        peer = self.connect(self.command, PROTO_REQ)
        if not peer:
            return
        try:
            with open(os.devnull) as file:
                for _ in range(3):
                    socket.send_fds(peer.sock, [peer.frame(b"\x80\0\0\1" + HELLO)],
                                    [file.fileno()] * 50)
                    peer.receive()
        except (Closed, OSError):
            pass
        peer.close()


class GarbageHandshakes(Attack):
    def step(self):
        self.once(self.draw.choice((self.command, self.events)), 0, b"", self.draw.choice((
            b"GET / HTTP/1.1\r\n\r\n", b"\0SP\1\0\x30\0\0", b"\0" * 8, b"\0SP\0\0\x10\0\0",
            b"\r\n" * 400, self.draw.randbytes(self.draw.randrange(8, 4096)))))


class NeverRead(Attack):
    """Asks for more and more, and takes no answer; a subscriber that takes no event."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.most = min(self.most, 20)

    def step(self):
        if self.draw.random() < 0.1:
            self.hold(self.connect(self.events, PROTO_SUB))
            return
        if self.draw.random() < 0.1 or not self.held:
            self.hold(self.connect(self.command, PROTO_REQ))
        if not self.held:
            return
        peer = self.held[-1]
        peer.sock.settimeout(0.05)
        try:
            peer.send_raw(peer.frame(b"\x80\0\0\1" + HELLO) * 500)
        except OSError:
            self.held.remove(peer)
            peer.close()


class Rubbish(Attack):
    """Well-framed, and no requests: nanomsg eats them."""

    def step(self):
        if not self.held:
            self.hold(self.connect(self.command, PROTO_REQ))
        if not self.held:
            return
        peer = self.held[0]
        peer.sock.settimeout(1)
        try:
            peer.send_raw(b"".join(peer.frame(self.draw.choice((b"", b"\x80", b"\0\0\0\1",
                                                                b"\0\0\0\1" * 20)))
                                   for _ in range(200)))
        except OSError:
            self.close()


class BrokenMessages(Attack):
    """A request with some bytes changed; the answers are read."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.good = msgpack.packb({"v": 1, "op": "connection.request", "id": "x",
                                   "args": {"from": "a", "to": "b", "note": "hi"}})

    def step(self):
        if not self.held:
            self.hold(self.connect(self.command, PROTO_REQ))
        if not self.held:
            return
        body = bytearray(self.good)
        for _ in range(self.draw.randrange(1, 5)):
            body[self.draw.randrange(len(body))] = self.draw.randrange(256)
        try:
            self.held[0].send(b"\x80\0\0\1" + bytes(body))
            self.held[0].receive()
        except (Closed, OSError):
            self.close()


class ParkedPolls(Attack):
    """Long polls without end, over few connections; who is told at once that there is nothing
    reads that."""
    polls = 1000

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.most = 4
        self.body = msgpack.packb({"v": 1, "op": "event.read",
                                   "args": {"after": 1 << 40, "wait_ms": 30000}})
        self.sent = 0

    def step(self):
        if len(self.held) < self.most:
            self.hold(self.connect(self.command, PROTO_REQ))
        if not self.held:
            return
        peer = self.held[self.draw.randrange(len(self.held))]
        frames = b"".join(peer.frame(struct.pack(">I", 0x80000000 | (self.sent + n) & 0x7fffffff)
                                     + self.body) for n in range(self.polls))
        peer.sock.settimeout(1)
        try:
            peer.send_raw(frames)
            while peer.readable(0):
                if not peer.sock.recv(1 << 20):
                    raise Closed()
        except (Closed, OSError):
            self.held.remove(peer)
            peer.close()
            return
        self.sent += self.polls


ATTACKS = {attack.__name__: attack for attack in (
    TalkingSubscribers, GiantLengths, HalfFrames, SilentConnections, Floods, Resets,
    PassedDescriptors, GarbageHandshakes, NeverRead, Rubbish, BrokenMessages, ParkedPolls)}
