"""Keys of every origin against a server that checks signatures: roles, sessions that end, and lines that name what is
wrong. tests/tools/s3_whoami.c shows what s3/ came to; s3sim judges each signature, and boto3 what a role may do."""

import json
import os
import subprocess
import time

import pytest
from program import KEPT
from servers.process import sanitizer_report

ROLE = "arn:aws:iam::444455556666:role/credentials-test"
SECOND = "arn:aws:iam::444455556666:role/credentials-second"
EXTERNAL_ID = "a:b/c=d+e,f.g@h-1"


class Whoami:
    """whoami("--role", ROLE, env={...}) gives the tool's JSON; .start() a process whose result .finish() gives."""

    def __init__(self, build_dir, s3sim, home):
        self.path = build_dir / "tools" / "s3_whoami"
        self.s3sim = s3sim
        self.home = home
        self.secrets = [secret for _, secret in (s3sim.source_agent, s3sim.vault_agent, s3sim.vault_owner)]

    def environment(self, env):
        clean = {name: os.environ[name] for name in KEPT if name in os.environ}
        clean |= {"HOME": str(self.home), "AWS_EC2_METADATA_DISABLED": "true"}
        return clean | {name: str(value) for name, value in env.items()}

    def start(self, *arguments, env):
        words = ["--endpoint", self.s3sim.url, "--sts-endpoint", self.s3sim.url, "--region", "us-east-1", *arguments]
        return subprocess.Popen([str(self.path), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=self.environment(env))

    def finish(self, child):
        stdout, stderr = child.communicate(timeout=120)
        assert not sanitizer_report(stderr), stderr
        assert not any(secret in stdout + stderr for secret in self.secrets), "a secret was shown"
        result = json.loads(stdout)
        assert child.returncode == (1 if result["errors"] else 0), stderr
        return result

    def __call__(self, *arguments, env):
        return self.finish(self.start(*arguments, env=env))


def keys(pair):
    return {"AWS_ACCESS_KEY_ID": pair[0], "AWS_SECRET_ACCESS_KEY": pair[1]}


def make_role(s3sim, arn, **options):
    _, _, _, _, account, name = arn.replace("role/", "").split(":")
    s3sim.control("POST", "/_s3sim/roles", {"account": account, "name": name, **options})


def assumed(s3sim):
    """How many sessions s3sim has given so far."""
    return s3sim.control("GET", "/_s3sim/counters")["operations"].get("AssumeRole", 0)


@pytest.fixture
def whoami(build_dir, s3sim, tmp_path):
    return Whoami(build_dir, s3sim, tmp_path)


@pytest.fixture
def short_sessions(s3sim):
    s3sim.control("POST", "/_s3sim/limits", {"min_session_seconds": 1})
    yield
    s3sim.control("POST", "/_s3sim/limits", {"min_session_seconds": 900})
    s3sim.control("POST", "/_s3sim/clock", {"offset_seconds": 0})


def only_error(result):
    assert len(result["errors"]) == 1, result
    return result["errors"][0]


def test_environment_keys_are_who_they_are(whoami, s3sim):
    result = whoami(env=keys(s3sim.source_agent))
    assert result["errors"] == []
    assert result["origin"] == "environment"
    sts = s3sim.client(*s3sim.source_agent, service="sts")
    assert result["identity"]["arn"] == sts.get_caller_identity()["Arn"]
    assert result["identity"]["account"] == s3sim.source_account
    assert result["buckets"] == len(s3sim.client(*s3sim.source_agent).list_buckets()["Buckets"])


def test_keys_over_tls_with_a_ca_file(whoami, s3sim):
    env = keys(s3sim.source_agent) | {"AWS_CA_BUNDLE": s3sim.ca}
    result = whoami("--endpoint", s3sim.tls_url, "--sts-endpoint", s3sim.tls_url, env=env)
    assert result["errors"] == []


def test_wrong_secret_is_denied_and_not_tried_again(whoami, s3sim):
    result = whoami(env=keys((s3sim.source_agent[0], "wrong-secret")))
    assert {error["code"] for error in result["errors"]} == {"SignatureDoesNotMatch"}
    assert {error["status"] for error in result["errors"]} == {"denied"}
    assert result["requests"] == 2 and result["ok"] == 0


def test_role_with_the_right_external_id(whoami, s3sim):
    make_role(s3sim, ROLE, trust=[s3sim.vault_account], external_id=EXTERNAL_ID)
    begun = time.time()
    result = whoami("--role", ROLE, "--external-id", EXTERNAL_ID, "--session-name", "night@1",
        env=keys(s3sim.vault_agent))
    assert result["errors"] == []
    assert result["origin"] == f"role {ROLE}"
    assert result["account"] == s3sim.vault_account
    assert result["identity"]["arn"] == "arn:aws:sts::444455556666:assumed-role/credentials-test/night@1"
    assert begun + 3590 < result["expires"] < time.time() + 3610


@pytest.mark.parametrize("arguments", [[], ["--external-id", "another"]], ids=["none", "wrong"])
def test_role_without_its_external_id_is_denied_by_name(whoami, s3sim, arguments):
    make_role(s3sim, ROLE, trust=[s3sim.vault_account], external_id=EXTERNAL_ID)
    error = only_error(whoami("--role", ROLE, *arguments, env=keys(s3sim.vault_agent)))
    assert (error["operation"], error["status"], error["code"]) == ("AssumeRole", "denied", "AccessDenied")
    assert error["message"].startswith(f"role {ROLE}: User: arn:aws:iam::444455556666:user/agent is not authorized")


def test_session_policy_narrows_what_the_role_may(whoami, s3sim):
    make_role(s3sim, ROLE, trust=[s3sim.vault_account])
    narrow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    assert whoami("--role", ROLE, env=keys(s3sim.vault_agent))["errors"] == []
    result = whoami("--role", ROLE, "--policy", json.dumps(narrow), env=keys(s3sim.vault_agent))
    error = only_error(result)
    assert (error["operation"], error["code"]) == ("ListBuckets", "AccessDenied")
    assert result["identity"]["account"] == s3sim.vault_account


def test_role_by_a_role_and_its_hour(whoami, s3sim):
    make_role(s3sim, ROLE, trust=[s3sim.vault_account], max_session_seconds=43200)
    make_role(s3sim, SECOND, trust=[ROLE], max_session_seconds=43200)
    refused = whoami("--role", SECOND, env=keys(s3sim.vault_agent))
    assert only_error(refused)["code"] == "AccessDenied"
    # twelve hours are cut to the one that a role gets from a role; a user gets what was asked for
    result = whoami("--role", ROLE, "--role", SECOND, "--duration", "43200", env=keys(s3sim.vault_agent))
    assert result["errors"] == []
    assert result["identity"]["arn"].startswith("arn:aws:sts::444455556666:assumed-role/credentials-second/")
    assert result["expires"] < time.time() + 3610
    result = whoami("--role", ROLE, "--duration", "43200", env=keys(s3sim.vault_agent))
    assert result["expires"] > time.time() + 43100


def test_profiles_name_the_chain_of_roles(whoami, s3sim):
    make_role(s3sim, ROLE, trust=[s3sim.vault_account], external_id=EXTERNAL_ID)
    make_role(s3sim, SECOND, trust=[ROLE])
    folder = whoami.home / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(
        f"[base]\naws_access_key_id = {s3sim.vault_agent[0]}\naws_secret_access_key = {s3sim.vault_agent[1]}\n")
    (folder / "config").write_text(f"""[profile first]
role_arn = {ROLE}
source_profile = base
external_id = {EXTERNAL_ID}
s3 =
  addressing_style = path
[profile second]
role_arn = {SECOND}
source_profile = first
role_session_name = by-profile
""")
    result = whoami("--profile", "second", env=keys(s3sim.source_agent))
    assert result["errors"] == []
    assert result["identity"]["arn"] == "arn:aws:sts::444455556666:assumed-role/credentials-second/by-profile"
    result = whoami(env={"AWS_PROFILE": "first"})
    assert result["origin"] == f"role {ROLE}"


@pytest.mark.tsan
def test_work_goes_on_while_sessions_of_two_seconds_end(whoami, s3sim, short_sessions):
    make_role(s3sim, ROLE, trust=[s3sim.vault_account])
    before = assumed(s3sim)
    result = whoami("--role", ROLE, "--duration", "2", "--stream", "6", "--threads", "8", env=keys(s3sim.vault_agent))
    assert result["errors"] == []
    assert result["ok"] == result["requests"] > 100
    # each lives a second or two, and one thread renews for all
    assert 3 <= assumed(s3sim) - before <= 20


@pytest.mark.tsan
def test_work_goes_on_when_the_server_ends_sessions_early(whoami, s3sim, short_sessions):
    """The server's clock jumps: it holds the sessions for expired, and our signatures for too old."""
    make_role(s3sim, ROLE, trust=[s3sim.vault_account])
    before = assumed(s3sim)
    child = whoami.start("--role", ROLE, "--stream", "4", "--threads", "8", env=keys(s3sim.vault_agent))
    time.sleep(2)
    s3sim.control("POST", "/_s3sim/clock", {"offset_seconds": 2 * 3600})
    result = whoami.finish(child)
    assert result["errors"] == []
    assert result["ok"] == result["requests"] > 100
    assert 2 <= assumed(s3sim) - before <= 20


@pytest.mark.parametrize("env, arguments, message", [
    ({}, [], 'no credentials: neither environment, nor profile "default" in {home}/.aws/config and '
        "{home}/.aws/credentials, nor container, nor instance metadata have any"),
    ({"AWS_PROFILE": "nobody"}, [], 'profile "nobody" (AWS_PROFILE) is not in {home}/.aws/config and '),
    ({"AWS_CONFIG_FILE": "{home}/broken"}, [], "{home}/broken:2: neither a section, nor name = value"),
    ({"AWS_ACCESS_KEY_ID": "K", "AWS_SECRET_ACCESS_KEY": "S", "AWS_CA_BUNDLE": "{home}/broken"}, [],
        'CA file "{home}/broken" cannot be read, or holds no certificate'),
    ({"AWS_ACCESS_KEY_ID": "K", "AWS_SECRET_ACCESS_KEY": "S"}, ["--endpoint", "http//x"], "http//x"),
    ({"AWS_ACCESS_KEY_ID": "K", "AWS_SECRET_ACCESS_KEY": "S"}, ["--role", ROLE, "--sts-endpoint", "http://a/b"],
        "http://a/b"),
    ({"AWS_ACCESS_KEY_ID": "K", "AWS_SECRET_ACCESS_KEY": "S"}, ["--role", "arn:x"], '"arn:x" is no role\'s ARN'),
], ids=["nothing", "profile", "file", "ca", "endpoint", "sts-endpoint", "role"])
def test_bad_setting_is_one_line_that_names_it(whoami, env, arguments, message):
    (whoami.home / "broken").write_text("[default]\nnot a property\n")
    env = {name: value.format(home=whoami.home) for name, value in env.items()}
    error = only_error(whoami(*arguments, env=env))
    assert error["status"] == "fatal"
    assert message.format(home=whoami.home) in error["message"]
    assert "\n" not in error["message"]
