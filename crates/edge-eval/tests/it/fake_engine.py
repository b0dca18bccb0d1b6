"""A server that behaves like vLLM as far as the tests need, or misbehaves as told by --behave."""
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

args = sys.argv[1:]
if args == ["--version"]:
    print("vLLM, or what stands for it, 0.24.0")
    sys.exit(0)
value = lambda name, default=None: args[args.index(name) + 1] if name in args else default
behave, port = value("--behave", "well"), int(value("--port"))
if value("--pid-file"):
    with open(value("--pid-file") + ".tmp", "w") as file:
        file.write(str(os.getpid()))
    os.rename(value("--pid-file") + ".tmp", value("--pid-file"))
if behave == "crash":
    print("loading weights", flush=True)
    sys.exit(3)
if behave == "oom":
    print("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.96 GiB.", file=sys.stderr)
    for line in range(100):
        print(f"  File engine.py, line {line}", file=sys.stderr)
    sys.exit(1)
if behave == "no-kv":
    print("ValueError: To serve at least one request with the model's max seq len (131072), (4.0 GiB KV cache is needed, "
          "which is larger than the available KV cache memory (1.2 GiB).", file=sys.stderr)
    sys.exit(1)


active = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def text(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self):
        if self.path == "/health":
            self.text(503 if behave == "never" else 200, "{}")
        elif self.path == "/version":
            self.text(200, json.dumps({"version": "0.24.0"}))
        elif self.path == "/metrics":
            used = 0.75 if active else 0.5
            page = f'vllm:kv_cache_usage_perc{{engine="0"}} {used}\nvllm:num_requests_running{{engine="0"}} {active}\n'
            self.text(200, page, "text/plain")
        else:
            self.text(404, "{}")

    def do_POST(self):
        global active
        active += 1
        if behave == "dies-above-8" and active > 8:
            print("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.96 GiB.", file=sys.stderr, flush=True)
            os._exit(1)
        try:
            self.answer()
        finally:
            active -= 1

    def answer(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        wanted = asked["max_tokens"]
        tokens = max(1, wanted // 2) if behave == "short" else wanted
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for _ in range(tokens * (2 if behave == "lies" else 1)):
            if behave in ("slow", "dies-above-8"):
                time.sleep(0.03)
            self.event({"choices": [{"index": 0, "delta": {"content": " word"}, "finish_reason": None}]})
        usage = {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": 7 + tokens}
        self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})
        self.event({"choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def event(self, data):
        self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())
        self.wfile.flush()


print("Model loading took 2.5 GiB memory and 0.1 seconds", flush=True)
print("Available KV cache memory: 4.0 GiB", flush=True)
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
