"""A shop of several processes on a Redis and a PostgreSQL of its own, all of which may die, stop and come back."""

import collections
import json
import os
import signal

from harness import Service, wait_for
from servers import Postgres, Redis

LEASE_MS = 2000
WORKERS = 3
AT_REST = ("waiting", "in_lanes", "active", "lanes_in_turn", "lanes_speaking", "lanes_backing_off",
           "replies_waiting", "replies_claimed", "dead_messages", "dead_replies")


class Process(Service):
    """`chat2order serve` or `chat2order worker`, in a folder of its own."""

    def __init__(self, shop, role, name, **settings):
        folder = os.path.join(shop.folder, name)
        os.makedirs(folder)
        super().__init__(folder, shop.api, REDIS_URL=shop.redis.url, DATABASE_URL=shop.postgres.url, LEASE_MS=LEASE_MS,
                         SEND_TIMEOUT_MS=3000, **settings)
        self.role = role

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def is_stopped(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "T"


class SharedShop:
    """start() begins with one `serve` and some workers; further ones are made by make()."""

    def __init__(self, folder, api):
        self.folder, self.api = str(folder), api
        self.redis, self.postgres = Redis(appendfsync="always"), Postgres()
        self.processes, self.workers, self.serve = [], [], None

    def make(self, role, **settings):
        process = Process(self, role, f"{role}-{len(self.processes)}", **settings)
        self.processes.append(process)
        return process

    def start(self, workers=WORKERS):
        self.redis.start()
        self.postgres.start()
        self.workers = [self.make("worker").start() for _ in range(workers)]
        self.serve = self.make("serve").start()
        return self

    def end(self):
        for process in self.processes:
            if process.process is not None and not process.is_dead():
                process.thaw()
                process.kill()
        self.redis.remove()
        self.postgres.remove()

    @property
    def port(self):
        return self.serve.port

    def query(self, sql):
        return self.postgres.query(sql)

    def orders(self):
        rows = self.query("SELECT chat2desk_client_id, delivery_address, client_phone, quantity FROM orders ORDER BY id")
        return [(client, address, phone, int(quantity)) for client, address, phone, quantity in rows]

    def counts(self):
        done = self.serve.command("queue", "counts", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def metric(self, name):
        """Over all workers that run."""
        return sum(worker.metric(name) for worker in self.workers)

    def wait_at_rest(self, seconds=60):
        """Nothing waits, is held, or is dead."""
        def busy():
            counts = self.counts()
            return {name: counts[name] for name in AT_REST if counts[name] != 0}
        wait_for(lambda: not busy(), f"rest; {busy()}", seconds)


def check_replies_in_order(api):
    """A reply may have gone out twice, but never again after a later one."""
    sent = collections.defaultdict(list)
    with api.lock:
        for client, _, reply, _ in api.accepted:
            if not sent[client] or sent[client][-1] != reply:
                sent[client].append(reply)
    for client, replies in sent.items():
        assert len(replies) == len(set(replies)), f"replies of {client} came out of order: {replies}"


def check_each_message_once(shop, wanted):
    """The log has each of these message ids once, each worked on, and no other."""
    rows = shop.query("SELECT message_id, success FROM message_logs")
    times = collections.Counter(message for message, _ in rows)
    assert [message for message, n in times.items() if n != 1] == []
    assert set(times) == {str(message) for message in wanted}
    assert [message for message, success in rows if success != "t"] == []
