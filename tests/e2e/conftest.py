"""Fixtures and markers of the end-to-end tests. Servers are started when the first test asks, and kept to the end; each
of the processes that share the tests has its own."""
import os
import pathlib

import pytest
from program import Vaultferry
from servers import Moto, Rgw, S3sim

MARKERS = {
    "s3sim": "runs against s3sim, or against no server (the default)",
    "rgw": "runs against Ceph RGW",
    "moto": "runs against moto's server",
    "tsan": "is part of the ThreadSanitizer run as well",
    "kills": "kills vaultferry at random instants",
    "slow": "takes long: only with VF_SLOW=1",
}
SERVERS = ("s3sim", "rgw", "moto")


class Tally:
    """Counts for tests/run: passed, failed, skipped, and slow ones that were left out."""

    def __init__(self, path):
        self.path = path
        self.slow = 0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config, items):
        for item in items:
            mark_server(item)
        result = yield  # here -m and -k take their choice
        if os.environ.get("VF_SLOW") != "1":
            slow = [item for item in items if item.get_closest_marker("slow")]
            items[:] = [item for item in items if item not in slow]
            config.hook.pytest_deselected(items=slow)
            self.slow = len(slow)
        if hasattr(config, "workeroutput"):
            config.workeroutput["slow"] = self.slow
        return result

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        """Each of several processes has collected all tests."""
        self.slow = max(self.slow, getattr(node, "workeroutput", {}).get("slow", 0))

    def pytest_terminal_summary(self, terminalreporter):
        if not self.path:
            return
        count = {name: len(reports) for name, reports in terminalreporter.stats.items()}
        passed = count.get("passed", 0)
        failed = count.get("failed", 0) + count.get("error", 0) + count.get("xpassed", 0)
        skipped = count.get("skipped", 0) + count.get("xfailed", 0)
        pathlib.Path(self.path).write_text(f"{passed} {failed} {skipped} {self.slow}\n")


def mark_server(item):
    """A test belongs to the server that its marker or its fixture names, else to s3sim."""
    if any(item.get_closest_marker(name) for name in SERVERS):
        return
    named = [name for name in SERVERS if name in item.fixturenames]
    item.add_marker(named[-1] if named else "s3sim")


def pytest_configure(config):
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    config.pluginmanager.register(Tally(os.environ.get("VF_TALLY")))


def stop(server):
    wrong = server.stop()
    if wrong:
        pytest.fail(f"{server.name}: {wrong}", pytrace=False)


@pytest.fixture(scope="session")
def build_dir():
    """The folder of the flavour under test, from VF_BUILD."""
    if "VF_BUILD" not in os.environ:
        pytest.exit("VF_BUILD does not name the build's folder: start the tests by tests/run", returncode=3)
    return pathlib.Path(os.environ["VF_BUILD"]).resolve()


@pytest.fixture(scope="session")
def s3sim(build_dir, tmp_path_factory):
    server = S3sim(build_dir, tmp_path_factory.mktemp("s3sim"))
    yield server
    stop(server)


@pytest.fixture(scope="session")
def rgw():
    folder = os.environ.get("VF_RGW_DIR")
    server = Rgw(folder and pathlib.Path(folder) / os.environ.get("PYTEST_XDIST_WORKER", "main"))
    yield server
    stop(server)


@pytest.fixture(scope="session")
def moto(tmp_path_factory):
    server = Moto(tmp_path_factory.mktemp("moto"))
    yield server
    stop(server)


@pytest.fixture(params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("s3sim", "rgw")])
def server(request):
    """For tests of what every server does: each runs once against s3sim and once against RGW."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def vaultferry(build_dir, tmp_path):
    program = Vaultferry(build_dir, tmp_path)
    yield program
    program.end_children()
