#!/usr/bin/env python3
"""Quantises a model folder with llama.cpp's own llama-quantize: a stage of edge-eval carried out by another's quantiser.

edge-eval writes the folder as a GGUF file in f16, and llama-quantize makes Q8_0 (8 bits) or Q4_K_M (4 bits) of it. Only Python's own library is
needed. Phases and facts go to stdout, one JSON object a line; all else to stderr.
"""

import argparse
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

TYPES = {8: "Q8_0", 4: "Q4_K_M"}
# ggml's numbers of the formats that a model's tensors are written in.
FORMATS = {0: "f32", 1: "f16", 2: "q4_0", 3: "q4_1", 6: "q5_0", 7: "q5_1", 8: "q8_0", 10: "q2_k", 11: "q3_k", 12: "q4_k", 13: "q5_k", 14: "q6_k", 30: "bf16"}


def say(phase, **facts):
    """One mark of the line protocol."""
    mark = {"phase": phase, "at": time.clock_gettime_ns(time.CLOCK_MONOTONIC), "facts": facts}
    print(json.dumps(mark), flush=True)


def fail(error, hint):
    """Tells what is wrong and how to mend it, and ends."""
    say("failed", error=error, hint=hint)
    sys.exit(f"{error}\n{hint}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", required=True, help="model folder")
    parser.add_argument("--out", required=True, help="GGUF file to write; it must not exist")
    parser.add_argument("--bits", required=True, type=int, choices=sorted(TYPES))
    parser.add_argument("--edge-eval", required=True, help="edge-eval's executable")
    parser.add_argument("--llama-quantize", default="llama-quantize", help="llama.cpp's executable")
    parser.add_argument("--type", help="another of llama-quantize's types, such as Q5_K_M")
    parser.add_argument("--threads", type=int, default=0, help="0 leaves it to llama-quantize")
    return parser.parse_args()


def run(command):
    """Runs it, hands its output on to stderr, and gives it."""
    lines = []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    for line in process.stdout:
        sys.stderr.write(line)
        lines.append(line.rstrip())
    if process.wait() != 0:
        last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
        fail(f"{command[0]} ended with {process.returncode}: {last}", "its whole output is in this stage's log")
    return lines


def formats(path):
    """Tensors of a GGUF file by the format they were written in."""
    scalars = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    counts = {}
    with open(path, "rb") as file:

        def number(form):
            return struct.unpack("<" + form, file.read(struct.calcsize(form)))[0]

        def text():
            return file.read(number("Q"))

        def skip(kind):
            if kind == 8:
                file.seek(number("Q"), os.SEEK_CUR)
            elif kind == 9:
                inner, length = number("I"), number("Q")
                if inner in scalars:
                    file.seek(length * scalars[inner], os.SEEK_CUR)
                else:
                    for _ in range(length):
                        skip(inner)
            else:
                file.seek(scalars[kind], os.SEEK_CUR)

        if file.read(4) != b"GGUF" or number("I") < 2:
            fail(f"{path} is no GGUF file of version 2 or later", "llama-quantize's output in this stage's log may say why")
        tensors, pairs = number("Q"), number("Q")
        for _ in range(pairs):
            text()
            skip(number("I"))
        for _ in range(tensors):
            text()
            file.seek(8 * number("I"), os.SEEK_CUR)
            kind = number("I")
            file.seek(8, os.SEEK_CUR)
            name = FORMATS.get(kind, f"ggml type {kind}")
            counts[name] = counts.get(name, 0) + 1
    return counts


def fallbacks(lines):
    """Tensors whose width does not take the format that was meant for them, as llama-quantize tells: name -> format used."""
    told = (re.match(r"warning: (\S+)\s.*-> falling back to\s+(\S+)", line) for line in lines)
    return {match.group(1): match.group(2).lower() for match in told if match}


def main():
    args = arguments()
    say("start")
    if shutil.which(args.llama_quantize) is None:
        fail(
            f"there is no program {args.llama_quantize}",
            "build llama.cpp (cmake --build build --target llama-quantize) and put its folder into PATH, or name it with --llama-quantize",
        )
    if os.path.lexists(args.out):
        fail(f"{args.out} is there already", "name a file that does not exist")
    kind = args.type or TYPES[args.bits]
    out = os.path.abspath(args.out)
    unfinished = out + ".tmp"
    with tempfile.TemporaryDirectory(dir=os.path.dirname(out)) as scratch:
        dense = os.path.join(scratch, "f16.gguf")
        say("read")
        run([args.edge_eval, "compress", "quantise", "--model", args.model, "--format", "f16", "--out", dense])
        say("quantise")
        lines = run([args.llama_quantize, dense, unfinished, kind] + ([str(args.threads)] if args.threads > 0 else []))
    say("write")
    tensors = formats(unfinished)
    os.rename(unfinished, out)
    say("done", format=kind.lower(), tensors=tensors, fallbacks=fallbacks(lines), weight_bytes=os.path.getsize(out))


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        say("failed", error=f"{type(error).__name__}: {error}")
        raise
