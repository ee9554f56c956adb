"""Mutuals, paths, degrees and suggestions against plain answers worked out here."""
import random

import graphs
import harness


class Graph(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.edges = graphs.load()
        cls.near = graphs.adjacency(cls.edges)
        members = sorted(cls.near)
        cls.order = {member: place for place, member in enumerate(members)}
        cls.running = harness.Daemon()
        cls.running.start()
        cls.kith = cls.running.client()
        for start in range(0, len(members), 1000):
            cls.kith.batch([
                {"op": "member.register", "id": f"r-{m}", "args": {"member": m}}
                for m in members[start:start + 1000]])
        for start in range(0, len(cls.edges), 1000):
            result = cls.kith.do("connection.import", id=f"i-{start}",
                                 pairs=[list(e) for e in cls.edges[start:start + 1000]])
            assert result["skipped"] == 0, result

    @classmethod
    def tearDownClass(cls):
        cls.kith.close()
        cls.running.close()

    def pairs(self, count):
        rng = random.Random(3)
        members = sorted(self.near)
        biggest = sorted(members, key=lambda m: -len(self.near[m]))[:2]
        return [tuple(biggest)] + [tuple(rng.sample(members, 2)) for _ in range(count)]

    def every(self, op, **args):
        """All items of a paged list."""
        items, after = [], {}
        while True:
            page = self.kith.ask(op, limit=100, **after, **args)
            items += page["items"]
            if "next" not in page:
                return items, page
            after = {"after": page["next"]}

    def test_mutuals(self):
        for a, b in self.pairs(1000):
            items, page = self.every("connection.mutuals", viewer=a, other=b)
            self.assertEqual({item["member"] for item in items}, self.near[a] & self.near[b])
            self.assertEqual(page["count"], len(items))

    def test_paths(self):
        for a, b in self.pairs(1000):
            path = self.kith.ask("connection.path", viewer=a, other=b)
            self.assertTrue(path["complete"], (a, b))
            self.assertEqual(path["degree"], graphs.degree(self.near, a, b), (a, b))
            if path["degree"]:
                steps = [a, *path["via"], b]
                self.assertEqual(len(steps), path["degree"] + 1)
                for one, next_one in zip(steps, steps[1:]):
                    self.assertIn(next_one, self.near[one])

    def test_a_path_is_no_longer_than_asked(self):
        for a, b in self.pairs(200):
            wanted = graphs.degree(self.near, a, b)
            path = self.kith.ask("connection.path", viewer=a, other=b, max=1)
            self.assertEqual(path["degree"], wanted if wanted == 1 else None)

    def test_suggestions(self):
        for member, _ in self.pairs(1000):
            items = self.kith.ask("connection.suggest", member=member, limit=20)["items"]
            wanted = graphs.suggestions(self.near, self.order, member, 20)
            self.assertEqual([(i["member"], i["mutuals"]) for i in items], wanted, member)

    def test_counts_and_lists(self):
        for member, _ in self.pairs(100):
            counts = self.kith.ask("connection.counts", member=member)
            self.assertEqual(counts["connections"], len(self.near[member]))
            items, _ = self.every("connection.list", member=member)
            self.assertEqual({item["member"] for item in items}, self.near[member])


if __name__ == "__main__":
    harness.main()
