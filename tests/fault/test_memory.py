"""Memory is refused at the first, second, third … request for it, once or from there on.

The daemon answers `unavailable`, or leaves out what it can, or ends with a message and status 1;
never with a wrong answer or half of a command. nanomsg and libuv, which abort the process where they
get no memory, may end it so; then, too, the next start has all that was acknowledged. And what was taken
for the way that failed is given back.
"""
import errno
import random
import re
import signal

import pool
import script
import trial

SAMPLE = 40
STICKY_EVERY = 8  # with --all: for good at one in so many requests
# Without memory a reply may never come, and is asked for again. That it came late does no harm.
PATIENCE = 2.0
TRIES_MAX = 4
# What nanomsg says before it aborts. In its own start it also goes on with what it did not get.
NANOMSG = re.compile(r"\(\./src/[\w/]+\.(c|inc):\d+\)")
ABORTED = (-signal.SIGABRT, -signal.SIGSEGV)
ABORTING = ("libnanomsg", "libuv")
# A message on its way more or less when the daemon stops.
BLOCKS_SLACK = 4


def send(client, command):
    """The reply, in time."""
    client.connection.sock.settimeout(PATIENCE if PATIENT else trial.harness.TIMEOUT)
    return next(reply for _, reply in script.send(client, [[command]]))


def send_one(one, client, command):
    """Until it is answered. The client to go on with, and what kept it from being answered."""
    for _ in range(TRIES_MAX):
        try:
            client = client or one.daemon.client()
            reply = send(client, command)
        except ConnectionRefusedError:  # Nobody listens any more
            one.daemon.wait()
            return None, "ended"
        except trial.GONE:
            client = None
        except TimeoutError:
            return None, "silent"
        else:
            if reply["ok"] or reply["error"]["code"] != "unavailable":
                one.note(command, reply)
                return client, None
    return client, "refused"


def send_each(one):
    """One command after the other: what each of them did is known. What stopped it, or None."""
    client = None
    for command in COMMANDS:
        if command["id"] not in one.answered:
            client, stopped = send_one(one, client, command)
            if stopped:
                return stopped
    if client:
        client.close()
    return None


def count_undisturbed():
    """How often memory is asked for, and how much is never given back."""
    with trial.life() as one:
        one.shim.arm(0, calls=("alloc",))
        one.daemon.start()
        trial.expect(send_each(one) is None, "it is not answered")
        one.daemon.stop()
        return one.shim.count, one.shim.blocks


def ended_well(one):
    status, said = one.daemon.wait(), one.daemon.journal.text()
    culprit = "libnanomsg" if NANOMSG.search(said) else one.shim.culprit.split(".")[0]
    if status in ABORTED and culprit in ABORTING:
        return f"aborted by {culprit}"
    trial.expect(status == 1 and said, f"it ended with {status}: {one.shim.culprit}", said)
    return "ended"


def refuse_at(site, sticky):
    """The request for memory with that number is refused. What became of the daemon."""
    with trial.life() as one:
        one.shim.arm(site, "error", errno.ENOMEM, ("alloc",), sticky)
        if not one.start():
            outcome = ended_well(one).replace("ended", "did not start")
        else:
            outcome = send_each(one)
            outcome = ended_well(one) if outcome == "ended" else outcome
        if outcome is None:
            outcome = f"unharmed: {one.shim.culprit}" if one.shim.hits else "not reached"
        one.shim.disarm()
        if one.has_ended():
            one.start_anew()
        else:
            stopped = send_each(one)
            trial.expect(stopped is None, "it does not recover", outcome, stopped, one.shim.culprit,
                         one.daemon.journal.text())
            one.check(REFERENCE)
            one.daemon.stop()
            trial.expect(one.shim.blocks <= BLOCKS + BLOCKS_SLACK, "memory is not given back",
                         one.shim.blocks, BLOCKS, one.shim.culprit)
            one.start_anew()
        one.check(REFERENCE)
        one.finish(REFERENCE)
        return outcome


def make_jobs(options, sites):
    if options.site:
        return [(options.site, False), (options.site, True)]
    once = [(site, False) for site in range(1, sites + 3)]
    for_good = [(site, True) for site in range(1, sites + 1, STICKY_EVERY)]
    if options.all:
        return once + for_good
    draw = random.Random(options.seed)
    return draw.sample(once, SAMPLE) + draw.sample(for_good, SAMPLE // 8)


def main():
    options = pool.options(__doc__)
    clock = pool.Clock()
    global REFERENCE, COMMANDS, BLOCKS, PATIENT
    REFERENCE = trial.Reference()
    COMMANDS = [command for flight in REFERENCE.flights for message in flight for command in message]
    PATIENT = False
    sites, BLOCKS = count_undisturbed()
    PATIENT = True
    results = pool.run(refuse_at, make_jobs(options, sites))
    counts = {outcome: results.count(outcome) for outcome in sorted(set(results))}
    print(f"{len(results)} refusals at {sites} requests for memory: {counts}; nothing lost, "
          f"nothing leaked; seed {options.seed}, {clock}")
    trial.expect(options.site or len(counts) > 1, "the shim did nothing")


if __name__ == "__main__":
    main()
