"""The measurements, the same for every contestant."""

import contextlib
import random
import select
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

from benchmarks.terminals.contestants import Contestant, Screen
from benchmarks.terminals.memory import pss_mb
from benchmarks.terminals.server import PROMPT
from benchmarks.terminals.websocket import Closed
from tests.stack import alive
from tests.waiting import wait_for

LIMIT = 90.0
# A key that is held down comes about thirty times a second; nobody types faster.
KEY_PAUSE_SECONDS = 0.033
KEYS_A_LINE = 60
KEYS_A_TURN, BUSY_KEYS_A_TURN = 20, 100
DRAWN_PER_SECOND = 2_000_000
BUSY_SESSIONS = 20
# What a busy session runs: a line of 80 characters fifty times a second, as a chatty solver does.
BUSY = f"{sys.executable} -c \"import time\nwhile True: print('x' * 79, flush=True); time.sleep(0.02)\"\n"


class TooSlow(Exception):
    """What should have been printed was not, in time."""


def read_until(screen: Screen, text: bytes, limit: float = LIMIT) -> int:
    """Read until `text` was printed; answers how many bytes there were up to the end of the last message."""
    end, tail, size = time.monotonic() + limit, b"", 0
    while True:
        if not screen.waiting and not select.select([screen], [], [], max(end - time.monotonic(), 0))[0]:
            raise TooSlow(f"{text!r} was not printed within {limit:g} s")
        data = screen.read()
        size += len(data)
        if text in tail + data:
            return size
        tail = (tail + data)[-len(text) :]


def opened(contestant: Contestant) -> Screen:
    """A shell at its prompt."""
    screen = contestant.open()
    read_until(screen, PROMPT)
    return screen


def finish(screen: Screen) -> None:
    """Leave the shell."""
    with contextlib.suppress(OSError, Closed, TooSlow, RuntimeError):
        screen.type(b"\x03exit\n")
        read_until(screen, b"exit", 5)
    screen.drop()


class Typist:
    """Types at a shell's prompt, at the pace of somebody who is quick, and times how long each key's echo takes."""

    def __init__(self, contestant: Contestant) -> None:
        self._screen = opened(contestant)
        self._chance = random.Random(1)
        self._times: list[float] = []

    def type(self, keys: int) -> None:
        """So many keys more."""
        screen = self._screen
        for number in range(len(self._times), len(self._times) + keys):
            if number % KEYS_A_LINE == 0:
                # What is typed is a comment, so a line ends without a program being run.
                screen.type(b"\n#" if number else b"#")
                read_until(screen, b"#")
            time.sleep(KEY_PAUSE_SECONDS * (0.5 + self._chance.random()))
            key = b"abcdefghij"[number % 10 : number % 10 + 1]
            began = time.perf_counter()
            screen.type(key)
            while key not in screen.read():
                pass
            self._times.append((time.perf_counter() - began) * 1000)

    def leave(self) -> list[float]:
        """Leave the shell; the times, in ms."""
        finish(self._screen)
        return self._times


