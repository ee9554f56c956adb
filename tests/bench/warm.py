#!/usr/bin/python3
"""Run a benchmark on a machine whose memory is in use, as it is once it has been up for a while.

    tests/bench/warm.py COMMAND…      for example: tests/bench/warm.py kith bench -m 20000

What a daemon writes takes pages of the kernel's cache. On a machine that has been up for a day they
are taken from the oldest pages there, at no great cost. Behind a boot they are taken from memory that
nobody has used, and a virtual machine that gives what is free back to its host (free page reporting,
or a balloon) has to be given each of them again: some microseconds for 4 KiB, as much as a command
takes. That is paid by who writes files and not by a bare echo, and how much of it there is depends on
what ran before: so rates swing by a fifth within an hour.

Reads a sparse file as large as the memory that is free, which takes no room on the disk, and holds it
until the command has ended. It lies in $TMPDIR (/var/tmp), and that must be on a disk.
"""
import contextlib
import os
import subprocess
import sys
import tempfile

STEP = 16 << 20
BAR = 40


def free():
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("MemFree"))


def tell(done, size):
    if sys.stderr.isatty():
        bar = "#" * (BAR * done // size)
        sys.stderr.write(f"\r[{bar:{BAR}}] {done >> 30} of {size >> 30} GiB of the page cache"
                         + "\n" * (done == size))
    elif done == size:
        sys.stderr.write(f"the page cache holds {size >> 30} GiB more\n")
    sys.stderr.flush()


@contextlib.contextmanager
def page_cache():
    """What is free becomes pages of a file; they are free again behind it."""
    buffer = bytearray(STEP)
    with tempfile.TemporaryFile(dir=os.environ.get("TMPDIR", "/var/tmp"), buffering=0) as file:
        size = free() // STEP * STEP
        file.truncate(size)
        for done in range(STEP, size + STEP, STEP):
            file.readinto(buffer)
            tell(done, size)
        yield


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    with page_cache():
        sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)


if __name__ == "__main__":
    main()
