"""Recall at 10 and mean reciprocal rank of three rankings, by groups of queries; `run` beside this file starts it."""

import argparse
import re
import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from catalogue import shops
from postgres import Before, Now, Server
from with_tantivy import Tantivy

PAGE = 10


@dataclass(frozen=True)
class Query:
    """What is typed in a shop, and the names that a person would expect."""

    group: str
    shop: str
    typed: str
    expected: str

    def wants(self, name):
        return re.search(self.expected, name, re.IGNORECASE) is not None


def queries():
    lines = (Path(__file__).parent / "queries.tsv").read_text().splitlines()
    return [Query(*line.split("\t")) for line in lines]


def recall(query, found, products):
    """Of the expected, or of ten of them if there are more, how many are among the first ten."""
    expected = {product.name for product in products if query.wants(product.name)}
    return len(expected.intersection(found[:PAGE])) / min(PAGE, len(expected))


def reciprocal_rank(query, found):
    """One over the place of the first that is expected; 0 if it is not among the first ten."""
    return next((1 / place for place, name in enumerate(found[:PAGE], 1) if query.wants(name)), 0.0)


def judged(engines, catalogue):
    """For each query, for each engine: recall and reciprocal rank."""
    scores = {}
    for query in queries():
        products = catalogue[query.shop]
        found = {name: engine.find(query.shop, query.typed, PAGE) for name, engine in engines.items()}
        scores[query] = {
            name: (recall(query, names, products), reciprocal_rank(query, names)) for name, names in found.items()
        }
    return scores


def by_group(scores):
    groups = defaultdict(list)
    for query, score in scores.items():
        groups[query.group].append(score)
        groups["all"].append(score)
    # All of them last.
    groups["all"] = groups.pop("all")
    means = {}
    for group, of_queries in groups.items():
        engines = of_queries[0]
        means[group] = len(of_queries), {
            engine: tuple(statistics.fmean(score[engine][figure] for score in of_queries) for figure in (0, 1))
            for engine in engines
        }
    return means


def table(rows, engines):
    """Markdown: a column for each figure of each engine."""
    figures = [f"{figure}, {engine}" for figure in ("recall", "MRR") for engine in engines]
    print(f"| | queries | {' | '.join(figures)} |\n|---|{'---:|' * (len(figures) + 1)}")
    for name, (count, means) in rows.items():
        cells = [f"{means[engine][figure]:.2f}" for figure in (0, 1) for engine in engines]
        print(f"| {name} | {count} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--queries", action="store_true", help="each query too")
    arguments = parser.parse_args()
    catalogue = shops()
    with Server() as server:
        engines = {"before": Before(server, catalogue), "now": Now(server, catalogue), "tantivy": Tantivy(catalogue)}
        scores = judged(engines, catalogue)
    print(", ".join(f"{shop}: {len(products)} products" for shop, products in catalogue.items()), end="\n\n")
    groups = by_group(scores)
    table(groups, engines)
    if arguments.queries:
        print()
        table({f"{query.typed} ({query.group})": (1, score) for query, score in scores.items()}, engines)
    worse = [
        group
        for group, (_, means) in groups.items()
        if any(now < before - 1e-9 for now, before in zip(means["now"], means["before"]))
    ]
    if worse:
        sys.exit(f"Now is worse than before in: {', '.join(worse)}")


if __name__ == "__main__":
    main()
