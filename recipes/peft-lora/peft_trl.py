#!/usr/bin/env python3
"""Adapts a model with LoRA or QLoRA through PEFT and TRL's SFTTrainer: a stage of edge-eval carried out by another's trainer.

What is learnt is what `edge-eval adapt` learns: conversations rendered with the model's own chat template, loss on the answers only (their
end-of-turn token included), a row that is too long losing the beginning of its prompt. QLoRA holds the frozen base in bitsandbytes' NF4 with
double quantisation. Written is a PEFT folder in safetensors. Phases and facts go to stdout, one JSON object a line; all else to stderr.
"""

import argparse
import importlib
import json
import os
import shutil
import sys
import tempfile
import time

INSTALL = "python3 -m pip install torch transformers peft trl accelerate datasets safetensors"
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
    yes_no = {"true": True, "false": False}

    def boolean(word):
        if word not in yes_no:
            raise argparse.ArgumentTypeError("true or false")
        return yes_no[word]

    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", required=True, help="model folder")
    parser.add_argument("--data", required=True, help='JSON lines {"messages": [{"role": …, "content": …}]}')
    parser.add_argument("--out", required=True, help="adapter folder to write; it must not exist")
    parser.add_argument("--method", required=True, choices=["lora", "qlora"])
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--alpha", type=float, default=32.0)
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--target-modules", default="q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj")
    parser.add_argument("--lr", type=float, default=2e-4)
    parser.add_argument("--schedule", choices=["constant", "linear", "cosine"], default="linear")
    parser.add_argument("--warmup-ratio", type=float, default=0.03)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=0, help="optimiser steps; 0 goes by epochs")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--accumulation", type=int, default=1)
    parser.add_argument("--max-length", type=int, default=1024)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--checkpointing", type=boolean, default=False)
    parser.add_argument("--packing", type=boolean, default=False)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves it to torch")
    parser.add_argument("--optimiser", default="auto", help="of transformers; auto: paged_adamw_32bit with CUDA and bitsandbytes, else adamw_torch")
    parser.add_argument("--dtype", choices=["auto", "float32", "bfloat16", "float16"], default="auto", help="of the frozen base and the arithmetic")
    return parser.parse_args()


def check(args):
    """All that can be found wrong before anything is loaded."""
    needed = ["torch", "transformers", "peft", "trl", "datasets"] + (["bitsandbytes"] if args.method == "qlora" else [])
    for package in needed:
        try:
            importlib.import_module(package)
        except ImportError as error:
            fail(f"the Python package {package} cannot be imported by {sys.executable}: {error}", f"{INSTALL} {'bitsandbytes' if args.method == 'qlora' else ''}".strip())
    if args.packing:
        fail("this trainer does not pack", "set `packing = false` in the plan's [adapt]")
    if os.path.lexists(args.out):
        fail(f"{args.out} is there already", "name a folder that does not exist")
    if not os.path.isfile(os.path.join(args.model, "config.json")):
        fail(f"{args.model} is no model folder: it has no config.json", "name a folder as the Hugging Face hub has it")


