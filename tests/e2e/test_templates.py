"""The CloudFormation templates: sound by cfn-lint; what they grant is what `policy` prints; what they alarm on is what
the program logs; what they schedule it understands."""
import json
import pathlib
import re
import subprocess
import sys

import pytest
import yaml
from servers.server import REPOSITORY
from world import World, document

TEMPLATES = sorted((REPOSITORY / "deploy" / "cloudformation").glob("*.yaml"))
ACCOUNT, REGION = "444455556666", "eu-west-1"
SOURCE_ACCOUNT = "111122223333"
NO_VALUE = object()


class Loader(yaml.SafeLoader):
    """CloudFormation's short forms as its long ones."""


def long_form(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt":
        value = value.split(".")
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


Loader.add_multi_constructor("!", long_form)


class Stack:
    """A template as it comes out for these parameters: a second reading of CloudFormation's functions."""

    def __init__(self, name, **parameters):
        path = next(path for path in TEMPLATES if path.stem == name)
        self.template = yaml.load(path.read_text(), Loader)
        self.values = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws",
            "AWS::NoValue": NO_VALUE}
        for parameter, declared in self.template["Parameters"].items():
            value = parameters.pop(parameter, declared.get("Default"))
            assert value is not None, f"{parameter} is not given"
            assert re.fullmatch(declared.get("AllowedPattern", ".*"), str(value)), (parameter, value)
            self.values[parameter] = value.split(",") if "List" in declared["Type"] else str(value)
        assert not parameters

    def condition(self, name):
        return self.value(self.template["Conditions"][name])

    def reference(self, name):
        if name in self.values:
            return self.values[name]
        resource = self.template["Resources"][name]
        properties = resource["Properties"]
        if resource["Type"] == "AWS::SNS::Topic":
            return f"arn:aws:sns:{REGION}:{ACCOUNT}:{self.value(properties['TopicName'])}"
        for naming in ("RoleName", "BucketName", "ClusterName", "LogGroupName"):
            if naming in properties:
                return self.value(properties[naming])
        return name.lower()

    def attribute(self, name, attribute):
        kind = self.template["Resources"][name]["Type"]
        if attribute != "Arn":
            return f"{name}-{attribute}"
        if kind == "AWS::IAM::Role":
            return f"arn:aws:iam::{ACCOUNT}:role/{self.reference(name)}"
        if kind == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{self.reference(name)}"
        return f"arn:aws:{kind.split('::')[1].lower()}:{REGION}:{ACCOUNT}:key/{name.lower()}"

    def substituted(self, text, more):
        def replace(found):
            name = found.group(1)
            if name in more:
                return self.value(more[name])
            return self.attribute(*name.split(".")) if "." in name else str(self.reference(name))
        return re.sub(r"\$\{([^}!]+)\}", replace, text)

    def value(self, node):
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), = node.items()
            if name == "Ref":
                return self.reference(argument)
            if name == "Condition" and isinstance(argument, str):
                return self.condition(argument)
            if name.startswith("Fn::"):
                return getattr(self, "fn_" + name[4:].lower())(argument)
        found = {key: self.value(value) for key, value in node.items()}
        return {key: value for key, value in found.items() if value is not NO_VALUE}

    def fn_getatt(self, argument):
        return self.attribute(*argument)

    def fn_sub(self, argument):
        return self.substituted(*(argument if isinstance(argument, list) else (argument, {})))

    def fn_join(self, argument):
        return argument[0].join(self.value(argument[1]))

    def fn_split(self, argument):
        return self.value(argument[1]).split(argument[0])

    def fn_if(self, argument):
        return self.value(argument[1 if self.condition(argument[0]) else 2])

    def fn_equals(self, argument):
        return self.value(argument[0]) == self.value(argument[1])

    def fn_not(self, argument):
        return not self.value(argument[0])

    def fn_and(self, argument):
        return all(self.value(one) for one in argument)

    def fn_or(self, argument):
        return any(self.value(one) for one in argument)

    def properties(self, name):
        return self.value(self.template["Resources"][name]["Properties"])

    def of_type(self, kind):
        return {name: self.properties(name) for name, one in self.template["Resources"].items() if one["Type"] == kind
            and ("Condition" not in one or self.condition(one["Condition"]))}

    def output(self, name):
        return self.value(self.template["Outputs"][name]["Value"])


