"""Runs one command and prints what it cost: seconds of wall, user and system time, peak resident bytes, exit code. The request comes on standard
input as JSON: {"command": [...], "cores": [0, 1]}. What the command prints is dropped, but for its errors.
"""
import json
import os
import sys
import time

request = json.load(sys.stdin)
started = time.perf_counter()
child = os.fork()
if child == 0:
    os.sched_setaffinity(0, request["cores"])
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.execvp(request["command"][0], request["command"])
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - started
print(
    json.dumps(
        {
            "wall": wall,
            "user": usage.ru_utime,
            "system": usage.ru_stime,
            "peak": usage.ru_maxrss * 1024,
            "code": os.waitstatus_to_exitcode(status),
        }
    )
)
