"""The power goes at every step: any file that the disk may then hold is sound, and has all that was
acknowledged or published before.

Besides a disk that keeps its promises there is one that lies, whose files must be found to lack
something: so the test can fail.
"""
import hashlib
import os
import random
import shutil
import struct
import subprocess
import tempfile

import pool
import trace
import trial

CHUNK = 24        # steps of one job
SAMPLE = 200      # jobs' worth of images in which a daemon also starts
RANDOM_IMAGES = 3 # of each kind, where writes are open
LIVES = 2
CHECKSUM_SIZE = 16
SEEN = {}         # what verify found, by the content of both files


def record(directory):
    """A run in two lives, written down."""
    path = os.path.join(directory, "trace")
    with trial.life() as one:
        one.daemon.environment = one.shim.environment(path)
        half = len(REFERENCE.flights) // LIVES
        for part in (REFERENCE.flights[:half], REFERENCE.flights[half:]):
            one.daemon.start()
            trial.expect(one.send_all(part), "the daemon went away")
            one.daemon.stop()
        shutil.copy(os.path.join(one.daemon.data, "secrets"), directory)
    return trace.load(path)


def belongs(way_back, path):
    """The same for this very file: it names the one it is for, by number and birth."""
    found = os.stat(path)
    born = subprocess.run(["stat", "-c", "%W", path], stdout=subprocess.PIPE, check=True).stdout
    body = struct.pack("<QQ", found.st_ino, int(born)) + way_back[16:-CHECKSUM_SIZE]
    return body + hashlib.blake2b(body, digest_size=CHECKSUM_SIZE).digest()


def put(data, image):
    for name in {os.path.dirname(name) for name in trace.FILES}:
        shutil.rmtree(os.path.join(data, name), ignore_errors=True)
    for number, (name, content) in enumerate(zip(trace.FILES, image)):
        path = os.path.join(data, name)
        if content and number == trace.WAY_BACK:
            content = belongs(content, os.path.join(os.path.dirname(path), "data.mdb"))
        if content:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)


def look(data, image):
    """What verify finds: its status, the last event, and its words."""
    put(data, image)
    status, lines, errors = trial.verify(data, deep=False)
    return status, (lines[-1] if lines else {}).get("last_seq", 0), f"{lines} {errors}"


def look_once(data, image):
    """The same; the same files need no second look."""
    content = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in image)).digest()
    if content not in SEEN:
        SEEN[content] = look(data, image)
    return SEEN[content]


def tell_wrong(seen, promised):
    """What is wrong where it is not sound, or lacks what was promised."""
    status, last_seq, words = seen
    if last_seq < promised:
        return f"events up to {promised} were promised: {words}"
    # Before the first commit there is not yet a log.
    return None if status == 0 or promised == 0 else words


def images_of(disk, draw, count):
    yield "all", disk.all_written()
    if disk.is_open():
        yield "none", disk.nothing_open()
        for _ in range(count):
            yield "writes", disk.some_writes(draw)
            yield "sectors", disk.some_sectors(draw)


def cut(first, seed, count):
    """The power goes before each of some steps. How many images that made, and how many of them no
    step before had made."""
    draw = random.Random(seed * 1_000_003 + first)
    disk, made, before = trace.Disk(), 0, len(SEEN)
    with trial.life() as one:
        shutil.copytree(SECRETS, one.daemon.data)
        for number, step in enumerate(STEPS[:first + CHUNK]):
            if number >= first and step.kind != trace.SEND:
                for kind, image in images_of(disk, draw, count):
                    wrong = tell_wrong(look_once(one.daemon.data, image), step.promised)
                    trial.expect(not wrong, f"step {number}, {kind}", wrong)
                    made += 1
            disk.apply(step) if step.kind != trace.SEND else None
    return made, len(SEEN) - before


def start_behind(number, seed):
    """A daemon starts on one of the images behind a step, and the script goes on. Whether the power
    went within a checkpoint."""
    draw = random.Random(seed * 1_000_003 + number)
    disk = trace.Disk()
    for step in STEPS[:number]:
        if step.kind != trace.SEND:
            disk.apply(step)
    with trial.life() as one:
        shutil.copytree(SECRETS, one.daemon.data)
        image = disk.some_sectors(draw)
        put(one.daemon.data, image)
        one.start_anew()
        count = one.check(REFERENCE)
        trial.expect(count >= STEPS[number].promised, "lost", count, STEPS[number].promised)
        one.answered = {id for id, reply in REFERENCE.replies.items() if reply["pos"] <= count}
        one.finish(REFERENCE)
    return bool(image[trace.WAY_BACK])


def lie(number, seed):
    """The same on a disk that never waits: is it found out?"""
    disk = trace.Disk(honest=False)
    draw = random.Random(seed * 1_000_003 + number)
    for step in STEPS[:number]:
        if step.kind != trace.SEND:
            disk.apply(step)
    with trial.life() as one:
        os.makedirs(one.daemon.data)
        seen = look(one.daemon.data, disk.some_writes(draw))
        return bool(tell_wrong(seen, STEPS[number].promised))


def main():
    global REFERENCE, STEPS, SECRETS
    options = pool.options(__doc__)
    clock = pool.Clock()
    REFERENCE = trial.Reference()
    with tempfile.TemporaryDirectory(prefix="kith-") as directory:
        STEPS = record(directory)
        SECRETS = os.path.join(directory, "data")
        os.mkdir(SECRETS, mode=0o700)
        shutil.move(os.path.join(directory, "secrets"), SECRETS)
        run(options, clock)


def run(options, clock):
    draw = random.Random(options.seed)
    count = 10 * RANDOM_IMAGES if options.all else RANDOM_IMAGES
    cuts = pool.run(cut, [(first, options.seed, count) for first in range(0, len(STEPS), CHUNK)])
    made, looked = (sum(numbers) for numbers in zip(*cuts))
    late = [number for number, step in enumerate(STEPS) if step.promised > 0]
    trial.expect(len(late) > SAMPLE, "the promises were not seen")
    chosen = late if options.all else draw.sample(late, SAMPLE)
    within = pool.run(start_behind, [(number, options.seed) for number in chosen])
    lies = pool.run(lie, [(number, options.seed) for number in draw.sample(late, 50)])
    kinds = {name: sum(step.kind == kind for step in STEPS) for name, kind in
             (("writes", trace.WRITE), ("syncs", trace.SYNC), ("sends", trace.SEND))}
    print(f"{len(STEPS)} steps {kinds}; {made} images, {looked} different, sound; "
          f"{len(within)} starts, {sum(within)} of them back from half a checkpoint, nothing lost; "
          f"{sum(lies)} of {len(lies)} found on a disk that lies; seed {options.seed}, {clock}")
    trial.expect(looked > len(STEPS) and sum(within) > 0 and sum(lies) > len(lies) / 2,
                 "what is looked for is not found")


if __name__ == "__main__":
    main()
