#!/usr/bin/env python3
"""Each replica serves again."""
import store

for address in store.ALL:
    status, _ = store.ask(address, "GET", "mark")
    assert status in (200, 404), f"{address}: status {status}"
