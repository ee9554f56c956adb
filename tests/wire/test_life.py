"""A daemon's life: start, readiness, the watchdog, the stop, and who else may be there."""
import os
import signal
import stat

import harness
from harness import Case


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class Life(Case):
    def test_start_and_stop(self):
        daemon = self.daemon().start()
        for name in ("command.ipc", "events.ipc"):
            self.assertEqual(mode(f"{daemon.directory}/{name}"), 0o660, name)
        self.assertEqual(mode(daemon.data), 0o700)
        hello = self.client(daemon).ask("server.hello")
        self.assertEqual(hello["protocol"], 1)
        self.assertEqual(hello["last_seq"], 0)

        ready = len(daemon.notes)
        daemon.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)
        self.assertTrue(any("STOPPING=1" in note for note in daemon.drain_notes()[ready:]))
        for name in ("command.ipc", "events.ipc"):
            self.assertFalse(os.path.exists(f"{daemon.directory}/{name}"), name)

    def test_the_journal_says_what_it_serves(self):
        daemon = self.daemon().start()
        line = daemon.journal.wait("serves")
        for text in (daemon.data, daemon.command, daemon.events, "last event 0", "recovered in"):
            self.assertIn(text, line)
        daemon.journal.wait("mode 0660")
        daemon.journal.wait("clock is manual")
        daemon.stop()
        daemon.journal.wait("stopping on TERM")
        daemon.journal.wait("stopped")

    def test_journal_priorities(self):
        daemon = self.daemon(environment={"JOURNAL_STREAM": "8:1"}).start()
        self.assertRegex(daemon.journal.wait("serves"), r"^<5>kithd ")
        daemon.stop()

    def test_int_stops_too_and_a_second_signal_forces_nothing(self):
        daemon = self.daemon().start()
        daemon.send_signal(signal.SIGINT)
        try:
            daemon.send_signal(signal.SIGTERM)
        except ProcessLookupError:
            pass
        self.assertEqual(daemon.wait(), 0)

    def test_watchdog(self):
        daemon = self.daemon(environment={"WATCHDOG_USEC": "200000"}).start()
        ready = len(daemon.notes)
        for _ in range(3):
            ready = daemon.wait_note("WATCHDOG=1", ready)
        daemon.stop()

    def test_the_service_manager_is_kept_informed(self):
        daemon = self.daemon().start()
        daemon.wait_note("STATUS=serving; last event at start 0")
        daemon.stop()

    def test_one_process_a_data_directory(self):
        daemon = self.daemon().start()
        other = self.daemon()
        other.flags = ["--data", daemon.data] + other.flags[2:]
        other.spawn()
        self.assertEqual(other.wait(), 1)
        other.journal.wait("kithd does not start")
        self.assertFalse(os.path.exists(f"{other.directory}/command.ipc"))
        self.client(daemon).ask("server.hello")
        daemon.stop()

    def test_one_process_an_endpoint(self):
        daemon = self.daemon().start()
        other = self.daemon(flags=["--command", daemon.command], urls=False)
        other.spawn()
        self.assertEqual(other.wait(), 1)
        other.journal.wait("kithd does not start")
        self.client(daemon).ask("server.hello")
        daemon.stop()

    def test_a_stale_socket_is_replaced(self):
        daemon = self.daemon().start()
        daemon.kill()
        self.assertTrue(os.path.exists(f"{daemon.directory}/command.ipc"))
        daemon.start()
        self.client(daemon).ask("server.hello")
        daemon.stop()

    def test_default_places(self):
        daemon = self.daemon(urls=False, environment={})
        daemon.flags = ["--clock", "manual"]
        daemon.environment = {"XDG_RUNTIME_DIR": daemon.directory,
                              "STATE_DIRECTORY": f"{daemon.directory}/state"}
        daemon.start()
        client = harness.Client(f"ipc://{daemon.directory}/kith/command.ipc")
        self.addCleanup(client.close)
        client.ask("server.hello")
        self.assertTrue(os.path.isdir(f"{daemon.directory}/state/log"))
        daemon.stop()

    def test_what_was_acknowledged_survives_a_restart(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        first = client.call("member.register", {"member": "ada"}, "one")
        self.assertTrue(first["ok"], first)
        daemon.stop()
        daemon.start()
        client = self.client(daemon)
        again = client.call("member.register", {"member": "ada"}, "one")
        self.assertTrue(again["dup"])
        self.assertEqual((again["pos"], again["at"]), (first["pos"], first["at"]))
        daemon.stop()

    def test_a_socket_path_too_long_is_refused(self):
        daemon = self.daemon(urls=False, flags=["--command", "ipc:///tmp/" + "x" * 103])
        daemon.spawn()
        self.assertEqual(daemon.wait(), 2)
        daemon.journal.wait("107")

    def test_stats(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        client.do("member.register", member="ada")
        stats = client.ask("server.stats")
        self.assertEqual(stats["last_seq"], 1)
        self.assertEqual(stats["read_only"], 0)
        self.assertEqual(stats["parked"], 0)
        self.assertGreaterEqual(stats["connections"], 1)
        self.assertGreater(stats["disk_free"], 0)
        self.assertGreater(stats["commits"], 0)
        daemon.stop()


if __name__ == "__main__":
    harness.main()
