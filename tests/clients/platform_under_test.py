"""Tradewind on a free port of the loopback with a folder of its own, for tests of other people's clients."""
import shutil, signal, subprocess, sys, tempfile


class Platform:
    """with Platform(binary) as platform: ... platform.url; restart() kills it with SIGKILL and starts it again."""

    def __init__(self, binary):
        self.binary, self.folder = binary, tempfile.mkdtemp(prefix="tradewind-clients-")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self.process = subprocess.Popen([self.binary, "serve", "--data", self.folder, "--listen", "127.0.0.1:0"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            self.process.kill()
            sys.exit(f"the platform did not start: {line!r}")
        self.url = line.split()[1]

    def restart(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.start()
