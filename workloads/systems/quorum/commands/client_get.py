#!/usr/bin/env python3
"""client_get KEY"""
import os
import sys

import store

status, answer = store.ask(os.environ["HARNESS_ADDRESS"], "GET", sys.argv[1])
if status == 200:
    print(answer["value"])
elif status != 404:  # no such key: nothing is printed
    sys.exit(f"status {status}")
