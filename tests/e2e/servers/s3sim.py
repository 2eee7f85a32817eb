"""s3sim of the build under test: chosen faults, synthetic buckets, a settable clock, counters."""
import json
import select
import urllib.error
import urllib.request

from .certificates import make_certificates
from .process import Process
from .server import Server

# loopback is never reached through a proxy, whatever the environment says
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class S3sim(Server):
    name = "s3sim"

    def __init__(self, build_dir, folder, options=()):
        super().__init__()
        program = build_dir / "s3sim"
        if not program.exists():
            raise RuntimeError(f"{program} is not built")
        self.ca, certificate, key = make_certificates(folder)
        command = [program, "--port", "0", "--tls-port", "0", "--tls-cert", certificate, "--tls-key", key, *options]
        self.process = Process(command, folder / "s3sim.log", pipe=True)
        self.ports = self._read_ports()
        self.url = f"http://127.0.0.1:{self.ports['port']}"
        self.tls_url = f"https://127.0.0.1:{self.ports['tls_port']}"

    def _read_ports(self):
        """Its first line on standard output, written once it listens."""
        output = self.process.child.stdout
        self.process.wait_until(lambda: select.select([output], [], [], 0)[0])
        line = output.readline()
        try:
            return json.loads(line)
        except ValueError:
            wrong = self.process.stop()
            raise RuntimeError(f"s3sim wrote {line!r}, not its ports: {wrong}\n{self.process.log_text()}") from None

    def control(self, method, path, body=None):
        """A call of the control API: control("POST", "/_s3sim/reset"). The answer's JSON, None if it has no body."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with OPENER.open(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from None
        return json.loads(text) if text.strip() else None

    def stop(self):
        return self.process.stop()
