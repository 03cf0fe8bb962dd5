#!/usr/bin/env python3
"""Writes the mark that the checks look for."""
import store

status, _ = store.ask(store.ALL[0], "PUT", "mark", {"value": "here"})
assert status == 204, f"status {status}"
