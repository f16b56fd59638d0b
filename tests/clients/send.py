import os
import smtplib

with smtplib.SMTP("127.0.0.1", int(os.environ["SMTP_PORT"]), timeout=20) as client:
    client.login(os.environ["SMTP_USER"], os.environ["SMTP_PASSWORD"])
    refused = client.sendmail("app@example.com", ["ann@example.org", "bob@example.org"],
                              "From: app@example.com\r\nTo: ann@example.org, bob@example.org\r\nSubject: Hello\r\n\r\nHello\r\n")
print("refused:", refused)
