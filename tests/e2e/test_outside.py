"""What the surroundings do to a program: standard descriptors that are closed, signals that are ignored."""
import signal
import subprocess

import pytest
from world import World


@pytest.fixture
def sim(s3sim, vaultferry):
    world = World(s3sim, vaultferry)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


def with_closed(sim, closed, *arguments, config=None):
    """As a shell starts it with some of its three descriptors closed."""
    words = sim.vaultferry.command(arguments, config or sim.config())
    return subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *words], capture_output=True, timeout=60,
        env=sim.vaultferry.environment(sim.env))


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_is_printed_into_a_closed_descriptor_lands_in_no_file(sim, closed):
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    code = 7 if " >&-" in f" {closed}" else 0
    for words in (["--json", "run"], ["run"], ["--json", "ls", "--source", bucket], ["ls", "--source", bucket]):
        assert with_closed(sim, closed, *words).returncode == code
    assert with_closed(sim, closed, "get", "--source", bucket, "k000").returncode == (2 if code else 0)
    files = [path for path in sim.vaultferry.state.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert b'"event"' not in path.read_bytes() and b"complete, point" not in path.read_bytes(), path
    assert sim.vault.view(bucket).keys() == {"k000", "k001", "k002"}


def test_a_stream_from_a_closed_descriptor_is_no_backup(sim):
    config = sim.config() | {"sources": [{"name": "dumps", "kind": "stream", "policy": "documents"}]}
    result = with_closed(sim, "<&-", "put", "--source", "dumps", "name", config=config)
    assert result.returncode == 2 and b"(error 9)" in result.stderr
    assert sim.vault.versions("data/") == sim.vault.versions("points/") == []


def test_how_a_command_ends_is_heard_where_the_caller_ignores_its_children(sim):
    config = sim.config() | {"sources": [{"name": "dumps", "kind": "stream", "policy": "documents"}]}
    for script, code in (("echo whole", 0), ("echo cut; exit 3", 2)):
        words = sim.vaultferry.command(["put", "--source", "dumps", "name", "--", "sh", "-c", script], config)
        result = subprocess.run(words, capture_output=True, timeout=60, env=sim.vaultferry.environment(sim.env),
            preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        assert result.returncode == code, result
    assert [copy["Size"] for copy in sim.vault.versions("data/dumps/")] == [len("whole\n")]
