#!/usr/bin/env python3
"""The console that lies in the program is the one that web/ makes: rebuilds it and compares. rebuilt.py ROOT; 77 without Node."""
import filecmp, os, shutil, subprocess, sys, tempfile

root = os.path.abspath(sys.argv[1])
web = os.path.join(root, "web")
vite = os.path.join(web, "node_modules", ".bin", "vite")
if not shutil.which("node") or not os.path.exists(vite):
    print("skipped: Vite is not there; ./test installs it where Node is and npm's registry can be reached")
    sys.exit(77)
checked = subprocess.run([os.path.join(web, "node_modules", ".bin", "tsc"), "--noEmit"], cwd=web)
if checked.returncode != 0:
    sys.exit("web/ has errors of types")
with tempfile.TemporaryDirectory(prefix="tradewind-web-") as made:
    subprocess.run([vite, "build", "--outDir", made, "--emptyOutDir", "--logLevel", "warn"], cwd=web, check=True)
    dist = os.path.join(web, "dist")
    names = sorted(set(os.listdir(made)) | set(os.listdir(dist)))
    differ = [name for name in names if not all(os.path.exists(os.path.join(folder, name)) for folder in (made, dist))
              or not filecmp.cmp(os.path.join(made, name), os.path.join(dist, name), shallow=False)]
if differ:
    sys.exit(f"web/dist is not what web/src makes: {', '.join(differ)}; run `npm ci && npm run build` in web/ and commit web/dist")
print(f"{len(names)} files are as built")
