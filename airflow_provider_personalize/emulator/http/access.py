"""
Which HTTP requests are refused before anything else sees them.

A web page that somebody happens to have open can send requests to this machine, too. A browser says so in ``Origin``
and ``Sec-Fetch-Site``; a page that lets its own name resolve to this machine (DNS rebinding) is known by its ``Host``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.loaders import Loader

from airflow_provider_personalize.emulator import service_model
from airflow_provider_personalize.emulator.errors import ServiceError

CONTROLS: Final = "/_personalize/"

_FROM_NO_OTHER_PAGE: Final = {"", "same-origin", "none"}
# names that no stranger can own: RFC 6761, RFC 6762, and ICANN's resolution 2024.07.29.06
_PRIVATE: Final = (".local", ".internal", ".test")
# moto's recorder writes files and sends requests to any host; other controls reach AWS, or outlast the server
_MOTO: Final = "/moto-api/"
_MOTO_ALLOWED: Final = re.compile(r"/moto-api/((lib\.js|data\.json|reset|seed)?|(state-manager|static)/.*)")
_SCOPE: Final = re.compile(r"AWS4-HMAC-SHA256\s+Credential=[^\s,/]+/\d+/([^\s,/]*)/([^\s,/]+)/aws4_request\s*(,|$)")
_SCOPE_FORM: Final = "AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request,"
# what AWS serves without a signature header: Cognito, STS for those without keys yet, and signatures in other places
_UNSIGNED_TARGETS: Final = ("AWSCognitoIdentity",)
_UNSIGNED_FORMS: Final = re.compile(rb"(^|&)(Action=AssumeRoleWith|(X-Amz-)?Signature=)")

Environ = Mapping[str, Any]


def check(environ: Environ, served: str) -> None:
    """
    Refuse a request that a web page could have sent, and one that no AWS client sends.

    :param environ: The request, as WSGI has it.
    :param served: The host that the server listens at.
    """
    _check_host(environ.get("HTTP_HOST", ""), served)
    _check_page(environ)
    _check_control(environ)
    _check_credentials(environ)


def _is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _check_host(host: str, served: str) -> None:
    if not _names(host, served):
        allowed = "localhost or a loopback address" if _is_loopback(served) else "an IP address or a private name"
        raise _denied(f"The Host header is {host!r}; it must be {allowed}. Use the URL that the server printed.")


def _names(host: str, served: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    # S3's clients put the bucket in front of the name
    if any(name == ours or name.endswith(f".{ours}") for ours in ("localhost", served.lower())):
        return True
    address = _address(name)
    if _is_loopback(served):
        return address is not None and address.is_loopback
    return address is not None or name.endswith(_PRIVATE) or (bool(name) and "." not in name)


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _check_page(environ: Environ) -> None:
    origin, host = environ.get("HTTP_ORIGIN"), environ["HTTP_HOST"]
    if origin is not None and origin.lower() not in {f"http://{host}".lower(), f"https://{host}".lower()}:
        raise _denied(f"The Origin header is {origin!r}: web pages of other origins may not use this server.")
    site = environ.get("HTTP_SEC_FETCH_SITE", "")
    if site not in _FROM_NO_OTHER_PAGE:
        raise _denied(f"The Sec-Fetch-Site header is {site!r}: web pages of other sites may not use this server.")


def _check_control(environ: Environ) -> None:
    path = re.sub("/+", "/", environ.get("PATH_INFO", ""))
    if path.startswith(_MOTO.rstrip("/")) and not _MOTO_ALLOWED.fullmatch(path):
        raise _denied(f"{path} is not served: of moto's own controls, reset, seed, state-manager and static are.")
    sent = environ["REQUEST_METHOD"] not in {"GET", "HEAD"} and environ.get("CONTENT_LENGTH") not in {None, "", "0"}
    content_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if path.startswith((CONTROLS, _MOTO)) and sent and content_type != "application/json":
        text = f"The Content-Type header is {content_type!r}; it must be 'application/json'."
        raise ServiceError("UnsupportedMediaType", text, 415)


def _check_credentials(environ: Environ) -> None:
    if environ.get("PATH_INFO", "").startswith((CONTROLS, _MOTO)):
        return
    authorization = environ.get("HTTP_AUTHORIZATION")
    if authorization is None:
        if _wants_signature(environ):
            raise ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token")
    elif authorization.startswith("AWS4-HMAC-SHA256"):
        _check_scope(authorization)
    elif not re.match(r"AWS \S+:\S+$|AWS4-ECDSA-P256-SHA256 Credential=", authorization):
        raise _incomplete()


def _check_scope(authorization: str) -> None:
    found = _SCOPE.match(authorization)
    if found is None:
        raise _incomplete()
    region, service = found[1], found[2]
    if service != "s3" and region not in _regions():
        text = f"The credential is scoped to {region!r}, which is not the name of a region."
        raise ServiceError("InvalidSignatureException", text)


def _incomplete() -> ServiceError:
    return ServiceError("IncompleteSignatureException", f"The Authorization header must begin with '{_SCOPE_FORM}'.")


@cache
def _regions() -> frozenset[str]:
    partitions = Loader().load_data("endpoints")["partitions"]
    globally = {"aws-global", "aws-cn-global", "aws-us-gov-global"}
    return frozenset(globally.union(*(partition["regions"] for partition in partitions)))


def _wants_signature(environ: Environ) -> bool:
    target, path = environ.get("HTTP_X_AMZ_TARGET"), environ.get("PATH_INFO", "")
    if target is not None:
        return not target.startswith(_UNSIGNED_TARGETS)
    if environ["REQUEST_METHOD"] == "POST" and path in service_model.operation_at():
        return True
    if path not in {"", "/"} or environ["REQUEST_METHOD"] == "OPTIONS" or _names_bucket(environ["HTTP_HOST"]):
        return False  # S3 serves what is public
    sent = (environ.get("QUERY_STRING", "").encode(), environ["wsgi.input"].getvalue())
    return not any(map(_UNSIGNED_FORMS.search, sent))


def _names_bucket(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    return "." in name and _address(name) is None


def _denied(text: str) -> ServiceError:
    return ServiceError("AccessDeniedException", text, 403)
