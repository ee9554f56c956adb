"""Graphs to try kithd on, and the plain answers to the questions it is asked about them.

KITH_GRAPH=FILE takes a real one instead of the generated: an edge list, one pair a line, .gz or not.
"""
import collections
import gzip
import os
import random


def generate(members=600, links=5, seed=7):
    """Preferential attachment with closed triangles: a few have many, and friends share friends."""
    rng = random.Random(seed)
    edges, ends = set(), [0, 1]
    edges.add((0, 1))
    for new in range(2, members):
        chosen = set()
        while len(chosen) < min(links, new):
            pick = rng.choice(ends)
            near = [b if a == pick else a for a, b in edges if pick in (a, b)]
            chosen.add(rng.choice(near) if near and rng.random() < 0.3 else pick)
        for other in chosen - {new}:
            edges.add((other, new))
            ends += [other, new]
    return [(f"m{a}", f"m{b}") for a, b in sorted(edges)]


def load():
    path = os.environ.get("KITH_GRAPH")
    if not path:
        return generate()
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as lines:
        return [tuple(line.split()[:2]) for line in lines if line.strip() and line[0] != "#"]


def adjacency(edges):
    near = collections.defaultdict(set)
    for a, b in edges:
        near[a].add(b)
        near[b].add(a)
    return near


def degree(near, a, b):
    """1, 2 or 3 steps, or None."""
    if b in near[a]:
        return 1
    if near[a] & near[b]:
        return 2
    for friend in near[a]:
        if near[friend] & near[b]:
            return 3
    return None


def suggestions(near, order, member, limit):
    """Friends of friends by mutual friends; of equals, who registered earlier."""
    count = collections.Counter()
    for friend in near[member]:
        for other in near[friend]:
            if other != member and other not in near[member]:
                count[other] += 1
    return sorted(count.items(), key=lambda row: (-row[1], order[row[0]]))[:limit]