def backup_account(**parameters):
    return Stack("backup-account", **{"VaultBucketName": "acme-vault",
        "SourceBucketArns": "arn:aws:s3:::acme-*,arn:aws:s3:::letters",
        "SourceKeyArns": f"arn:aws:kms:*:{SOURCE_ACCOUNT}:key/*",
        "SourceRoleArns": f"arn:aws:iam::{SOURCE_ACCOUNT}:role/vaultferry-source", "Image": "vaultferry:1",
        "VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2"} | parameters)


def config_of(stack, external_id=None, **vault):
    return {
        "vault": {"bucket": "acme-vault", "region": REGION, "account": ACCOUNT, "external_id": external_id,
            "role_arn": stack.output("VaultRoleArn"), "prune_role_arn": stack.output("PruneRoleArn")} | vault,
        "sources": [{"account": SOURCE_ACCOUNT, "region": REGION, "policy": "p", "external_id": external_id,
            "role_arn": f"arn:aws:iam::{SOURCE_ACCOUNT}:role/vaultferry-source",
            "select": {"buckets": ["acme-*", "letters"]}}],
        "policies": {"p": {"delete_after_days": 35}}, "notify": {"sns_topic_arn": stack.output("TopicArn")}}


@pytest.fixture
def policy(vaultferry):
    def printed(config, document, *arguments):
        result = vaultferry("--json", "policy", document, *arguments, config=config)
        assert result.returncode == 0, result
        return result.json["policy"]
    return printed


def plain(document):
    """Statements by their name; a list is a set, and one of one element is that element."""
    def flat(value):
        if isinstance(value, list):
            return flat(value[0]) if len(value) == 1 else sorted(map(flat, value))
        return {key: flat(one) for key, one in value.items()} if isinstance(value, dict) else str(value)
    assert document["Version"] == "2012-10-17"
    found = {one["Sid"]: flat(one) for one in document["Statement"]}
    assert len(found) == len(document["Statement"])
    return found


VARIANTS = {
    "plain": ({}, {}),
    "key": ({"KeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/abc", "ExternalId": "pact"}, {}),
    "everything": ({"CreateKey": "true", "ExternalId": "pact", "ObjectLock": "true", "ExtendLocks": "true",
        "LongestLockDays": "16", "AlarmEmail": "a@example.com", "ReplicaBucketArn": "arn:aws:s3:::copy",
        "ReplicaKeyArn": f"arn:aws:kms:eu-west-2:{ACCOUNT}:key/def"},
        {"lock": {"mode": "governance", "days": 14, "extend": True}}),
    "lock": ({"ObjectLock": "true"}, {"lock": {"mode": "compliance", "days": 35}}),
}