def rows(path):
    """The conversations of a JSON Lines file."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                messages = json.loads(line)["messages"]
                yield number, [{"role": m["role"], "content": m["content"]} for m in messages]
            except (ValueError, KeyError, TypeError) as error:
                fail(f"{path}, line {number}: no conversation: {error!r}", 'each line is {"messages": [{"role": …, "content": …}, …]}')


def encode(tokenizer, eos, messages):
    """The ids of a conversation, and the ranges of its answers. The ids before an answer are those the model is given when it is served."""
    text, ids, answers = "", [], []

    def extend(count, prompt):
        nonlocal text, ids
        whole = tokenizer.apply_chat_template(messages[:count], tokenize=False, add_generation_prompt=prompt)
        if not whole.startswith(text):
            raise ValueError("the chat template rewrites earlier turns")
        encoded = tokenizer(whole, add_special_tokens=False)["input_ids"]
        if encoded[: len(ids)] != ids:
            # A token would straddle the boundary; when the model is served, the prompt's ids are fixed before the answer's.
            encoded = ids + tokenizer(whole[len(text) :], add_special_tokens=False)["input_ids"]
        text, ids = whole, encoded

    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        extend(index, True)
        start = len(ids)
        extend(index + 1, False)
        # What a template writes after the end-of-turn token is never generated.
        ends = [at for at in range(start, len(ids)) if ids[at] in eos]
        answers.append((start, ends[-1] + 1 if ends else len(ids)))
    return ids, answers


def example(ids, answers, max_length):
    """Ids and labels up to the end of the last answer, from as far before it as the length allows."""
    start, end = answers[-1]
    first = min(max(end - max_length, 0), max(start - 1, 0))
    end = min(end, first + max_length)
    labels = [-100] * len(ids)
    for a, b in answers:
        labels[a:b] = ids[a:b]
    return {"input_ids": ids[first:end], "labels": labels[first:end]}


def corpus(args, tokenizer, eos):
    """The examples, in the order of the file."""
    examples = []
    for number, messages in rows(args.data):
        try:
            ids, answers = encode(tokenizer, eos, messages)
        except Exception as error:  # what a template raises is its own
            fail(f"{args.data}, line {number}: {error}", "mend the row, or take a model whose chat template renders it")
        if not answers:
            fail(f"{args.data}, line {number}: no message of the assistant", "each conversation has an answer")
        row = example(ids, answers, args.max_length)
        if any(label != -100 for label in row["labels"][1:]):
            examples.append(row)
    if not examples:
        fail(f"{args.data} has no row to learn from", "each conversation has an answer")
    return examples


def end_of_turn(tokenizer, model):
    """All ids that end a turn."""
    told = model.generation_config.eos_token_id if model.generation_config else None
    told = told if isinstance(told, list) else [told]
    return {id for id in [tokenizer.eos_token_id, *told] if id is not None}


def numbers(args):
    """The dtype of the arithmetic: bf16 where the GPU has it, else fp16; f32 on the CPU."""
    import torch

    if args.dtype != "auto":
        return getattr(torch, args.dtype)
    if not torch.cuda.is_available():
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def load(args, dtype):
    """The frozen base: dense, or in NF4 with double quantisation."""
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    quantised = None
    if args.method == "qlora":
        quantised = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
        )
    device = {"": torch.cuda.current_device()} if torch.cuda.is_available() else {"": "cpu"}
    return AutoModelForCausalLM.from_pretrained(
        args.model, dtype=dtype, quantization_config=quantised, device_map=device, use_safetensors=True
    )


def optimiser(args):
    import torch

    if args.optimiser != "auto":
        return args.optimiser
    has_bitsandbytes = importlib.util.find_spec("bitsandbytes") is not None
    return "paged_adamw_32bit" if torch.cuda.is_available() and has_bitsandbytes else "adamw_torch"


def settings(args, dtype, scratch):
    import torch
    from trl import SFTConfig

    on_gpu = torch.cuda.is_available()
    return SFTConfig(
        output_dir=scratch,
        max_steps=args.steps if args.steps > 0 else -1,
        num_train_epochs=args.epochs,
        per_device_train_batch_size=args.batch,
        gradient_accumulation_steps=args.accumulation,
        learning_rate=args.lr,
        lr_scheduler_type="constant_with_warmup" if args.schedule == "constant" else args.schedule,
        # Below 1 it is a share of the steps.
        warmup_steps=args.warmup_ratio,
        weight_decay=args.weight_decay,
        max_grad_norm=1.0,
        optim=optimiser(args),
        gradient_checkpointing=args.checkpointing,
        max_length=None,
        packing=False,
        bf16=on_gpu and dtype == torch.bfloat16,
        fp16=on_gpu and dtype == torch.float16,
        use_cpu=not on_gpu,
        seed=args.seed,
        data_seed=args.seed,
        logging_steps=1,
        # A loss that is no number is told as it is.
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=on_gpu,
    )


def trainer_class():
    from transformers import TrainerCallback
    from trl import SFTTrainer

    class Counting(SFTTrainer):
        """Counts the tokens that are really processed: inputs that predict a token, padding excluded."""

        tokens = 0
        loss_tokens = 0

        def compute_loss(self, model, inputs, *args, **kwargs):
            self.tokens += int(inputs["attention_mask"][:, 1:].sum())
            self.loss_tokens += int((inputs["labels"][:, 1:] != -100).sum())
            return super().compute_loss(model, inputs, *args, **kwargs)

    class Losses(TrainerCallback):
        """The loss of each optimiser step, and a mark now and then."""

        def __init__(self):
            self.losses, self.told = [], 0.0

        def on_log(self, args, state, control, logs=None, **kwargs):
            if logs and "loss" in logs:
                self.losses.append(float(logs["loss"]))
                if time.monotonic() - self.told >= 0.5:
                    self.told = time.monotonic()
                    say("progress", step=state.global_step, steps=state.max_steps, loss=self.losses[-1])

    return Counting, Losses


def write(trainer, out):
    """The PEFT folder, whole or not at all."""
    unfinished = out.rstrip("/") + ".tmp"
    shutil.rmtree(unfinished, ignore_errors=True)
    trainer.model.save_pretrained(unfinished, safe_serialization=True, save_embedding_layers=False)
    os.rename(unfinished, out)


def main():
    args = arguments()
    # numpy's generator, which the trainer seeds too, takes no more than 32 bits.
    args.seed %= 1 << 32
    say("start")
    # The model is a folder: nothing is asked of the hub.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    check(args)

    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoTokenizer

    if args.threads > 0:
        torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    if not tokenizer.chat_template:
        fail(f"{args.model} has no chat template", "take an instruction-tuned model, or put chat_template.jinja into its folder")
    dtype = numbers(args)
    model = load(args, dtype)
    base_bytes = model.get_memory_footprint()
    say("read", base_bytes=base_bytes)
    examples = corpus(args, tokenizer, end_of_turn(tokenizer, model))
    say("corpus", rows=len(examples), tokens=sum(len(row["input_ids"]) for row in examples))

    lora = LoraConfig(
        r=args.rank, lora_alpha=args.alpha, lora_dropout=args.dropout, target_modules=args.target_modules.split(","), bias="none", task_type="CAUSAL_LM"
    )
    counting, watching = trainer_class()
    with tempfile.TemporaryDirectory() as scratch:
        watch = watching()
        trainer = counting(
            model=model,
            args=settings(args, dtype, scratch),
            train_dataset=Dataset.from_list(examples),
            processing_class=tokenizer,
            peft_config=lora,
            callbacks=[watch],
        )
        # The update is learnt in f32, whatever the base is held in.
        for parameter in trainer.model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
        trainable = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
        say("train", trainable_parameters=trainable, optimiser=trainer.args.optim.value if hasattr(trainer.args.optim, "value") else str(trainer.args.optim))
        result = trainer.train()
        if not watch.losses or not all(loss == loss and abs(loss) != float("inf") for loss in watch.losses):
            fail("the loss left the finite numbers", "lower the learning rate")
        say("write")
        write(trainer, args.out)
    say(
        "done",
        method=args.method,
        steps=result.global_step,
        tokens=trainer.tokens,
        loss_tokens=trainer.loss_tokens,
        trainable_parameters=trainable,
        first_loss=watch.losses[0],
        last_loss=watch.losses[-1],
        base_bytes=base_bytes,
        dtype=str(dtype).removeprefix("torch."),
        rows=len(examples),
        max_length=args.max_length,
        batch=args.batch,
        accumulation=args.accumulation,
        checkpointing=args.checkpointing,
    )


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        say("failed", error=f"{type(error).__name__}: {error}")
        raise
