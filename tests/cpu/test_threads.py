"""Threads: calls from many at once, after fork, interrupted; and the setting of how many."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pysig
from pysig.testing import assert_identical

JOBS = [
    ((40, 60, 5), 4, {}),
    ((1, 4000, 3), 4, {"method": "tile"}),
    ((3, 50, 2), 9, {"inverse": True}),
    ((9, 30, 3), 4, {"stream": True}),
    ((30, 50, 4), 3, {"method": "cumsum"}),
    ((2, 9, 1), 5, {}),
    ((4, 2), 2, {}),
]


def test_calls_from_many_threads_at_once(rng):
    """Each gets what it would get alone."""
    paths = [rng.standard_normal(shape) for shape, _, _ in JOBS]

    def call(number):
        _, depth, options = JOBS[number % len(JOBS)]
        path = paths[number % len(JOBS)]
        return pysig.signature(path, depth, workers=1 + number % 3, **options)

    alone = [call(number) for number in range(len(JOBS))]
    with ThreadPoolExecutor(8) as pool:
        for number, result in enumerate(pool.map(call, range(20 * len(JOBS)))):
            # Small calls take the fast path unless workers are given, as here.
            assert_identical(result, alone[number % len(JOBS)])


@pytest.mark.parametrize("name", ["signature", "signature_jvp", "signature_vjp", "logsignature"])
def test_other_threads_run_during_a_call(name):
    """The GIL is released: a thread that counts goes on counting."""
    path = np.broadcast_to(np.float64(1), (1, 200_000, 8))
    other = {"signature_jvp": (path,), "signature_vjp": (np.ones((1, pysig.signature_size(8, 5))),)}
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    try:
        before, start = counted[0], time.perf_counter()
        getattr(pysig, name)(path, 5, *other.get(name, ()), workers=1)
        seconds, during = time.perf_counter() - start, counted[0] - before
    finally:
        stop.set()
        counter.join()
    assert seconds > 0.05, "too short to tell"
    assert during >= 5


# ---- fork ----


def run_code(code, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True, text=True, timeout=200, check=False, **options,
    )  # fmt: skip


FORK = """
import os, sys, threading
import numpy as np
import pysig

path = np.random.default_rng(0).standard_normal((64, 80, 5))
before = pysig.signature(path, 4, workers=4)
child = os.fork()
if child == 0:
    again = pysig.signature(path, 4, workers=4)
    os._exit(0 if np.array_equal(again, before) else 1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert np.array_equal(pysig.signature(path, 4, workers=4), before)
assert threading.active_count() == 1
print("good")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_of_a_process_that_used_threads():
    done = run_code(FORK)
    assert done.stdout == "good\n", done.stderr


# Threads wait for the next call, for a second, and not across a fork: a process that forks should
# have one thread.
IDLE = """
import os, time
import numpy as np
import pysig

def threads():
    return len(os.listdir("/proc/self/task"))

path = np.random.default_rng(0).standard_normal((64, 200, 5))
before = threads()
assert np.array_equal(pysig.signature(path, 5, workers=4), pysig.signature(path, 5, workers=1))
assert threads() == before + 3, (before, threads())
pysig.signature(path, 5, workers=3)
assert threads() == before + 3, "a second call starts none"
child = os.fork()
if child == 0:
    os._exit(threads() - 1)
assert threads() <= before, "a fork sees none"
assert os.waitpid(child, 0)[1] == 0
pysig.signature(path, 5, workers=2)
assert threads() > 1
for _ in range(100):
    time.sleep(0.1)
    if threads() <= before:
        break
assert threads() <= before
print("good")
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="this system does not tell")
def test_idle_threads_end():
    done = run_code(IDLE)
    assert done.stdout == "good\n", done.stderr


# A signal handler forks in the middle of a call, and the child comes back from it.
FORK_IN_A_CALL = """
import os, signal
import numpy as np
import pysig

path = np.broadcast_to(np.float64(1), (1, 10**9, 8))
child = []

def handler(number, frame):
    child.append(os.fork())
    if child[0]:
        raise KeyboardInterrupt  # the parent has seen enough

signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.2)
try:
    pysig.signature(path[:, :3 * 10**6], 5, workers=3)
except KeyboardInterrupt:
    assert os.waitstatus_to_exitcode(os.waitpid(child[0], 0)[1]) == 7
    print("good")
except RuntimeError as error:
    assert child == [0], child
    assert "forked during this call" in str(error)
    assert pysig.signature(np.eye(60), 3, workers=2).shape == (219660,)  # and the next call works
    os._exit(7)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_that_comes_back_into_a_call():
    done = run_code(FORK_IN_A_CALL)
    assert done.stdout == "good\n", done.stderr


