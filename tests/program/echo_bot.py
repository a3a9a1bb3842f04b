"""echo_bot.py - the smallest service: checks each webhook's signature and answers through the API."""

import hashlib
import hmac
import http.server
import json
import threading
import urllib.request


class EchoBot:
    """Listens on a free port until stop(). What it got is in `events` (all) and `inbox` (customers' messages).

    status: what it answers to a webhook; anything but 2xx keeps the message unanswered.
    delay: seconds before it answers a webhook.
    """

    def __init__(self, token="simulator", api_url=None, status=200, delay=0):
        self.token, self.api_url, self.status, self.delay = token, api_url, status, delay
        self.events, self.requests, self.bad_signatures = [], [], 0
        self.changed = threading.Condition()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def inbox(self):
        return [e for e in self.events if e["hook_type"] == "inbox"]

    def wait(self, condition, seconds=20):
        """Waits until condition(self) holds."""
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), seconds), (
                f"not in {seconds} s; events: {[e['hook_type'] for e in self.events]}")

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def _signed(self, body, headers):
        key = hashlib.md5(self.token.encode()).hexdigest().encode()
        expected = hmac.new(key, body + headers["X-Timestamp"].encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, headers["X-Signature"])

    def _answer(self, event):
        body = json.dumps({"client_id": event["client_id"], "text": f"You said: {event['text']}",
                           "type": "to_client", "transport": event["transport"],
                           "channel_id": event["channel_id"]}).encode()
        request = urllib.request.Request(f"{self.api_url}/messages", body,
                                         {"Authorization": self.token, "Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).read()

    def _take(self, body, headers):
        event = json.loads(body)
        with self.changed:
            self.requests.append((event["hook_type"], event.get("message_id"), headers["X-Timestamp"], body))
            if not self._signed(body, headers):
                self.bad_signatures += 1
            if self.status < 300:
                self.events.append(event)
            self.changed.notify_all()
        if self.api_url and self.status < 300 and event["hook_type"] == "inbox":
            threading.Thread(target=self._answer, args=(event,), daemon=True).start()

    def _handler(self):
        bot = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                threading.Event().wait(bot.delay)
                bot._take(body, self.headers)
                self.send_response(bot.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        return Handler
