"""Ceph RGW, started and stopped by tests/rgw.sh."""
import pathlib
import shlex
import shutil
import subprocess
import tempfile

from .server import REPOSITORY, Server

SCRIPT = REPOSITORY / "tests" / "rgw.sh"


class Rgw(Server):
    name = "rgw"

    def __init__(self, folder=None):
        """folder: where its state goes; whoever named it can call `rgw.sh down` on it if this process is killed."""
        super().__init__()
        self.own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="vaultferry-rgw."))
        result = self._script("up")
        if result.returncode:
            raise RuntimeError(f"rgw.sh up failed:\n{result.stdout}{result.stderr}")
        self.settings = dict(word.split("=", 1) for word in shlex.split(result.stdout))
        self.url = self.settings["RGW_URL"]
        self.tls_url = self.settings["RGW_TLS_URL"]
        self.ca = pathlib.Path(self.settings["RGW_CA"])

    def _script(self, command):
        # its daemons outlive it: output goes to files, a pipe would stay open with them
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            result = subprocess.run([SCRIPT, command, self.folder], stdin=subprocess.DEVNULL, stdout=output,
                stderr=errors, timeout=180)
            for file in (output, errors):
                file.seek(0)
            return subprocess.CompletedProcess(result.args, result.returncode, output.read(), errors.read())

    def stop(self):
        result = self._script("down")
        if self.own_folder and not result.returncode:
            shutil.rmtree(self.folder)
        return result.stderr if result.returncode else ""
