"""Performs operations of s3/ by ops_driver: one process a server and identity, a JSON line an operation."""
import base64
import json
import os
import subprocess
import tempfile

from servers.process import sanitizer_report

# options and results that are bytes
BYTES = {"key", "source_key", "prefix", "start_after", "page_token", "body", "key_marker", "version_marker",
    "upload_marker",
    "next_token", "next_key", "document"}


def encode(value):
    if isinstance(value, str):
        value = value.encode()
    return base64.b64encode(value).decode()


def decode(name, value):
    """Bytes as text where they are text; body and document stay bytes."""
    raw = base64.b64decode(value)
    if name in ("body", "document"):
        return raw
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def decode_all(value):
    if isinstance(value, list):
        return [decode_all(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: decode(name, one) if name in BYTES and isinstance(one, str) else decode_all(one)
        for name, one in value.items()}


class Answer:
    """status: the decision, "OK" or another of s3/error.h; error: the fields of the error, empty if there is none."""

    def __init__(self, line):
        assert "wrong" not in line, f"the driver does not know {line['wrong']}, or has it malformed"
        self.number = line.get("number")
        self.status = line["status"]
        self.result = decode_all(line.get("result", {}))
        self.error = decode_all(line.get("error", {}))
        # those of credentials that were fetched on the way count for themselves
        self.trace = line.get("attempts", [])
        self.attempts = len(self.trace)
        self.connections = line.get("connections", 0)
        if "key" in line.get("error", {}):
            self.error["key"] = decode("key", line["error"]["key"])

    def __getitem__(self, name):
        return self.result[name]

    def __repr__(self):
        return f"{self.status} {self.result} {self.error} {self.trace}"


def to_line(operation, fields):
    out = {"op": operation}
    for name, value in fields.items():
        if value is None:
            continue
        if name in BYTES:
            value = encode(value)
        elif name == "items":
            value = [[encode(key), version] for key, version in value]
        out[name] = value
    return json.dumps(out) + "\n"


def driver_environment(keys, **variables):
    """Nothing of the machine's own configuration, but what sanitizers are told."""
    out = {name: value for name, value in os.environ.items() if name.split("_")[0] in ("ASAN", "UBSAN", "TSAN", "LSAN")}
    out.update(PATH=os.environ["PATH"], HOME="/nonexistent", AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null")
    if keys:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        out.update({name: value for name, value in zip(names, keys) if value})
    out.update({name: str(value) for name, value in variables.items()})
    return out


def arguments_of(options):
    """role_arn="x" becomes --role-arn x, path_style=True becomes --path-style; None and False are left out."""
    out = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        out.append("--" + name.replace("_", "-"))
        if value is not True:
            out.append(str(value))
    return out


class Driver:
    """driver.call("HeadObject", bucket="b", key="k"). Waits run a hundred times faster unless speed says otherwise."""

    def __init__(self, build_dir, server=None, keys=None, tls=False, environment=None, **options):
        settings = {"path_style": True, "speed": 100}
        if server:
            settings["endpoint"] = server.tls_url if tls else server.url
            if tls:
                settings["ca"] = server.ca
        settings.update(options)
        self.stderr = tempfile.TemporaryFile()
        self.child = subprocess.Popen([str(build_dir / "ops_driver"), *arguments_of(settings)], text=True,
            encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.stderr,
            env=driver_environment(keys, **(environment or {})))

    def send(self, operation, **fields):
        self.child.stdin.write(to_line(operation, fields))
        self.child.stdin.flush()

    def receive(self):
        line = self.child.stdout.readline()
        assert line, f"ops_driver ended:\n{self.errors()}"
        return Answer(json.loads(line))

    def call(self, operation, **fields):
        self.send(operation, **fields)
        return self.receive()

    def ok(self, operation, **fields):
        answer = self.call(operation, **fields)
        assert answer.status == "OK", answer
        return answer

    def refusal(self):
        """The answer of a driver whose options were bad."""
        answer = self.receive()
        assert self.child.wait(20) == 1
        return answer

    def errors(self):
        self.stderr.seek(0)
        return self.stderr.read().decode(errors="replace")

    def close(self):
        """Ends it, and fails where it did not end well."""
        if not self.child.stdin.closed:
            try:
                self.child.stdin.close()
            except BrokenPipeError:
                pass
        try:
            code = self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            code = self.child.wait()
        self.child.stdout.close()
        errors = self.errors()
        self.stderr.close()
        report = sanitizer_report(errors)
        assert not report, report
        assert code in (0, 1), f"ops_driver ended with {code}:\n{errors}"


def run_lines(build_dir, server, keys, threads, lines, tls=False, environment=None, **options):
    """Threads that share one client take the lines [(operation, fields)] in turn; the answers in the lines' order."""
    settings = {"path_style": True, "speed": 100, "threads": threads,
        "endpoint": server.tls_url if tls else server.url, "ca": server.ca if tls else None, **options}
    result = subprocess.run([str(build_dir / "ops_driver"), *arguments_of(settings)], capture_output=True,
        input="".join(to_line(*line) for line in lines).encode(), timeout=300,
        env=driver_environment(keys, **(environment or {})))
    report = sanitizer_report(result.stderr.decode(errors="replace"))
    assert not report, report
    assert result.returncode == 0, result.stderr
    answers = [Answer(json.loads(line)) for line in result.stdout.splitlines()]
    assert len(answers) == len(lines)
    return sorted(answers, key=lambda answer: answer.number)


def bench(build_dir, server, keys, tls=False, **options):
    settings = {"path_style": True, "endpoint": server.tls_url if tls else server.url,
        "ca": server.ca if tls else None, **options}
    result = subprocess.run([str(build_dir / "ops_driver"), *arguments_of(settings)], capture_output=True, timeout=300,
        env=driver_environment(keys))
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)
