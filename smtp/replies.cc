#include "smtp/replies.h"

#include <array>

namespace postern::smtp {
namespace {

using namespace replies;

constexpr std::array<const Reply*, 28> kCatalogue = {
    &k214_2_0_0_help,           &k220_2_0_0_ready_for_tls,    &k221_2_0_0_bye,
    &k235_2_7_0_authenticated,  &k250_2_0_0_ok,               &k250_2_1_0_sender_ok,
    &k250_2_1_5_recipient_ok,   &k252_2_1_5_cannot_verify,    &k354_send_content,
    &k421_4_4_2_timeout,        &k421_4_7_0_too_many_errors,  &k421_4_7_0_too_much_junk,
    &k454_4_7_0_tls_unavailable, &k500_5_5_1_unknown_command, &k500_5_5_2_bad_line,
    &k500_5_5_6_line_too_long,  &k501_5_5_2_bad_base64,       &k501_5_5_4_bad_argument,
    &k501_5_5_4_bad_parameter,  &k501_5_7_0_auth_cancelled,   &k502_5_5_1_not_smtp,
    &k502_5_5_1_not_offered,    &k503_5_5_1_bad_sequence,     &k503_5_5_1_no_recipients,
    &k504_5_5_4_unknown_mechanism, &k553_5_6_7_needs_smtputf8, &k554_5_6_0_bad_content,
    &k555_5_5_4_unknown_parameter};

}  // namespace

std::span<const Reply* const> reply_catalogue() { return kCatalogue; }

Status to_status(const Reply& reply) {
  return Status{reply.code, parse_enhanced_code(reply.enhanced), std::string(reply.text)};
}

void append_reply(std::string& output, const Reply& reply) {
  output.append(std::to_string(reply.code)).push_back(' ');
  if (!reply.enhanced.empty()) output.append(reply.enhanced).push_back(' ');
  output.append(reply.text).append("\r\n");
}

void append_reply(std::string& output, const Status& status) { output.append(format_status(status)).append("\r\n"); }

void append_multiline_reply(std::string& output, std::uint16_t code, const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    output.append(std::to_string(code)).push_back(i + 1 < lines.size() ? '-' : ' ');
    output.append(lines[i]).append("\r\n");
  }
}

}  // namespace postern::smtp
