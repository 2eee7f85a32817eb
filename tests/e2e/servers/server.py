"""What all servers have in common: addresses, and boto3 clients that show a server's answers as they are."""
import pathlib
import socket

import boto3
from botocore.config import Config

SOURCE_ACCOUNT = "111122223333"
VAULT_ACCOUNT = "444455556666"
REPOSITORY = pathlib.Path(__file__).resolve().parents[3]


class Server:
    """url and tls_url are addresses on loopback, ca a file that vouches for tls_url; tls_url may be None."""

    name = "server"
    source_account = SOURCE_ACCOUNT
    vault_account = VAULT_ACCOUNT
    # access key and secret of the users that s3sim and RGW both have
    source_owner = ("SRCOWNER", "srcownersecret")
    source_agent = ("SRCAGENT", "srcagentsecret")
    vault_owner = ("VAULTOWNER", "vaultownersecret")
    vault_agent = ("VAULTAGENT", "vaultagentsecret")

    def __init__(self):
        self.url = self.tls_url = self.ca = None

    def client(self, access_key, secret, token=None, service="s3", region="us-east-1", tls=False, **config):
        """A boto3 client: path style, no retries, checksums only where the service demands them."""
        settings = {
            "signature_version": "s3v4" if service == "s3" else "v4",
            "retries": {"total_max_attempts": 1},
            "connect_timeout": 5,
            "read_timeout": 60,
            "proxies": {},
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
            "s3": {"addressing_style": "path"},
        }
        return boto3.session.Session().client(
            service,
            endpoint_url=self.tls_url if tls else self.url,
            verify=str(self.ca) if tls else None,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(**{**settings, **config}),
        )


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]
