"""No message, however malformed, harms anybody but its sender."""
import os
import random
import socket
import struct

import msgpack

import harness
from harness import PROTO_REQ, PROTO_SUB, Case, Client, Connection

HELLO = {"v": 1, "op": "server.hello"}
LOOKUP = {"op": "command.lookup", "args": {"id": "x"}}

# Bodies, and the code each is answered with.
BODIES = [
    (b"", "malformed"),
    (b"\xc1", "malformed"),
    (b"\xc0", "malformed"),
    (b"\x01", "malformed"),
    (b"hello", "malformed"),
    (b"\x80", "unsupported_version"),
    (b"\x81", "malformed"),
    (msgpack.packb([]), "malformed"),
    (msgpack.packb(HELLO) + b"\0", "malformed"),
    (msgpack.packb(HELLO)[:-1], "malformed"),
    (b"\xdd\xff\xff\xff\xff", "malformed"),
    (b"\xdf\xff\xff\xff\xff", "malformed"),
    (b"\xc6\xff\xff\xff\xff", "malformed"),
    (b"\x91" * 33, "malformed"),
    (b"\x81\xa1v" * 40 + b"\xc0", "malformed"),
    (b"\xdd\x00\x0f\xff\xff" * 11, "malformed"),
    (b"\x82\xa1v\x01\xa1v\x01", "malformed"),
    (b"\x81\x01\x01", "malformed"),
    (b"\x82\xa1v\x01\xa2op\xa2\xff\xfe", "malformed"),
    (msgpack.packb({**HELLO, "v": 2}), "unsupported_version"),
    (msgpack.packb({"op": "server.hello"}), "unsupported_version"),
    (msgpack.packb({**HELLO, "op": "server.helo"}), "unknown_op"),
    (msgpack.packb({**HELLO, "args": []}), "bad_argument"),
    (msgpack.packb({**HELLO, "args": {"nonsense": 1}}), "bad_argument"),
    (msgpack.packb({"v": 1, "op": "member.register", "args": {"member": "x"}}), "id_required"),
    (msgpack.packb({"v": 1, "op": "member.register", "args": {"member": ""}, "id": "i"}),
     "bad_argument"),
    (msgpack.packb({"v": 1, "op": "member.register", "args": {"member": 7}, "id": "i"}),
     "bad_argument"),
    (msgpack.packb({"v": 1, "op": "member.register", "args": {"member": "x" * 65}, "id": "i"}),
     "bad_argument"),
]


