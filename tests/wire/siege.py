"""A daemon on ipc and tcp that is attacked, and what is seen of it from outside."""
import os
import re

import harness


class Fort(harness.Daemon):
    """With tcp endpoints beside its own, and little patience with who does not read."""

    def __init__(self, flags=(), **options):
        tcp = [f"tcp://127.0.0.1:{harness.free_port()}" for _ in range(2)]
        super().__init__(flags=["--command", tcp[0], "--events", tcp[1], *flags], **options)
        self.urls = {"ipc": (self.command, self.events), "tcp": tuple(tcp)}

    def memory(self):
        """Bytes of its own: LMDB's map is the page cache's."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"RssAnon:\s+(\d+) kB", file.read()).group(1)) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def processor_s(self):
        """Processor time so far, of all its threads."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
