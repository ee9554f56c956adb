"""More than can be done: who waits too long is told so, and the rest is as it was."""
import signal
import socket
import struct

import msgpack

import harness
from harness import Case

COUNT = 60000


class Overload(Case):
    def flood(self, client, frames):
        """Hand over all frames before the daemon takes the next."""
        client.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        client.connection.send_raw(frames)

    def frame(self, client, number, body):
        return client.connection.frame(struct.pack(">I", number | 0x80000000) + body)

    def test_busy_changes_nothing_and_may_be_asked_again(self):
        # As little patience as there is, so that on every machine this is more than can be done.
        daemon = self.daemon(flags=["--set", "net.wait_max=1ms", "--set", "net.kept_size=256MiB",
                                    "--set", "net.kept_for=10m"]).start()
        crowd, lone = self.client(daemon), self.client(daemon)
        crowd.ask("server.hello")
        lone.ask("server.hello")
        bodies = [crowd.pack("member.register", {"member": f"m{n}"}, f"i{n}")
                  for n in range(COUNT)]
        self.flood(crowd, b"".join(self.frame(crowd, 10 + n, body)
                                   for n, body in enumerate(bodies)))
        done, busy = 0, []
        for n, body in enumerate(bodies):
            reply = harness.unpack(crowd.wait(10 + n))
            self.assertEqual(reply["id"], f"i{n}")
            if reply["ok"]:
                done += 1
            else:
                self.assert_error(reply, "busy")
                self.assertEqual(reply["error"]["retry"], "same_id")
                busy.append(body)
        self.assertGreater(len(busy), 0)
        self.assertGreater(done, 0)
        self.assertEqual(lone.ask("server.hello")["last_seq"], done)
        self.assertEqual(lone.ask("server.stats")["refused_busy"], len(busy))
        # One by one there is no crowd.
        crowd.next = 10 + COUNT
        for body in busy[:100]:
            reply = crowd.raw(body)
            self.assertTrue(reply["ok"])
            self.assertNotIn("dup", reply)
        self.assertEqual(lone.ask("server.hello")["last_seq"], done + len(busy[:100]))
        daemon.stop()

    def test_with_patience_a_crowd_is_served(self):
        daemon = self.daemon(flags=["--set", "net.kept_size=256MiB",
                                    "--set", "net.kept_for=10m"]).start()
        crowd = self.client(daemon)
        crowd.ask("server.hello")
        body = crowd.pack("command.lookup", {"id": "x"})
        self.flood(crowd, b"".join(self.frame(crowd, 10 + n, body) for n in range(COUNT)))
        for n in range(COUNT):
            self.assertTrue(harness.unpack(crowd.wait(10 + n))["ok"])
        daemon.stop()

    def test_rubbish_does_not_cut_batches_short(self):
        daemon = self.daemon().start()
        good, bad, other = self.client(daemon), self.client(daemon), self.client(daemon)
        count = 500
        for client in (good, bad, other):
            client.ask("server.hello")
        commits = other.ask("server.stats")["commits"]
        daemon.send_signal(signal.SIGSTOP)
        self.flood(bad, bad.connection.frame(b"\0\0\0\1") * count)
        self.flood(good, b"".join(
            self.frame(good, 10 + n, good.pack("member.register", {"member": f"m{n}"}, f"i{n}"))
            for n in range(count)))
        daemon.send_signal(signal.SIGCONT)
        for n in range(count):
            self.assertTrue(harness.unpack(good.wait(10 + n))["ok"])
        self.assertLess(other.ask("server.stats")["commits"] - commits, count // 2)
        daemon.stop()


if __name__ == "__main__":
    harness.main()
