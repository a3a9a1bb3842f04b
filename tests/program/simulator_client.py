"""simulator_client.py - a simulator started for a test, its control API and its /v1 API."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.path.abspath(os.environ.get("CHAT2ORDER_BIN", ROOT / "build" / "src" / "command" / "chat2order"))


class Answer:
    """What came back: status, headers (lower case), json (None when it is none)."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        try:
            self.json = json.loads(body)
        except ValueError:
            self.json = None


class Simulator:
    """`chat2order simulate` on a free port; stop() ends it as Ctrl-C does."""

    def __init__(self, binary, folder, *options):
        self.process = subprocess.Popen(
            [binary, "simulate", "--simulator-port", "0", "--json", "--folder", str(folder), *options],
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, f"simulate ended with {self.process.wait(10)}"
        self.port, self.token = json.loads(line)["port"], json.loads(line)["token"]
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self, how=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.stdout.close()
        return self.process.wait(20)

    def request(self, method, path, body=None, headers=None, timeout=40):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def json(self, method, path, body=None, headers=None):
        text = None if body is None else json.dumps(body)
        return self.request(method, path, text, {"Content-Type": "application/json", **(headers or {})})

    def v1(self, method, path, body=None):
        return self.json(method, f"/v1{path}", body, {"Authorization": self.token})

    def control(self, method, path, body=None):
        answer = self.json(method, f"/sim{path}", body)
        assert answer.status < 300, answer.body
        return answer.json

    def customer(self, name="Alice", **more):
        return self.control("POST", "/customers", {"name": name, **more})["customer"]

    def write(self, customer, text=None, **more):
        body = {"customer": customer["id"], **more}
        if text is not None:
            body["text"] = text
        return self.control("POST", "/messages", body)["message_id"]

    def events(self, after=0, **query):
        query = urllib.parse.urlencode({"after": after, "wait_ms": 0, **query})
        return self.control("GET", f"/events?{query}")

    def wait_event(self, condition, seconds=20):
        """The first event, now or later, for which condition(event) holds."""
        until, after = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            answer = self.events(after, wait_ms=1000)
            for event in answer["events"]:
                if condition(event):
                    return event
            after = answer["last"]
        raise AssertionError(f"not in {seconds} s: {self.events()['events'][-5:]}")
