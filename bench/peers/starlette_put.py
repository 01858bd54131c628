"""A PUT receiver as one would write it with Starlette: hash and write the body as it arrives, compare, rename.

With --fsync the file and its directory are fsynced, in a thread of the pool, so that uploads that wait at once do so together.
"""

import argparse
import hashlib
import os
import re
import secrets

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
PIECE_BYTES = 512 * 1024

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--root", required=True)
parser.add_argument("--fsync", action="store_true")
arguments = parser.parse_args()
incoming = os.path.join(arguments.root, "incoming")
known_hosts = set()


def publish(file, temporary, final):
    if arguments.fsync:
        file.flush()
        os.fsync(file.fileno())
    file.close()
    os.rename(temporary, final)
    if arguments.fsync:
        directory = os.open(os.path.dirname(final), os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


async def put(request: Request) -> JSONResponse:
    host, name = request.path_params["host"], request.path_params["name"]
    if not ID.fullmatch(host) or not ID.fullmatch(name):
        return JSONResponse({"code": "bad-id"}, 400)
    directory = os.path.join(arguments.root, "episodes", host)
    if host not in known_hosts:
        os.makedirs(directory, exist_ok=True)
        known_hosts.add(host)
    temporary = os.path.join(incoming, secrets.token_hex(8))
    digest = hashlib.sha256()
    size = 0
    file = open(temporary, "xb", buffering=PIECE_BYTES)
    try:
        async for chunk in request.stream():
            digest.update(chunk)
            file.write(chunk)
            size += len(chunk)
        if digest.hexdigest() != request.headers.get("x-content-sha256"):
            return JSONResponse({"code": "digest-mismatch"}, 400)
        final = os.path.join(directory, name)
        if arguments.fsync:
            await run_in_threadpool(publish, file, temporary, final)
        else:
            publish(file, temporary, final)
        temporary = None
    finally:
        file.close()
        if temporary is not None:
            os.unlink(temporary)
    return JSONResponse({"status": "stored", "sha256": digest.hexdigest(), "bytes": size}, 201)


os.makedirs(incoming, exist_ok=True)
app = Starlette(routes=[Route("/v1/episodes/{host}/{name}", put, methods=["PUT"])])
# uvloop and httptools are named, so that without them it fails and is not measured at half its speed.
uvicorn.run(
    app, host="127.0.0.1", port=arguments.port, loop="uvloop", http="httptools", log_level="warning", access_log=False
)
