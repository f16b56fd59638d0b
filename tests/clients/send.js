const { createTransport } = require('nodemailer');
const transport = createTransport({
  host: '127.0.0.1', port: Number(process.env.SMTP_PORT), ignoreTLS: true,
  connectionTimeout: 20_000, greetingTimeout: 20_000, socketTimeout: 20_000,
  auth: { user: process.env.SMTP_USER, pass: process.env.SMTP_PASSWORD } });
transport.sendMail({ from: 'app@example.com', to: ['ann@example.org', 'bob@example.org'], subject: 'Hello', text: 'Hello' })
  .then((info) => console.log('refused:', info.rejected))
  .catch((error) => { console.log(error.message); process.exit(1); });
