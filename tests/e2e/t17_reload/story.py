"""SIGHUP: other certificate files and limits take effect, on every listener, without ending a session."""

import signal
import smtplib
import ssl
import subprocess

from support import check, wait_until


def make_certificate(folder, name):
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}.postern.test", "-keyout", str(key), "-out", str(certificate)],
                   check=True, capture_output=True)
    return f'tls_certificate_file = "{certificate}"\ntls_key_file = "{key}"\n', certificate.read_text().strip()


def over_implicit_tls(relay):
    return ssl.get_server_certificate(("127.0.0.1", relay.implicit), timeout=300).strip()


def over_starttls(relay):
    with smtplib.SMTP("127.0.0.1", relay.starttls, timeout=300) as client:
        client.starttls(context=ssl._create_unverified_context())
        return ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(True)).strip()


def admitted(port):
    """A session, or None for a connection answered 421."""
    try:
        return smtplib.SMTP("127.0.0.1", port, timeout=300)
    except smtplib.SMTPConnectError as refused:
        check(refused.smtp_code == 421, f"port {port}: {refused}")
        return None


def reload(relay, change):
    """`change` is applied to the configuration's text; returns when the relay has said what came of it."""
    log = relay.folder / "log"
    before = log.read_text().count(" reload")
    relay.config.write_text(change(relay.config.read_text()))
    relay.process.send_signal(signal.SIGHUP)
    wait_until(lambda: log.read_text().count(" reload") > before, "the configuration is read again")


def run(context):
    context.folder.mkdir(exist_ok=True)
    first, first_pem = make_certificate(context.folder, "first")
    second, second_pem = make_certificate(context.folder, "second")
    relay = context.relay(extra=first)
    relay.start()
    open_session = smtplib.SMTP("127.0.0.1", relay.plain, timeout=300)
    check(over_implicit_tls(relay) == first_pem and over_starttls(relay) == first_pem, "the first certificate")

    reload(relay, lambda text: text.replace(first, second))
    check(over_implicit_tls(relay) == second_pem, "implicit TLS shows the second certificate")
    check(over_starttls(relay) == second_pem, "STARTTLS shows the second certificate")
    check(open_session.noop()[0] == 250, "the session that was open goes on")

    missing = second.replace("second.crt", "missing.crt")
    reload(relay, lambda text: text.replace(second, missing))
    check("reload_failed" in (relay.folder / "log").read_text(), "a certificate that is not there is told")
    check(over_implicit_tls(relay) == second_pem, "the certificate in force stays")

    # A log that was rotated is let go of whatever the configuration says.
    log = relay.folder / "log"
    log.rename(relay.folder / "log.1")
    sound = relay.config.read_text()
    relay.config.write_text("max_conections = 2\n" + sound)
    relay.process.send_signal(signal.SIGHUP)
    wait_until(lambda: log.exists() and "reload_failed what=configuration" in log.read_text(), "the rotated log is let go of")
    relay.config.write_text(sound)

    # Two in all: one on one listener, one on another, and the third is refused on any.
    reload(relay, lambda text: text.replace(missing, second + "max_connections = 2\n"))
    # The connections above may be counted for a moment longer than they live.
    other_session = wait_until(lambda: admitted(relay.starttls), "a second connection is admitted")
    for port in (relay.plain, relay.starttls, relay.plain):
        check(admitted(port) is None, f"a third connection on port {port} is refused")
    other_session.quit()
    open_session.quit()
