# A trainer and a quantiser that need nothing but Python, for tests of stages by commands. How it behaves is told by --behave.
import argparse
import json
import os
import struct
import subprocess
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("stage", choices=["adapt", "compress"])
for name in ["--model", "--data", "--out", "--method", "--seed", "--rank", "--epochs", "--bits", "--precision", "--edge-eval", "--literal", "--pid-file"]:
    parser.add_argument(name)
parser.add_argument("--behave", default="well")
args = parser.parse_args()


def say(phase, **facts):
    print(json.dumps({"phase": phase, "at": time.clock_gettime_ns(time.CLOCK_MONOTONIC), "facts": facts}), flush=True)


say("start")
print("what is no mark is talk")
rows = [json.loads(line) for line in open(args.data)]
assert all({"role", "content"} <= set(message) for row in rows for message in row["messages"])
assert args.literal == "{rank}" and os.environ["STAGE_SEED"] == args.seed and not os.path.exists(args.out)
assert os.path.isfile(os.path.join(args.model, "config.json"))
if args.behave == "hang":
    child = subprocess.Popen(["sleep", "600"])
    with open(args.pid_file + ".new", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    os.rename(args.pid_file + ".new", args.pid_file)
    time.sleep(600)
if args.behave == "fails":
    say("failed", error="the loss left the finite numbers")
    sys.exit(3)
if args.behave == "empty":
    sys.exit(0)

if args.stage == "adapt":
    # B is zero: the update is none.
    shapes = {"lora_A": [int(args.rank), 256], "lora_B": [256, int(args.rank)]}
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4 * shape[0] * shape[1]
        tensor = f"base_model.model.model.layers.0.self_attn.q_proj.{name}.weight"
        header[tensor] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    config = {"peft_type": "LORA", "r": int(args.rank), "lora_alpha": 32, "target_modules": ["q_proj"], "base_model_name_or_path": args.model}
    os.mkdir(args.out)
    with open(os.path.join(args.out, "adapter_config.json"), "w") as file:
        json.dump(config, file)
    weights = "adapter_model.bin" if args.behave == "pickled" else "adapter_model.safetensors"
    with open(os.path.join(args.out, weights), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + bytes(at if args.behave != "short" else at // 2))
    if args.behave == "terse":
        say("done", steps=4)
        sys.exit(0)
    facts = dict(method=args.method, steps=4, tokens=100, loss_tokens=10, trainable_parameters=at // 4, first_loss=2.5, last_loss=1.5)
    facts.update(base_bytes=1, dtype="f32", rows=len(rows), max_length=64, batch=1, accumulation=1, checkpointing=False)
    say("done", **facts)
else:
    form = {"8": "q8_0", "4": "q4_k"}[args.bits]
    subprocess.run([args.edge_eval, "compress", "quantise", "--model", args.model, "--format", form, "--out", args.out], check=True)
    say("done", calibration_rows=len(rows), precision=args.precision)
