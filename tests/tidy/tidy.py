#!/usr/bin/env python3
"""What a tool can check of how Tradewind is written. tidy.py ROOT; exit 1 with the findings, one a line."""
import os, re, subprocess, sys

root = sys.argv[1] if len(sys.argv) > 1 else "."
os.chdir(root)
files = subprocess.run(["git", "ls-files"], capture_output=True, text=True).stdout.split()
findings = []


def find(path, line, what, instead):
    findings.append(f"{path}:{line}: {what}; {instead}")


ladder = {}
for line in open("src/CMakeLists.txt"):
    room = re.match(r"tw_room\((\S+)\s*(?:USES\s+([^)]*?))?\s*(?:LIBRARIES.*)?\)\s*$", line)
    if room and room.group(1) != "path":
        ladder[room.group(1)] = (room.group(2) or "").split()


def room_of(path):
    inside = path[len("src/"):] if path.startswith("src/") else path
    for room in sorted(ladder, key=len, reverse=True):
        if inside.startswith(room + "/"):
            return room
    return None


BANNED = [(r"\bstd::format\b", "GCC 12 has none", "build the text by hand"),
          (r"#include <expected>", "GCC 12 has none", "use base/result.h"),
          (r"#include <coroutine>", "the checkers cannot read it", "return values or fill a queue"),
          (r"\bstd::random_device\b", "chance is an argument", "take a Random&"),
          (r"\bTODO\b|\bFIXME\b", "a promise in the code", "do it or leave it out")]
CLOCKS = r"system_clock|sleep_for|sleep_until"
LIBRARIES = re.compile(r'#include <(boost/|simdjson|yaml-cpp|spdlog|fmt/|curl/|nghttp2/|editline/|rocksdb/|avro\.h|zlib\.h|gtest|gmock)')
included = set()

for path in files:
    if not path.endswith((".cpp", ".h")) or not path.startswith(("src/", "bench/", "tests/")) or not os.path.exists(path):
        continue
    text = open(path, encoding="utf-8").read()
    lines = text.split("\n")
    header = path.endswith(".h")
    room = room_of(path)
    if len(lines) > (250 if header else 500):
        find(path, len(lines), f"{len(lines)} lines", "look for the second noun and give it a file")
    raw = False
    for number, line in enumerate(lines, 1):
        if 'R"' in line and '("' not in line.split('R"')[0][-2:]:
            raw = True
        if len(line) > 110 and not raw:
            find(path, number, f"{len(line)} characters", "break the line (tools/format)")
        if re.search(r'\)[a-z]*"', line):
            raw = False
        for pattern, why, instead in BANNED:
            if re.search(pattern, line):
                find(path, number, why, instead)
        if header and re.search(r"^\s*using namespace", line):
            find(path, number, "using namespace in a header", "write the name out")
        clock_room = room in ("base", "cli", "net") or path.startswith(("bench/", "tests/")) or "embedded/" in path
        if re.search(CLOCKS, line) and not clock_room:
            find(path, number, "a clock of its own", "take a Clock&")
        if header and LIBRARIES.search(line):
            find(path, number, "a library in a header", "include it in the .cpp that uses it")
        include = re.match(r'#include "([^"]+)"', line)
        if not include or room is None:
            if include:
                included.add(include.group(1))
            continue
        target = include.group(1)
        included.add(target)
        other = room_of("src/" + target)
        if other is None or other == room:
            continue
        if other not in ladder[room]:
            find(path, number, f"{room} includes {other}, which is not below it", "name it in src/CMakeLists.txt or turn the arrow round")
        if "/" in target[len(other) + 1:]:
            find(path, number, f"{target} is private to {other}", "use a header that lies directly in the room")
        if target.startswith("apps/") and not room.startswith(("apps", "server", "cli")):
            find(path, number, "the platform does not know the shop", "hand it in from cli")
    # Functions: from a line that opens a body at the outer level to its closing brace.
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"^(?:  )?[A-Za-z~].*\)(?: const| override| noexcept)* \{$", line) and not re.match(r"^\s*(class|struct|namespace|enum|if|for|while|switch)\b", line):
            start, indent = number, len(line) - len(line.lstrip())
        elif start and line == " " * indent + "}":
            if number - start > 70 and not path.startswith("tests/"):
                find(path, start, f"a function of {number - start} lines", "name its steps")
            start = None

for room in ladder:
    front = [f for f in files if f.startswith(f"src/{room}/") and f.endswith(".h") and "/" not in f[len(f"src/{room}/"):]]
    if len(front) > 40:
        find(f"src/{room}", 1, f"{len(front)} front-door headers", "split the room")
for path in files:
    if path.startswith("src/") and path.endswith(".h") and path[4:] not in included:
        find(path, 1, "nobody includes it", "delete it")
for path in files:
    if path.endswith(".md") and os.path.exists(path):
        for number, line in enumerate(open(path, encoding="utf-8"), 1):
            for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", line):
                if "://" not in link and not os.path.exists(os.path.join(os.path.dirname(path), link)):
                    find(path, number, f"the link {link} leads nowhere", "mend it")

for finding in findings:
    print(finding)
print(f"{len(findings)} findings in {len(files)} files")
sys.exit(1 if findings else 0)
