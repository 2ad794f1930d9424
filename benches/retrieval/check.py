#!/usr/bin/env python3
"""Checks the labelled set against the rules in README.md and prints its counts.

Run it from anywhere: `python3 benches/retrieval/check.py`. Exit code 1 and one line per
problem if a rule is broken.
"""

import collections
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
KINDS = {"decision", "interface", "convention", "warning", "artifact", "code"}
CLASSES = {"exact": 20, "paraphrase": 30, "identifier": 12, "non_english": 10}

STOP_WORDS = set(
    """a about above after again all although an and any anybody anything are as at away be because
    becomes been before below between both but by can did do does don't down each else everything every
    for from get gets give gives go goes got had has have he her here him his how i if in include
    into is it its itself keep know long look looks made make makes may more most much must my need
    needed neither never no nobody none nor not nothing of off on once one ones only or other ought
    our out over own right same set she should show shows since so some somebody someone something
    still such take taken than that the their them then there these they thing things this those
    to together too two until up us use used very was we went were what when where which while who
    whole whose why will with within without would you your""".split()
)
SUFFIXES = (
    "ations ation ities ingly ments ment ness less able ible ally ing ies ied ion ers est ity ive"
    " ous ful ed es er ly al s e y"
).split()


def words(text):
    """Lower-cased words; identifiers are cut at connectors and changes of case."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).lower().replace("_", " ")
    return re.findall(r"[^\W\d_]+(?:'t)?|\d+", text)


def stem(word):
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word


def content(text):
    return {stem(word): word for word in words(text) if word not in STOP_WORDS}


def shared(query, entry):
    """Words of the query that occur in the entry: the same stem, or five equal first letters."""
    text = " ".join([entry["summary"], entry["detail"] or "", *entry["tags"]])
    theirs = content(text)
    found = []
    for key, word in content(query).items():
        for other_key, other in theirs.items():
            long = min(len(word), len(other)) >= 5
            if key == other_key or (long and word[:5] == other[:5]):
                found.append(f"{word}~{other}")
    return found


def read(name):
    return [json.loads(line) for line in (HERE / name).read_text("utf-8").splitlines()]


def problems(entries, queries):
    by_id = {entry["id"]: entry for entry in entries}
    if len(by_id) != len(entries) or len({query["id"] for query in queries}) != len(queries):
        yield "an id is given twice"
    for entry in entries:
        if set(entry) != {"id", "kind", "tags", "ref", "summary", "detail"}:
            yield f"{entry['id']}: other fields than agreed"
        if entry["kind"] not in KINDS or not entry["tags"] or not entry["summary"].strip():
            yield f"{entry['id']}: kind, tags or summary"
    for query in queries:
        relevant = query["relevant"]
        if query["class"] not in CLASSES or not 1 <= len(relevant) <= 5:
            yield f"{query['id']}: class, or the number of relevant entries"
        for name, grade in relevant.items():
            if name not in by_id or grade not in (1, 2):
                yield f"{query['id']}: {name} with grade {grade}"
            elif query["class"] == "paraphrase" and (found := shared(query["text"], by_id[name])):
                yield f"{query['id']}: shares {', '.join(found)} with {name}: {query['text']}"
        if 2 not in relevant.values():
            yield f"{query['id']}: nothing answers it"
        best = [by_id[name] for name, grade in relevant.items() if grade == 2 and name in by_id]
        if query["class"] == "exact" and not any(shared(query["text"], entry) for entry in best):
            yield f"{query['id']}: shares no word with what answers it"
    counts = collections.Counter(query["class"] for query in queries)
    for name, least in CLASSES.items():
        if counts[name] < least:
            yield f"only {counts[name]} queries of class {name}, at least {least} are wanted"


def main():
    entries, queries = read("entries.jsonl"), read("queries.jsonl")
    found = list(problems(entries, queries))
    print(len(entries), "entries:", dict(collections.Counter(e["kind"] for e in entries)))
    print(len(queries), "queries:", dict(collections.Counter(q["class"] for q in queries)))
    print("relevant entries of a query:", dict(collections.Counter(len(q["relevant"]) for q in queries)))
    print("\n".join(found) or "all rules hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
