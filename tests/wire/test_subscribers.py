"""Who reads the log: cursors, members' feeds, and filters."""
import harness
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


if __name__ == "__main__":
    harness.main()
