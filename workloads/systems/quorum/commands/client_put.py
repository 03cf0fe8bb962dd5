#!/usr/bin/env python3
"""client_put KEY VALUE"""
import os
import sys

import store

status, _ = store.ask(os.environ["HARNESS_ADDRESS"], "PUT", sys.argv[1], {"value": sys.argv[2]})
if status != 204:
    sys.exit(f"status {status}")  # it may take effect
