"""The shim, as the test holds it: where to act, and how often it did. See shim.h."""
import mmap
import os
import struct

CALLS = ("write", "sync", "open", "name", "send", "receive", "accept", "map", "alloc")
SITES = CALLS[:-1]  # what touches disk or socket
ACTIONS = ("count", "kill", "torn", "error", "short")
FIELDS = struct.Struct(f"<QQIiIIQ{len(CALLS)}Qq64s")
LIBRARY = os.environ.get("KITH_SHIM_LIBRARY", "shim.so")


class Shim:
    def __init__(self, directory):
        self.path = os.path.join(directory, "shim")
        with open(self.path, "wb+") as file:
            file.truncate(mmap.PAGESIZE)
            self.memory = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def environment(self, trace=None):
        result = {"LD_PRELOAD": LIBRARY, "KITH_SHIM": self.path}
        if trace:
            result["KITH_SHIM_TRACE"] = trace
        return result

    def arm(self, at, action="kill", error=0, calls=SITES, sticky=False):
        """Count from zero, and act at call number `at` (0: never)."""
        bits = sum(1 << CALLS.index(call) for call in calls)
        FIELDS.pack_into(self.memory, 0, 0, at, ACTIONS.index(action), error, bits, sticky, 0,
                         *[0] * len(CALLS), 0, b"")

    def disarm(self):
        """From here on nothing is interfered with; the counts go on."""
        struct.pack_into("<Q", self.memory, 8, 0)

    def fields(self):
        return FIELDS.unpack_from(self.memory)

    @property
    def count(self):
        return self.fields()[0]

    @property
    def hits(self):
        return self.fields()[6]

    def per_call(self):
        return dict(zip(CALLS, self.fields()[7:]))

    @property
    def blocks(self):
        return self.fields()[-2]

    @property
    def culprit(self):
        return self.fields()[-1].rstrip(b"\0").decode()
