"""Several endpoints at once: ipc, IPv4 and IPv6."""
import socket

import harness
from harness import Case, Client, Daemon, Subscriber

ATTEMPTS = 10  # a port found free may be taken before it is bound
TAKEN = "another process listens there"


class Endpoints(Case):
    def start(self):
        for _ in range(ATTEMPTS):
            tcp = [f"tcp://127.0.0.1:{harness.free_port()}",
                   f"tcp://[::1]:{harness.free_port(socket.AF_INET6)}"]
            tcp_events = f"tcp://127.0.0.1:{harness.free_port()}"
            daemon = Daemon(flags=["--command", tcp[0], "--command", tcp[1],
                                   "--events", tcp_events])
            self.addCleanup(daemon.close)
            daemon.spawn()
            try:
                daemon.wait_note("READY=1")
                return daemon, tcp, tcp_events
            except AssertionError:
                if TAKEN not in daemon.journal.text():
                    raise
        self.fail("no free port")

    def test_all_at_once(self):
        daemon, tcp, tcp_events = self.start()
        daemon.journal.wait("no authentication")
        subscribers = [Subscriber(url) for url in (daemon.events, tcp_events)]
        for subscriber in subscribers:
            self.addCleanup(subscriber.close)
            subscriber.next_beat()
        clients = [Client(url) for url in (daemon.command, *tcp)]
        for number, client in enumerate(clients):
            self.addCleanup(client.close)
            client.do("member.register", member=f"m{number}")
        for number in range(len(clients)):
            for subscriber in subscribers:
                topic, event = subscriber.next_event()
                self.assertEqual((topic, event["member"]), ("member.registered", f"m{number}"))
        daemon.stop()

    def test_a_port_in_use(self):
        daemon, tcp, _ = self.start()
        other = self.daemon(urls=False, flags=["--command", tcp[0]])
        other.spawn()
        self.assertEqual(other.wait(), 1)
        other.journal.wait(TAKEN)
        daemon.stop()


if __name__ == "__main__":
    harness.main()
