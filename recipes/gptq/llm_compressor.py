#!/usr/bin/env python3
"""Quantises a model folder by GPTQ or AWQ through llm-compressor: a stage of edge-eval carried out by another's quantiser.

Written is a compressed-tensors folder, W8A16 or W4A16, that vLLM and transformers load; the output layer stays as it is. Calibrated on the
conversations of `--data`, rendered with the model's own chat template: as many of them as `--samples`, drawn by the seed. Phases and facts go
to stdout, one JSON object a line; all else to stderr.
"""

import argparse
import importlib
import json
import os
import random
import shutil
import struct
import sys
import time

INSTALL = "python3 -m pip install llmcompressor (in an environment of its own: it pins torch and transformers)"
# Beside the weights, what a model folder has: kept as it is.
COMPANIONS = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model", "vocab.json"]
COMPANIONS += ["merges.txt", "chat_template.jinja", "chat_template.json", "generation_config.json"]
OWN_STDOUT = sys.stdout
# What libraries print does not belong between the marks.
sys.stdout = sys.stderr


def say(phase, **facts):
    """One mark of the line protocol."""
    mark = {"phase": phase, "at": time.clock_gettime_ns(time.CLOCK_MONOTONIC), "facts": facts}
    print(json.dumps(mark), file=OWN_STDOUT, flush=True)


def fail(error, hint):
    """Tells what is wrong and how to mend it, and ends."""
    say("failed", error=error, hint=hint)
    sys.exit(f"{error}\n{hint}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--algorithm", required=True, choices=["gptq", "awq"])
    parser.add_argument("--model", required=True, help="model folder")
    parser.add_argument("--data", required=True, help='calibration: JSON lines {"messages": [{"role": …, "content": …}]}')
    parser.add_argument("--out", required=True, help="model folder to write; it must not exist")
    parser.add_argument("--bits", required=True, type=int, choices=[4, 8])
    parser.add_argument("--samples", type=int, default=256, help="most conversations used")
    parser.add_argument("--max-length", type=int, default=2048, help="longest, in tokens; what is longer loses its end")
    parser.add_argument("--seed", type=int, default=42)
    return parser.parse_args()


def check(args):
    """All that can be found wrong before anything is loaded."""
    for package in ["torch", "transformers", "datasets", "llmcompressor"]:
        try:
            importlib.import_module(package)
        except ImportError as error:
            fail(f"the Python package {package} cannot be imported by {sys.executable}: {error}", INSTALL)
    if os.path.lexists(args.out):
        fail(f"{args.out} is there already", "name a folder that does not exist")
    if not os.path.isfile(os.path.join(args.model, "config.json")):
        fail(f"{args.model} is no model folder: it has no config.json", "name a folder as the Hugging Face hub has it")


def calibration(args, tokenizer):
    """The ids of the conversations that are calibrated on, in an order drawn by the seed."""
    texts = []
    with open(args.data, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                messages = [{"role": m["role"], "content": m["content"]} for m in json.loads(line)["messages"]]
                texts.append(tokenizer.apply_chat_template(messages, tokenize=False))
            except Exception as error:  # what a template raises is its own
                fail(f"{args.data}, line {number}: no conversation: {error!r}", 'each line is {"messages": [{"role": …, "content": …}, …]}')
    if not texts:
        fail(f"{args.data} has no rows", "give conversations to calibrate on")
    random.Random(args.seed).shuffle(texts)
    rows = [tokenizer(text, add_special_tokens=False)["input_ids"][: args.max_length] for text in texts[: args.samples]]
    return [{"input_ids": ids, "attention_mask": [1] * len(ids)} for ids in rows]


def steps(args):
    """What llm-compressor is to do."""
    from llmcompressor.modifiers.quantization import QuantizationModifier

    how = {"scheme": f"W{args.bits}A16", "targets": ["Linear"], "ignore": ["lm_head"]}
    if args.algorithm == "gptq":
        from llmcompressor.modifiers.gptq import GPTQModifier

        return [GPTQModifier(**how)]
    import torch
    from llmcompressor.modifiers.transform.awq import AWQModifier
    from llmcompressor.pipelines.cache import IntermediatesCache

    if not torch.cuda.is_available():
        # AWQ pins memory for copies to a GPU without asking whether there is one (llm-compressor 0.14), which torch refuses.
        IntermediatesCache.pin_memory = lambda *_: None
    return [AWQModifier(), QuantizationModifier(**how)]


def weights(folder):
    """Tensors by the format they were written in, and the size of the files."""
    formats, size = {}, 0
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".safetensors"):
            continue
        path = os.path.join(folder, name)
        size += os.path.getsize(path)
        with open(path, "rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        for tensor, about in header.items():
            if tensor == "__metadata__" or tensor.endswith((".weight_scale", ".weight_shape", ".weight_zero_point", ".weight_g_idx")):
                continue
            kind = "packed" if tensor.endswith(".weight_packed") else about["dtype"].lower()
            formats[kind] = formats.get(kind, 0) + 1
    return formats, size


def main():
    args = arguments()
    say("start")
    # The model is a folder: nothing is asked of the hub.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    check(args)

    import torch
    from datasets import Dataset
    from llmcompressor import oneshot
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    if not tokenizer.chat_template:
        fail(f"{args.model} has no chat template", "take an instruction-tuned model, or put chat_template.jinja into its folder")
    rows = calibration(args, tokenizer)
    # A CPU calibrates in f32: in f16 it is slow, and AWQ's search can overflow. What is written is of the model's own dtype.
    on_gpu = torch.cuda.is_available()
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype="auto" if on_gpu else torch.float32, use_safetensors=True)
    stored = AutoConfig.from_pretrained(args.model).dtype or model.dtype
    say("read", calibration_rows=len(rows), calibration_tokens=sum(len(row["input_ids"]) for row in rows))
    say("quantise")
    oneshot(
        model=model,
        dataset=Dataset.from_list(rows),
        recipe=steps(args),
        max_seq_length=args.max_length,
        num_calibration_samples=len(rows),
        shuffle_calibration_samples=False,
    )
    say("write")
    unfinished = args.out.rstrip("/") + ".tmp"
    shutil.rmtree(unfinished, ignore_errors=True)
    model.to(stored).save_pretrained(unfinished, save_compressed=True)
    for name in COMPANIONS:
        if os.path.isfile(os.path.join(args.model, name)):
            shutil.copyfile(os.path.join(args.model, name), os.path.join(unfinished, name))
    os.rename(unfinished, args.out)
    formats, size = weights(args.out)
    scheme = f"w{args.bits}a16"
    tensors = {scheme if kind == "packed" else kind: count for kind, count in formats.items()}
    if scheme not in tensors:
        fail("no tensor was quantised", "take a model whose layers are torch.nn.Linear")
    say("done", format=scheme, algorithm=args.algorithm, tensors=tensors, fallbacks={}, weight_bytes=size)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        say("failed", error=f"{type(error).__name__}: {error}")
        raise
