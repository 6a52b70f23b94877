"""Makes the certificates of the broker: an authority of this house's own, and a server certificate signed by it.

    python deploy/certificates.py --into CERTIFICATES --authority AUTHORITY --name gates.example.com

Gates are given `ca.crt` and connect to one of the names. Run again it renews what is about to expire or lacks a name,
and leaves alone what is good, and what another authority has signed: certificates that the operator has brought.
"""

import argparse
import ipaddress
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LASTS = timedelta(days=3650)
SERVER_LASTS = timedelta(days=397)
RENEWED_BEFORE = timedelta(days=60)
# Clocks of gates differ.
VALID_SINCE = timedelta(days=1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make or renew what the command line asks for, and tell what was done."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--into", type=Path, required=True, help="folder of ca.crt, server.crt and server.key"
    )
    parser.add_argument("--authority", type=Path, required=True, help="folder of the authority's own key")
    parser.add_argument(
        "--name",
        action="append",
        required=True,
        help="host name or address that gates connect to; again for more",
    )
    given = parser.parse_args(arguments)
    names = list(dict.fromkeys(name for name in given.name if name))
    if not names:
        parser.error("argument --name: must not be empty")
    try:
        print(make(given.into, given.authority, names))
    except OSError as problem:
        sys.exit(f"certificates: {problem}")


def make(into: Path, authority: Path, names: Sequence[str], now: datetime | None = None) -> str:
    """Bring the folder to a good certificate for these names and return what was done, in a sentence."""
    now = now or datetime.now(UTC)
    root, key = _authority(authority, now)
    found = _read(into / "server.crt")
    if found is not None and not _signed_by(found, root):
        return f"{into}/server.crt is not of this house's authority and stays as it is."
    if found is not None and _good(found, names, now) and (into / "server.key").exists():
        return f"{into}/server.crt is good until {found.not_valid_after_utc:%Y-%m-%d}."
    server_key = ec.generate_private_key(ec.SECP256R1())
    certificate = _server(root, key, server_key, names, now)
    _write(into / "ca.crt", root.public_bytes(Encoding.PEM), 0o644)
    _write(into / "server.key", _pem(server_key), 0o600)
    _write(into / "server.crt", certificate.public_bytes(Encoding.PEM), 0o644)
    until = certificate.not_valid_after_utc
    return f"{into}/server.crt is made for {', '.join(names)}, good until {until:%Y-%m-%d}."


def _authority(folder: Path, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    root = _read(folder / "ca.crt")
    if root is not None:
        key = load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey), "we write no other"
        return root, key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Gatehouse gates")])
    root = (
        _builder(name, name, key, now, AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    # The certificate last: it says that the key is there.
    _write(folder / "ca.key", _pem(key), 0o600)
    _write(folder / "ca.crt", root.public_bytes(Encoding.PEM), 0o644)
    return root, key


def _server(
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    now: datetime,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    return (
        _builder(subject, root.subject, key, now, SERVER_LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        .add_extension(issuer_key, critical=False)
        .sign(root_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALID_SINCE)
        .not_valid_after(now + lasts)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _good(certificate: x509.Certificate, names: Sequence[str], now: datetime) -> bool:
    has = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return certificate.not_valid_after_utc - RENEWED_BEFORE > now and {
        _alternative(name) for name in names
    } <= set(has)


def _signed_by(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _read(file: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except FileNotFoundError:
        return None


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(file: Path, content: bytes, mode: int) -> None:
    """Write it whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
    fresh.replace(file)


if __name__ == "__main__":
    main()
