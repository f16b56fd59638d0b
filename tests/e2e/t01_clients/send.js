// node send.js PORT MODE USER KEY FILE: sends FILE with nodemailer; prints the reply, or the refusal and exits 1.
const { createTransport } = require('nodemailer');
const fs = require('fs');
const [port, mode, user, key, file] = process.argv.slice(2);
const transport = createTransport({
  host: '127.0.0.1', port: Number(port), secure: mode === 'implicit',
  requireTLS: mode === 'starttls', ignoreTLS: mode === 'plain',
  tls: { rejectUnauthorized: false }, greetingTimeout: 300_000, connectionTimeout: 300_000, auth: { user, pass: key },
});
transport.sendMail({ envelope: { from: 'sender@example.org', to: ['someone@example.net'] }, raw: fs.readFileSync(file) })
  .then((info) => console.log(info.response))
  .catch((error) => { console.log(error.response || String(error)); process.exit(1); });
