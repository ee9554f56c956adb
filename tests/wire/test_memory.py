"""Memory that somebody made the daemon hold goes back to the system when he has gone.

One small thing that was made last and stays holds all that lies below it in a heap, unless the heap
is swept: so somebody stays each time.
"""
import struct
import time

import harness
import siege

MIB = 1 << 20
FAR = 1 << 40 # no event has that number
POLLS, POLLS_AT_ONCE = 200000, 2000
HALF_FRAMES = 120
# Of what was held so much may stay: the heap keeps some for the next time, and code and tables that
# are used for the first time come to it.
LEFT_MAX = 12 * MIB


class Memory(harness.Case):
    def fort(self, *flags):
        fort = siege.Fort(flags=flags)
        self.addCleanup(fort.close)
        return fort.start()

    def peer(self, fort, transport="ipc"):
        peer = harness.Connection(fort.urls[transport][0], harness.PROTO_REQ)
        self.addCleanup(peer.close)
        return peer

    def wait(self, condition, what):
        until = harness.deadline()
        while not condition():
            self.assertLess(time.monotonic(), until, what())

    def wait_until_back(self, fort, before, most):
        self.assertGreater(most - before, 2 * LEFT_MAX, "the test holds too little")
        self.wait(lambda: fort.memory() - before < LEFT_MAX,
                  lambda: f"{before >> 20} MiB before, {most >> 20} held, "
                          f"{fort.memory() >> 20} kept")

    def park(self, fort, args):
        """Many polls of one peer that leaves, and one of another who stays, asked behind them. The
        memory before and meanwhile."""
        client, stays, leaves = self.client(fort), self.client(fort), self.peer(fort)
        client.do("member.register", member="ada")
        before = fort.memory()
        body = client.pack("event.read", args)
        for at in range(0, POLLS, POLLS_AT_ONCE):
            leaves.send_raw(b"".join(
                leaves.frame(struct.pack(">I", 0x80000000 | at + n) + body)
                for n in range(1, POLLS_AT_ONCE + 1)))
        parked = lambda: client.ask("server.stats")["parked"] # noqa: E731
        self.wait(lambda: parked() == POLLS, parked)
        stays.start("event.read", {"after": FAR, "wait_ms": 30000})
        self.wait(lambda: parked() == POLLS + 1, parked)
        most = fort.memory()
        leaves.close()
        self.wait(lambda: parked() <= 1, parked)
        return before, most

    def test_polls_of_an_event_far_ahead(self):
        fort = self.fort()
        self.wait_until_back(fort, *self.park(fort, {"after": FAR, "wait_ms": 30000}))
        fort.stop()

    def test_polls_of_a_member(self):
        fort = self.fort()
        self.wait_until_back(fort, *self.park(fort, {"after": 1, "audience": ["ada"],
                                                     "wait_ms": 30000}))
        fort.stop()

    def half_frame(self, fort, transport, size):
        peer = self.peer(fort, transport)
        peer.send_raw(peer.frame(b"\x80\0\0\1" + bytes(size))[:-1])
        return peer

    def check_half_frames(self, transport):
        fort = self.fort()
        client = self.client(fort)
        client.ask("server.hello")
        connections = lambda: client.ask("server.stats")["connections"] # noqa: E731
        self.half_frame(fort, transport, MIB - 4).close()
        self.wait(lambda: connections() == 1, connections)
        before = fort.memory()
        leave = [self.half_frame(fort, transport, MIB - 4) for _ in range(HALF_FRAMES)]
        self.wait(lambda: fort.memory() - before > HALF_FRAMES * MIB * 3 // 4, fort.memory)
        self.half_frame(fort, transport, 5000)
        self.wait(lambda: connections() == HALF_FRAMES + 2, connections)
        most = fort.memory()
        for peer in leave:
            peer.close()
        self.wait(lambda: connections() == 2, connections)
        self.wait_until_back(fort, before, most)
        fort.stop()

    def test_half_frames_over_ipc(self):
        self.check_half_frames("ipc")

    def test_half_frames_over_tcp(self):
        self.check_half_frames("tcp")

    def test_answers_that_are_not_read(self):
        fort = self.fort("--set", "net.kept_size=64MiB", "--set", "net.kept_for=10m")
        client, leaves = self.client(fort), self.peer(fort)
        client.ask("server.hello")
        before = fort.memory()
        frame = leaves.frame(b"\x80\0\0\1" + client.pack("server.hello"))
        kept = lambda: client.ask("server.stats")["replies_kept"] # noqa: E731
        while fort.memory() - before < 48 * MIB:
            leaves.send_raw(frame * 500)
            client.ask("server.hello")
        stays = self.peer(fort)
        stays.send_raw(stays.frame(b"\x80\0\0\1" + client.pack("event.read", {
            "after": FAR, "wait_ms": 30000})))
        most = fort.memory()
        leaves.close()
        self.wait(lambda: kept() == 0, kept)
        self.wait_until_back(fort, before, most)
        fort.stop()


if __name__ == "__main__":
    harness.main()
