"""ROUGE beside Python's rouge_score 0.1.2, in one run: every figure to the last bit, every stem, and the time of ROUGE-L.

    cargo build --release -p score --example rouge
    python crates/score/benches/compare.py XSUM_FOLDER target/release/examples/rouge

Needs rouge_score 0.1.2 and its nltk. The folder holds XSum's test references and the systems' answers, one a line. Both sides have the
texts in memory and use one thread; theirs is timed on the best of three passes, ours on its first, with an empty vocabulary, and on the
best of seven.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from nltk.stem.porter import PorterStemmer
from rouge_score.rouge_scorer import RougeScorer

KINDS = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
GOLD, SYSTEMS = "gold-test-sentences.txt", ["convs2s-test-output.txt", "topic-convs2s-test-output.txt", "lead-test-output.txt"]


def lines(path):
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def ours(program, *words):
    return subprocess.run([program, *map(str, words)], check=True, capture_output=True, encoding="utf-8").stdout.splitlines()


def differences(program, folder, system):
    """Figures that are not the same number, over all pairs of a system, and how many there are."""
    scorers = {"plain": RougeScorer(KINDS), "stemmed": RougeScorer(KINDS, use_stemmer=True)}
    wrong = compared = 0
    rows = map(json.loads, ours(program, "scores", folder / GOLD, folder / system))
    for gold, answer, row in zip(lines(folder / GOLD), lines(folder / system), rows, strict=True):
        for setting, scorer in scorers.items():
            for kind, score in scorer.score(gold, answer).items():
                wrong += sum(theirs != mine for theirs, mine in zip(score, row[setting][kind], strict=True))
                compared += 3
    return wrong, compared


def stems(program, folder):
    """Words whose stem differs, over every word longer than three of all files."""
    text = " ".join((folder / name).read_text(encoding="utf-8") for name in [GOLD, *SYSTEMS])
    words = sorted({word for word in re.sub(r"[^a-z0-9]+", " ", text.lower()).split() if len(word) > 3})
    stemmer = PorterStemmer()
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(words) + "\n")
        file.flush()
        mine = [line.split(" ")[1] for line in ours(program, "stems", file.name)]
    return [word for word, stem in zip(words, mine, strict=True) if stemmer.stem(word) != stem], len(words)


def one_pass(scorer, pairs):
    start = time.perf_counter()
    sum(scorer.score(gold, answer)["rougeL"].fmeasure for gold, answer in pairs)
    return time.perf_counter() - start


def times(program, folder, system):
    pairs = list(zip(lines(folder / GOLD), lines(folder / system), strict=True))
    mine = {row["stemmed"]: row for row in map(json.loads, ours(program, "time", folder / GOLD, folder / system))}
    for stemmed in [False, True]:
        scorer = RougeScorer(["rougeL"], use_stemmer=stemmed)
        seconds = min(one_pass(scorer, pairs) for _ in range(3))
        first, best = mine[stemmed]["first_s"], mine[stemmed]["best_s"]
        print(
            f"ROUGE-L of {len(pairs)} pairs, {'stemmed' if stemmed else 'plain'}: rouge_score {seconds:.3f} s, "
            f"ours {1000 * first:.1f} ms at first ({seconds / first:.0f} times faster), {1000 * best:.1f} ms at best ({seconds / best:.0f})"
        )


folder, program = pathlib.Path(sys.argv[1]), sys.argv[2]
times(program, folder, SYSTEMS[0])
bad, words = stems(program, folder)
print(f"stems: {len(bad)} of {words} words differ {bad[:10]}")
failed = bool(bad)
for system in SYSTEMS:
    wrong, compared = differences(program, folder, system)
    print(f"{system}: {wrong} of {compared} figures differ")
    failed |= wrong > 0
sys.exit(failed)
