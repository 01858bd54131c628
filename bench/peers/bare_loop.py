"""The least that a durable store of small files costs on this disk: no HTTP, no hash, no ledger, no check.

Each of the threads creates, writes, fsyncs and renames its files and fsyncs their directory. Prints the seconds of all.
"""

import os
import sys
import threading
import time

root, size_bytes, thread_count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
# One "host episode" a line on standard input.
todo = [line.split() for line in sys.stdin.read().splitlines()]
content = os.urandom(size_bytes)
failures = []
incoming = os.path.join(root, "incoming")
os.makedirs(incoming, exist_ok=True)
for host in {host for host, _ in todo}:
    os.makedirs(os.path.join(root, "episodes", host), exist_ok=True)


def store(host, episode):
    temporary = f"{incoming}/{host}~{episode}"
    directory = f"{root}/episodes/{host}"
    file = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o444)
    if os.write(file, content) != size_bytes:
        raise OSError("short write")
    os.fsync(file)
    os.close(file)
    os.rename(temporary, f"{directory}/{episode}.tar.zst")
    file = os.open(directory, os.O_RDONLY)
    os.fsync(file)
    os.close(file)


def work():
    try:
        while True:
            # pop() is atomic: no lock of ours slows the threads.
            store(*todo.pop())
    except IndexError:
        return
    except OSError as error:
        failures.append(error)


threads = [threading.Thread(target=work) for _ in range(thread_count)]
started_at = time.perf_counter()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
seconds = time.perf_counter() - started_at
if failures:
    sys.exit(f"bare loop: {failures[0]}")
print(seconds)
