# A client that is not ours: makes each request of a JSON list on standard input with httpx, and prints what it was answered.
import json
import sys

import httpx

base, cases = json.load(sys.stdin)
answers = []
with httpx.Client(base_url=base, timeout=60) as client:
    for case in cases:
        size = case.get("size")
        pieces = (b"x" * 65536 for _ in range(size // 65536)) if size else None
        body = pieces or (case["body"].encode() if case.get("body") is not None else None)
        answer = client.request(case.get("method", "PUT"), case["target"], content=body, headers=case.get("headers", {}))
        problem = "problem" in answer.headers.get("content-type", "")
        answers.append(
            {
                "status": answer.status_code,
                "code": answer.json()["code"] if problem else None,
                "request_id": answer.headers.get("x-request-id"),
                "retry_after": answer.headers.get("retry-after"),
                "text": answer.text[:2000],
            }
        )
json.dump(answers, sys.stdout)
