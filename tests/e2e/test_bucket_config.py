"""A lost source bucket is built again from what a point has recorded: the commands are run, boto3 compares."""
import json
import os
import re
import subprocess

import pytest
from botocore.exceptions import ClientError
from world import World

LIFECYCLE = {"Rules": [{"ID": "it's \"one\"", "Filter": {"Prefix": "logs/$(touch x)"}, "Status": "Enabled",
    "Expiration": {"Days": 30}}, {"ID": "two", "Filter": {"Prefix": "b"}, "Status": "Disabled",
    "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}}]}
CORS = {"CORSRules": [{"ID": "c", "AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://a.example", "*"],
    "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60}]}
ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
TAGGING = {"TagSet": [{"Key": "team", "Value": "a 'b' & <c>; \u00e4"}, {"Key": "empty", "Value": ""}]}
WEBSITE = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"},
    "RoutingRules": [{"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}}]}
# what is set, by what it is got, and what may differ from server to server and belongs to no configuration
DOCUMENTS = {
    "versioning": ("VersioningConfiguration", {"Status": "Enabled"}),
    "encryption": ("ServerSideEncryptionConfiguration", ENCRYPTION),
    "tagging": ("Tagging", TAGGING),
    "lifecycle_configuration": ("LifecycleConfiguration", LIFECYCLE),
    "cors": ("CORSConfiguration", CORS),
    "website": ("WebsiteConfiguration", WEBSITE),
}
# stands for awscli: writes down its words
AWS = """#!/usr/bin/env python3
import json, sys
open({path!r}, "a").write(json.dumps(sys.argv[1:]) + "\\n")
"""


class Rebuilt(World):
    def has(self, bucket):
        """What boto3 reads of the bucket, of all that this server knows."""
        found = {}
        for name in (*DOCUMENTS, "policy"):
            try:
                answer = getattr(self.source, f"get_bucket_{name}")(Bucket=bucket)
            except ClientError:
                continue
            found[name] = {key: value for key, value in answer.items()
                if key not in ("ResponseMetadata", "TransitionDefaultMinimumObjectSize")}
        if "policy" in found:
            found["policy"] = json.loads(found["policy"]["Policy"])
        return found

    def words(self, script):
        """The commands of a script, as the shell hands them over."""
        folder = self.vaultferry.folder / "bin"
        folder.mkdir(exist_ok=True)
        said = self.vaultferry.folder / "said"
        said.unlink(missing_ok=True)
        (folder / "aws").write_text(AWS.format(path=str(said)))
        (folder / "aws").chmod(0o755)
        subprocess.run(["sh", "-n"], input=script, text=True, check=True)
        subprocess.run(["sh"], input=script, text=True, check=True, cwd=folder,
            env={"PATH": f"{folder}:{os.environ['PATH']}"})
        assert os.listdir(folder) == ["aws"]  # nothing else was run
        return [json.loads(line) for line in said.read_text().splitlines()]

    def call(self, words):
        """What awscli would do: options are boto3's parameters, their values JSON where they look so."""
        assert words[0] == "s3api"
        arguments = {}
        for option, value in zip(words[2::2], words[3::2]):
            name = "".join(part.capitalize() for part in option[2:].split("-"))
            name = {"CorsConfiguration": "CORSConfiguration"}.get(name, name)
            if name not in ("Bucket", "Policy", "Region"):
                value = json.loads(value) if value.startswith("{") else dict([value.split("=")])
            if name != "Region":
                arguments[name] = value
        getattr(self.source, words[1].replace("-", "_"))(**arguments)


@pytest.fixture
def world(server, vaultferry):
    return Rebuilt(server, vaultferry)


def test_a_lost_bucket_is_built_again(world):
    bucket = world.bucket()
    for name, (parameter, value) in DOCUMENTS.items():
        try:
            getattr(world.source, f"put_bucket_{name}")(Bucket=bucket, **{parameter: value})
        except ClientError as error:  # website, on Ceph only where it is switched on
            assert not world.simulated and name in ("website", "encryption"), error
    before = world.has(bucket)
    assert {"versioning", "tagging", "lifecycle_configuration", "cors", "policy"} <= set(before)
    world.put(bucket, "a")
    world.run()
    for entry in world.source.list_object_versions(Bucket=bucket)["Versions"]:
        world.source.delete_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"])
    world.source.delete_bucket(Bucket=bucket)
    alone = {"vault": world.config()["vault"]}
    script = world.cli("points", "--source", bucket, "--bucket-config", config=alone).stdout
    commands = world.words(script)
    assert commands[0][:4] == ["s3api", "create-bucket", "--bucket", bucket]
    for words in commands:
        world.call(words)
    assert world.has(bucket) == before
    document = world.do("points", "--source", bucket, "--bucket-config", config=alone)
    assert [words[1:] for words in document["commands"]] == commands and document["bucket"] == bucket
    assert all(words[0] == "aws" for words in document["commands"])
    assert document["configuration"]["policy"] and document["region"] == ("us-east-1" if world.simulated else "")
    assert all(line.startswith("# ") for line in script.splitlines()[1:2 + len(document["notes"])])


@pytest.mark.s3sim
def test_configuration_of_a_point_is_that_of_its_time(s3sim, vaultferry):
    world = Rebuilt(s3sim, vaultferry)
    bucket = world.bucket()
    world.put(bucket, "a")
    world.run()
    world.later()
    world.source.put_bucket_tagging(Bucket=bucket, Tagging=TAGGING)
    world.run()
    first, second = world.vault.points(bucket)
    for at, tagged in ((first.id, False), (second.id, True), ("latest", True), (first["finished"], False)):
        commands = world.do("points", "--source", bucket, "--bucket-config", "--at", at)["commands"]
        assert ("put-bucket-tagging" in [words[2] for words in commands]) == tagged
        assert [words[-1] for words in commands if words[2] == "put-bucket-policy"]
    for words in (["--bucket-config"], ["--source", bucket, "--at", first.id],
            ["--source", bucket, "--source", "x", "--bucket-config"],
            ["--source", bucket, "--bucket-config", "--at", "never"]):
        assert world.cli("points", *words).returncode == 1
    world.clock(0)


@pytest.mark.s3sim
def test_what_could_not_be_read_is_told(s3sim, vaultferry):
    world = Rebuilt(s3sim, vaultferry)
    bucket = world.bucket()
    world.put(bucket, "a")
    world.faults({"operation": "GetBucketPolicy", "action": "error", "status": 403, "code": "AccessDenied"},
        {"operation": "GetBucketCors", "action": "error", "status": 403, "code": "AccessDenied"})
    world.run()
    world.heal()
    script = world.cli("points", "--source", bucket, "--bucket-config").stdout
    assert re.search(r"(?m)^# the policy could not be read: AccessDenied$", script)
    assert [words[1] for words in world.words(script)] == ["create-bucket"]