# The interpreter ends while a daemon thread is in a call.
DAEMON = """
import sys, threading, time
import numpy as np
import pysig

path = np.zeros((1, 20_000, 3))

def work():
    while True:
        pysig.signature(path, 4, workers=int(sys.argv[1]))

threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
"""


@pytest.mark.parametrize("workers", [1, 3])
def test_the_end_of_the_interpreter_during_a_call_of_a_daemon_thread(workers):
    done = run_code(DAEMON, str(workers))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# ---- Ctrl-C ----

# The paths repeat one point (strides of zero), so that minutes of work need no memory.
INTERRUPTED = """
import sys, threading, time
import numpy as np
import pysig

name, length, channels, depth, method, workers = sys.argv[1:]
path = np.broadcast_to(np.float64(1), (1, int(length), int(channels)))
try:
    print("started", flush=True)
    other = (path,) if name == "signature_jvp" else ()
    getattr(pysig, name)(path, int(depth), *other, method=method, workers=int(workers))
except KeyboardInterrupt:
    assert threading.active_count() == 1
    # and the next call works
    assert pysig.signature(np.eye(2), 2, workers=2).shape == (6,)
    print("interrupted")
else:
    print("finished")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one process there")
@pytest.mark.parametrize(
    ("name", "length", "channels", "depth", "method"),
    [
        ("signature", 10**9, 8, 4, "tile"),
        ("signature", 10**9, 8, 4, "cumsum"),
        ("signature", 10**9, 2, 10, "tile"),
        ("signature", 10**13, 1, 3, "auto"),
        ("signature_jvp", 10**9, 8, 4, "auto"),
        ("logsignature", 10**9, 8, 4, "auto"),
    ],
)
@pytest.mark.parametrize("workers", [1, 3])
def test_an_interrupt_ends_a_call(name, length, channels, depth, method, workers):
    """The work would take hours, so that an answer within the limit is the interrupt's doing."""
    arguments = [name, str(length), str(channels), str(depth), method, str(workers)]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "started\n", process.stderr.read()
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert out == "interrupted\n", err


# ---- how many ----


@pytest.fixture(autouse=True)
def as_it_was():
    """`set_workers` of a test reaches no other."""
    before = pysig.get_workers()
    yield
    assert pysig.get_workers() == before


def in_a_context(function):
    """Runs the test in a context of its own, where a lasting setting ends with it."""

    def test():
        contextvars.copy_context().run(function)

    test.__doc__ = function.__doc__
    return test


CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def test_all_cpus_is_where_it_starts():
    assert pysig.get_workers() == CPUS


@in_a_context
def test_a_setting_lasts():
    pysig.set_workers(3)
    assert pysig.get_workers() == 3
    pysig.set_workers(np.int16(2))
    assert pysig.get_workers() == 2


@in_a_context
def test_settings_nest_and_end():
    pysig.set_workers(5)
    with pysig.set_workers(2):
        assert pysig.get_workers() == 2
        with pysig.set_workers(1):
            assert pysig.get_workers() == 1
        assert pysig.get_workers() == 2
    assert pysig.get_workers() == 5


@in_a_context
def test_a_setting_ends_with_an_error():
    with pytest.raises(ZeroDivisionError), pysig.set_workers(7):
        raise ZeroDivisionError
    assert pysig.get_workers() == CPUS


@in_a_context
def test_negative_numbers_count_from_all():
    pysig.set_workers(-1)
    assert pysig.get_workers() == CPUS
    pysig.set_workers(-CPUS)
    assert pysig.get_workers() == 1


def test_a_setting_belongs_to_its_thread():
    seen = []
    with pysig.set_workers(9):
        thread = threading.Thread(target=lambda: seen.append(pysig.get_workers()))
        thread.start()
        thread.join()
        assert pysig.get_workers() == 9
    inherits = getattr(sys.flags, "thread_inherit_context", 0)
    assert seen == [9 if inherits else CPUS]


def test_a_setting_belongs_to_its_task():
    async def task(number):
        with pysig.set_workers(number):
            await asyncio.sleep(0)
            return pysig.get_workers()

    async def all_tasks():
        return await asyncio.gather(*map(task, range(1, 9)))

    assert asyncio.run(all_tasks()) == list(range(1, 9))


@pytest.mark.parametrize(
    ("workers", "error"),
    [(0, ValueError), (-10_000, ValueError), (1.5, TypeError), (True, TypeError), ("2", TypeError)],
)
def test_a_bad_setting_changes_nothing(workers, error):
    before = pysig.get_workers()
    with pytest.raises(error, match=r"^workers: expected .*received"):
        pysig.set_workers(workers)
    assert pysig.get_workers() == before