def p50_and_p99(times: list[float]) -> tuple[float, float]:
    """The middle one, and the one that one in a hundred exceeds."""
    times = sorted(times)
    return times[len(times) // 2], times[int(len(times) * 0.99)]


def echo(contestant: Contestant, keys: int) -> tuple[float, float]:
    """p50 and p99, in ms, from a key at the shell's prompt to its echo."""
    typist = Typist(contestant)
    typist.type(keys)
    return p50_and_p99(typist.leave())


def echo_in_turns(contestants: list[Contestant], keys: int) -> list[tuple[float, float]]:
    """The same for all, a few keys each in turn: what the machine does meanwhile meets each of them alike."""
    typists = [Typist(contestant) for contestant in contestants]
    for _ in range(0, keys, KEYS_A_TURN):
        for typist in typists:
            typist.type(KEYS_A_TURN)
    return [p50_and_p99(typist.leave()) for typist in typists]


def echo_among_busy_in_turns(contestants: list[Contestant], keys: int) -> list[tuple[float, float]]:
    """The same while other sessions of the one who types print."""
    times: list[list[float]] = [[] for _ in contestants]
    for _ in range(0, keys, BUSY_KEYS_A_TURN):
        for contestant, found in zip(contestants, times, strict=True):
            with busy(contestant):
                typist = Typist(contestant)
                typist.type(BUSY_KEYS_A_TURN)
                found += typist.leave()
    return [p50_and_p99(found) for found in times]


@contextlib.contextmanager
def busy(contestant: Contestant, sessions: int = BUSY_SESSIONS) -> Iterator[None]:
    """Other sessions that print; another process reads them."""
    screens = [opened(contestant) for _ in range(sessions)]
    for screen in screens:
        screen.type(BUSY.encode())
    reader = get_context("fork").Process(target=read_all, args=(screens,), daemon=True)
    reader.start()
    try:
        time.sleep(2.0)
        yield
    finally:
        reader.terminate()
        reader.join()
        for screen in screens:
            finish(screen)


def read_all(screens: list[Screen]) -> None:
    """Read whatever comes on all of these, for ever; for a process of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    poll = select.epoll()
    by_number = {screen.fileno(): screen for screen in screens}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            by_number[number].read()
            while by_number[number].waiting:
                by_number[number].read()


def cat(contestant: Contestant) -> float:
    """MB per second of a big file, from the command to the last byte; every byte must have come."""
    server = contestant.server
    screen = opened(contestant)
    began = time.perf_counter()
    screen.type(f"cat {server.flood_file}; echo ov''er\n".encode())
    size = read_until(screen, b"over\r\n")
    took = time.perf_counter() - began
    if size < server.flood_size:
        raise RuntimeError(f"{contestant.name} lost {server.flood_size - size} bytes")
    finish(screen)
    return server.flood_size / took / 1e6


def stall(contestant: Contestant, seconds: float) -> tuple[float, bool]:
    """MB of memory more after nothing was read for so long in a flood, and whether the session goes on after it."""
    screen = opened(contestant)
    before = pss_mb(contestant.processes())
    screen.type(b"yes 'a line of a flood that nobody reads for a while'\n")
    read_until(screen, b"nobody reads for a while\r\na line")
    highest, end = before, time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.5)
        highest = max(highest, pss_mb(contestant.processes()))
    lives = True
    try:
        screen.type(b"\x03")
        read_until(screen, PROMPT, 60)
        screen.type(b"echo ali''ve\n")
        read_until(screen, b"alive", 60)
    except (OSError, Closed, TooSlow, RuntimeError):
        lives = False
    finish(screen)
    return highest - before, lives


def interrupt(contestant: Contestant, seconds: float) -> float:
    """ms from Ctrl-C to the prompt, in a flood of which 2 MB are drawn in a second."""
    screen = opened(contestant)
    screen.type(b"yes 'a line of a flood that is drawn slowly, because drawing takes its time'\n")
    began, drawn, pressed, tail = time.perf_counter(), 0, 0.0, b""
    while True:
        data = screen.read()
        drawn += len(data)
        ahead = drawn / DRAWN_PER_SECOND - (time.perf_counter() - began)
        if ahead > 0:
            time.sleep(ahead)
        else:
            began = time.perf_counter() - drawn / DRAWN_PER_SECOND  # nobody catches up on drawing
        now = time.perf_counter()
        if not pressed and now - began > seconds:
            pressed, tail = now, b""
            screen.type(b"\x03")
        elif pressed and PROMPT in tail + data:
            finish(screen)
            return (now - pressed) * 1000
        elif pressed and now - pressed > LIMIT:
            screen.drop()
            raise TooSlow("no prompt after Ctrl-C")
        tail = data[-len(PROMPT) :]


def idle_memory(contestant: Contestant, sessions: int) -> float:
    """MB per session that does nothing. The first one pays for what all share, and is not counted."""
    screens = [opened(contestant)]
    before = pss_mb(contestant.processes())
    screens += [opened(contestant) for _ in range(sessions)]
    time.sleep(1.0)
    grown = pss_mb(contestant.processes()) - before
    for screen in screens:
        finish(screen)
    return grown / sessions


def opens_per_second(contestant: Contestant, sessions: int, at_once: int = 4) -> float:
    """Shells at their prompt per second, a few people at a time."""
    with ThreadPoolExecutor(at_once) as pool:
        began = time.perf_counter()
        screens = list(pool.map(lambda _: opened(contestant), range(sessions)))
        took = time.perf_counter() - began
    for screen in screens:
        finish(screen)
    return sessions / took


def survives(contestant: Contestant) -> bool:
    """Whether the shell is still there after its line was cut, and can be come back to."""
    screen = opened(contestant)
    screen.type(b"echo pid=$$,\n")
    tail = b""
    while (
        b"pid=" not in tail or b"," not in tail.rpartition(b"pid=")[2] or b"$$" in tail.rpartition(b"pid=")[2]
    ):
        tail += screen.read()
    pid = int(tail.rpartition(b"pid=")[2].partition(b",")[0])
    screen.drop()
    with contextlib.suppress(AssertionError):
        wait_for(lambda: not alive(pid), "the shell has gone", 3)
    again = contestant.reattach(screen)
    if again is None:
        return False
    again.type(b"echo st''ill $$\n")
    try:
        read_until(again, b"still %d" % pid, 5)
    except (Closed, TooSlow, RuntimeError):
        return False
    finally:
        finish(again)
    return alive(pid)
