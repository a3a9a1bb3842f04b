"""slim_commands.py FROM TO: copies a compile_commands.json, one command for each file of src/ and no other.

clang-tidy would otherwise read a file once for every test program that compiles it again.
"""

import json
import os
import sys

source, target = sys.argv[1:]
root = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
kept = {}
for entry in json.load(open(source)):
    path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
    if path.startswith(os.path.join(root, "src") + os.sep):
        kept.setdefault(path, entry)
os.makedirs(os.path.dirname(target), exist_ok=True)
with open(target, "w") as out:
    json.dump(list(kept.values()), out, indent=1)
