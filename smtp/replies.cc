// The catalogue, and the form of replies on the wire (RFC 5321 §4.2).
#include "smtp/replies.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace postern::smtp {
namespace {

using namespace replies;

constexpr std::array kCatalogue = {
    &k214_2_0_0_help,
    &k220_2_0_0_ready_for_tls,
    &k221_2_0_0_bye,
    &k235_2_7_0_authenticated,
    &k250_2_0_0_ok,
    &k250_2_1_0_sender_ok,
    &k250_2_1_5_recipient_ok,
    &k252_2_5_0_cannot_verify,
    &k354_send_content,
    &k421_4_4_2_timeout,
    &k421_4_7_0_too_many_errors,
    &k421_4_7_0_too_much_junk,
    &k421_4_7_0_proxies_only,
    &k500_5_5_1_unknown_command,
    &k500_5_5_2_bad_line,
    &k500_5_5_6_line_too_long,
    &k501_5_5_2_bad_base64,
    &k501_5_5_4_bad_argument,
    &k501_5_5_4_bad_parameter,
    &k501_bad_helo,
    &k501_5_7_0_auth_cancelled,
    &k502_5_5_1_not_smtp,
    &k502_5_5_1_not_offered,
    &k503_5_5_1_ehlo_first,
    &k503_5_5_1_in_transaction,
    &k503_5_5_1_mail_first,
    &k503_5_5_1_rcpt_first,
    &k503_5_5_1_after_bdat,
    &k503_5_5_1_already_tls,
    &k503_5_5_1_already_authenticated,
    &k504_5_5_4_unknown_mechanism,
    &k530_5_7_0_starttls_first,
    &k553_5_6_7_needs_smtputf8,
    &k554_5_5_1_no_valid_recipients,
    &k555_5_5_4_unknown_parameter};

constexpr std::size_t kMaxLineOctets = 512;  // RFC 5321 §4.5.3.1.5, CRLF included
constexpr std::size_t kAroundTextOctets = 16;  // "550-", "5.999.999 " and CRLF

char printable(char c) { return c >= ' ' && c <= '~' ? c : '?'; }

// Where to cut `text` so that the line fits: behind its last blank if it has one.
std::size_t fold_point(std::string_view text) {
  constexpr std::size_t kRoom = kMaxLineOctets - kAroundTextOctets;
  if (text.size() <= kRoom) return text.size();
  const std::size_t blank = text.rfind(' ', kRoom - 1);
  return blank == std::string_view::npos || blank == 0 ? kRoom : blank + 1;
}

}  // namespace

std::span<const FixedReply* const> reply_catalogue() { return kCatalogue; }

std::string_view token_of(const FixedReply& reply) { return reply.text.substr(0, reply.text.find(':')); }

Status to_status(const FixedReply& reply) {
  return Status{reply.code, parse_enhanced_code(reply.enhanced), std::string(reply.text)};
}

void append_reply(std::string& output, const FixedReply& reply) {
  output.append(std::to_string(reply.code)).push_back(' ');
  if (!reply.enhanced.empty()) output.append(reply.enhanced).push_back(' ');
  output.append(reply.text).append("\r\n");
}

void append_reply(std::string& output, const Status& status) {
  const std::string code = std::to_string(status.code);
  const std::string enhanced = status.enhanced ? format_enhanced_code(*status.enhanced) + ' ' : "";
  std::string_view rest = status.text;
  do {
    const std::string_view part = rest.substr(0, fold_point(rest));
    rest.remove_prefix(part.size());
    output.append(code).append(rest.empty() ? " " : "-").append(enhanced);
    std::transform(part.begin(), part.end(), std::back_inserter(output), printable);
    output.append("\r\n");
  } while (!rest.empty());
}

void append_multiline_reply(std::string& output, std::uint16_t code, const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    output.append(std::to_string(code)).push_back(i + 1 < lines.size() ? '-' : ' ');
    output.append(lines[i]).append("\r\n");
  }
}

}  // namespace postern::smtp
