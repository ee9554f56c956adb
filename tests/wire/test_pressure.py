"""More than the daemon takes: it makes its clients wait or says busy, and forgets nothing."""
import struct

import msgpack

import harness
from harness import PROTO_REQ, Case, Closed, Connection

PARKED_COUNT = 100000
BATCH = 500


class Pressure(Case):
    def test_little_memory_for_changes(self):
        daemon = self.daemon(flags=["--set", "storage.overlay_size=4MiB",
                                    "--set", "storage.checkpoint_events=1000"]).start()
        client = self.client(daemon)
        items = [{"op": "member.register", "id": f"i{n}",
                  "args": {"member": f"m{n}", "name": "x" * 200}} for n in range(40 * BATCH)]
        waiting = [items[at:at + BATCH] for at in range(0, len(items), BATCH)]
        while waiting:
            numbers = [(batch, client.send(msgpack.packb({"v": 1, "batch": batch})))
                       for batch in waiting]
            waiting = []
            for batch, number in numbers:
                replies = harness.unpack(client.wait(number))["batch"]
                refused = [item for item, reply in zip(batch, replies) if not reply["ok"]]
                for reply in replies:
                    if not reply["ok"]:
                        self.assert_error(reply, "busy")
                if refused:
                    waiting.append(refused)
        self.assertEqual(client.ask("server.hello")["last_seq"], len(items))
        self.assertEqual(client.ask("server.stats")["members"], len(items))
        while (stats := client.ask("server.stats"))["checkpoints"] == 0:
            pass
        # LMDB's syncs are found by the daemon, which takes them in small steps.
        self.assertEqual(stats["checkpoint_syncs"], stats["checkpoints"])
        daemon.stop()

    def test_many_polls_of_one_peer(self):
        # One peer that reads more slowly than all of them are answered.
        daemon = self.daemon(flags=["--set", "net.kept_size=256MiB",
                                    "--set", "net.kept_for=10m"]).start()
        waiter, client = self.client(daemon), self.client(daemon)
        body = waiter.pack("event.read", {"after": 0, "wait_ms": 30000})
        frames = bytearray()
        for number in range(1, PARKED_COUNT + 1):
            frames += waiter.connection.frame(struct.pack(">I", number | 0x80000000) + body)
        waiter.connection.send_raw(frames)
        while client.ask("server.stats")["parked"] < PARKED_COUNT:
            pass
        client.do("member.register", member="ada")
        for number in range(1, PARKED_COUNT + 1):
            self.assertEqual(
                len(harness.unpack(waiter.wait(number))["result"]["events"]), 1)
        self.assertEqual(client.ask("server.stats")["parked"], 0)
        daemon.stop()

    def test_more_connections_than_are_taken(self):
        daemon = self.daemon(flags=["--set", "net.connections_max=3"]).start()
        clients = [self.client(daemon) for _ in range(3)]
        for client in clients:
            client.ask("server.hello")
        try:
            extra = Connection(daemon.command, PROTO_REQ)
            self.addCleanup(extra.close)
            extra.wait_closed()
        except (Closed, ConnectionError):
            pass
        for client in clients:
            client.ask("server.hello")
        self.assertGreater(clients[0].ask("server.stats")["connections_refused"], 0)
        daemon.stop()


if __name__ == "__main__":
    harness.main()
