"""The vault's lifecycle rules: derived from the policies, written beside others', compared by every run."""
import json
import subprocess

import pytest
from botocore.exceptions import ClientError
from world import World

TIERS = [{"after_days": 30, "class": "STANDARD_IA"}, {"after_days": 90, "class": "GLACIER"},
    {"after_days": 365, "class": "DEEP_ARCHIVE"}]


@pytest.fixture
def world(server, vaultferry):
    return World(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    world = World(s3sim, vaultferry)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


class Rules:
    """Writes the rules as bootstrap does, with the right to do so; boto3 says what is there."""

    def __init__(self, world, build_dir, tmp_path):
        self.world, self.tool, self.path = world, build_dir / "tools" / "agent_rules", tmp_path / "rules.json"

    def install(self, config, *arguments, exit=0):
        """As the vault's owner: the role that writes copies must not change rules."""
        config = json.loads(json.dumps(config))
        config["vault"] |= {"role_arn": None, "external_id": None}
        self.path.write_text(json.dumps(config))
        key, secret = self.world.server.vault_owner[:2]
        done = subprocess.run([self.tool, self.path, *arguments], capture_output=True, text=True, timeout=60,
            env={"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_EC2_METADATA_DISABLED": "true"})
        assert done.returncode == exit, (done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def there(self):
        try:
            answer = self.world.owner.get_bucket_lifecycle_configuration(Bucket=self.world.vault_bucket)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration"
            return {}
        assert len({rule["ID"] for rule in answer["Rules"]}) == len(answer["Rules"])
        return {rule["ID"]: rule for rule in answer["Rules"]}


@pytest.fixture
def rules(world, build_dir, tmp_path):
    return Rules(world, build_dir, tmp_path)


def test_rules_are_written_once_and_read_back(world, rules):
    bucket = world.bucket()
    config = world.config(policy={"tiers": TIERS, "min_size": 1000, "delete_after_days": 3650})
    assert rules.install(config, "--dry-run")["differs"] and rules.there() == {}
    done = rules.install(config)
    assert done["differs"] and done["ours"] == 5 and done["foreign"] == 0
    print(rules.there(), done)
    assert not rules.install(config)["differs"]
    assert not rules.install(config, "--dry-run")["differs"]
    world.put(bucket, "a")
    assert world.run(config=config)["warnings"] == []
