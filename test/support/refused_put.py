# A client that is not ours: httpx sends a large body before it reads, and prints what it was answered.
# Arguments: URL, bytes, NAME=VALUE headers.
import sys

import httpx

url, size, *headers = sys.argv[1:]


def body():
    piece = b"x" * 65536
    for _ in range(int(size) // len(piece)):
        yield piece


answer = httpx.put(
    url,
    content=body(),
    headers={"Content-Length": size, **dict(h.split("=", 1) for h in headers)},
    timeout=60,
)
print(answer.status_code, answer.headers["content-type"])
print(answer.text)
