#!/usr/bin/env python3
"""No replica has lost the mark."""
import store

for address in store.ALL:
    status, answer = store.ask(address, "GET", "mark")
    assert answer == {"value": "here"}, f"{address}: status {status}: {answer}"
