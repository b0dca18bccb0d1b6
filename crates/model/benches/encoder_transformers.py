"""The encoder's bench beside transformers: the same shape, the same lengths, the same cores, one after the other in turns.

Run in an environment with torch and transformers:
    cargo build --release -p model --example encoder_turns
    python encoder_transformers.py ../../../target/release/examples/encoder_turns [rounds]
Both sides have random weights. transformers gets the pairs sorted by length, in right-padded batches of several sizes.
"""

import statistics
import subprocess
import sys
import time

import torch
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

LENGTHS = sorted(192 + (i * 37) % 128 for i in range(32))
BATCHES = [4, 8, 32]


def model():
    config = DebertaV2Config(
        vocab_size=8000, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
        max_position_embeddings=512, relative_attention=True, position_buckets=256, norm_rel_ebd="layer_norm", share_att_key=True,
        pos_att_type=["p2c", "c2p"], max_relative_positions=-1, position_biased_input=False, type_vocab_size=0, num_labels=3,
    )
    return DebertaV2ForSequenceClassification(config).eval()


def theirs(model, size):
    for start in range(0, len(LENGTHS), size):
        lengths = LENGTHS[start : start + size]
        longest = max(lengths)
        ids = torch.randint(5, 8000, (len(lengths), longest))
        mask = (torch.arange(longest) < torch.tensor(lengths)[:, None]).long()
        model(input_ids=ids * mask, attention_mask=mask)


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    other = model()
    ours = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def turn():
        ours.stdin.write("go\n")
        ours.stdout.readline()

    def timed(work, *arguments):
        began = time.monotonic()
        work(*arguments)
        return time.monotonic() - began

    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; 32 pairs, {sum(LENGTHS) / len(LENGTHS):.0f} tokens on average")
    turn()
    ratios = {size: [] for size in BATCHES}
    with torch.inference_mode():
        theirs(other, BATCHES[0])
        for number in range(rounds):
            for size in BATCHES:
                mine, their = timed(turn), timed(theirs, other, size)
                ratios[size].append(their / mine)
                print(f"round {number + 1}, batches of {size:2}: ours {mine:6.2f} s, transformers {their:6.2f} s, {their / mine:.2f} times")
    for size, values in ratios.items():
        print(f"batches of {size}: transformers takes {statistics.median(values):.2f} times as long (median of {rounds})")
    ours.stdin.close()


if __name__ == "__main__":
    main()