def test_templates_pass_cfn_lint():
    lint = pathlib.Path(sys.executable).with_name("cfn-lint")
    result = subprocess.run([lint, "-t", *TEMPLATES], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0 and result.stdout == "", result
    assert len(TEMPLATES) == 4


@pytest.mark.parametrize("variant", VARIANTS)
def test_backup_account_grants_what_is_printed(policy, variant):
    parameters, vault = VARIANTS[variant]
    stack = backup_account(**parameters)
    if stack.condition("HasKey"):
        vault = vault | {"encryption": {"kms_key_id": stack.output("KeyArn")}}
    config = config_of(stack, parameters.get("ExternalId"), **vault)
    for role in ("Vault", "Prune", "Restore"):
        made = stack.properties(f"{role}Role")
        written = stack.properties(f"{role}Policy")
        assert written["Roles"] == [made["RoleName"]]
        printed = policy(config, f"{role.lower()}-role")
        assert plain(written["PolicyDocument"]) == plain(printed), f"deploy/cloudformation does not grant this: {role}"
        assert plain(made["AssumeRolePolicyDocument"]) == plain(policy(config, f"{role.lower()}-trust")), role
    assert plain(stack.properties("VaultBucketPolicy")["PolicyDocument"]) == plain(policy(config, "vault-bucket"))
    others = [one["Roles"] for name, one in stack.of_type("AWS::IAM::Policy").items() if name != "ScratchPolicy"]
    assert len(others) == 3
    if stack.condition("MakesKey"):
        key = plain(stack.properties("Key")["KeyPolicy"])
        del key["AccountAdministers"]
        assert key == plain(policy(config, "vault-key"))
    assert stack.output("RestoreRoleArn") == stack.output("VaultRoleArn") + "-restore"


def test_source_account_grants_what_is_printed(policy):
    config = config_of(backup_account(), "pact")
    stack = Stack("source-account", VaultAccount=ACCOUNT, ExternalId="pact",
        BucketArns="arn:aws:s3:::acme-*,arn:aws:s3:::letters")
    assert plain(stack.properties("SourcePolicy")["PolicyDocument"]) == plain(policy(config, "source-role"))
    made = stack.properties("SourceRole")
    assert plain(made["AssumeRolePolicyDocument"]) == plain(policy(config, "source-trust"))
    assert config["sources"][0]["role_arn"].endswith("/" + made["RoleName"])
    config["policies"]["p"]["acl"] = "record"
    config["sources"][0]["copy"] = "stream"
    stack.values |= {"RecordsAcls": "true", "Streams": "true", "AWS::AccountId": SOURCE_ACCOUNT}
    assert "DecryptObjects" in json.dumps(policy(config, "source-role"))
    assert plain(stack.properties("SourcePolicy")["PolicyDocument"]) == plain(policy(config, "source-role"))
    bucket = Stack("source-bucket", BucketName="letters", VaultRoleArn=config["vault"]["role_arn"])
    printed = policy(config, "source-bucket", "--source", "letters")
    assert plain(bucket.properties("SourceBucketPolicy")["PolicyDocument"]) == plain(printed)
    statement = json.loads(bucket.output("KeyStatement"))
    assert plain({"Version": "2012-10-17", "Statement": [statement]}) == plain(policy(config, "source-key"))


def test_conditions_stand_only_where_the_service_fills_them_in():
    """EventBridge to SNS, and S3's replication, say nothing of their account: a condition on it would never hold."""
    stack = backup_account(**VARIANTS["everything"][0])
    said = [each for one in stack.of_type("AWS::SNS::TopicPolicy").values() for each in
        one["PolicyDocument"]["Statement"]]
    said += [each for one in stack.of_type("AWS::IAM::Role").values() for each in
        one["AssumeRolePolicyDocument"]["Statement"]]
    account = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert {one["Principal"]["Service"]: one.get("Condition") for one in said if "Service" in one["Principal"]} == {
        "cloudwatch.amazonaws.com": account, "events.amazonaws.com": None, "s3.amazonaws.com": None,
        "scheduler.amazonaws.com": account, "ecs-tasks.amazonaws.com": account}


def test_alarms_look_back_no_further_than_cloudwatch_does():
    longest = backup_account().template["Parameters"]["NoRunHours"]["MaxValue"]
    for one in backup_account(NoRunHours=longest).of_type("AWS::CloudWatch::Alarm").values():
        assert int(one["Period"]) * int(one["EvaluationPeriods"]) <= (604800 if int(one["Period"]) >= 3600 else 86400)


def test_only_the_task_that_prunes_takes_the_prune_role():
    stack = backup_account()
    prune = stack.output("PruneRoleArn")
    takers = [name for name, one in stack.of_type("AWS::IAM::Role").items() if prune in json.dumps(one)]
    assert takers == ["PruneTaskRole"]
    roles = {name: one["TaskRoleArn"] for name, one in stack.of_type("AWS::ECS::TaskDefinition").items()}
    assert roles["PruneTask"] == stack.attribute("PruneTaskRole", "Arn") != roles["RunTask"]
    for one in stack.of_type("AWS::ECS::TaskDefinition").values():
        container, = one["ContainerDefinitions"]
        grace = int({each["Name"]: each["Value"] for each in container["Environment"]}["VAULTFERRY_GRACE_SECONDS"])
        assert grace + 5 <= container["StopTimeout"] <= 120 and container["ReadonlyRootFilesystem"]
        assert container["MountPoints"][0]["ContainerPath"] == "/state"
    for name in ("ReplicationRole", "Subscription"):
        assert not stack.condition(stack.template["Resources"][name]["Condition"])


class Stacked(World):
    """Two accounts on s3sim, where boto3 makes what the templates say; AWS's statements are asked for by this name."""

    def __init__(self, server, vaultferry):
        super().__init__(server, vaultferry)
        self.bucket_name = f"acme-{self.tag}"
        self.stack = backup_account(VaultBucketName=f"stack-{self.tag}", RolePrefix=f"stack-{self.tag}",
            ExternalId="pact", SourceBucketArns=f"arn:aws:s3:::{self.bucket_name}", ObjectLock="true",
            SourceRoleArns=f"arn:aws:iam::{server.source_account}:role/read-{self.tag}")
        with (vaultferry.home / ".aws" / "credentials").open("a") as file:
            file.write("[admin]\naws_access_key_id = {}\naws_secret_access_key = {}\n".format(*server.vault_owner))
        self.make_roles(server.vault_owner, self.stack)
        self.make_vault(self.stack.properties("VaultBucket"))
        self.make_source()

    def make_roles(self, owner, stack):
        iam = self.server.client(*owner, service="iam")
        for name, written in stack.of_type("AWS::IAM::Policy").items():
            if written["PolicyName"] != "vaultferry":
                continue
            made = stack.properties(name.replace("Policy", "Role"))
            iam.create_role(RoleName=made["RoleName"], AssumeRolePolicyDocument=document(
                *made["AssumeRolePolicyDocument"]["Statement"]))
            iam.put_role_policy(RoleName=made["RoleName"], PolicyName=written["PolicyName"],
                PolicyDocument=document(*written["PolicyDocument"]["Statement"]))

    def make_vault(self, made):
        name, owner = made["BucketName"], self.owner
        owner.create_bucket(Bucket=name, ObjectLockEnabledForBucket=made["ObjectLockEnabled"])
        owner.put_bucket_versioning(Bucket=name, VersioningConfiguration=made["VersioningConfiguration"])
        owner.put_bucket_ownership_controls(Bucket=name, OwnershipControls=made["OwnershipControls"])
        encryption, = made["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        owner.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [
            {"ApplyServerSideEncryptionByDefault": encryption["ServerSideEncryptionByDefault"]}]})
        owner.put_public_access_block(Bucket=name,
            PublicAccessBlockConfiguration=made["PublicAccessBlockConfiguration"])
        owner.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [
            self.rule(**one) for one in made["LifecycleConfiguration"]["Rules"]]})
        # these tests speak HTTP
        owner.put_bucket_policy(Bucket=name, Policy=document(*[one for one in self.stack.properties(
            "VaultBucketPolicy")["PolicyDocument"]["Statement"] if one["Sid"] != "OnlyEncryptedConnections"]))

    @staticmethod
    def rule(Id, Prefix, ExpirationInDays=None, **same):
        """S3's own form of a rule of CloudFormation's."""
        return {"ID": Id, "Filter": {"Prefix": Prefix}} | same | (
            {"Expiration": {"Days": ExpirationInDays}} if ExpirationInDays else {})

    def make_source(self):
        account = Stack("source-account", VaultAccount=self.server.vault_account, RoleName=f"read-{self.tag}",
            ExternalId="pact", BucketArns=f"arn:aws:s3:::{self.bucket_name}")
        self.make_roles(self.server.source_owner, account)
        self.source.create_bucket(Bucket=self.bucket_name)
        granted = Stack("source-bucket", BucketName=self.bucket_name, VaultRoleArn=self.stack.output("VaultRoleArn"))
        self.source.put_bucket_policy(Bucket=self.bucket_name, Policy=document(*granted.properties(
            "SourceBucketPolicy")["PolicyDocument"]["Statement"]))

    @property
    def env(self):
        return super().env | {"AWS_ENDPOINT_URL_IAM": self.server.url}

    def config(self):
        endpoint = self.server.url.replace("127.0.0.1", "s3.amazonaws.localhost")
        assert endpoint != self.server.url
        common = {"endpoint": endpoint, "sts_endpoint": endpoint, "path_style": True, "region": "us-east-1",
            "external_id": "pact"}
        return {
            "vault": common | {"bucket": self.stack.reference("VaultBucketName"), "account": self.server.vault_account,
                "role_arn": self.stack.output("VaultRoleArn"), "prune_role_arn": self.stack.output("PruneRoleArn"),
                "lock": {"mode": "governance", "days": 35}},
            "sources": [common | {"account": self.server.source_account, "policy": "p",
                "role_arn": f"arn:aws:iam::{self.server.source_account}:role/read-{self.tag}",
                "select": {"buckets": [self.bucket_name]}}],
            "policies": {"p": {"delete_after_days": 35}},
            "notify": {"sns_topic_arn": self.stack.output("TopicArn")}}


