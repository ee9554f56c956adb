"""SIGKILL at every call of a script that touches disk or socket.

The daemon starts on nothing, runs the script and stops; it is killed at its N-th call, or in the
middle of its N-th write; half of the lives commit aside. Then it starts again, or is killed again while it recovers; then what was
acknowledged must be there once, the rest wholly or not at all, the rest of the script goes on as if
nothing had been, and in the end the views are what the log makes.
"""
import random

import pool
import trial

SECOND_KILL_MAX = 60  # calls of a recovery
SAMPLE = 400


def kill_at(site, action, second):
    """Killed at `site`, and at `second` of the recovery (0: not). The number of events found."""
    with trial.life(trial.ASIDE if site % 2 else ()) as one:
        one.shim.arm(site, action)
        if one.start():
            if one.send_all(REFERENCE.flights):
                one.daemon.send_signal(15)
        one.daemon.wait()
        killed = one.shim.hits
        if second:
            one.shim.arm(second)
            one.start()
            killed += one.shim.hits
        one.start_anew()
        count = one.check(REFERENCE)
        one.finish(REFERENCE)
        return killed, count


def main():
    options = pool.options(__doc__)
    clock = pool.Clock()
    draw = random.Random(options.seed)
    global REFERENCE
    REFERENCE = trial.Reference()
    # A checkpoint begins when it likes, so that the number of calls differs a little by run.
    sites = range(1, REFERENCE.sites + 10)
    jobs = [(site, "kill", 0 if options.site else draw.choice((0, draw.randint(1, SECOND_KILL_MAX))))
            for site in sites]
    jobs += [(site, "torn", 0) for site in sites]
    if not options.all:
        jobs = draw.sample(jobs, SAMPLE)
    if options.site:
        jobs = [(options.site, "kill", 0), (options.site, "torn", 0)]
    results = pool.run(kill_at, jobs)
    kills = sum(killed for killed, _ in results)
    print(f"{REFERENCE.commands} commands, {len(REFERENCE.log)} events, {REFERENCE.sites} sites "
          f"({REFERENCE.per_call}); {len(jobs)} lives, {kills} kills, nothing lost; "
          f"seed {options.seed}, {clock}")
    trial.expect(kills > 0, "the shim did not kill")


if __name__ == "__main__":
    main()
