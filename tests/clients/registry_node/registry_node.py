#!/usr/bin/env python3
"""KafkaJS's registry client, unchanged, against the registry of the real program.

  registry_node.py --binary build/release/tradewind --modules build/clients/registry_node/node_modules

Exit 77: node or the client is not installed, nothing was tested.
"""
import argparse, os, shutil, subprocess, sys

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", required=True)
parser.add_argument("--modules", required=True)
options = parser.parse_args()

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(here))
from platform_under_test import Platform

if shutil.which("node") is None:
    print("skipped: node is not installed")
    sys.exit(77)
if not os.path.isdir(os.path.join(options.modules, "@kafkajs", "confluent-schema-registry")):
    print(f"skipped: @kafkajs/confluent-schema-registry is not installed in {options.modules}")
    sys.exit(77)

with Platform(options.binary) as platform:
    environment = {**os.environ, "NODE_PATH": os.path.abspath(options.modules)}
    done = subprocess.run(["node", os.path.join(here, "registry.js"), platform.url], env=environment, timeout=120)
sys.exit(done.returncode)
