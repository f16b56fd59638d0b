"""A small application that sends mail: what docs/testing.md tests. It reads where to send from its environment, as most do."""

import email.message
import os
import secrets
import smtplib

RETURN_PATH = "bounces@shop.example"


def send(to, subject, text, html=None):
    message = email.message.EmailMessage()
    message["From"] = "Shop <hello@shop.example>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])) as server:
        server.login(os.environ["SMTP_USER"], os.environ["SMTP_PASS"])
        server.send_message(message, from_addr=RETURN_PATH, to_addrs=[to])


class Shop:
    def __init__(self):
        self.codes = {}
        self.confirmed = set()
        self.unreachable = set()

    def sign_up(self, address):
        code = self.codes[address] = f"{secrets.randbelow(10**6):06}"
        send(address, "Confirm your address", f"Your code is {code}.\n",
             f"<p>Your code is <b>{code}</b>.</p>")

    def confirm(self, address, code):
        if self.codes.get(address) == code:
            self.confirmed.add(address)

    def reset_password(self, address):
        for _ in range(3):  # a server that says 4yz is asked again
            try:
                return send(address, "A new password", "Open https://shop.example/reset?token=" + secrets.token_hex(8) + "\n")
            except smtplib.SMTPResponseException as failure:
                if failure.smtp_code >= 500:
                    raise
        raise RuntimeError("the server is busy")

    def read_bounce(self, recipient):
        """What the mailbox behind the return path is for."""
        self.unreachable.add(recipient)
