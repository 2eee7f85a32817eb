"""RGW, as the harness starts it, is the server that the other tests take it for."""
import json
import uuid

import botocore.exceptions
import pytest

pytestmark = pytest.mark.rgw


@pytest.fixture
def bucket():
    return f"smoke-{uuid.uuid4().hex[:12]}"


def error_of(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def keys_of(client, bucket):
    return [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def allow(actions, *resources, principal=None):
    statement = {"Effect": "Allow", "Action": actions, "Resource": list(resources)}
    if principal:
        statement["Principal"] = {"AWS": principal}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_vault_role(rgw, vault):
    """A role of the vault's account that the source's agent may assume: it reads anything and writes the vault."""
    iam = rgw.client(*rgw.vault_owner, service="iam")
    trusted = f"arn:aws:iam::{rgw.source_account}:user/agent"
    trust = {"Effect": "Allow", "Principal": {"AWS": [trusted]}, "Action": ["sts:AssumeRole"]}
    # RGW does not decode "+" in a form's body, which is how boto3 sends a blank: there must be none
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]}, separators=(",", ":"))
    role = f"writer-{vault}"
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    policy = allow(["s3:GetObject", "s3:PutObject", "s3:PutObjectAcl"], "arn:aws:s3:::*")
    iam.put_role_policy(RoleName=role, PolicyName="write", PolicyDocument=policy.replace(" ", ""))
    return arn


def assume(rgw, arn):
    sts = rgw.client(*rgw.source_agent, service="sts")
    given = sts.assume_role(RoleArn=arn, RoleSessionName="smoke")["Credentials"]
    return rgw.client(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
def test_what_was_put_is_listed_in_byte_order_and_read_back(rgw, bucket, tls):
    client = rgw.client(*rgw.source_owner, tls=tls)
    client.create_bucket(Bucket=bucket)
    keys = ["a", "a b+%2F//..", "b/", "z", "\u00e9", "\U0001f4e6"]
    for key in reversed(keys):
        client.put_object(Bucket=bucket, Key=key, Body=key.encode(), Metadata={"who": "smoke"})
    assert keys_of(client, bucket) == keys
    for key in keys:
        answer = client.get_object(Bucket=bucket, Key=key)
        assert (answer["Body"].read(), answer["Metadata"]) == (key.encode(), {"who": "smoke"})


def test_wrong_secret_is_refused(rgw):
    stranger = rgw.client(rgw.source_owner[0], "wrong")
    assert error_of(stranger.list_buckets) == (403, "AccessDenied")


def test_storage_classes_are_kept(rgw, bucket):
    client = rgw.client(*rgw.vault_owner)
    client.create_bucket(Bucket=bucket)
    for name in ("STANDARD_IA", "GLACIER", "DEEP_ARCHIVE"):
        client.put_object(Bucket=bucket, Key=name, Body=b"x", StorageClass=name)
        assert client.head_object(Bucket=bucket, Key=name)["StorageClass"] == name


def test_role_of_the_vault_copies_across_accounts_only_with_the_source_bucket_policy(rgw, bucket):
    source, vault = rgw.client(*rgw.source_owner), rgw.client(*rgw.vault_owner)
    vault_bucket = bucket + "-vault"
    source.create_bucket(Bucket=bucket)
    source.put_object(Bucket=bucket, Key="d/o c", Body=b"content", Metadata={"m": "1"})
    vault.create_bucket(Bucket=vault_bucket)
    vault.put_bucket_versioning(Bucket=vault_bucket, VersioningConfiguration={"Status": "Enabled"})
    arn = make_vault_role(rgw, vault_bucket)
    role = assume(rgw, arn)
    copy = {
        "Bucket": vault_bucket,
        "Key": "data/d/o c",
        "CopySource": f"{rgw.source_account}:{bucket}/d/o c",
        "ACL": "bucket-owner-full-control",
    }
    assert error_of(role.copy_object, **copy) == (403, "AccessDenied")
    grant = allow(["s3:GetObject"], f"arn:aws:s3:::{bucket}/*", principal=arn)
    source.put_bucket_policy(Bucket=bucket, Policy=grant)
    role.copy_object(**copy)
    answer = vault.get_object(Bucket=vault_bucket, Key="data/d/o c")
    assert (answer["Body"].read(), answer["Metadata"]) == (b"content", {"m": "1"})
    assert answer["VersionId"] not in ("", "null")
    assert error_of(role.delete_object, Bucket=vault_bucket, Key="data/d/o c") == (403, "AccessDenied")
    assert keys_of(vault, vault_bucket) == ["data/d/o c"]