class Bodies(Case):
    def test_each_is_answered(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        for body, code in BODIES:
            with self.subTest(body=body[:40]):
                reply = client.raw(body)
                self.assert_error(reply, code)
                self.assertIn("id", reply)
        self.assertEqual(client.ask("server.hello")["last_seq"], 0)
        daemon.stop()

    def test_a_message_of_the_largest_size(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        self.assert_error(client.raw(b"\xc1" * ((1 << 20) - 64)), "malformed")
        client.ask("server.hello")
        daemon.stop()

    def test_random_and_broken_messages(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        seed = int(os.environ.get("KITH_SEED", "20260101"))
        draw = random.Random(seed)
        good = client.pack("connection.request", {"from": "a", "to": "b", "note": "hi"}, "i")
        for _ in range(2000):
            body = bytearray(good)
            for _ in range(draw.randrange(1, 4)):
                body[draw.randrange(len(body))] = draw.randrange(256)
            if draw.random() < 0.2:
                body = draw.randbytes(draw.randrange(200))
            reply = client.raw(bytes(body))
            self.assertFalse(reply.get("ok"), f"seed {seed}: {bytes(body)!r}")
        client.ask("server.hello")
        daemon.stop()

    def test_batches(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        self.assertEqual(client.batch([]), [])
        replies = client.batch([7, {"op": "server.hello"},
                                {"op": "member.register", "id": "a", "args": {"member": "ada"}},
                                {"op": "member.register", "id": "a", "args": {"member": "ada"}}])
        self.assertEqual(replies[0]["error"]["code"], "malformed")
        self.assertTrue(replies[1]["ok"])
        self.assertTrue(replies[2]["ok"])
        self.assertTrue(replies[3]["dup"])
        self.assertEqual(client.batch([LOOKUP] * 4096)[4095]["ok"], True)
        crowded = client.batch([{"op": "server.hello"}] * 4096)
        self.assertTrue(crowded[0]["ok"])
        refused = [reply for reply in crowded if not reply["ok"]]
        self.assertGreater(len(refused), 2048)
        self.assert_error(refused[-1], "too_large")
        self.assert_error(
            client.raw(msgpack.packb({"v": 1, "batch": [{"op": "server.hello"}] * 4097})),
            "too_large")
        daemon.stop()


class Framing(Case):
    """What aborts a bare nanomsg, or fills it."""

    def check(self, attack):
        daemon = self.daemon().start()
        bystander = self.client(daemon)
        subscriber = self.subscriber(daemon)
        attack(daemon)
        bystander.do("member.register", member="ada")
        self.assertEqual(subscriber.next_event()[0], "member.registered")
        self.client(daemon).ask("server.hello")
        daemon.stop()

    def test_a_subscriber_that_talks(self):
        def attack(daemon):
            for size in (0, 1, 8, 100):
                peer = Connection(daemon.events, PROTO_SUB)
                peer.send(b"x" * size)
                peer.wait_closed()
                peer.close()
        self.check(attack)

    def test_a_wrong_first_byte(self):
        def attack(daemon):
            peer = Connection(daemon.command, PROTO_REQ)
            peer.send_raw(b"\2" + struct.pack(">Q", 4) + b"\x80\0\0\1")
            peer.wait_closed()
            peer.close()
        self.check(attack)

    def test_lengths_beyond_all_memory(self):
        def attack(daemon):
            for size in ((1 << 20) + 257, 1 << 36, 1 << 63, (1 << 64) - 8, (1 << 64) - 1):
                peer = Connection(daemon.command, PROTO_REQ)
                peer.send_raw(b"\1" + struct.pack(">Q", size))
                peer.wait_closed()
                peer.close()
        self.check(attack)

    def test_other_handshakes(self):
        def attack(daemon):
            for url in (daemon.command, daemon.events):
                for handshake in (b"GET / HTTP/1.1\r\n\r\n", b"\0SP\1\0\x30\0\0", b"\0" * 8,
                                  b"\0SP\0\0\x10\0\0", b"\xff" * 4096):
                    peer = Connection(url, 0, handshake)
                    peer.wait_closed()
                    peer.close()
        self.check(attack)

    def test_half_frames_and_sudden_ends(self):
        def attack(daemon):
            whole = b"\1" + struct.pack(">Q", 30) + b"\x80\0\0\1" + b"x" * 26
            for size in range(len(whole)):
                peer = Connection(daemon.command, PROTO_REQ)
                peer.send_raw(whole[:size])
                peer.close()
        self.check(attack)

    def test_frames_without_a_request_id(self):
        def attack(daemon):
            peer = Connection(daemon.command, PROTO_REQ)
            for payload in (b"", b"\x80", b"\0\0\0\1", b"\0\0\0\1" * 20 + b"\x80\0\0\1"):
                peer.send(payload)
            peer.close()
        self.check(attack)

    def test_passed_descriptors(self):
        def attack(daemon):
            before = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
            client = Client(daemon.command)
            body = struct.pack(">I", 0x80000001) + msgpack.packb(HELLO)
            with open(os.devnull) as file:
                socket.send_fds(client.connection.sock, [client.connection.frame(body)],
                                [file.fileno()] * 50)
            self.assertTrue(harness.unpack(client.wait(1))["ok"])
            self.assertLess(len(os.listdir(f"/proc/{daemon.process.pid}/fd")), before + 5)
            client.close()
        self.check(attack)

    def test_a_client_that_does_not_read(self):
        def attack(daemon):
            idle = Client(daemon.command)
            for _ in range(3000):
                idle.start("server.hello")
            for number in range(1, 3001):
                self.assertTrue(harness.unpack(idle.wait(number))["ok"])
            idle.close()
        self.check(attack)


if __name__ == "__main__":
    harness.main()
