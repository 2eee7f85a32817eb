"""Runs the vaultferry under test in an environment of its own, and fails the test on any sanitizer's report."""
import json
import os
import pathlib
import subprocess

from servers.process import sanitizer_report

KEPT = ("PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LLVM_PROFILE_FILE")


class Completed:
    """What is left of a run: returncode, stdout and stderr as text."""

    def __init__(self, returncode, stdout, stderr):
        self.returncode = returncode
        self.stdout = stdout.decode(errors="surrogateescape")
        self.stdout_bytes = stdout
        self.stderr = stderr.decode(errors="surrogateescape")

    @property
    def json(self):
        """Standard output as one JSON document."""
        return json.loads(self.stdout)

    @property
    def events(self):
        """The JSON lines of standard error; other lines are left out."""
        return [json.loads(line) for line in self.stderr.splitlines() if line.startswith("{")]

    def __repr__(self):
        return f"exit {self.returncode}\n--- stdout\n{self.stdout}--- stderr\n{self.stderr}"


class Vaultferry:
    """vaultferry("run", "--json", config={...}): HOME, state folder and config file lie in the test's own folder."""

    def __init__(self, build_dir, folder):
        self.path = build_dir / "vaultferry"
        self.folder = folder
        self.home = folder / "home"
        self.state = folder / "state"
        self.home.mkdir()
        self.children = []

    def environment(self, env=None):
        clean = {name: os.environ[name] for name in KEPT if name in os.environ}
        clean |= {
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(self.folder),
            "VAULTFERRY_STATE_DIR": str(self.state),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return clean | {name: str(value) for name, value in (env or {}).items()}

    def command(self, arguments, config=None):
        """config: a dict that is written to a file, or a path."""
        if isinstance(config, dict):
            path = self.folder / "config.json"
            path.write_text(json.dumps(config, indent=2))
            config = path
        return [str(self.path), *(["-c", str(config)] if config else []), *map(str, arguments)]

    def start(self, *arguments, config=None, env=None):
        """A running child, for tests that signal or kill it; finish() gives its result. It is killed with the test."""
        number = len(self.children)
        output = self.folder / f"vaultferry.{number}.out"
        errors = self.folder / f"vaultferry.{number}.err"
        with output.open("wb") as out, errors.open("wb") as err:
            child = subprocess.Popen(self.command(arguments, config), stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=self.environment(env))
        child.files = output, errors
        self.children.append(child)
        return child

    def finish(self, child, timeout=120):
        child.wait(timeout)
        output, errors = (pathlib.Path(path).read_bytes() for path in child.files)
        return self._judged(Completed(child.returncode, output, errors))

    def __call__(self, *arguments, config=None, env=None, input=b"", timeout=120):
        result = subprocess.run(self.command(arguments, config), input=input, capture_output=True,
            env=self.environment(env), timeout=timeout)
        return self._judged(Completed(result.returncode, result.stdout, result.stderr))

    @staticmethod
    def _judged(result):
        assert not sanitizer_report(result.stderr), f"sanitizer report:\n{result!r}"
        return result

    def end_children(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
