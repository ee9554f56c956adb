"""Who reads the log: cursors, members' feeds, and filters."""
import json
import os
import shutil
import signal
import subprocess

import harness
import watchers
from harness import Case


class Cursors(Case):
    def start(self, members=3):
        daemon = self.daemon().start()
        client = self.client(daemon)
        for number in range(members):
            client.do("member.register", member=f"m{number}")
        return daemon, client

    def test_commit_moves_forward_only(self):
        daemon, client = self.start()
        commit = [client.do("cursor.commit", name="mailer", seq=seq)["seq"] for seq in (2, 1, 2, 3)]
        self.assertEqual(commit, [2, 2, 2, 3])
        self.assertEqual(client.ask("cursor.get", name="mailer"), {"seq": 3, "lag": 0})
        client.do("member.register", member="late")
        self.assertEqual(client.ask("cursor.get", name="mailer"), {"seq": 3, "lag": 1})
        daemon.stop()

    def test_it_is_no_event_and_never_a_repeat(self):
        daemon, client = self.start()
        first = client.call("cursor.commit", {"name": "a", "seq": 1}, "same-id")
        again = client.call("cursor.commit", {"name": "a", "seq": 1}, "same-id")
        other = client.call("cursor.commit", {"name": "a", "seq": 2}, "same-id")
        for reply, seq in ((first, 1), (again, 1), (other, 2)):
            self.assertEqual((reply["ok"], reply["pos"], reply["result"]), (True, 3, {"seq": seq}))
            self.assertNotIn("dup", reply)
        self.assertIsNone(client.ask("command.lookup", id="same-id"))
        self.assertEqual(client.ask("server.hello")["last_seq"], 3)
        daemon.stop()

    def test_survives_a_crash(self):
        daemon, client = self.start()
        client.do("cursor.commit", name="mailer", seq=2)
        client.do("cursor.commit", name="gone", seq=1)
        self.assertEqual(client.do("cursor.delete", name="gone"), {"seq": 1})
        daemon.kill()
        client = self.client(daemon.start())
        self.assertEqual(client.ask("cursor.list"),
                         {"items": [{"name": "mailer", "seq": 2, "lag": 1}]})
        self.assertEqual(client.do("cursor.commit", name="mailer", seq=1), {"seq": 2})
        daemon.stop()

    def test_what_is_refused(self):
        daemon, client = self.start()
        for args, field in (({"name": "a", "seq": 4}, "seq"), ({"name": "", "seq": 1}, "name"),
                            ({"name": "a" * 65, "seq": 1}, "name"), ({"name": "a"}, "seq")):
            reply = client.call("cursor.commit", args, "1")
            self.assert_error(reply, "bad_argument")
            self.assertEqual(reply["error"]["field"], field)
        self.assert_error(client.call("cursor.commit", {"name": "a", "seq": 1}), "id_required")
        self.assert_error(client.call("cursor.get", {"name": "a"}), "not_found")
        self.assert_error(client.call("cursor.delete", {"name": "a"}, "2"), "not_found")
        daemon.stop()

    def test_a_cursor_in_a_feed_lags_behind_that_feed(self):
        daemon, client = self.start()
        self.assertEqual(client.do("cursor.commit", name="old", seq=1), {"seq": 1})
        commit = {"name": "feed", "seq": 1, "member": "m0"}
        self.assertEqual(client.do("cursor.commit", **commit), {"seq": 1})
        self.assertEqual(client.ask("cursor.get", name="feed"),
                         {"member": "m0", "seq": 1, "lag": 0})
        client.do("member.update", member="m0", tier="premium")
        self.assertEqual(client.ask("cursor.list")["items"],
                         [{"name": "feed", "member": "m0", "seq": 1, "lag": 1},
                          {"name": "old", "seq": 1, "lag": 3}])
        client.do("cursor.delete", name="old")
        self.assertEqual(client.ask("server.stats")["cursor_lag_max"], 1)
        for change, field in (({"seq": 3}, "seq"), ({"member": "m1"}, "member")):
            reply = client.call("cursor.commit", {**commit, **change}, "1")
            self.assert_error(reply, "bad_argument")
            self.assertEqual(reply["error"]["field"], field)
        self.assert_error(client.call("cursor.commit", {"name": "feed", "seq": 1}, "2"),
                          "bad_argument")
        self.assert_error(client.call("cursor.commit", {**commit, "member": "zoe"}, "3"),
                          "no_such_member")
        daemon.kill()
        client = self.client(daemon.start())
        self.assertEqual(client.do("cursor.commit", **{**commit, "seq": 2}), {"seq": 2})
        self.assertEqual(client.ask("cursor.get", name="feed")["lag"], 0)
        # One of before cursors knew of members.
        client.do("cursor.commit", name="plain", seq=3)
        self.assertEqual(client.do("cursor.commit", name="plain", member="m0", seq=1), {"seq": 1})
        self.assertEqual(client.ask("cursor.get", name="plain"),
                         {"member": "m0", "seq": 1, "lag": 1})
        daemon.stop()

    def test_pages_and_gauges(self):
        daemon, client = self.start()
        names = [f"s{number:02}" for number in range(7)]
        replies = client.batch([{"op": "cursor.commit", "id": name, "args": {"name": name, "seq": 1}}
                                for name in reversed(names)])
        self.assertTrue(all(reply["ok"] for reply in replies))
        seen, after = [], {}
        while True:
            page = client.ask("cursor.list", limit=3, **after)
            seen += [item["name"] for item in page["items"]]
            if "next" not in page:
                break
            after = {"after": page["next"]}
        self.assertEqual(seen, names)
        stats = client.ask("server.stats")
        self.assertEqual((stats["cursors"], stats["cursor_lag_max"]), (7, 2))
        daemon.stop()


