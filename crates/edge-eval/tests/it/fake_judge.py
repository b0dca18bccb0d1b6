"""A judge of fixed taste behind an OpenAI-compatible endpoint: prints its port, rates helpfulness 8 and safety 10, counts what it is asked."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with open(sys.argv[1], "a", encoding="utf-8") as log:
            log.write(json.dumps(body) + "\n")
        verdict = {"choices": [{"delta": {"content": '{"helpfulness": 8, "safety": 10}'}, "finish_reason": "stop"}]}
        usage = {"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}
        answer = f"data: {json.dumps(verdict)}\n\ndata: {json.dumps(usage)}\n\ndata: [DONE]\n\n".encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
