# A receiver of the older contract: the episode PUT, ping and host-health, plain JSON errors with a detail and no code, nothing else.
# Arguments: port, the commit that its gate takes.
import hashlib
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

stored = {}
port, good_commit = int(sys.argv[1]), sys.argv[2]


async def put(request):
    key = (request.path_params["host"], request.path_params["name"])
    if not key[1].endswith(".tar.zst"):
        return JSONResponse({"detail": "bad suffix"}, 400)
    commit = request.headers.get("x-cis490-code-commit")
    if commit is None:
        return JSONResponse({"detail": "missing X-Cis490-Code-Commit"}, 400)
    if commit != good_commit:
        return JSONResponse({"detail": "commit not in window", "remediation": "git pull"}, 412)
    body = await request.body()
    digest = hashlib.sha256(body).hexdigest()
    if digest != request.headers["x-content-sha256"]:
        return JSONResponse({"detail": "digest mismatch"}, 400)
    if key in stored:
        if stored[key] != digest:
            return JSONResponse({"detail": "another episode has this id"}, 409)
        return JSONResponse({"status": "duplicate"})
    stored[key] = digest
    return JSONResponse({"status": "stored", "sha256": digest}, 201)


async def ping(request):
    return JSONResponse({"ok": True})


app = Starlette(
    routes=[
        Route("/v1/episodes/{host}/{name}", put, methods=["PUT"]),
        Route("/v1/ping", ping, methods=["POST"]),
        Route("/v1/host-health/{host}", ping, methods=["PUT"]),
    ]
)
uvicorn.run(app, host="127.0.0.1", port=port, log_level="info")
