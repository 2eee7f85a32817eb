"""The runbook's commands, run as they are typed: each section's blocks in their order, on a source with a history."""
import json
import re
import shlex
import subprocess

import pytest
from servers.process import sanitizer_report
from servers.server import REPOSITORY
from test_bootstrap import Empty
from world import listing

RUNBOOK = (REPOSITORY / "deploy" / "RUNBOOK.md").read_text()
DAY = 86400


def sections():
    """{title: its commands}, of those that have any; those of the first set-up have a test of their own."""
    found = {}
    for part in re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)[1:]:
        blocks = re.findall(r"^```sh\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
        if blocks:
            found[part.splitlines()[0]] = "".join(blocks)
    return found


class Company(Empty):
    """Accounts and what the first section assumes: buckets, profiles, a config."""

    def __init__(self, server, vaultferry):
        super().__init__(server, vaultferry)
        self.invoices = self.bucket("acme-invoices")
        self.places = {"acme-invoices-new": f"new-{self.tag}", "acme-invoices-clean": f"clean-{self.tag}",
            "acme-scratch": f"scratch-{self.tag}", "acme-vault": self.vault_bucket}
        for name in ("acme-invoices-new", "acme-invoices-clean", "acme-scratch"):
            self.source.create_bucket(Bucket=self.places[name])
        self.source.put_bucket_versioning(Bucket=self.places["acme-scratch"],
            VersioningConfiguration={"Status": "Enabled"})
        self.settings = self.config(self.invoices, policy={"delete_after_days": 2, "grace_days": 1},
            source={"profile": "source", "role_arn": None, "external_id": None})
        credentials = self.vaultferry.home / ".aws" / "credentials"
        with credentials.open("a") as file:
            file.write("[new]\naws_access_key_id = {}\naws_secret_access_key = {}\n".format(
                *server.source_owner))

    def live(self):
        """Runs of two days, one of three hours ago, and what has happened since."""
        self.bootstrap("--source-profile", "source", config=self.settings)
        for day in (5, 3):
            self.clock(-day * DAY)
            self.put(self.invoices, f"2026/of-day-{day}")
            self.put(self.invoices, "2026/each-day", f"{day}")
            self.run(config=self.settings)
        self.clock(-3 * 3600)
        self.put(self.invoices, "2026/today")
        self.run(config=self.settings)
        self.before = listing(self.source, self.invoices)
        self.clock(0)
        self.put(self.invoices, "2026/overwritten", "by somebody")

    def type(self, text, user):
        """Runs the lines one by one, in bash, with a user's keys as the ambient ones, until one fails."""
        for name, place in self.places.items():
            text = text.replace(name, place)
        text = text.replace("acme-invoices", self.invoices)
        config = self.vaultferry.folder / "runbook.json"
        config.write_text(json.dumps(self.settings))
        env = self.vaultferry.environment({"AWS_ACCESS_KEY_ID": user[0], "AWS_SECRET_ACCESS_KEY": user[1],
            "VAULTFERRY_CONFIG": config, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.server.url,
            "PATH": f"{self.vaultferry.path.parent}:/usr/bin:/bin"})
        for line in text.splitlines():
            done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120, env=env,
                cwd=self.vaultferry.folder)
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            assert not sanitizer_report(done.stderr), done.stderr
            for secret in self.secrets:
                assert secret not in done.stdout + done.stderr, line


@pytest.fixture
def company(s3sim, vaultferry):
    yield Company(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def test_two_accounts_are_set_up_as_the_runbook_says(company):
    company.fill(company.invoices, 3)
    setup = sections()["Set up"].splitlines()
    first = setup.index("vaultferry doctor")
    company.type("\n".join(setup[:first]), company.server.vault_owner)
    company.bootstrap("--source-profile", "source", config=company.settings)  # what its owner grants
    company.type("\n".join(setup[first:]), company.server.vault_agent)
    assert sorted(company.vault.live(company.invoices)) == ["k000", "k001", "k002"]


@pytest.mark.parametrize("title", [title for title in sections() if title != "Set up"])
def test_what_the_runbook_says_can_be_typed(company, title):
    company.live()
    if title == "The vault is full of partial points":
        company.fill(company.invoices, 8)
        company.run("--max-bytes", "1", exit=6, config=company.settings)
    company.type(sections()[title], company.server.vault_agent)
    if "acme-invoices-new" in sections()[title]:
        assert listing(company.source, company.places["acme-invoices-new"]) == company.before
    if title == "Ransomware":
        assert "2026/of-day-5" in listing(company.source, company.places["acme-invoices-clean"])


def test_every_example_of_the_page_is_typed_by_a_test():
    shown = [shlex.split(line)[0] for text in sections().values() for line in text.splitlines()]
    assert set(shown) <= {"vaultferry", "echo"}
    assert len(re.findall(r"^```", RUNBOOK, re.MULTILINE)) == 2 * len(re.findall(r"^```sh$", RUNBOOK, re.MULTILINE))
