#!/usr/bin/env python3
"""Whoever can read the mark finds what was written."""
import sys

import store

try:
    status, answer = store.ask(store.ALL[0], "GET", "mark")
except (OSError, store.http.client.HTTPException, SystemExit):
    sys.exit(0)  # a fault is in the way: nothing was seen
assert status == 503 or answer == {"value": "here"}, f"status {status}: {answer}"
