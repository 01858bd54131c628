"""What a monitor without a memory does: every line of the ledger through json.loads, for each host the time of its last row."""

import json
import sys
from datetime import datetime

last = {}
with open(sys.argv[1], encoding="utf-8") as ledger:
    for line in ledger:
        try:
            row = json.loads(line)
            host, received_at = row["host_id"], row["received_at_wall"]
        except (ValueError, KeyError, TypeError):
            continue
        if received_at > last.get(host, ""):
            last[host] = received_at
now = datetime.fromisoformat(sys.argv[2])
silent = [host for host, at in last.items() if (now - datetime.fromisoformat(at)).total_seconds() > 1800]
print(len(last), "hosts,", len(silent), "silent")
