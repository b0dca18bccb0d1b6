"""The official `openai` Python client against a running server. Not part of `cargo test`; to run it by hand:

    cargo run --release -p serve --example serve -- MODEL 8080      # or: edge-eval serve MODEL --port 8080
    python3 -m venv /tmp/venv-openai && /tmp/venv-openai/bin/pip install openai
    /tmp/venv-openai/bin/python crates/serve/tests/openai_client.py http://127.0.0.1:8080

MODEL is any Hugging Face folder or GGUF file with a context of at least 256 tokens. Prints one line a check; exits 1 when one fails.
"""

import math
import sys
import urllib.request

import openai

base = sys.argv[1].rstrip("/")
client = openai.OpenAI(base_url=base + "/v1", api_key="none needed", max_retries=0)
model = client.models.list().data[0].id
messages = [{"role": "system", "content": "Answer shortly."}, {"role": "user", "content": "Tell a story."}]
failures = 0


def check(name, holds, seen=""):
    global failures
    failures += not holds
    print(f"{'ok  ' if holds else 'FAIL'} {name}{': ' + str(seen) if seen != '' else ''}")


def raises(name, kind, call, *, code):
    try:
        call()
    except openai.APIError as error:
        check(f"{name} raises {kind.__name__}", type(error) is kind and error.code == code, f"{error.code}: {error.message}")
    else:
        check(f"{name} raises {kind.__name__}", False, "nothing was raised")


def chat(**more):
    return client.chat.completions.create(**{"model": model, "messages": messages, "temperature": 0, "max_tokens": 24, **more})


def complete(**more):
    return client.completions.create(**{"model": model, "prompt": "Once upon a time", "temperature": 0, "max_tokens": 24, **more})


print(f"openai {openai.__version__}, model {model}")
check("models.retrieve", client.models.retrieve(model).id == model)

# Whole answers.
whole = chat()
check("chat", whole.choices[0].message.role == "assistant" and whole.object == "chat.completion", repr(whole.choices[0].message.content))
check("chat usage", whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens, whole.usage.model_dump_json(exclude_none=True))
text = complete()
check("completion", text.choices[0].finish_reason in ("stop", "length") and text.object == "text_completion", repr(text.choices[0].text))
check("greedy repeats", complete().choices[0].text == text.choices[0].text)
check("one seed, one answer", complete(temperature=1, seed=7).choices[0].text == complete(temperature=1, seed=7).choices[0].text)
check("two seeds, two answers", complete(temperature=1, seed=7).choices[0].text != complete(temperature=1, seed=8).choices[0].text)
forced = complete(max_tokens=40, extra_body={"ignore_eos": True, "top_k": 20, "min_tokens": 1})
check("forced length", forced.usage.completion_tokens == 40 and forced.choices[0].finish_reason == "length", forced.usage.completion_tokens)
several = complete(prompt=["Once upon a time", "One day"])
check("several prompts", [choice.index for choice in several.choices] == [0, 1] and several.choices[0].text == text.choices[0].text)
check("token ids as prompt", complete(prompt=[1, 2, 3]).usage.prompt_tokens == 3)
first_word = text.choices[0].text.split()[1]
stopped = complete(stop=[first_word])
check("stop string", stopped.choices[0].finish_reason == "stop" and first_word not in stopped.choices[0].text, repr(stopped.choices[0].text))
check("max_completion_tokens", chat(max_tokens=None, max_completion_tokens=5).usage.completion_tokens <= 5)

# Streams.
chunks = list(chat(stream=True, stream_options={"include_usage": True}))
check("chat stream begins with the role", chunks[0].choices[0].delta.role == "assistant" and not chunks[0].choices[0].delta.content)
streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
check("chat stream says the same", streamed == whole.choices[0].message.content, f"{len(chunks)} chunks")
check("usage comes last", chunks[-1].choices == [] and chunks[-1].usage == whole.usage and all(chunk.usage is None for chunk in chunks[:-1]))
check("finish reason", [c.choices[0].finish_reason for c in chunks if c.choices][-1] == whole.choices[0].finish_reason)
pieces = list(complete(stream=True))
check("completion stream says the same", "".join(piece.choices[0].text for piece in pieces) == text.choices[0].text, f"{len(pieces)} chunks")
check("without include_usage there is none", all(piece.usage is None for piece in pieces))

# Log probabilities.
tokens = chat(logprobs=True, top_logprobs=3).choices[0].logprobs.content
check("chat logprobs", all(len(t.top_logprobs) == 3 and t.logprob == t.top_logprobs[0].logprob for t in tokens), f"{len(tokens)} tokens")
check("they are probabilities", all(0 < sum(math.exp(top.logprob) for top in t.top_logprobs) <= 1.0001 for t in tokens))
spelled = b"".join(bytes(t.bytes) for t in tokens).decode(errors="replace")
check("bytes spell the answer", spelled.strip() == whole.choices[0].message.content.strip())
legacy = complete(logprobs=2).choices[0].logprobs
check("completion logprobs", len(legacy.tokens) == len(legacy.token_logprobs) == len(legacy.top_logprobs) == len(legacy.text_offset))
check("text offsets", [text.choices[0].text[offset] for offset in legacy.text_offset[1:4]] == [token[0] for token in legacy.tokens[1:4]])
streamed_tokens = [t for c in chat(stream=True, logprobs=True, top_logprobs=3) if c.choices and c.choices[0].logprobs for t in c.choices[0].logprobs.content]
check("streamed logprobs are the same", [t.logprob for t in streamed_tokens] == [t.logprob for t in tokens])

# Errors, by class.
raises("an unknown model", openai.NotFoundError, lambda: chat(model="gpt-4"), code="model_not_found")
raises("n = 2", openai.BadRequestError, lambda: chat(n=2), code="unsupported_value")
raises("echo", openai.BadRequestError, lambda: complete(echo=True), code="unsupported_value")
raises("a wrong type", openai.BadRequestError, lambda: chat(temperature="hot"), code="invalid_type")
raises("a wrong value", openai.BadRequestError, lambda: chat(temperature=-1), code="invalid_value")
raises("an unknown parameter", openai.BadRequestError, lambda: chat(extra_body={"temprature": 1}), code="unknown_parameter")
raises("too long an answer", openai.BadRequestError, lambda: complete(max_tokens=10_000_000), code="context_length_exceeded")
raises("too long a prompt", openai.BadRequestError, lambda: complete(prompt="word " * 200_000), code="context_length_exceeded")
raises("an unknown page", openai.NotFoundError, lambda: client.embeddings.create(model=model, input="x"), code="unknown_url")

# A client that hangs up.
stream = complete(stream=True, max_tokens=200, extra_body={"ignore_eos": True})
next(iter(stream))
stream.close()
check("after a hang-up the next request is answered", complete().choices[0].text == text.choices[0].text)
page = urllib.request.urlopen(base + "/metrics").read().decode()
print("\n".join(line for line in page.splitlines() if line.startswith(("edge_eval_requests", "edge_eval_weights", "edge_eval_prompt", "edge_eval_gen"))))
sys.exit(failures > 0)
