#!/usr/bin/env python3
"""The interactive shell at a terminal of its own. shell_check.py BINARY"""
import fcntl, os, pty, re, select, signal, struct, subprocess, sys, tempfile, termios, time

import running


class Shell:
    def __init__(self, binary, url, home, columns=60):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen([binary, "sql", "--server", url], stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, close_fds=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                                        env={**os.environ, "HOME": home, "TERM": "xterm"})
        os.close(slave)
        self.seen = ""

    def type(self, text):
        os.write(self.master, text.encode())

    # Between a prompt and its first key the terminal is not the shell's yet: a key may become part of the line, and
    # have to be typed again on an empty one.
    def type_until_it_ends(self, key):
        until = time.monotonic() + 20
        while self.process.poll() is None and time.monotonic() < until:
            self.type("\x15" + key)
            self.drain(0.2)

    # The shell waits until what it says is taken.
    def drain(self, seconds):
        while select.select([self.master], [], [], seconds)[0]:
            try:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
            except OSError:  # it has ended
                return

    # What comes until `pattern` is there; it is taken.
    def expect(self, pattern, seconds=20):
        until = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            left = until - time.monotonic()
            assert left > 0, f"no {pattern!r} in {self.seen!r}"
            if select.select([self.master], [], [], left)[0]:
                try:
                    self.seen += os.read(self.master, 65536).decode(errors="replace")
                except OSError:
                    raise AssertionError(f"the shell ended before {pattern!r}: {self.seen!r}")
        before, self.seen = self.seen[:found.start()], self.seen[found.end():]
        return before + found.group(0)

    def ends(self):
        until = time.monotonic() + 20
        while (code := self.process.poll()) is None:
            self.drain(0.1)
            if time.monotonic() > until:
                self.process.kill()
                raise AssertionError(f"the shell does not end after {self.seen!r}")
        os.close(self.master)
        return code


with running.platform(sys.argv[1]) as url, tempfile.TemporaryDirectory() as home:
    shell = Shell(sys.argv[1], url, home)
    shell.expect("> ")
    shell.type("CREATE STREAM visits (page STRING KEY, note STRING)\n")
    shell.expect(r"\| ")
    shell.type("WITH (kafka_topic='visits', partitions=1, value_format='JSON');\n")
    shell.expect("Stream created")
    shell.expect("> ")
    shell.type("SELECT page,\n")
    shell.expect(r"\| ")
    shell.type("  nix FROM visits;\n")
    shell.expect(r"\n  nix FROM visits;\r\n  \^\r\n.*line 2, column 3")
    shell.expect("> ")
    shell.type("DEFINE p = 'home';\n")
    shell.expect("\n> ")
    shell.type("INSERT INTO visits (page, note) VALUES ('${p}', '" + "länger " * 30 + "');\n")
    shell.expect("\n> ")
    shell.type("SET 'auto.offset.reset' = 'earliest';\n")
    shell.expect("\n> ")
    shell.type("select page, note from vis\t emit changes;\n")  # completed to `visits`
    table = shell.expect("home +länger[^\r]*…\r\n")
    assert max(len(line) for line in table.split("\r\n")[-4:]) <= 60, table
    os.kill(shell.process.pid, signal.SIGINT)
    shell.expect(r"\(1 row\)")
    shell.expect("> ")
    shell.type("SHOW STREAMS")
    shell.expect("SHOW STREAMS")
    shell.type("\x03")  # forgets the line
    shell.expect("> ")
    shell.type("help\n")
    shell.expect("what comes, until Ctrl-C")
    spooled = os.path.join(home, "out.txt")
    shell.type(f"SPOOL '{spooled}';\n")
    shell.expect("> ")
    shell.type("SHOW VARIABLES;\n")
    shell.expect("P +home")
    shell.expect("> ")
    shell.type("SPOOL OFF;\n")
    shell.expect("OFF;\r\n> ")
    assert "home" in open(spooled).read()
    shell.type_until_it_ends("\x04")
    assert shell.ends() == 0
    history = open(os.path.join(home, ".tradewind_history")).read()
    assert "nix" in history and "DEFINE" in history, history

    again = Shell(sys.argv[1], url, home)
    again.expect("> ")
    again.type("\x1b[A")  # the last statement of the other shell
    again.expect("SPOOL OFF;")
    again.type("\n")
    again.expect("\r\n> ")
    again.type("exit\n")
    assert again.ends() == 0
print("the shell: lines, carets, completion, widths, Ctrl-C, history, spool")
