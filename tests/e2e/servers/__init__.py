"""The servers that judge: each has .url, .tls_url, .ca and .client(), and is ended by pid when the session ends."""
from .moto import Moto
from .rgw import Rgw
from .s3sim import S3sim

__all__ = ["Moto", "Rgw", "S3sim"]
