"""A shop that swaps the TypeScript predecessor for chat2order: its rows, open dialogs, jobs and unsent replies carry on."""

import json
import time

import pytest

from harness import payload, post, say, wait_for

# What the predecessor's database has: names, types and defaults as it made them.
TABLES = """
CREATE TABLE orders(id SERIAL PRIMARY KEY, client_phone VARCHAR(20) NOT NULL, delivery_address TEXT NOT NULL,
 quantity INTEGER NOT NULL CHECK (quantity >= 1 AND quantity <= 50), source VARCHAR(50) NOT NULL DEFAULT 'chat2desk_bot',
 chat2desk_client_id VARCHAR(255), status VARCHAR(50) NOT NULL DEFAULT 'new', created_at TIMESTAMP DEFAULT NOW(), updated_at TIMESTAMP DEFAULT NOW());
CREATE TABLE message_logs(id SERIAL PRIMARY KEY, client_id VARCHAR(255) NOT NULL, message_id VARCHAR(255) NOT NULL UNIQUE, text TEXT NOT NULL,
 dialog_state VARCHAR(50), timestamp BIGINT NOT NULL, success BOOLEAN DEFAULT TRUE, error_reason TEXT, created_at TIMESTAMP DEFAULT NOW());
CREATE TABLE dialog_outcomes(id SERIAL PRIMARY KEY, client_id VARCHAR(255) NOT NULL, completed BOOLEAN NOT NULL, dropoff_state VARCHAR(50),
 total_messages INTEGER NOT NULL, duration_seconds INTEGER NOT NULL, created_at TIMESTAMP DEFAULT NOW());
CREATE INDEX idx_orders_created_at ON orders(created_at);
CREATE INDEX idx_orders_status ON orders(status);
CREATE INDEX idx_orders_chat2desk_client_id ON orders(chat2desk_client_id);
CREATE INDEX idx_message_logs_client_id ON message_logs(client_id);
CREATE INDEX idx_message_logs_timestamp ON message_logs(timestamp);
CREATE INDEX idx_message_logs_success ON message_logs(success);
CREATE INDEX idx_message_logs_created_at ON message_logs(created_at);
CREATE INDEX idx_dialog_outcomes_completed ON dialog_outcomes(completed);
CREATE INDEX idx_dialog_outcomes_dropoff ON dialog_outcomes(dropoff_state);
CREATE INDEX idx_dialog_outcomes_created_at ON dialog_outcomes(created_at);
INSERT INTO orders(client_phone, delivery_address, quantity, chat2desk_client_id, created_at, updated_at)
 VALUES('+996700111222', '1 Old Street', 3, '41', '2025-11-30 18:30:00', '2025-11-30 18:30:00');
INSERT INTO message_logs(client_id, message_id, text, dialog_state, timestamp) VALUES('41', '4100', 'yes', 'WAITING_CONFIRMATION', 1764505800000);
INSERT INTO dialog_outcomes(client_id, completed, total_messages, duration_seconds) VALUES('41', true, 6, 80);
"""
MESSAGE_OPTIONS = {"attempts": 3, "backoff": {"type": "exponential", "delay": 2000}, "timeout": 30000, "removeOnComplete": 100, "removeOnFail": 1000}
REPLY_OPTIONS = {"attempts": 50, "backoff": {"type": "exponential", "delay": 60000}, "removeOnComplete": 10, "removeOnFail": False}


@pytest.fixture
def predecessor(redis, postgres, bull):
    """Client 42 is asked for his phone; 43's hello waits; 44 was never told something."""
    assert postgres.psql("shop", TABLES).stderr == ""
    now = int(time.time() * 1000)
    redis.call("SET", "dialog:42", json.dumps({
        "clientId": "42", "state": "WAITING_PHONE", "data": {"address": "12 Main Street, apartment 4"},
        "createdAt": now - 60000, "updatedAt": now - 50000}), "EX", 86400)
    redis.call("SET", "processed:4100", "1", "EX", 604800)
    bull("add", queue="messages", options=MESSAGE_OPTIONS, data={"clientId": 43, "messageText": "Hello", "messageId": 4300, "timestamp": now - 1000})
    bull("add", queue="outbox", options=REPLY_OPTIONS, data={"clientId": "44", "text": "Your order number: 7", "createdAt": now - 3600000, "attempts": 0})


def test_a_dry_run_says_what_would_happen_and_writes_nothing(shop, redis, postgres, predecessor):
    before = redis.call("DBSIZE"), postgres.query("SELECT count(*) FROM information_schema.columns WHERE table_schema='public'")
    done = shop().command("migrate", "--dry-run")
    assert done.returncode == 0, done.stderr
    for word in ("orders", "logged messages", "open dialogs", "handled messages", "waiting messages", "unsent replies"):
        assert word in done.stdout, done.stdout
    assert (redis.call("DBSIZE"), postgres.query("SELECT count(*) FROM information_schema.columns WHERE table_schema='public'")) == before


def test_the_customer_goes_on_and_the_unsent_reply_goes_out(shop, api, postgres, predecessor):
    service = shop(PREDECESSOR_TIMEZONE="Asia/Bishkek").start()
    wait_for(lambda: api.texts("44") == ["Your order number: 7"], "the unsent reply")
    wait_for(lambda: api.texts("43"), "the answer to the message that waited")
    say(service, 42, "+996700123456")
    wait_for(lambda: "How many" in api.last("42"), "the question for the quantity")
    say(service, 42, "2")
    wait_for(lambda: "12 Main Street" in api.last("42") and "correct?" in api.last("42"), "the summary")
    time.sleep(0.01)
    say(service, 42, "yes")
    wait_for(lambda: ("42", "12 Main Street, apartment 4", "+996700123456", 2) in service.orders(), "the order")
    assert postgres.query("SELECT id, created_at AT TIME ZONE 'UTC' FROM orders WHERE chat2desk_client_id='41'") == [("1", "2025-11-30 12:30:00")]
    assert postgres.query("SELECT id FROM orders WHERE chat2desk_client_id='42'") == [("2",)]
    assert post(service.port, payload(41, "yes", message_id=4100))[1].get("duplicate") is True
    service.stop()


def test_a_second_take_over_changes_nothing(shop, api, postgres, predecessor):
    for _ in range(2):
        done = shop().command("migrate")
        assert done.returncode == 0, done.stderr
    service = shop().start()
    wait_for(lambda: api.texts("44"), "the unsent reply")
    wait_for(lambda: api.texts("43"), "the answer to the message that waited")
    service.stop()
    service.start()
    service.stop()
    assert len(api.texts("44")) == 1 and len(api.texts("43")) == 1
    assert postgres.query("SELECT count(*) FROM orders") == [("1",)]


def test_old_replies_become_dead_letters_with_the_reason(shop, api, bull, predecessor):
    old = int(time.time() * 1000) - 30 * 86400000
    bull("add", queue="outbox", options={**REPLY_OPTIONS, "timestamp": old}, data={"clientId": "45", "text": "An old question", "createdAt": old, "attempts": 0})
    service = shop().start()
    wait_for(lambda: api.texts("44"), "the reply that is young enough")
    wait_for(lambda: bull("counts", queue="outbox")["failed"] == 1, "the old one to be a dead letter")
    (dead,) = bull("list", queue="outbox", state="failed")
    assert "before the take-over" in dead["failedReason"]
    assert api.texts("45") == []
    service.stop()
