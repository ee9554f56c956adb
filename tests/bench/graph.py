#!/usr/bin/env python3
"""How long questions over the graph take while commands run.

    KITHD=…/kithd KITH=…/kith KITH_GRAPH=edges.txt.gz tests/bench/graph.py [SECONDS]

Starts a daemon of its own, imports the graph (without KITH_GRAPH a generated one), lets `kith bench`
send RATE commands a second, and asks, once its members are registered, which it does as fast as it can:
mutuals of the two largest members, a path between
two at distance 3, suggestions for random members. Prints milliseconds as a client sees them.
"""
import os
import random
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
import graphs
import harness

KITH = os.environ.get("KITH", "kith")
RATE, MEMBERS = 10000, 20000


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(kith, name, goal_ms, ask, seconds):
    times, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        start = time.perf_counter()
        ask(kith)
        times.append((time.perf_counter() - start) * 1000)
    print(f"{name:28} {len(times):8} asked   p50 {percentile(times, .5):7.2f} ms   "
          f"p99 {percentile(times, .99):7.2f} ms   max {max(times):7.2f} ms   goal p99 {goal_ms} ms")


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5
    edges = graphs.load()
    near, rng = graphs.adjacency(edges), random.Random(1)
    members = sorted(near)
    biggest = sorted(members, key=lambda m: -len(near[m]))[:2]
    far = []
    while len(far) < 200:
        a, b = rng.sample(members, 2)
        if graphs.degree(near, a, b) == 3:
            far.append((a, b))
    daemon = harness.Daemon(clock="system").start()
    kith = daemon.client()
    for start in range(0, len(members), 1000):
        kith.batch([{"op": "member.register", "id": f"r-{m}", "args": {"member": m}}
                    for m in members[start:start + 1000]])
    for start in range(0, len(edges), 1000):
        kith.do("connection.import", id=f"i-{start}",
                pairs=[list(edge) for edge in edges[start:start + 1000]])
    before = kith.ask("server.stats")["commands"]
    load = subprocess.Popen(
        [KITH, "--url", daemon.command, "--events", daemon.events, "bench", "--rate", str(RATE),
         "--seconds", str(int(seconds * 3 + 3)), "--members", str(MEMBERS), "--no-floor"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while kith.ask("server.stats")["commands"] < before + MEMBERS + RATE:
        assert load.poll() is None, "kith bench has ended"
    before, start = kith.ask("server.stats")["commands"], time.monotonic()
    try:
        measure(kith, "mutuals of the two largest", 2, lambda k: k.ask(
            "connection.mutuals", viewer=biggest[0], other=biggest[1]), seconds)
        measure(kith, "path at distance 3", 10, lambda k: k.ask(
            "connection.path", viewer=(pair := rng.choice(far))[0], other=pair[1]), seconds)
        measure(kith, "suggest", 20, lambda k: k.ask(
            "connection.suggest", member=rng.choice(members)), seconds)
        commands = kith.ask("server.stats")["commands"] - before
        print(f"{commands / (time.monotonic() - start):.0f} commands/s ran beside them")
    finally:
        load.kill()
        load.wait()
        daemon.close()


if __name__ == "__main__":
    main()
