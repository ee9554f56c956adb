"""Many trials, a few at a time; the first that goes wrong is told with how to do it again."""
import argparse
import multiprocessing
import os
import sys
import time
import traceback

import harness
import trial

WORKERS = min(2, os.cpu_count() or 1)


def _run(job):
    function, arguments = job
    try:
        return arguments, function(*arguments), None
    except Exception:  # Told by the parent, with the arguments.
        return arguments, None, traceback.format_exc()


def run(function, jobs):
    """The results of function(*job) for all jobs; exits where one fails."""
    results, failed = [], 0
    context = multiprocessing.get_context("fork")
    with context.Pool(WORKERS) as pool:
        for arguments, result, error in pool.imap_unordered(
                _run, [(function, job) for job in jobs], chunksize=4):
            if error:
                failed += 1
                if failed <= 5:
                    print(f"FAILED {function.__name__}{arguments}\n{error}", flush=True)
            results.append(result)
    if failed:
        print(f"{failed} of {len(jobs)} failed")
        sys.exit(1)
    return results


def options(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--all", action="store_true", help="every site instead of a sample")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("KITH_SEED", "7")))
    parser.add_argument("--site", type=int, help="only this one")
    parsed = parser.parse_args()
    trial.use_memory()
    sys.stdout.reconfigure(line_buffering=True)
    harness.TIMEOUT = 30.0
    return parsed


class Clock:
    """How long all took, for the record; nothing depends on it."""

    def __init__(self):
        self.start = time.monotonic()

    def __str__(self):
        return f"{time.monotonic() - self.start:.0f} s"
