# A unix datagram socket as systemd has one: prints each message that arrives as a JSON string on a line, until its input ends.
# Argument: the path to bind.
import json
import select
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print(json.dumps("bound"), flush=True)
while True:
    readable, _, _ = select.select([listener, sys.stdin], [], [])
    if listener in readable:
        # Descriptors that come along are closed unseen, which is what systemd-notify's barrier waits for.
        print(json.dumps(listener.recv(65536).decode()), flush=True)
    elif not sys.stdin.read(1):
        break
