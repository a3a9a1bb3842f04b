"""A shop on Redis and PostgreSQL, its API, and Bull as a client of its queues."""

import itertools
import json
import pathlib
import subprocess
import sys
import threading

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "fire"), str(HERE.parent / "support")]

from harness import Api, Service  # noqa: E402
from servers import Postgres, Redis  # noqa: E402


class Bull:
    """client.js as a process: calls go in as lines, values come out; events gather in .events."""

    def __init__(self, redis):
        self.numbers, self.events, self.answers = itertools.count(1), [], {}
        self.arrived = threading.Condition()
        self.process = subprocess.Popen(
            ["node", str(HERE / "client.js"), json.dumps({"host": "127.0.0.1", "port": redis.port})],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            with self.arrived:
                if "event" in message:
                    self.events.append(message)
                else:
                    self.answers[message["id"]] = message
                self.arrived.notify_all()

    def begin(self, verb, **arguments):
        number = next(self.numbers)
        self.process.stdin.write(json.dumps({"id": number, "do": verb, **arguments}) + "\n")
        self.process.stdin.flush()
        return number

    def end(self, number, seconds=20):
        with self.arrived:
            assert self.arrived.wait_for(lambda: number in self.answers, seconds), "no answer from Bull"
            answer = self.answers.pop(number)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def __call__(self, verb, **arguments):
        return self.end(self.begin(verb, **arguments))

    def seen(self, event, job):
        with self.arrived:
            return any(e["event"] == event and str(e["args"][0]) == str(job) for e in self.events)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Shop(Service):
    """A `run`, `serve` or `worker` on the shared store."""

    def __init__(self, folder, api, redis, postgres, **settings):
        super().__init__(folder, api, **settings)
        self.postgres = postgres
        self.settings.update(REDIS_URL=redis.url, DATABASE_URL=postgres.url)

    def orders(self):
        rows = self.postgres.query("SELECT chat2desk_client_id, delivery_address, client_phone, quantity FROM orders ORDER BY id")
        return [(client, address, phone, int(quantity)) for client, address, phone, quantity in rows]


@pytest.fixture(scope="session")
def redis_server():
    server = Redis(appendfsync="everysec").start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def postgres_server():
    server = Postgres(fsync=False).start()
    yield server
    server.remove()


@pytest.fixture
def redis(redis_server):
    redis_server.call("FLUSHALL")
    return redis_server


@pytest.fixture
def postgres(postgres_server):
    postgres_server.psql("postgres", "DROP DATABASE IF EXISTS shop WITH (FORCE)")
    postgres_server.psql("postgres", "CREATE DATABASE shop")
    return postgres_server


@pytest.fixture
def api():
    server = Api()
    yield server
    server.down()


@pytest.fixture
def shop(tmp_path, api, redis, postgres):
    made = []

    def make(**settings):
        service = Shop(tmp_path, api, redis, postgres, **settings)
        made.append(service)
        return service

    yield make
    for service in made:
        if service.process is not None and not service.is_dead():
            service.kill()


@pytest.fixture
def bull(redis):
    client = Bull(redis)
    yield client
    client.close()
