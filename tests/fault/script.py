"""Some hundred commands of every kind, always the same, and how to send them.

A script is a list of flights; the messages of a flight are sent without waiting for answers, so that
they share commits. A message is one command or, as a list, a batch.
"""
import msgpack

MEMBERS = 24
PEOPLE = [f"m{number}" for number in range(MEMBERS)]


def contact(name):
    return {"kind": "email", "value": f"{name}@example.org"}


class Commands:
    """Makes commands with ids that tell them apart."""

    def __init__(self):
        self.number = 0

    def __call__(self, op, **args):
        self.number += 1
        args = {name.rstrip("_"): value for name, value in args.items()}
        return {"op": op, "id": f"c{self.number}", "args": args}


def members(command):
    first = [command("member.register", member=name, name=f"Name of {name}", tier="unlimited")
             for name in PEOPLE[:8]]
    rest = [command("member.register", member=name, name=f"Name of {name}",
                    contacts=[contact(name)]) for name in PEOPLE[8:]]
    yield from ([one] for one in first[:4])
    yield first[4:]
    yield [rest[:5], rest[5:]]
    for name in PEOPLE[:4]:
        yield [command("member.update", member=name, name=f"Another {name}")]
    yield [[command("member.verify_contact", member=name, contact=contact(name))
            for name in PEOPLE[:6]]]
    yield [command("member.drop_contact", member="m5", contact=contact("m5"))]


def request(command, one, other, **more):
    return command("connection.request", from_=one, to=other, **more)


def connections(command):
    def of(op, member, other, **more):
        return [command(op, member=member, other=other, **more)]

    for other in PEOPLE[1:10]:
        yield [request(command, "m0", other, note=f"hello {other}")]
    for other in PEOPLE[11:]:
        yield [request(command, "m1", other)]
    yield of("connection.accept", "m1", "m0")
    yield of("connection.accept", "m2", "m0")
    yield of("connection.ignore", "m3", "m0")
    yield of("connection.decline", "m4", "m0")
    yield of("connection.report", "m5", "m0", kind="spam")
    yield of("connection.withdraw", "m0", "m6")
    yield [request(command, "m7", "m0")]
    yield of("connection.remove", "m1", "m0")
    yield of("connection.set_access", "m2", "m0", updates=False)
    yield of("connection.dismiss", "m2", "m11")
    yield of("member.block", "m8", "m0")
    yield of("member.unblock", "m8", "m0")
    yield of("member.preapprove", "m12", "m13")
    yield [request(command, "m13", "m12")]
    yield of("member.preapprove", "m14", "m15")
    yield of("member.unpreapprove", "m14", "m15")
    yield [[request(command, name, "m10", note="many at once") for name in PEOPLE[11:]]]
    yield [command("connection.decline_all", member="m10")]
    yield [[command("connection.import",
                    pairs=[[PEOPLE[n], PEOPLE[n + step]] for n in range(MEMBERS - step)])]
           for step in (3, 5, 7)]


def time_and_rules(command):
    yield [command("restriction.set", member="m3", level=1, reason="manual")]
    yield [command("restriction.lift", member="m3")]
    yield [[command("interaction.record", from_="m0", to="m3", kind=kind)
            for kind in ("view", "like", "comment")]]
    yield [command("clock.advance", ms=86_400_000)]
    for number in range(16, 22):
        yield [request(command, f"m{number}", f"m{number - 10}", note="the next day")]
    yield [command("clock.advance", ms=30 * 86_400_000)]
    yield [command("clock.advance", ms=1)]


def invites(command):
    for number in range(6):
        yield [command("invite.create", member=f"m{number}", contact=contact(f"new{number}"))]


def crowd(command):
    """Many at once, so that commits are large and checkpoints run."""
    for group in range(6):
        yield [command("member.register", member=f"g{group}-{number}", tier="unlimited",
                       name=f"{number} of group {group}") for number in range(8)]
        yield [[request(command, f"g{group}-{one}", f"g{group}-{one + 1}", note="neighbours")
                for one in range(7)]]
        for one in range(0, 7, 2):
            yield [command("connection.accept", member=f"g{group}-{one + 1}",
                           other=f"g{group}-{one}")]


def ends(command):
    yield [command("member.suspend", member="m20")]
    yield [command("member.restore", member="m20")]
    yield [command("member.close", member="m21")]
    yield [command("member.erase", member="m22")]
    yield [[command("member.register", member=f"late{number}", name="late") for number in range(20)]]
    yield [command("member.register", member=f"later{number}") for number in range(10)]
    yield [request(command, f"late{number}", f"later{number}") for number in range(10)]
    yield [[command("connection.accept", member=f"later{number}", other=f"late{number}")
            for number in range(10)]]


def make():
    """The flights, each a list of messages, each a list of commands."""
    command = Commands()
    flights = []
    for part in (members, connections, time_and_rules, invites, crowd, ends):
        for flight in part(command):
            flights.append([one if isinstance(one, list) else [one] for one in flight])
    return flights


def pack(message):
    if len(message) == 1:
        return msgpack.packb({"v": 1, **message[0]})
    return msgpack.packb({"v": 1, "batch": message})


def send(client, flight):
    """Send a flight; yields each command with its reply, as they come."""
    numbers = [client.send(pack(message)) for message in flight]
    for message, number in zip(flight, numbers):
        reply = msgpack.unpackb(client.wait(number), raw=False, strict_map_key=False)
        replies = reply["batch"] if "batch" in reply else [reply] * len(message)
        yield from zip(message, replies)
