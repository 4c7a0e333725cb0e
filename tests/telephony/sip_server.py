"""Kamailio, a real SIP server, on free ports of 127.0.0.1: it answers OPTIONS and asks for a password."""

from __future__ import annotations

import datetime
import shutil
import socket
from pathlib import Path

import services
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from voipcrm.cli.run.ports import free_port

USER, PASSWORD = "trunk-user", 'pa"ss wörd: 100%'
_CONFIG = """
debug=0
log_stderror=yes
fork=yes
children=1
tcp_children=1
enable_tls=yes
disable_core_dump=yes
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
listen=tls:127.0.0.1:{tls_port}
mpath="{modules}"
loadmodule "tls.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "auth.so"
modparam("tls", "private_key", "{folder}/key.pem")
modparam("tls", "certificate", "{folder}/certificate.pem")
modparam("tls", "tls_method", "TLSv1.2+")
modparam("auth", "algorithm", "{algorithm}")
modparam("auth", "qop", "{qop}")
request_route {{
  if ($rU == "open") {{ sl_send_reply("200", "OK"); exit; }}
  if ($fU == "full") {{ sl_send_reply("503", "Service Unavailable"); exit; }}
  if ($fU == "barred") {{ sl_send_reply("403", "Forbidden"); exit; }}
  if ($fU == "silent") {{ exit; }}
  if ($fU == "voipcrm") {{ sl_send_reply("200", "OK"); exit; }}
  if (!pv_www_authenticate("test.example", "{password}", "0")) {{ www_challenge("test.example", "1"); exit; }}
  sl_send_reply("200", "OK");
}}
"""


class Kamailio(services.Process):
    """algorithm: MD5 or SHA-256. `certificate`: the file that a client has to trust for TLS; it names `localhost`."""

    def __init__(self, folder: Path, *, algorithm: str = "MD5", qop: str = "auth") -> None:
        program = shutil.which("kamailio") or "/usr/sbin/kamailio"
        modules = next(Path("/usr/lib").glob("*/kamailio/modules"))
        self.port, self.tls_port = _free_pair()
        self.certificate = folder / "certificate.pem"
        _make_certificate(folder)
        config = folder / "kamailio.cfg"
        config.write_text(
            _CONFIG.format(
                port=self.port,
                tls_port=self.tls_port,
                modules=modules,
                folder=folder,
                algorithm=algorithm,
                qop=qop,
                password=PASSWORD.replace("\\", "\\\\").replace('"', '\\"'),
            )
        )
        command = [program, "-f", str(config), "-DD", "-E", "-m", "32", "-M", "4", "-Y", str(folder), "-w", str(folder)]
        super().__init__(command, folder / "kamailio.log")
        services.wait_until(self.answers, 20, self)

    def answers(self) -> bool:
        return all(_connects(port) for port in (self.port, self.tls_port))


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def _free_pair() -> tuple[int, int]:
    first = second = free_port()
    while second == first:
        second = free_port()
    return first, second


def _make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
