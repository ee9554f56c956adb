"""While somebody attacks, all others are answered; and when he is gone, nothing is left of him.

tests/bench/hostile measures what it costs them, tests/soak/siege does it for an hour.
"""
import time

import attacks
import harness
import siege

STEPS = 40
CONNECTIONS_MAX = 60
# What it may have grown by since it began: half frames of 1 MiB over every connection come and go.
MEMORY_MAX = 128 << 20


class Siege(harness.Case):
    def attack(self, name, urls, honest):
        attack = attacks.ATTACKS[name](*urls, connections=2 * CONNECTIONS_MAX)
        try:
            for step in range(STEPS):
                attack.step()
                honest.do("member.register", member=f"{name}-{step}", id=f"{name}-{step}")
        finally:
            attack.close()

    def wait(self, condition):
        until = harness.deadline()
        while not condition():
            self.assertLess(time.monotonic(), until)

    def check(self, transport):
        fort = siege.Fort(flags=["--set", f"net.connections_max={CONNECTIONS_MAX}",
                                 "--set", "net.kept_size=1MiB", "--set", "net.kept_for=1s"])
        self.addCleanup(fort.close)
        fort.start()
        honest, subscriber = self.client(fort), self.subscriber(fort)
        descriptors, memory, told = fort.descriptors(), fort.memory(), 0
        for name, attack in attacks.ATTACKS.items():
            if attack.ipc_only and transport != "ipc":
                continue
            with self.subTest(attack=name):
                self.attack(name, fort.urls[transport], honest)
                self.wait(lambda: honest.ask("server.stats")["connections"] == 2)
                self.wait(lambda: fort.descriptors() <= descriptors)
                told += STEPS
                self.assertEqual(honest.ask("server.stats")["last_seq"], told)
                while subscriber.next_event()[1]["seq"] < told:
                    pass
                self.assertLess(fort.memory() - memory, MEMORY_MAX)
                late = fort.client() # Who comes now is let in.
                late.ask("server.hello")
                late.close()
        fort.stop()

    def test_over_ipc(self):
        self.check("ipc")

    def test_over_tcp(self):
        self.check("tcp")


if __name__ == "__main__":
    harness.main()
