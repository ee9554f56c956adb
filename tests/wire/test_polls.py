"""Queries that wait: woken by an event, by time, by the daemon's end; and the published frames."""
import random
import signal
import struct

import harness
from harness import Case


class Polls(Case):
    def test_woken_by_an_event(self):
        daemon = self.daemon().start()
        waiter, actor = self.client(daemon), self.client(daemon)
        number = waiter.start("event.read", {"after": 0, "wait_ms": 30000})
        self.assertEqual(self.parked(actor, 1), 1)
        actor.do("member.register", member="ada")
        reply = harness.unpack(waiter.wait(number))
        self.assertEqual([event["type"] for event in reply["result"]["events"]],
                         ["member.registered"])
        self.assertEqual(reply["pos"], 1)
        self.assertEqual(actor.ask("server.stats")["parked"], 0)
        daemon.stop()

    def parked(self, client, wanted):
        """Ask until that many are parked; they come in through other connections."""
        while (count := client.ask("server.stats")["parked"]) < wanted:
            pass
        return count

    def test_an_event_that_is_there_is_not_waited_for(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        client.do("member.register", member="ada")
        self.assertEqual(len(client.ask("event.read", after=0, wait_ms=30000)["events"]), 1)
        daemon.stop()

    def test_it_ends_with_its_time(self):
        daemon = self.daemon().start()
        result = self.client(daemon).ask("event.read", after=0, wait_ms=50)
        self.assertEqual((result["events"], result["next"]), ([], 0))
        daemon.stop()

    def test_a_position_not_reached_in_time(self):
        daemon = self.daemon().start()
        reply = self.client(daemon).call("server.stats", min_pos=1)
        self.assert_error(reply, "lagging")
        daemon.stop()

    def test_a_position_reached(self):
        daemon = self.daemon().start()
        waiter, actor = self.client(daemon), self.client(daemon)
        number = waiter.start("member.get", {"member": "ada"}, min_pos=1)
        self.parked(actor, 1)
        actor.do("member.register", member="ada")
        self.assertTrue(harness.unpack(waiter.wait(number))["ok"])
        daemon.stop()

    def test_a_filtered_poll_wakes_for_its_types_only(self):
        daemon = self.daemon().start()
        waiter, actor = self.client(daemon), self.client(daemon)
        number = waiter.start("event.read",
                              {"after": 0, "types": ["connection."], "wait_ms": 30000})
        self.parked(actor, 1)
        for member in ("ada", "bob"):
            actor.do("member.register", member=member)
        self.assertEqual(actor.ask("server.stats")["parked"], 1)
        actor.do("connection.request", **{"from": "ada", "to": "bob"})
        events = harness.unpack(waiter.wait(number))["result"]["events"]
        self.assertEqual([event["type"] for event in events], ["connection.requested"])
        daemon.stop()

    def test_from_the_end_it_waits_for_what_comes(self):
        daemon = self.daemon().start()
        waiter, actor = self.client(daemon), self.client(daemon)
        actor.do("member.register", member="ada")
        numbers = [waiter.start("event.read", {"end": True, "wait_ms": 30000, **more})
                   for more in ({}, {"member": "ada"})]
        self.parked(actor, 2)
        actor.do("member.update", member="ada", tier="premium")
        results = [harness.unpack(waiter.wait(number))["result"] for number in numbers]
        self.assertEqual([[event["seq"] for event in result["events"]] for result in results],
                         [[2], [2]])
        self.assertEqual([result["next"] for result in results], [2, 2])
        daemon.stop()

    def test_what_was_for_others_is_passed_over(self):
        """A poll that slept through more than one page of other events is at the end of them."""
        daemon = self.daemon().start()
        waiter, actor = self.client(daemon), self.client(daemon)
        actor.do("member.register", member="ada")
        polls = [{"types": ["connection."]}, {"audience": ["ada"]}]
        numbers = [waiter.start("event.read", {"after": 1, "wait_ms": 30000, **more})
                   for more in polls]
        self.parked(actor, 2)
        for part in range(3):
            actor.batch([{"op": "member.register", "id": f"i{part}-{n}",
                          "args": {"member": f"m{part}-{n}"}} for n in range(4000)])
        self.assertEqual(actor.ask("server.stats")["parked"], 2)
        actor.do("connection.request", **{"from": "ada", "to": "m0-0"})
        for number in numbers:
            result = harness.unpack(waiter.wait(number))["result"]
            self.assertEqual([event["seq"] for event in result["events"]], [12002])
        daemon.stop()

    def test_every_poll_gets_what_is_its_own(self):
        """Polls with all kinds of filters; none sleeps through an event, none sees another's."""
        daemon, chance = self.daemon().start(), random.Random(5)
        actor, waiter = self.client(daemon), self.client(daemon)
        names = [f"m{number}" for number in range(8)]
        for name in names:
            actor.do("member.register", member=name)
        types = ["member.", "connection.", "connection.re", "connection.accepted", "member.up"]
        filters = [{}] + [{"types": chance.sample(types, chance.randint(1, 2))} for _ in range(6)]
        filters += [{"member": name} for name in names[:4]]
        filters += [{"member": name, "types": [chance.choice(types)]} for name in names]
        filters += [{"audience": chance.sample(names, chance.randint(1, 3))} for _ in range(6)]
        filters += [{"audience": [name], "types": [chance.choice(types)]} for name in names]
        told, after = [[] for _ in filters], [0] * len(filters)
        for index, one in enumerate(filters):
            after[index] = actor.ask("event.read", end=True, **{
                key: value for key, value in one.items() if key == "member"})["last_seq"]
        start, polls = actor.ask("server.hello")["last_seq"], {}

        def ask(index):
            polls[index] = waiter.start("event.read", {"after": after[index], "wait_ms": 30000,
                                                       **filters[index]})

        def take(index):
            result = harness.unpack(waiter.wait(polls[index]))["result"]
            self.assertTrue(result["events"], "it was woken by an event, not by time")
            told[index] += result["events"]
            after[index] = result["next"]

        def wanted(one):
            for event in actor.ask("event.read", after=start, limit=1000)["events"]:
                who = one.get("audience") or ([one["member"]] if "member" in one else None)
                if who and not set(who) & set(event["audience"]):
                    continue
                if not one.get("types") or event["type"].startswith(tuple(one["types"])):
                    yield event

        for index in range(len(filters)):
            ask(index)
        for _ in range(60):
            one, other = chance.sample(names, 2)
            op, args = chance.choice([
                ("member.update", {"member": one, "tier": chance.choice(["free", "premium"])}),
                ("connection.request", {"from": one, "to": other}),
                ("connection.accept", {"member": one, "other": other}),
                ("connection.remove", {"member": one, "other": other}),
                ("member.block", {"member": one, "other": other}),
                ("member.unblock", {"member": one, "other": other})])
            actor.call(op, args, str(chance.random()))
            for index, one in enumerate(filters):
                while len(told[index]) < len(list(wanted(one))):
                    take(index)
                    ask(index)
        for index, one in enumerate(filters):
            key = "at" if "member" in one else "seq"
            self.assertEqual([(event["type"], event[key]) for event in told[index]],
                             [(event["type"], event[key]) for event in wanted(one)])
        daemon.stop()

    def test_an_event_wakes_one_of_those_who_share(self):
        daemon = self.daemon().start()
        waiter, actor = self.client(daemon), self.client(daemon)

        def woken():
            return harness.unpack(waiter.wait_any())["result"]["items"]

        for number in range(5):
            waiter.start("subscription.fetch", {"name": "mails", "worker": f"w{number}", "limit": 1,
                                                "wait_ms": 30000}, f"f{number}")
        self.parked(actor, 5)
        actor.do("member.register", member="ada")
        self.assertEqual([item["seq"] for item in woken()], [1])
        self.assertEqual(actor.ask("server.stats")["parked"], 4)
        actor.batch([{"op": "member.register", "id": f"i{n}", "args": {"member": f"m{n}"}}
                     for n in range(3)])
        self.assertEqual([woken()[0]["seq"] for _ in range(3)], [2, 3, 4])
        self.assertEqual(actor.ask("server.stats")["parked"], 1)
        actor.do("subscription.nack", name="mails", seqs=[3])
        self.assertEqual([(item["seq"], item["tries"]) for item in woken()], [(3, 2)])
        daemon.stop()

    def test_who_leaves_waits_no_longer(self):
        daemon = self.daemon().start()
        actor, stays, leaves = (self.client(daemon) for _ in range(3))
        fetch = {"name": "mails", "worker": "w", "wait_ms": 30000}
        for client in (leaves, stays):
            for number in range(100):
                client.start("event.read", {"after": 0, "wait_ms": 30000})
            last = client.start("subscription.fetch", fetch, "f")
        self.parked(actor, 202)
        leaves.close()
        while actor.ask("server.stats")["parked"] > 101:
            pass
        actor.do("member.register", member="ada")
        items = harness.unpack(stays.wait(last))["result"]["items"]
        self.assertEqual([item["tries"] for item in items], [1])
        daemon.stop()

    def check_who_leaves(self, after, others, meanwhile):
        """Of 1000 polls none is left before the time of any is over."""
        daemon = self.daemon().start()
        actor, first, leaves, stays = (self.client(daemon) for _ in range(4))
        args = {"after": after, "wait_ms": 30000}
        first.start("event.read", args)
        self.parked(actor, 1)
        for _ in range(1000):
            leaves.start("event.read", args)
        self.parked(actor, 1001)
        body = stays.pack("event.read", args)
        stays.connection.send_raw(b"".join(
            stays.connection.frame(struct.pack(">I", 0x80000000 | n) + body)
            for n in range(1, others + 1)))
        self.parked(actor, 1001 + others)
        leaves.close()
        while actor.ask("server.stats")["parked"] > 1 + others:
            meanwhile(daemon)
        self.assertFalse(first.connection.readable(0), "their time was over")
        daemon.stop()

    def test_who_leaves_waits_for_no_number(self):
        self.check_who_leaves(1 << 40, 0, lambda daemon: None)

    def test_who_leaves_while_others_come_and_go(self):
        # All are looked at, however often it is begun.
        self.check_who_leaves(0, 80000, lambda daemon: daemon.client().close())

    def test_beyond_the_room_it_is_busy(self):
        daemon = self.daemon().start()
        waiter, other = self.client(daemon), self.client(daemon)
        audience = [f"{number:064}" for number in range(500)]
        args = {"after": 0, "audience": audience, "wait_ms": 30000}
        first = waiter.start("event.read", args)
        numbers = [first, *(waiter.start("event.read", args) for _ in range(6000))]
        reply = other.call("event.read", args)
        self.assert_error(reply, "busy")
        self.assertEqual(reply["error"]["retry"], "same_id")
        self.assertTrue(other.call("event.read", {"after": 0})["ok"], "who does not wait has room")
        daemon.send_signal(signal.SIGTERM)
        replies = [harness.unpack(waiter.wait(number)) for number in numbers]
        held = [reply for reply in replies if reply["ok"]]
        self.assertGreater(len(held), 3000)
        self.assertTrue(all(reply["result"]["events"] == [] for reply in held))
        self.assertTrue(all(reply["error"]["code"] == "busy" for reply in replies
                            if not reply["ok"]))
        self.assertEqual(daemon.wait(), 0)

    def test_the_end_answers_all(self):
        daemon = self.daemon().start()
        waiter, other = self.client(daemon), self.client(daemon)
        numbers = [waiter.start("event.read", {"after": 0, "wait_ms": 30000})
                   for _ in range(2500)]
        self.parked(other, 2500)
        daemon.send_signal(signal.SIGTERM)
        for number in numbers:
            self.assertEqual(harness.unpack(waiter.wait(number))["result"]["events"], [])
        self.assertEqual(daemon.wait(), 0)

    def test_many_are_woken_at_once(self):
        daemon = self.daemon().start()
        waiter, actor = self.client(daemon), self.client(daemon)
        numbers = [waiter.start("event.read", {"after": 0, "wait_ms": 30000})
                   for _ in range(3000)]
        self.parked(actor, 3000)
        actor.do("member.register", member="ada")
        for number in numbers:
            self.assertEqual(len(harness.unpack(waiter.wait(number))["result"]["events"]), 1)
        daemon.stop()


class Published(Case):
    def test_frames_and_beats(self):
        daemon = self.daemon().start()
        client, subscriber = self.client(daemon), self.subscriber(daemon)
        client.do("member.register", id="the-cause", member="ada")
        topic, event = subscriber.next_event()
        self.assertEqual(topic, "member.registered")
        self.assertEqual((event["v"], event["seq"], event["cause"], event["type"]),
                         (1, 1, "the-cause", "member.registered"))
        self.assertEqual(event, client.ask("event.read", after=0)["events"][0])
        hello = client.ask("server.hello")
        beat = subscriber.next_beat()
        self.assertEqual((beat["epoch"], beat["last_seq"]), (hello["epoch"], 1))
        daemon.stop()

    def test_many_events_at_once_are_a_beat(self):
        daemon = self.daemon().start()
        client, subscriber = self.client(daemon), self.subscriber(daemon)
        replies = client.batch([{"op": "member.register", "id": f"i{n}",
                                 "args": {"member": f"m{n}"}} for n in range(65)])
        self.assertTrue(all(reply["ok"] for reply in replies))
        topic, beat = subscriber.next()
        while topic == "~beat" and beat["last_seq"] == 0:
            topic, beat = subscriber.next()
        self.assertEqual((topic, beat["last_seq"]), ("~beat", 65))
        client.do("member.register", member="one-more")
        self.assertEqual(subscriber.next_event()[1]["seq"], 66)
        daemon.stop()


class Clock(Case):
    def test_a_manual_clock(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        first = client.call("member.register", {"member": "ada"}, "1")
        second = client.call("member.register", {"member": "bob"}, "2")
        self.assertEqual(first["at"], second["at"])
        moved = client.call("clock.advance", {"ms": 86400000}, "3")
        self.assertEqual(moved["result"]["now"], first["at"] + 86400000)
        self.assertEqual(client.call("server.hello")["at"], first["at"] + 86400000)
        daemon.stop()
        daemon.start()
        self.assertEqual(self.client(daemon).call("server.hello")["at"], first["at"] + 86400000)
        daemon.stop()

    def test_what_is_due_happens(self):
        daemon = self.daemon().start()
        client, subscriber = self.client(daemon), self.subscriber(daemon)
        for member in ("ada", "bob"):
            client.do("member.register", member=member)
        client.do("connection.request", **{"from": "ada", "to": "bob"})
        client.do("clock.advance", ms=181 * 86400000)
        topics = []
        while "connection.expired" not in topics:
            topics.append(subscriber.next_event()[0])
        self.assertEqual(client.ask("connection.status", viewer="ada", other="bob")["state"],
                         "none")
        daemon.stop()

    def test_a_system_clock_cannot_be_moved(self):
        daemon = self.daemon(clock="system").start()
        reply = self.client(daemon).call("clock.advance", {"ms": 5}, "1")
        self.assertFalse(reply["ok"])
        daemon.stop()


if __name__ == "__main__":
    harness.main()
