#!/usr/bin/env python3
"""Runs client.js against a platform of its own. check.py BINARY NODE_FOLDER; the folder has node_modules."""
import os, shutil, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import running  # noqa: E402

here, modules = os.path.dirname(os.path.abspath(__file__)), os.path.join(sys.argv[2], "node_modules")
if shutil.which("node") is None:
    running.skip("there is no node")
if not os.path.isdir(os.path.join(modules, "ksqldb-client")):
    running.skip("ksqldb-client is not installed; ./test installs it where a package index can be reached")
with running.platform(sys.argv[1]) as url:
    done = subprocess.run(["node", os.path.join(here, "client.js"), url.rsplit(":", 1)[1]], timeout=60,
                          env={**os.environ, "NODE_PATH": modules})
    assert done.returncode == 0, "client.js failed"
