"""`chat`: the terminal's customer, with a service of its own or attached to a running simulator."""

import os
import pty
import signal
import subprocess
import time

import pytest

from echo_bot import EchoBot
from simulator_client import BINARY, Simulator


@pytest.fixture
def environment(tmp_path):
    """A home of its own, and no demo to find."""
    kept = {name: os.environ[name] for name in os.environ
            if name == "PATH" or name.startswith(("ASAN_", "UBSAN_", "TSAN_", "LSAN_"))}
    return {**kept, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "SIMULATOR_PORT": "1"}


@pytest.fixture
def sim(tmp_path):
    simulator = Simulator(BINARY, tmp_path / "simulator", "--no-webhook")
    yield simulator
    assert simulator.stop() == 0


@pytest.fixture
def bot(sim):
    bot = EchoBot(sim.token, f"{sim.url}/v1")
    sim.v1("POST", "/webhooks", {"url": bot.url, "events": ["inbox"]})
    yield bot
    bot.stop()


def chat(environment, text, *options):
    return subprocess.run([BINARY, "chat", *options], input=text.encode(), capture_output=True, timeout=60,
                          env=environment)


def test_piped_lines_wait_for_their_replies(sim, bot, environment):
    run = chat(environment, "one\n\n  two \nthree", "--attach", sim.url)
    assert run.returncode == 0, run.stderr
    assert run.stdout.decode().splitlines() == [
        "you  one", "bot  You said: one", "you  two", "bot  You said: two", "you  three", "bot  You said: three"]
    assert [e["text"] for e in bot.inbox] == ["one", "two", "three"]


def test_the_customer_is_as_told(sim, bot, environment):
    chat(environment, "Hi\n", "--attach", sim.url + "/", "--name", "Bob", "--transport", "whatsapp", "--phone", "+7")
    client = bot.inbox[0]["client"]
    assert (client["name"], client["phone"], bot.inbox[0]["transport"]) == ("Bob", "+7", "whatsapp")


def test_more_than_text(sim, bot, environment):
    run = chat(environment, "/location 42.87,74.57\n/photo\n/voice\n/help\n/quit\nnever\n", "--attach", sim.url)
    assert run.returncode == 0, run.stderr
    places, photos, voices = [[e[field] for e in bot.inbox] for field in ("coordinates", "photo", "audio")]
    assert places == ["42.87,74.57", None, None]
    assert photos[1].endswith("/photo.svg") and voices[2].endswith("/voice.wav")
    assert sim.request("GET", photos[1][len(sim.url):]).headers["content-type"] == "image/svg+xml"


def test_no_reply_is_an_error(sim, environment):
    run = chat(environment, "Hi\n", "--attach", sim.url, "--reply-timeout", "1")
    assert run.returncode == 1
    assert b"No reply came in 1 s" in run.stderr and b"no webhook is registered" in run.stderr


def test_no_simulator_is_an_error(environment):
    run = chat(environment, "Hi\n", "--attach", "http://127.0.0.1:1")
    assert run.returncode != 0 and b"can't be reached" in run.stderr


@pytest.mark.parametrize("options, words", [
    (["--transport", "pigeon"], b"Unknown transport"), (["--reply-timeout", "0"], b"reply-timeout")])
def test_mistakes_are_named(sim, environment, options, words):
    run = chat(environment, "Hi\n", "--attach", sim.url, *options)
    assert run.returncode != 0 and words in run.stderr


def test_terminal_controls_are_harmless(sim, bot, environment):
    run = chat(environment, "a\x1b[2Jb\n", "--attach", sim.url)
    assert b"\x1b" not in run.stdout


def test_an_order_with_a_service_of_its_own(environment, tmp_path):
    """The whole product in one process; nothing is left behind."""
    run = chat(environment, "Hello\n5 Main Street, Bishkek\n+996555123456\n2\nyes\n", "--private")
    assert run.returncode == 0, run.stderr
    said = run.stdout.decode()
    assert "5 Main Street, Bishkek" in said.split("bot")[4] and said.splitlines()[-1].startswith("bot  Thank you")
    assert not list(tmp_path.glob("chat2order-chat-*"))


def read_until(terminal, words, seconds=20):
    """What the terminal shows, up to these words."""
    shown, until = b"", time.monotonic() + seconds
    while words not in shown:
        assert time.monotonic() < until, shown
        shown += os.read(terminal, 4096)
    return shown


@pytest.mark.parametrize("end", ["ctrl-d", "interrupt"])
def test_by_hand(environment, tmp_path, end):
    """On a terminal nobody waits for replies; Ctrl-D and Ctrl-C leave nothing behind."""
    terminal, other = pty.openpty()
    process = subprocess.Popen([BINARY, "chat", "--private"], stdin=other, stdout=other, stderr=other,
                               env=environment, start_new_session=True)
    os.close(other)
    read_until(terminal, b"you  ")
    os.write(terminal, "Hello\n".encode())
    shown = read_until(terminal, b"you  ")
    while b"bot  " not in shown:
        shown += read_until(terminal, b"you  ")
    if end == "ctrl-d":
        os.write(terminal, b"\x04")
    else:
        process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    os.close(terminal)
    assert not list(tmp_path.glob("chat2order-chat-*"))


def test_a_running_demo_is_joined(sim, bot, environment):
    run = chat({**environment, "SIMULATOR_PORT": str(sim.port)}, "Hi\n")
    assert run.returncode == 0, run.stderr
    assert sim.url.encode() in run.stderr
    assert bot.inbox[0]["text"] == "Hi"