def test_bootstrap_finds_the_stacks_work_done_and_runs_go_on_it(s3sim, vaultferry):
    assert s3sim.vault_account == ACCOUNT and s3sim.source_account == SOURCE_ACCOUNT
    world = Stacked(s3sim, vaultferry)
    for words in (["--dry-run"], []):
        steps = world.do("bootstrap", "--profile", "admin", "--source-profile", "source", *words,
            config=world.config())["steps"]
        left = [step for step in steps if step["state"] != "ok"]
        assert len(steps) > 12 and left == [], left
    world.fill(world.bucket_name, 4)
    assert world.do("run", config=world.config())["sources"][0]["copied"] == 4
    assert world.do("verify", "--read-data", config=world.config())["problems"] == []
    assert world.do("prune", config=world.config())["forgotten"] == 0
    s3sim.control("POST", "/_s3sim/reset")


# what is scheduled

def commands(stack):
    """{timer: (task definition, words)}."""
    found = {}
    for name, one in stack.of_type("AWS::Scheduler::Schedule").items():
        override, = json.loads(one["Target"]["Input"])["containerOverrides"]
        assert override["name"] == "vaultferry"
        found[name] = one["Target"]["EcsParameters"]["TaskDefinitionArn"], override["command"]
    return found


@pytest.fixture
def sim(s3sim, vaultferry):
    yield World(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def test_program_understands_what_is_scheduled(sim):
    stack = backup_account()
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    scratch = f"scratch-{sim.tag}"
    sim.source.create_bucket(Bucket=scratch)
    sim.server.control("POST", "/_s3sim/roles", {"account": sim.server.source_account, "name": "scratch",
        "trust": [f"arn:aws:iam::{sim.server.vault_account}:user/agent"], "policy": json.loads(json.dumps(
            stack.properties("ScratchPolicy")["PolicyDocument"]).replace(stack.reference("ScratchBucket"), scratch))})
    role = f"arn:aws:iam::{sim.server.source_account}:role/scratch"
    found = commands(stack)
    assert {words[0] for task, words in found.values() if task == "prunetask"} == {"prune"}
    tried = {words[0]: words for _, words in found.values()}
    assert set(tried) == {"run", "status", "prune", "verify", "drill"}
    config = sim.config(bucket, policy={"schedule": "cron(0 3 * * ? *)"})
    config["vault"]["prune_role_arn"] = sim.vault_role  # nothing is to be ended yet
    for name in ("run", "status", "verify", "drill", "prune"):
        words = [word.replace(stack.reference("ScratchBucket"), scratch).replace(
            stack.attribute("ScratchRole", "Arn"), role) for word in tried[name]]
        result = sim.cli(*words, config=config)
        assert result.returncode == 0, (words, result)
    assert sim.vault.copies(bucket)


# what rings

def matches(pattern, line):
    """Whether a line of the log matches a filter of CloudWatch Logs; of its grammar, what the templates use."""
    def compare(found):
        field, operator, wanted = found.groups()
        value = line.get(field)
        if value is None:
            return "False"
        if wanted.startswith('"'):
            same = wanted == '"*"' or value == wanted.strip('"')
            return str(same if operator == "=" else not same)
        return str({"=": value == int(wanted), ">=": value >= int(wanted)}[operator])
    text = re.sub(r'\$\.(\w+) (=|!=|>=) ("[^"]*"|\d+)', compare, pattern.strip().strip("{}"))
    words = text.replace("&&", " and ").replace("||", " or ").strip()
    assert set(re.findall(r"\w+", words)) <= {"True", "False", "and", "or"}, words
    return eval(words)  # noqa: S307 made of these four words


def ringing(stack, lines):
    """The alarms on sums and highest values that these lines of the log set off."""
    rung = set()
    filters = list(stack.of_type("AWS::Logs::MetricFilter").values())
    for one in stack.of_type("AWS::CloudWatch::Alarm").values():
        made, = [each for each in filters if each["MetricTransformations"][0]["MetricName"] == one["MetricName"]]
        transformation, = made["MetricTransformations"]
        assert transformation["MetricNamespace"] == one["Namespace"]
        field = transformation["MetricValue"]
        values = [line[field[2:]] if field.startswith("$.") else int(field) for line in lines if matches(
            made["FilterPattern"], line)]
        value = {"Sum": sum(values), "Maximum": max(values, default=None), "SampleCount": len(values)}[one["Statistic"]]
        if value is None:
            continue
        if {"GreaterThanThreshold": value > one["Threshold"], "LessThanThreshold": value < one["Threshold"]}[
            one["ComparisonOperator"]]:
            rung.add(one["AlarmName"].removeprefix("vaultferry-"))
    return rung


def test_alarms_ring_for_what_the_program_logs(sim):
    stack = backup_account()
    bucket = sim.bucket()
    sim.fill(bucket, 4)
    scratch = f"scratch-{sim.tag}"
    sim.source.create_bucket(Bucket=scratch)
    metrics = {"emf": True}

    def logged(*words, exit=0, policy=None, faults=()):
        sim.faults(*faults)
        result = sim.cli("-q", *words, config=sim.config(bucket, policy=policy, metrics=metrics))
        sim.heal()
        assert result.returncode == exit, result
        return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]

    silence = {"no-data", "no-run"}
    assert ringing(stack, []) == silence
    assert ringing(stack, logged("status", "--max-age", "26h", exit=2)) == {"age", "no-run"}
    well = logged("run")
    assert ringing(stack, well) == {"no-data"}
    looked = logged("status", "--max-age", "26h")
    assert ringing(stack, well + looked) == set()
    assert ringing(stack, logged("verify", "--read-data")) == silence
    assert ringing(stack, logged("drill", "--to", f"s3://{scratch}/", "--to-profile", "source")) == silence
    sim.put(bucket, "k001", b"new")
    denied = {"operation": "CopyObject", "action": "error", "status": 403, "code": "AccessDenied"}
    failed = ringing(stack, looked + logged("run", exit=2, faults=[denied]))
    assert failed == {"failed"}
    sim.run()
    for number in range(4):
        sim.put(bucket, f"k{number:03d}", b"encrypted")
    guard = {"guard": {"changed": "30%", "deleted": "10%", "at_least": 1}}
    assert ringing(stack, looked + logged("run", exit=3, policy=guard)) == {"guarded"}
    sim.run("--accept", bucket)
    version = next(one for one in sim.vault.versions(f"data/{bucket}/") if one["IsLatest"])
    sim.owner.delete_object(Bucket=sim.vault_bucket, Key=version["Key"], VersionId=version["VersionId"])
    assert ringing(stack, logged("verify", exit=2)) == silence | {"check-failed"}
    lost = logged("drill", "--to", f"s3://{scratch}/", "--to-profile", "source", exit=2)
    assert ringing(stack, lost) == silence | {"drill-failed"}


def test_replica_is_no_weaker_than_the_vault():
    vault, copy = backup_account(ObjectLock="true"), Stack("second-region", ReplicaBucketName="copy", ObjectLock="true")
    for name in ("VersioningConfiguration", "ObjectLockEnabled", "PublicAccessBlockConfiguration", "OwnershipControls"):
        assert vault.properties("VaultBucket")[name] == copy.properties("ReplicaBucket")[name], name
    denied = plain(copy.properties("ReplicaBucketPolicy")["PolicyDocument"])
    assert set(denied) == {"OnlyEncryptedConnections", "NobodyEndsVersions"}
    assert "Condition" not in denied["NobodyEndsVersions"]
    for stack in (vault, copy):
        kept = [name for name, one in stack.template["Resources"].items() if one["Type"] in (
            "AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key") and name != "ScratchBucket"]
        assert len(kept) == 3
        assert all(stack.template["Resources"][name]["DeletionPolicy"] == "Retain" for name in kept)
