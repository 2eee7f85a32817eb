"""A child process that is ended by its own pid and always waited for, and what sanitizers wrote on its way."""
import re
import subprocess
import time

SANITIZER = re.compile(
    r"(ERROR|WARNING): (Address|Leak|Thread|Memory)Sanitizer|: runtime error: |Sanitizer:DEADLYSIGNAL")


def sanitizer_report(text):
    """The text from a sanitizer's first line on; empty where it wrote none."""
    match = SANITIZER.search(text)
    return text[max(0, text.rfind("\n", 0, match.start()) + 1):] if match else ""


class Process:
    """Starts a server with its standard error (and output, unless it is piped) in a file."""

    def __init__(self, command, log, env=None, pipe=False):
        self.log = log
        with open(log, "wb") as file:
            self.child = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipe else file,
                stderr=file,
                env=env,
            )

    def log_text(self):
        return self.log.read_text(errors="replace")

    def is_running(self):
        return self.child.poll() is None

    def wait_until(self, ready, seconds=30):
        """Waits until ready() is true; a process that ends before that, or takes longer, is an error."""
        end = time.monotonic() + seconds
        while not ready():
            if not self.is_running():
                raise RuntimeError(f"{self.child.args[0]} ended with {self.child.returncode}:\n{self.log_text()}")
            if time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"{self.child.args[0]} was not ready within {seconds} s:\n{self.log_text()}")
            time.sleep(0.05)

    def stop(self, seconds=20):
        """SIGTERM, then SIGKILL. Returns what was wrong with its life, an empty text if nothing."""
        wrong = []
        if not self.is_running():
            wrong.append(f"it had ended before, with {self.child.returncode}")
        self.child.terminate()
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            wrong.append(f"it did not end within {seconds} s of SIGTERM")
        if self.child.stdout:
            self.child.stdout.close()
        wrong.append(sanitizer_report(self.log_text()))
        return "\n".join(filter(None, wrong))


def is_sanitized(program):
    """A sanitizer's build: its memory says nothing about the program's."""
    code = program.read_bytes()
    return b"__asan_init" in code or b"__tsan_init" in code
