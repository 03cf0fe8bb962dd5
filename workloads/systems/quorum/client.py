#!/usr/bin/env python3
"""A client for the harness in any language: one operation a line on standard input, one completion on standard output.

`harness schema client` prints the shapes of both lines.
"""
import http.client
import json
import sys

for line in sys.stdin:
    asked = json.loads(line)
    done = {"id": asked["id"]}
    connection = http.client.HTTPConnection(asked["replica"]["address"])
    try:
        connection.connect()
    except OSError as error:
        done.update(type="fail", error=f"cannot connect: {error}")  # nothing was sent
    else:
        try:
            if asked["f"] == "get":
                connection.request("GET", "/kv/" + asked["key"])
            else:
                connection.request("PUT", "/kv/" + asked["key"], json.dumps({"value": asked["value"]}))
            response = connection.getresponse()
            body = response.read()
            if response.status == 404:
                done.update(type="ok", value=None)
            elif response.status in (200, 204):
                done.update(type="ok", value=json.loads(body)["value"] if body else None)
            else:
                done.update(type="info", error=f"status {response.status}")  # it may take effect
        except (OSError, http.client.HTTPException) as error:
            done.update(type="info", error=str(error))  # it may have arrived
    connection.close()
    print(json.dumps(done), flush=True)
