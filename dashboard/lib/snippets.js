// Lines to copy: the same message, sent in the ways people send. Host, port, encryption and key are filled in.

import { shellWord } from './format.js';

/**
 * @typedef {{host: string, port: number, tls: 'none' | 'starttls' | 'implicit', key: string, from: string, to: string, origin: string}} Place
 *   key: empty where it is not known any more; then the lines read it from the environment variable POSTERN_KEY
 */

/**
 * As a string of JavaScript, Java or Go; of Python and Ruby too.
 * @param {string} text
 */
const q = (text) => JSON.stringify(text);
/**
 * Of PHP, which would look into a double-quoted one.
 * @param {string} text
 */
const single = (text) => `'${text.replace(/(['\\])/g, '\\$1')}'`;

/**
 * The key as an expression of the language.
 * @param {Place} p
 * @param {string} otherwise
 */
const secret = (p, otherwise) => (p.key ? q(p.key) : otherwise);
/**
 * In a file that knows no variables.
 * @param {Place} p
 */
const plain = (p) => p.key || 'YOUR_KEY';

/** @type {{id: string, title: string, file: string, make: (p: Place) => string}[]} */
export const SNIPPETS = [
  {
    id: 'curl',
    title: 'curl',
    file: 'a shell',
    make: (p) => `printf 'From: ${p.from}\\r\\nTo: ${p.to}\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n' |
  curl ${p.tls === 'implicit' ? 'smtps' : 'smtp'}://${p.host}:${p.port} ${p.tls === 'starttls' ? '--ssl-reqd ' : ''}--user ${p.key ? shellWord(`first:${p.key}`) : '"first:$POSTERN_KEY"'} \\
    --mail-from ${shellWord(p.from)} --mail-rcpt ${shellWord(p.to)} -T -`,
  },
  {
    id: 'http',
    title: 'HTTP',
    file: 'a shell',
    make: (p) => `curl ${p.origin}/v1/emails \\
  -H "Authorization: Bearer ${p.key || '$POSTERN_KEY'}" -H 'Content-Type: application/json' \\
  -d '${JSON.stringify({ from: p.from, to: p.to, subject: 'Hello', text: 'It works.' })}'`,
  },
  {
    id: 'swaks',
    title: 'swaks',
    file: 'a shell',
    make: (
      p,
    ) => `swaks --server ${p.host}:${p.port} ${p.tls === 'starttls' ? '--tls ' : p.tls === 'implicit' ? '--tlsc ' : ''}--auth PLAIN \\
  --auth-user first --auth-password ${p.key ? shellWord(p.key) : '"$POSTERN_KEY"'} --from ${p.from} --to ${p.to} \\
  --header 'Subject: Hello' --body 'It works.'`,
  },
  {
    id: 'python',
    title: 'Python',
    file: 'hello.py',
    make: (p) => `${p.key ? '' : 'import os\n'}import smtplib
${p.tls === 'none' ? '' : 'import ssl\n'}from email.message import EmailMessage

message = EmailMessage()
message["From"] = ${q(p.from)}
message["To"] = ${q(p.to)}
message["Subject"] = "Hello"
message.set_content("It works.\\n")

with smtplib.SMTP${p.tls === 'implicit' ? '_SSL' : ''}(${q(p.host)}, ${p.port}${p.tls === 'implicit' ? ', context=ssl.create_default_context()' : ''}) as smtp:
${p.tls === 'starttls' ? '    smtp.starttls(context=ssl.create_default_context())\n' : ''}    smtp.login("first", ${secret(p, 'os.environ["POSTERN_KEY"]')})
    smtp.send_message(message)`,
  },
  {
    id: 'node',
    title: 'Node.js',
    file: 'hello.js',
    make: (p) => `const nodemailer = require("nodemailer");

const transport = nodemailer.createTransport({
  host: ${q(p.host)},
  port: ${p.port},
  secure: ${p.tls === 'implicit'},${p.tls === 'starttls' ? '\n  requireTLS: true,' : ''}
  auth: { user: "first", pass: ${secret(p, 'process.env.POSTERN_KEY')} },
});
transport.sendMail({ from: ${q(p.from)}, to: ${q(p.to)}, subject: "Hello", text: "It works." })
  .then((info) => console.log(info.response));`,
  },
  {
    id: 'php',
    title: 'PHP',
    file: 'hello.php',
    make: (p) => `<?php
require 'vendor/autoload.php';

$mail = new PHPMailer\\PHPMailer\\PHPMailer(true);
$mail->isSMTP();
$mail->Host = ${single(p.host)};
$mail->Port = ${p.port};${p.tls === 'none' ? '' : `\n$mail->SMTPSecure = '${p.tls === 'implicit' ? 'ssl' : 'tls'}';`}
$mail->SMTPAuth = true;
$mail->Username = 'first';
$mail->Password = ${p.key ? single(p.key) : "getenv('POSTERN_KEY')"};
$mail->setFrom(${single(p.from)});
$mail->addAddress(${single(p.to)});
$mail->Subject = 'Hello';
$mail->Body = 'It works.';
$mail->send();`,
  },
  {
    id: 'java',
    title: 'Java',
    file: 'Hello.java',
    make: (p) => `import jakarta.mail.*;
import jakarta.mail.internet.*;
import java.util.Properties;

public class Hello {
  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.put("mail.smtp.host", ${q(p.host)});
    properties.put("mail.smtp.port", "${p.port}");
    properties.put("mail.smtp.auth", "true");${p.tls === 'starttls' ? '\n    properties.put("mail.smtp.starttls.required", "true");' : ''}${p.tls === 'implicit' ? '\n    properties.put("mail.smtp.ssl.enable", "true");' : ''}
    MimeMessage message = new MimeMessage(Session.getInstance(properties));
    message.setFrom(new InternetAddress(${q(p.from)}));
    message.setRecipients(Message.RecipientType.TO, ${q(p.to)});
    message.setSubject("Hello");
    message.setText("It works.");
    Transport.send(message, "first", ${secret(p, 'System.getenv("POSTERN_KEY")')});
  }
}`,
  },
  {
    id: 'go',
    title: 'Go',
    file: 'hello.go',
    make: (p) =>
      p.tls === 'implicit'
        ? `// net/smtp begins TLS with STARTTLS only: choose that port above.`
        : `package main

import (
	"log"
	"net/smtp"${p.key ? '' : '\n\t"os"'}
)

func main() {
	auth := smtp.PlainAuth("", "first", ${secret(p, 'os.Getenv("POSTERN_KEY")')}, ${q(p.host)})
	message := "From: ${p.from}\\r\\nTo: ${p.to}\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n"
	err := smtp.SendMail("${p.host}:${p.port}", auth, ${q(p.from)}, []string{${q(p.to)}}, []byte(message))
	if err != nil {
		log.Fatal(err)
	}
}`,
  },
  {
    id: 'django',
    title: 'Django',
    file: 'settings.py',
    make: (p) => `${p.key ? '' : 'import os\n\n'}EMAIL_HOST = ${q(p.host)}
EMAIL_PORT = ${p.port}
EMAIL_USE_TLS = ${p.tls === 'starttls' ? 'True' : 'False'}
EMAIL_USE_SSL = ${p.tls === 'implicit' ? 'True' : 'False'}
EMAIL_HOST_USER = "first"
EMAIL_HOST_PASSWORD = ${secret(p, 'os.environ["POSTERN_KEY"]')}
DEFAULT_FROM_EMAIL = ${q(p.from)}
# then: python manage.py sendtestemail ${p.to}`,
  },
  {
    id: 'rails',
    title: 'Rails',
    file: 'config/environments/development.rb',
    make: (p) => `config.action_mailer.delivery_method = :smtp
config.action_mailer.smtp_settings = {
  address: ${q(p.host)},
  port: ${p.port},
  user_name: "first",
  password: ${secret(p, 'ENV["POSTERN_KEY"]')},
  authentication: :plain,
  ${p.tls === 'implicit' ? 'tls: true' : `enable_starttls: ${p.tls === 'starttls'}`}
}
config.action_mailer.default_options = { from: ${q(p.from)} }`,
  },
  {
    id: 'msmtp',
    title: 'msmtp',
    file: '~/.msmtprc (chmod 600)',
    make: (p) => `account default
host ${p.host}
port ${p.port}
from ${p.from}
auth plain
user first
password ${plain(p)}
tls ${p.tls === 'none' ? 'off' : 'on'}${p.tls === 'implicit' ? '\ntls_starttls off' : ''}

# then: printf 'To: ${p.to}\\nSubject: Hello\\n\\nIt works.\\n' | msmtp ${p.to}`,
  },
  {
    id: 'postfix',
    title: 'Postfix',
    file: '/etc/postfix/main.cf',
    make: (p) => `# A null client: everything that this machine sends goes out through the relay.
relayhost = [${p.host}]:${p.port}
inet_interfaces = loopback-only
mydestination =
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = static:first:${plain(p)}
smtp_sasl_security_options = noanonymous
smtp_tls_security_level = ${p.tls === 'none' ? 'none' : 'encrypt'}${p.tls === 'implicit' ? '\nsmtp_tls_wrappermode = yes' : ''}
# then: postfix reload`,
  },
];
