"""A platform of its own for one test: on a free port of the loopback, in a folder that goes away."""
import contextlib, shutil, signal, subprocess, sys, tempfile


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def need(*modules):
    for module in modules:
        try:
            __import__(module)
        except ImportError as missing:
            skip(f"{missing}; ./test installs it into build/venv where a package index can be reached")


@contextlib.contextmanager
def platform(binary):
    folder = tempfile.mkdtemp(prefix="tw-client-")
    server = subprocess.Popen([binary, "serve", "--data", folder, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    try:
        ready = server.stdout.readline()
        assert ready.startswith("ready http://"), ready
        yield ready.split()[1]
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0, "the platform did not stop cleanly"
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)
