"""Clients of libkith that wait while the daemon goes and comes."""
import json
import os
import select
import signal
import subprocess

import harness
import watchers
from harness import Case


class Restarts(Case):
    def test_who_waits_over_restarts_gets_what_comes(self):
        """libkith waits on for the next daemon, and tells its caller of none of it."""
        daemon = self.daemon().start()
        client = self.client(daemon)
        client.do("member.register", member="ada")
        # Both have nothing to listen to, and poll.
        words = (["watch", "--subscription", "s", "--from", "2", "--type", "member.updated"],
                 ["watch", "--member", "ada", "--from", "2"])
        waiting = [subprocess.Popen(
            [watchers.KITH, "--url", daemon.command, "--json", *part], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, "KITH_EVENTS_URL": ""}) for part in words]
        for process in waiting:
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
        told = [[] for _ in waiting]
        for number, end in enumerate((signal.SIGTERM, signal.SIGKILL, signal.SIGTERM)):
            while client.ask("server.stats")["parked"] < len(waiting):
                pass
            daemon.send_signal(end)
            daemon.wait()
            daemon.start()
            client = self.client(daemon)
            client.do("clock.advance", ms=1)
            client.do("member.update", f"u{number}", member="ada",
                      tier="free" if number % 2 else "premium")
            # A fetch may have gone to a connection that was made anew: its event comes again when
            # the time for it is over.
            while not select.select([waiting[0].stdout], [], [], 1)[0]:
                client.do("clock.advance", ms=31000)
            for lines, process in zip(told, waiting):
                lines.append(json.loads(process.stdout.readline())["at"])
        wanted = [event["at"] for event in client.ask(
            "event.read", types=["member.updated"])["events"]]
        self.assertEqual(len(wanted), 3)
        self.assertEqual(told, [wanted] * len(waiting))
        for process in waiting:
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=harness.TIMEOUT)
            self.assertEqual((process.returncode, rest, errors), (0, b"", b""))
        daemon.stop()



if __name__ == "__main__":
    harness.main()
