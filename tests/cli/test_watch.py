"""kith watch: every event once and in order, from wherever it is asked to begin."""
import json
import signal
import unittest

import fake


class Watch(fake.Case):
    def setUp(self):
        super().setUp()
        for i in range(5):
            self.fake.add_event("connection.requested" if i % 2 else "member.registered",
                                member=f"m{i}")

    def lines(self, process, count):
        return [json.loads(process.stdout.readline()) for _ in range(count)]

    def finish(self, process, signal_number):
        process.send_signal(signal_number)
        output, errors = process.communicate(timeout=fake.TIMEOUT)
        self.assertEqual(process.returncode, 0, errors)
        return output

    def test_from_start_and_on(self):
        process = self.start("watch", "--from", "start")
        self.assertEqual([event["seq"] for event in self.lines(process, 5)], [1, 2, 3, 4, 5])
        self.fake.add_event("member.closed", member="m1")
        self.assertEqual(self.lines(process, 1)[0]["type"], "member.closed")
        self.assertEqual(self.finish(process, signal.SIGINT), b"")

    def test_from_a_number_over_a_restart(self):
        process = self.start("watch", "--from", "4")
        self.assertEqual([event["seq"] for event in self.lines(process, 2)], [4, 5])
        self.fake.stop()
        self.fake.add_event("member.closed", member="m1")
        self.fake.start()
        self.assertEqual(self.lines(process, 1)[0]["seq"], 6)
        self.assertEqual(self.finish(process, signal.SIGTERM), b"")

    def test_from_the_end_by_default(self):
        process = self.start("watch")
        self.fake.wait_for(lambda: any(op == "server.hello" for op, _, _ in self.fake.requests))
        # Whatever came before the position was taken is not told, so events are added until one is.
        told = []

        def read():
            told.append(json.loads(process.stdout.readline()))

        import threading
        reader = threading.Thread(target=read)
        reader.start()
        while reader.is_alive():
            self.fake.add_event("member.closed")
            reader.join(0.2)
        self.assertGreater(told[0]["seq"], 5)
        self.finish(process, signal.SIGINT)

    def test_types_and_since(self):
        done = self.ok("watch", "--until-caught-up", "--type", "connection.")
        self.assertEqual([event["seq"] for event in done], [2, 4])
        done = self.ok("watch", "--until-caught-up", "--type", "connection.", "--type", "member.")
        self.assertEqual([event["seq"] for event in done], [1, 2, 3, 4, 5])
        done = self.ok("watch", "--until-caught-up", "--since", "1700000003000")
        self.assertEqual([event["seq"] for event in done], [3, 4, 5])
        done = self.ok("watch", "--until-caught-up", "--from", "5")
        self.assertEqual([event["seq"] for event in done], [5])

    def test_terminal(self):
        code, text = self.on_terminal("watch", "--until-caught-up")
        self.assertEqual(code, 0)
        self.assertIn("\x1b[33mconnection.requested\x1b[0m", text)
        code, text = self.on_terminal("watch", "--until-caught-up", env={"NO_COLOR": "1"})
        self.assertIn("#1 2023-11-14 22:13:21.000  member.registered  member=m0\n", text)
        self.assertNotIn("audience", text)
        self.assertIn("caught up", text)

    def test_a_worker(self):
        acked = []

        def fetch(args):
            self.assertEqual((args["name"], args["after"], args["types"]), ("mails", 1, ["conn"]))
            seqs = [event["seq"] for event in self.fake.events[1:] if event["seq"] not in acked]
            return {"items": [{"seq": seq, "tries": 1, "event": self.fake.events[seq - 1]}
                              for seq in seqs], "next": 5, "last_seq": 5}

        def ack(args):
            acked.extend(args["seqs"])
            return {"acked": len(args["seqs"])}

        self.fake.on.update({"subscription.fetch": fetch, "subscription.ack": ack})
        done = self.ok("watch", "--subscription", "mails", "--from", "2", "--type", "conn",
                       "--until-caught-up")
        self.assertEqual([event["seq"] for event in done], [2, 3, 4, 5])
        self.assertEqual(acked, [2, 3, 4, 5])

    def test_wrong_words(self):
        for words, text in ((["--from", "soon"], b"sequence number, start or end"),
                            (["--since", "whenever"], b"takes a time"),
                            (["--from", "1", "--since", "1h"], b"not both"),
                            (["--subscription", "s", "--cursor", "c"], b"--subscription"),
                            (["--subscription", "s", "--from", "end"], b"--from SEQ"),
                            (["connection."], b"--type connection."),
                            (["--until-caughtup"], b"--until-caught-up")):
            done = self.kith("watch", *words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(text, done.stderr)

    def test_reader_goes_away(self):
        process = self.start("watch", "--from", "start")
        process.stdout.close()
        for _ in range(3):
            self.fake.add_event("member.closed")
        self.assertNotEqual(process.wait(fake.TIMEOUT), 0)


if __name__ == "__main__":
    unittest.main()
