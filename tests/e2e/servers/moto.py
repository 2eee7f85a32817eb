"""moto's server: the semantics of AWS as others understood them. It does not check signatures or resource policies."""
import sys
import urllib.request

from .process import Process
from .server import Server, free_port

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Moto(Server):
    name = "moto"

    def __init__(self, folder):
        super().__init__()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = Process([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port],
            folder / "moto.log")
        self.process.wait_until(self._answers, 60)

    def _answers(self):
        try:
            with OPENER.open(self.url + "/moto-api/data.json", timeout=10):
                return True
        except OSError:
            return False

    def reset(self):
        """Forgets everything that was made in it."""
        with OPENER.open(urllib.request.Request(self.url + "/moto-api/reset", method="POST"), timeout=30):
            pass

    def stop(self):
        return self.process.stop()
