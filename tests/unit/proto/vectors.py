#!/usr/bin/python3
"""The golden vectors of proto/vectors: the bytes are what the JSON beside them says.

    vectors.py            check
    vectors.py --write    make the bytes anew, for those who add a vector

Made with another msgpack library than the daemon's, so that both are checked against each other.
"""
import json
import os
import struct
import sys

try:
    import msgpack
except ImportError:
    print("vectors: there is no msgpack module for", sys.executable)
    sys.exit(77)

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../proto/vectors")
FILES = ("requests.json", "replies.json", "events.json", "frames.json")
PROTOCOLS = {"PUB": 0x20, "SUB": 0x21, "REQ": 0x30, "REP": 0x31}
FRAME_PREFIX = {"ipc": b"\x01", "tcp": b""}


def encode(row):
    content = row["json"]
    if "protocol" in content:
        return b"\0SP\0" + struct.pack(">HH", PROTOCOLS[content["protocol"]], 0)
    if "transport" not in content:
        return topic_of(row) + msgpack.packb(content)
    payload = topic_of(content) + msgpack.packb(content["body"])
    if "word" in content:
        payload = struct.pack(">I", content["word"]) + payload
    return FRAME_PREFIX[content["transport"]] + struct.pack(">Q", len(payload)) + payload


def topic_of(row):
    return row["topic"].encode() + b"\0" if "topic" in row else b""


def check(row):
    """What is wrong with a row, or None."""
    given = bytes.fromhex(row["hex"])
    if row.get("decode_only"):
        topic = topic_of(row)
        if not given.startswith(topic):
            return "does not begin with its topic"
        # The same value, and the other encoding that the row is there for.
        if msgpack.unpackb(given[len(topic):]) != row["json"]:
            return "is decoded to something else"
        return "is the shortest form" if given == encode(row) else None
    return None if given == encode(row) else f"should be {encode(row).hex()}"


def load(name):
    with open(os.path.join(DIRECTORY, name), encoding="utf-8") as file:
        return json.load(file)


def save(name, rows):
    with open(os.path.join(DIRECTORY, name), "w", encoding="utf-8") as file:
        file.write("[\n")
        for number, row in enumerate(rows):
            if not row.get("decode_only"):
                row["hex"] = encode(row).hex()
            keys = [key for key in ("name", "decode_only", "topic", "hex", "json") if key in row]
            fields = [f'        "{key}": {json.dumps(row[key], ensure_ascii=False)}' for key in keys]
            file.write("    {\n" + ",\n".join(fields) + "\n    }")
            file.write(",\n" if number + 1 < len(rows) else "\n")
        file.write("]\n")


def main():
    failures = 0
    names = set()
    for file in FILES:
        rows = load(file)
        if "--write" in sys.argv:
            save(file, rows)
        assert rows, f"{file} is empty"
        for row in rows:
            assert row["name"] not in names, f"two vectors are called {row['name']}"
            names.add(row["name"])
            wrong = check(row)
            if wrong:
                failures += 1
                print(f"{file}: {row['name']}: {wrong}")
    print(f"vectors: {len(names)} checked, {failures} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