class Feeds(Case):
    def start(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        for member in ("ada", "bob", "cid"):
            client.do("member.register", member=member)
        return daemon, client

    def feed(self, client, member, **args):
        return client.ask("event.read", member=member, **args)

    def test_own_numbers_and_nothing_hidden(self):
        daemon, client = self.start()
        client.do("connection.request", id="ask", **{"from": "ada", "to": "bob"})
        client.do("connection.decline", id="no", member="bob", other="ada")
        client.do("connection.withdraw", id="back", member="ada", other="bob")
        page = self.feed(client, "ada")
        self.assertEqual([(event["seq"], event["type"]) for event in page["events"]],
                         [(1, "member.registered"), (2, "connection.requested"),
                          (3, "connection.withdrawn")])
        self.assertEqual((page["next"], page["last_seq"]), (3, 3))
        for event in page["events"]:
            self.assertFalse({"audience", "notify"} & set(event))
        self.assertEqual([event.get("cause") for event in page["events"][1:]], ["ask", "back"])
        theirs = self.feed(client, "bob")["events"]
        self.assertEqual([(event["type"], event.get("cause")) for event in theirs[1:]],
                         [("connection.requested", None), ("connection.declined", "no")])
        self.assertEqual(len(self.feed(client, "cid")["events"]), 1)
        daemon.stop()

    def test_pages_over_crashes_and_rebuilds(self):
        daemon, client = self.start()
        for number in range(120):
            client.do("connection.request", **{"from": "ada", "to": "bob"})
            client.do("connection.accept", member="bob", other="ada")
            client.do("connection.remove", member="bob", other="ada")
            client.do("clock.advance", ms=40 * 24 * 3600 * 1000)
            if number in (30, 60):
                daemon.kill()
                client = self.client(daemon.start())
        whole = self.feed(client, "ada", limit=1000)
        self.assertEqual([event["seq"] for event in whole["events"]],
                         list(range(1, whole["last_seq"] + 1)))
        self.assertGreater(whole["last_seq"], 150)
        seen, after = [], 0
        while after < whole["last_seq"]:
            page = self.feed(client, "ada", after=after, limit=7)
            seen += page["events"]
            after = page["next"]
        self.assertEqual(seen, whole["events"])
        since = self.feed(client, "ada", since=seen[100]["at"], limit=1)["events"][0]["seq"]
        self.assertEqual(seen[since - 1]["at"], seen[100]["at"])
        self.assertNotEqual(seen[since - 2]["at"], seen[100]["at"])
        types = self.feed(client, "ada", types=["connection.acc"], limit=1000)["events"]
        self.assertEqual(types, [event for event in seen if event["type"] == "connection.accepted"])
        daemon.stop()
        shutil.rmtree(os.path.join(daemon.data, "views"))
        client = self.client(daemon.start())
        self.assertEqual(self.feed(client, "ada", limit=1000), whole)
        daemon.stop()

    def test_a_long_poll_is_woken_by_its_own_event_only(self):
        daemon, client = self.start()
        waiter = self.client(daemon)
        number = waiter.start("event.read", {"member": "bob", "after": 1, "wait_ms": 30000})
        while client.ask("server.stats")["parked"] < 1:
            pass
        client.do("connection.request", **{"from": "ada", "to": "cid"})
        self.assertEqual(client.ask("server.stats")["parked"], 1)
        client.do("connection.request", **{"from": "ada", "to": "bob"})
        result = harness.unpack(waiter.wait(number))["result"]
        self.assertEqual([(event["seq"], event["from"]) for event in result["events"]],
                         [(2, "ada")])
        self.assertEqual(self.feed(client, "bob", end=True), {"events": [], "next": 2, "last_seq": 2})
        daemon.stop()

    def test_what_is_refused(self):
        daemon, client = self.start()
        self.assert_error(client.call("event.read", {"member": "zoe"}), "no_such_member")
        for args in ({"after": 1, "end": True}, {"audience": ["bob"]}):
            self.assert_error(client.call("event.read", {"member": "ada", **args}), "bad_argument")
        daemon.stop()


class Audience(Case):
    def test_a_watch_by_audience_live_and_from_the_log(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        for member in ("ada", "bob", "cid", "dan"):
            client.do("member.register", member=member)
        process = subprocess.Popen(
            [watchers.KITH, "--url", daemon.command, "--events", daemon.events, "--json", "watch",
             "--from", "start", "--audience", "bob", "--audience", "cid"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        told = [json.loads(process.stdout.readline())["seq"] for _ in range(2)]
        for one, other in (("ada", "dan"), ("ada", "bob"), ("dan", "ada"), ("cid", "dan")):
            client.do("connection.request", **{"from": one, "to": other})
        wanted = [event["seq"] for event in client.ask("event.read", audience=["bob", "cid"])["events"]]
        told += [json.loads(process.stdout.readline())["seq"] for _ in wanted[2:]]
        self.assertEqual((told, wanted), ([2, 3, 6, 8], [2, 3, 6, 8]))
        daemon.stop()


class Shared(Case):
    """Several workers, one subscription."""

    def start(self, members=6):
        daemon = self.daemon().start()
        client = self.client(daemon)
        for number in range(members):
            client.do("member.register", member=f"m{number}")
        return daemon, client

    def fetch(self, client, worker="w", **args):
        return client.do("subscription.fetch", name="s", worker=worker, **args)

    def seqs(self, page):
        return [item["seq"] for item in page["items"]]

    def test_each_goes_to_one_worker(self):
        daemon, client = self.start()
        one, two = self.fetch(client, "one", limit=4), self.fetch(client, "two", limit=4)
        self.assertEqual((self.seqs(one), self.seqs(two)), ([1, 2, 3, 4], [5, 6]))
        self.assertEqual(one["items"][0]["event"]["member"], "m0")
        self.assertEqual(self.fetch(client)["items"], [])
        self.assertEqual(client.do("subscription.ack", name="s", seqs=[2, 5, 99]),
                         {"acked": 2, "open": 4, "parked": 0})
        self.assertEqual(client.ask("server.hello")["last_seq"], 6, "it is no event")
        daemon.stop()

    def test_a_deadline_hands_out_again(self):
        daemon, client = self.start(2)
        self.assertEqual(self.seqs(self.fetch(client, ack_ms=1000)), [1, 2])
        client.do("subscription.ack", name="s", seqs=[1])
        client.do("clock.advance", ms=999)
        self.assertEqual(self.seqs(self.fetch(client, types=["member."])), [])
        client.do("clock.advance", ms=1)
        page = self.fetch(client, types=["member."])
        self.assertEqual([(item["seq"], item["tries"]) for item in page["items"]], [(2, 2)])
        daemon.stop()

    def test_too_many_tries_park_and_a_replay_unparks(self):
        daemon, client = self.start(3)
        for _ in range(5):
            self.assertEqual(self.seqs(self.fetch(client, limit=1)), [1])
            page = client.do("subscription.nack", name="s", seqs=[1])
        self.assertEqual(page, {"nacked": 1, "open": 0, "parked": 1})
        self.assertEqual(self.seqs(self.fetch(client, limit=1)), [2])
        parked = client.ask("subscription.parked", name="s")["items"]
        self.assertEqual([(item["seq"], item["tries"], item["worker"]) for item in parked],
                         [(1, 5, "w")])
        self.assertEqual(parked[0]["event"]["member"], "m0")
        daemon.kill()
        client = self.client(daemon.start())
        self.assertEqual(client.ask("subscription.parked", name="s")["items"], parked)
        client.do("subscription.replay", name="s", seqs=[1])
        page = self.fetch(client)
        self.assertEqual([(item["seq"], item["tries"]) for item in page["items"]], [(1, 1), (3, 1)])
        daemon.stop()

    def test_a_delay_holds_back(self):
        daemon, client = self.start(1)
        self.fetch(client)
        client.do("subscription.nack", name="s", seqs=[1], delay_ms=5000)
        self.assertEqual(self.seqs(self.fetch(client, types=["member."])), [])
        client.do("clock.advance", ms=5000)
        self.assertEqual(self.seqs(self.fetch(client, types=["member."])), [1])
        daemon.stop()

    def test_events_of_a_pair_go_one_after_the_other(self):
        daemon, client = self.start(4)
        start = client.ask("server.hello")["last_seq"]
        for number in (1, 2):
            client.do("connection.request", **{"from": "m0", "to": f"m{number}"})
            client.do("connection.accept", member=f"m{number}", other="m0")
        page = self.fetch(client, after=start)
        self.assertEqual(self.seqs(page), [start + 1, start + 3])
        client.do("subscription.nack", name="s", seqs=[start + 1], delay_ms=1000)
        client.do("subscription.ack", name="s", seqs=[start + 3])
        self.assertEqual(self.seqs(self.fetch(client)), [start + 4])
        client.do("clock.advance", ms=1000)
        self.assertEqual(self.seqs(self.fetch(client, types=["connection."])), [start + 1])
        client.do("subscription.ack", name="s", seqs=[start + 1])
        self.assertEqual(self.seqs(self.fetch(client, types=["connection."])), [start + 2])
        daemon.stop()

    def test_what_is_open_survives_a_crash_and_is_bounded(self):
        daemon, client = self.start(1)
        items = [{"op": "member.register", "id": f"x{n}", "args": {"member": f"x{n}"}}
                 for n in range(1500)]
        client.batch(items)
        seen = []
        for _ in range(4):
            page = self.fetch(client, limit=400)
            seen += self.seqs(page)
        self.assertEqual(seen, list(range(1, 1001)))
        self.assertEqual((page["open"], page["next"]), (1000, 1000))
        daemon.kill()
        client = self.client(daemon.start())
        self.assertEqual(self.fetch(client)["items"], [])
        self.assertEqual(client.do("subscription.ack", name="s", seqs=seen)["open"], 0)
        self.assertEqual(self.seqs(self.fetch(client, limit=1000)), list(range(1001, 1502)))
        client.do("subscription.delete", name="s")
        self.assert_error(client.call("subscription.parked", {"name": "s"}), "not_found")
        self.assert_error(client.call("subscription.ack", {"name": "s", "seqs": [1]}, "1"),
                          "not_found")
        daemon.stop()

    def wait(self, daemon, **args):
        """A worker that waits; what it was handed out comes by the function returned."""
        worker = self.client(daemon)
        number = worker.start("subscription.fetch", {"name": "s", "worker": "w", **args,
                                                     "wait_ms": 30000}, id="waits")
        return lambda: self.seqs(harness.unpack(worker.wait(number))["result"])

    def parked(self, client, wanted):
        while client.ask("server.stats")["parked"] != wanted:
            pass

    def test_a_fetch_waits_for_an_event(self):
        daemon, client = self.start(1)
        self.assertEqual(self.seqs(self.fetch(client, wait_ms=30000)), [1], "it is there")
        waits = self.wait(daemon)
        self.parked(client, 1)
        client.do("member.register", member="late")
        self.assertEqual(waits(), [2])
        # Of two that wait, one gets it, and the other waits on.
        first, second = self.wait(daemon), self.wait(daemon)
        self.parked(client, 2)
        client.do("member.register", member="later")
        self.parked(client, 1)
        client.do("member.register", member="latest")
        self.assertEqual(sorted(first() + second()), [3, 4])
        daemon.stop()

    def test_a_new_subscription_waits_for_its_types(self):
        daemon, client = self.start(2)
        waits = self.wait(daemon, types=["connection."])
        self.parked(client, 1)
        client.do("member.register", member="no-matter")
        self.assertEqual(client.ask("server.stats")["parked"], 1)
        client.do("connection.request", **{"from": "m0", "to": "m1"})
        self.assertEqual(waits(), [4])
        daemon.stop()

    def test_a_fetch_waits_for_what_others_do_with_theirs(self):
        daemon, client = self.start(2)
        client.do("connection.request", **{"from": "m0", "to": "m1"})
        client.do("connection.accept", member="m1", other="m0")
        self.assertEqual(self.seqs(self.fetch(client, types=["connection."])), [3])
        waits = self.wait(daemon, types=["connection."])
        self.parked(client, 1)
        client.do("subscription.ack", name="s", seqs=[3])
        self.assertEqual(waits(), [4], "the next of the pair")
        waits = self.wait(daemon)
        self.parked(client, 1)
        client.do("subscription.nack", name="s", seqs=[4])
        self.assertEqual(waits(), [4])
        waits = self.wait(daemon)
        self.parked(client, 1)
        client.do("clock.advance", ms=30000)
        self.assertEqual(waits(), [4, 5], "its deadline is over; the clock was moved")
        daemon.stop()

    def test_a_fetch_waits_for_a_deadline_of_the_real_clock(self):
        daemon = self.daemon(clock="system").start()
        client = self.client(daemon)
        client.do("member.register", member="m0")
        self.assertEqual(self.seqs(self.fetch(client, ack_ms=200)), [1])
        waits = self.wait(daemon)
        self.assertEqual(waits(), [1])
        client.do("subscription.nack", name="s", seqs=[1], delay_ms=200)
        self.assertEqual(self.seqs(self.fetch(client, wait_ms=30000)), [1])
        daemon.stop()

    def test_a_fetch_that_waits_ends_with_its_time_and_the_daemon(self):
        daemon, client = self.start(0)
        self.assertEqual(self.seqs(self.fetch(client, wait_ms=20)), [])
        reply = client.batch([{"op": "subscription.fetch", "id": "b",
                               "args": {"name": "s", "worker": "w", "wait_ms": 1}}])[0]
        self.assert_error(reply, "bad_argument")
        waits = self.wait(daemon)
        self.parked(client, 1)
        daemon.send_signal(signal.SIGTERM)
        self.assertEqual(waits(), [])
        self.assertEqual(daemon.wait(), 0)

    def test_one_call_that_waits_over_a_restart(self):
        daemon = self.daemon().start()
        client = self.client(daemon)
        call = subprocess.Popen(
            [watchers.KITH, "--url", daemon.command, "--json", "--timeout", "60s", "event.read",
             "after=0", "wait_ms=30000"], stdout=subprocess.PIPE)
        while client.ask("server.stats")["parked"] < 1:
            pass
        daemon.kill()
        client = self.client(daemon.start())
        client.do("member.register", member="ada")
        output, _ = call.communicate(timeout=harness.TIMEOUT)
        self.assertEqual(call.returncode, 0)
        self.assertEqual([event["member"] for event in json.loads(output)["events"]], ["ada"])
        daemon.stop()

    def test_in_a_batch_it_takes_no_more_than_fits(self):
        daemon, client = self.start(1)
        client.batch([{"op": "member.register", "id": f"x{n}", "args": {"member": f"x{n}" * 10}}
                      for n in range(900)])
        replies = client.batch([{"op": "subscription.fetch", "id": f"f{n}",
                                 "args": {"name": f"s{n}", "worker": "w", "limit": 1000}}
                                for n in range(12)])
        self.assertTrue(all(reply["ok"] for reply in replies))
        counts = [len(reply["result"]["items"]) for reply in replies]
        self.assertEqual(counts[0], 901)
        self.assertLess(counts[-1], 901)
        daemon.stop()


class Storms(Case):
    def test_nobody_misses_an_event(self):
        daemon = self.daemon(clock="system").start()
        storm = watchers.Storm(daemon, 1)
        self.addCleanup(storm.close)
        for _ in range(3):
            storm.round()
        last, feed, _ = storm.finish()
        self.assertGreater(last, 3 * 5)
        self.assertGreater(feed, 3)


if __name__ == "__main__":
    harness.main()
