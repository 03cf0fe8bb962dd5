"""What the commands of this folder share. It is not executable, so it is no command itself."""
import http.client
import json
import os
import sys

NOT_DONE = 3  # the exit status that says that nothing was done, and never will be
ALL = os.environ["HARNESS_ADDRESSES"].split()


def ask(address, method, key, body=None):
    """Status and answer; ends the command where the replica cannot be reached."""
    connection = http.client.HTTPConnection(address, timeout=2)
    try:
        connection.connect()
    except OSError as error:
        print(f"cannot connect: {error}")
        sys.exit(NOT_DONE)
    connection.request(method, "/kv/" + key, json.dumps(body))
    response = connection.getresponse()
    content = response.read()
    return response.status, json.loads(content) if content else None
