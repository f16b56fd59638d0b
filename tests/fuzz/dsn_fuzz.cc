// Any next hop's words and any client's DSN parameters into a delivery report: whole lines of a bounded length, nothing that the
// words could have begun: no field, no part. By lines: parameters of MAIL, of RCPT, a forward-path, who spoke, and what it said.
#include "mime/header_scan.h"
#include "relay/dsn.h"
#include "smtp/parameters.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <string>

namespace postern::fuzz {
namespace {

constexpr Instant kReported{std::chrono::seconds(1'767'607'200)};
constexpr std::size_t kMaxLineOctets = 998;  // RFC 5322 §2.1.1

Envelope envelope_from(std::string_view& input) {
  Envelope envelope;
  envelope.reverse_path = Mailbox{"a", "example.org"};
  auto parameters = smtp::parse_mail_parameters(take_line(input));
  if (auto* sound = std::get_if<EnvelopeParameters>(&parameters)) envelope.parameters = *sound;
  Recipient recipient{Mailbox{"r", "example.net"}, {}, ""};
  Recipient asked = recipient;
  if (!smtp::parse_rcpt_parameters(take_line(input), asked)) recipient = asked;
  const PathParse path = parse_forward_path(take_line(input), true);
  if (!path.error && path.mailbox && !path.mailbox->domain.empty()) recipient.mailbox = *path.mailbox;
  envelope.recipients.push_back(recipient);
  return envelope;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

void check_report_lines(std::string_view report) {
  while (!report.empty()) {
    const std::size_t end = report.find("\r\n");
    POSTERN_CHECK(end != std::string_view::npos && end <= kMaxLineOctets);
    POSTERN_CHECK(report.substr(0, end).find_first_of("\r\n") == std::string_view::npos);
    report.remove_prefix(end + 2);
  }
}

}  // namespace

POSTERN_FUZZ(dsn) {
  const std::uint8_t choice = take_octet(input);
  const Envelope envelope = envelope_from(input);
  relay::DsnRecipient recipient{&envelope.recipients.front(), static_cast<relay::DsnAction>(choice & 3U), {}, "", false, {}};
  recipient.is_own_word = (choice & 4U) != 0;
  recipient.remote = take_line(input);
  recipient.status = {static_cast<std::uint16_t>(400 + choice % 200), std::nullopt, std::string(input)};
  if (recipient.action == relay::DsnAction::Delayed) recipient.retry_until = kReported;
  static_cast<void>(relay::owes_dsn(envelope, 0, recipient.action));

  relay::DsnFacts facts;
  facts.hostname = "mail.example";
  facts.now = facts.arrived = kReported;
  facts.envelope = &envelope;
  facts.recipients.push_back(recipient);
  facts.returned = "Subject: x\r\n";
  const std::string report = relay::format_dsn(facts);
  check_report_lines(report);
  mime::HeaderScan header;
  header.feed(report);
  POSTERN_CHECK(header.has_empty_line() && header.count("Content-Type") == 1 && header.count("To") == 1);
  for (const std::string_view field : {"\r\nFinal-Recipient:", "\r\nAction:", "\r\nStatus:", "\r\nReporting-MTA:"}) {
    POSTERN_CHECK(count_of(report, field) == 1);
  }
  POSTERN_CHECK(count_of(report, "\r\nContent-Transfer-Encoding:") == 4);
}

}  // namespace postern::fuzz
