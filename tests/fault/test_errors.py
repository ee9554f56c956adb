"""Every call that touches disk or socket fails, in every way it may, once or from there on.

Half of the daemons commit aside. A daemon answers `unavailable`, or drops a connection, or ends with a message and status 1; never
with a wrong answer, half of a batch, or a signal. When the fault is gone, in the same process if it
still lives, the rest of the script goes on as if nothing had been.
"""
import errno
import random

import pool
import trial

SAMPLE = 250
# What may fail how; None: a write that is cut short. Only what is asked of the disk fails for good.
DISK = {
    "write": (errno.EIO, errno.ENOSPC, None),
    "sync": (errno.EIO, errno.ENOSPC),
    "open": (errno.EMFILE, errno.ENOSPC, errno.EIO, errno.ENOMEM),
    "name": (errno.EIO, errno.ENOSPC),
}
REST = {
    "map": (errno.ENOMEM,),
    "send": (errno.ENOMEM, errno.ENOBUFS, errno.EIO),
    "receive": (errno.ENOMEM, errno.EIO),
    "accept": (errno.EMFILE, errno.ENOMEM, errno.EIO, errno.ECONNABORTED),
}
# What has shown a defect once.
FOUND = [("send", 93, errno.EIO, False), ("write", 45, errno.EIO, True),
         ("sync", 83, errno.ENOSPC, True)]


def ended_well(one):
    status = one.daemon.wait()
    trial.expect(status == 1, f"it ended with {status}", one.daemon.journal.text())
    trial.expect(one.daemon.journal.text(), "it ended without a word")


def ask_meanwhile(one):
    """Queries are answered all the while, but where the views are lost and cannot be made anew."""
    try:
        one.check(REFERENCE)
        return "refused"
    except AssertionError as error:
        trial.expect("'code': 'unavailable'" in str(error), str(error))
        return "nothing served"


def error_at(call, site, error, sticky):
    """The call of that kind with that number fails. What became of the daemon."""
    with trial.life(trial.ASIDE if site % 2 else ()) as one:
        one.shim.arm(site, "error" if error else "short", error or 0, (call,), sticky)
        if not one.start():
            ended_well(one)
            outcome = "did not start"
        elif one.send_patiently(REFERENCE.flights):
            outcome = "unharmed" if one.shim.hits else "not reached"
        elif one.has_ended():
            ended_well(one)
            outcome = "ended"
        else:
            outcome = ask_meanwhile(one)
        one.shim.arm(0)
        if one.has_ended():
            one.start_anew()
        one.check(REFERENCE)
        trial.expect(one.send_patiently(REFERENCE.flights), "it does not recover")
        one.check(REFERENCE)
        one.start_anew()
        one.check(REFERENCE)
        one.finish(REFERENCE)
        return outcome


def make_jobs():
    jobs = []
    for errors, both in ((DISK, (False, True)), (REST, (False,))):
        for call, kinds in errors.items():
            for site in range(1, REFERENCE.per_call[call] + 3):
                jobs += [(call, site, error, sticky) for error in kinds for sticky in both]
    return jobs


def main():
    options = pool.options(__doc__)
    clock = pool.Clock()
    global REFERENCE
    REFERENCE = trial.Reference()
    jobs = make_jobs()
    every = len(jobs)
    if not options.all:
        jobs = random.Random(options.seed).sample(jobs, SAMPLE) + FOUND
    results = pool.run(error_at, jobs)
    counts = {outcome: results.count(outcome) for outcome in sorted(set(results))}
    print(f"{len(jobs)} of {every} faults: {counts}; nothing lost; seed {options.seed}, {clock}")
    trial.expect(counts.get("refused") and counts.get("ended"), "the shim did nothing")


if __name__ == "__main__":
    main()
