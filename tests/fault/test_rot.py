"""Bits flip, pages are zeroed, swapped, put back as they once were, files are cut: verify finds it, or
what was hit is of no use to anybody; beside a daemon it would find the same. The daemon refuses to
start, mends its views, or says `internal`.
"""
import os
import random
import shutil
import tempfile

import harness
import pool
import script
import trial

SAMPLE = 500
PAGE = 4096


def flip_bit(draw, content, old):
    at = draw.randrange(len(content))
    content[at] ^= 1 << draw.randrange(8)


def scribble(draw, content, old):
    at = draw.randrange(len(content) - 64)
    content[at:at + 64] = draw.randbytes(64)


def zero_page(draw, content, old):
    at = draw.randrange(len(content) // PAGE) * PAGE
    content[at:at + PAGE] = bytes(PAGE)


def swap_pages(draw, content, old):
    one, two = (draw.randrange(len(content) // PAGE) * PAGE for _ in range(2))
    content[one:one + PAGE], content[two:two + PAGE] = (content[two:two + PAGE],
                                                        content[one:one + PAGE])


def old_page(draw, content, old):
    at = draw.randrange(min(len(old), len(content)) // PAGE) * PAGE
    content[at:at + PAGE] = old[at:at + PAGE]


def cut_short(draw, content, old):
    del content[draw.randrange(1, len(content)):]


KINDS = (flip_bit, scribble, zero_page, swap_pages, old_page, cut_short)


def ask_all(client):
    """Questions about everybody, and the answers or the codes of the errors."""
    people = script.PEOPLE + [f"late{n}" for n in range(20)] + [f"later{n}" for n in range(10)]
    items = [{"op": op, "args": {"member": member}} for member in people
             for op in ("member.get", "connection.list", "connection.incoming",
                        "connection.outgoing", "connection.counts", "member.blocks")]
    for start in range(0, len(items), 60):
        part = items[start:start + 60]
        reply = client.raw(script.pack(part))
        # One answer for the whole where it could not be run.
        for item, answer in zip(part, reply.get("batch", [reply] * len(part))):
            yield item, answer["result"] if answer["ok"] else answer["error"]["code"]


def make(directory):
    """A sound data directory, and its files as they were a little earlier."""
    with trial.life() as one:
        one.start_anew()
        one.send_all(REFERENCE.flights[:-6])
        one.daemon.stop()
        shutil.copytree(one.daemon.data, os.path.join(directory, "old"))
        one.daemon.start()
        one.send_all(REFERENCE.flights)
        one.daemon.stop()
        shutil.copytree(one.daemon.data, os.path.join(directory, "data"))
        one.daemon.start()
        client = one.daemon.client()
        return list(ask_all(client))


def serve(one):
    """What a daemon does with the damage: how it ended, or which answers were wrong."""
    if not one.start():
        return "refused" if one.daemon.wait() == 1 else "crashed", []
    wrong = []
    try:
        client = one.daemon.client()
        for (item, answer), (_, right) in zip(ask_all(client), ANSWERS):
            if answer != right and answer not in ("internal", "unavailable"):
                wrong.append((item, answer, right))
        one.check(REFERENCE)
    except AssertionError as error:
        trial.expect("internal" in str(error) or "unavailable" in str(error), str(error))
        return "said so", wrong
    except trial.GONE:
        return "ended" if one.daemon.wait() == 1 else "crashed", wrong
    told = "damaged" in one.daemon.journal.text() or "anew" in one.daemon.journal.text()
    return "mended" if told else "served", wrong


def rot(number, seed):
    """One kind of damage at one place: the file, the kind, what verify and the daemon say."""
    draw = random.Random(seed * 1_000_003 + number)
    name, kind = draw.choice(("log", "views")), draw.choice(KINDS)
    with trial.life() as one:
        one.daemon.environment = {}
        shutil.copytree(os.path.join(MADE, "data"), one.daemon.data)
        path = f"{one.daemon.data}/{name}/data.mdb"
        with open(path, "rb") as file, open(f"{MADE}/old/{name}/data.mdb", "rb") as old_file:
            sound = file.read()
            content, old = bytearray(sound), old_file.read()
        kind(draw, content, old)
        if content == sound:
            return name, kind.__name__, "no damage", "", 0
        with open(path, "wb") as file:
            file.write(content)
        status, lines, errors = trial.verify(one.daemon.data)
        trial.expect(status in (0, 1) and lines, "verify came to no end", status, errors)
        found = status == 1
        beside = trial.verify(one.daemon.data, deep=False, online=True)
        trial.expect(beside[0] == status and beside[1][1:] == lines,
                     "beside a daemon it finds something else", beside, status, lines)
        outcome, wrong = serve(one)
        if not found:
            # It mends more than it must: views shorter than they were are made anew.
            trial.expect(not wrong and outcome in ("served", "mended"),
                         f"not found: {kind.__name__} of {name}", outcome, wrong[:3], errors)
        trial.expect(not wrong, f"a wrong answer: {kind.__name__} of {name}", wrong[:3])
        return name, kind.__name__, "found" if found else "of no use", outcome, len(wrong)


def main():
    global REFERENCE, MADE, ANSWERS
    options = pool.options(__doc__)
    clock = pool.Clock()
    REFERENCE = trial.Reference()
    with tempfile.TemporaryDirectory(prefix="kith-") as MADE:
        ANSWERS = make(MADE)
        numbers = range(10 * SAMPLE if options.all else SAMPLE)
        if options.site is not None:
            numbers = [options.site]
        results = pool.run(rot, [(number, options.seed) for number in numbers])
    for name in ("log", "views"):
        for kind in KINDS:
            here = [result for result in results if result[:2] == (name, kind.__name__)]
            verdicts = {verdict: sum(result[2] == verdict for result in here)
                        for verdict in sorted({result[2] for result in here})}
            outcomes = {outcome: sum(result[3] == outcome for result in here)
                        for outcome in sorted({result[3] for result in here} - {""})}
            print(f"{name:5} {kind.__name__:10} {len(here):4}: verify {verdicts}, kithd {outcomes}, "
                  f"{sum(result[4] > 0 for result in here)} times wrong")
    print(f"{len(results)} damages, seed {options.seed}, {clock}")
    trial.expect(sum(result[2] == "found" for result in results) > len(results) / 4, "nothing found")


if __name__ == "__main__":
    main()
