// What mailauth says of messages: a zone as JSON in the file that is named, one case a line on standard input, one answer a line on
// standard output. Its parts are asked one by one: the whole wants a newer Node.js than Debian 12's for logos (BIMI).
'use strict';

const fs = require('node:fs');
const readline = require('node:readline');
const { spf } = require('mailauth/lib/spf');
const { dkimVerify } = require('mailauth/lib/dkim/verify');
const { arc } = require('mailauth/lib/arc');
const { evaluateDmarc } = require('mailauth/lib/dmarc');

const zone = JSON.parse(fs.readFileSync(process.argv[2]));

function fail(code) {
  const error = new Error(code);
  error.code = code;
  throw error;
}

async function resolver(name, type) {
  const records = zone[name.toLowerCase().replace(/\.$/, '')];
  if (!records) fail('ENOTFOUND');
  const found = records[type];
  if (!found) fail('ENODATA');
  if (type === 'TXT') return found.map((text) => [text]);
  if (type === 'MX') return found.map((text) => ({ priority: Number(text.split(' ')[0]), exchange: text.split(' ')[1] }));
  return found;
}

async function judge(one) {
  const message = Buffer.from(one.message, 'base64');
  const common = { resolver, strict: true };
  const dkim = await dkimVerify(message, { ...common, sender: one.sender });
  const spfResult = one.ip ? await spf({ ...common, sender: one.sender, ip: one.ip, helo: one.helo, mta: 'mx.receiver.test' }) : null;
  const chain = await arc(dkim.arc, { ...common, ip: one.ip });
  const signatures = (dkim.results || []).filter((row) => row.status.result !== 'none');
  const { response: dmarc } = await evaluateDmarc({
    headerFrom: dkim.headerFrom,
    fromFields: dkim.fromFields,
    spfDomains: spfResult && spfResult.status.result === 'pass' ? [spfResult.domain] : [],
    dkimDomains: signatures.filter((row) => row.status.result === 'pass').map((row) => ({ id: row.id, domain: row.signingDomain })),
    arcResult: chain,
    ...common,
  });
  return {
    spf: spfResult ? spfResult.status.result : 'none',
    spf_why: spfResult ? spfResult.status.comment : '',
    dkim: signatures.map((row) => row.status.result),
    dkim_why: signatures.map((row) => row.status.comment),
    dmarc: dmarc ? dmarc.status.result : 'permerror',
    policy: dmarc && dmarc.policy ? dmarc.policy : 'none',
    arc: chain && chain.status ? chain.status.result : 'none',
    arc_why: chain && chain.status ? chain.status.comment : '',
  };
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = await judge(JSON.parse(line));
    } catch (error) {
      answer = { error: String(error.stack || error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

main();
