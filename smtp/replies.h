// Every reply of the server that carries no refusal token, named code first, with its source. What refuses by a rule of the
// product comes from core/refusals instead. No reply ever repeats an octet that the client sent.
#pragma once

#include "core/status.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::smtp {

struct Reply {
  std::uint16_t code;
  std::string_view enhanced;  // empty where RFC 2034 §4 allows none
  std::string_view text;
  std::string_view source;    // for the docs
};

namespace replies {
inline constexpr Reply k214_2_0_0_help{214, "2.0.0", "Submission relay: EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, QUIT", "RFC 5321 §4.1.1.8"};
inline constexpr Reply k220_2_0_0_ready_for_tls{220, "2.0.0", "Ready to start TLS", "RFC 3207 §4"};
inline constexpr Reply k221_2_0_0_bye{221, "2.0.0", "Goodbye", "RFC 5321 §4.1.1.10"};
inline constexpr Reply k235_2_7_0_authenticated{235, "2.7.0", "Authenticated", "RFC 4954 §6"};
inline constexpr Reply k250_2_0_0_ok{250, "2.0.0", "OK", "RFC 5321 §4.2.3"};
inline constexpr Reply k250_2_1_0_sender_ok{250, "2.1.0", "Sender accepted", "RFC 5321 §4.1.1.2"};
inline constexpr Reply k250_2_1_5_recipient_ok{250, "2.1.5", "Recipient accepted", "RFC 5321 §4.1.1.3"};
inline constexpr Reply k252_2_1_5_cannot_verify{252, "2.1.5", "Not verified; send the message and see", "RFC 5321 §3.5.3"};
inline constexpr Reply k354_send_content{354, "", "Send the message, end with a dot on a line of its own", "RFC 5321 §4.1.1.4"};
inline constexpr Reply k421_4_4_2_timeout{421, "4.4.2", "Nothing came for too long", "RFC 5321 §4.5.3.2"};
inline constexpr Reply k421_4_7_0_too_many_errors{421, "4.7.0", "Too many errors", "RFC 5321 §4.3.2"};
inline constexpr Reply k421_4_7_0_too_much_junk{421, "4.7.0", "Too many commands without a message", "RFC 5321 §4.3.2"};
inline constexpr Reply k454_4_7_0_tls_unavailable{454, "4.7.0", "TLS is not available", "RFC 3207 §4"};
inline constexpr Reply k500_5_5_1_unknown_command{500, "5.5.1", "Command not recognised", "RFC 5321 §4.2.4"};
inline constexpr Reply k500_5_5_2_bad_line{500, "5.5.2", "A line holds a NUL, or a CR or LF on its own", "RFC 5321 §2.3.8"};
inline constexpr Reply k500_5_5_6_line_too_long{500, "5.5.6", "Line too long", "RFC 5321 §4.5.3.1.4, RFC 4954 §4"};
inline constexpr Reply k501_5_5_2_bad_base64{501, "5.5.2", "Not valid base64", "RFC 4954 §4"};
inline constexpr Reply k501_5_5_4_bad_argument{501, "5.5.4", "Syntax error in the argument", "RFC 5321 §4.2.2"};
inline constexpr Reply k501_5_5_4_bad_parameter{501, "5.5.4", "A parameter has a bad value or stands twice", "RFC 5321 §4.1.1.11"};
inline constexpr Reply k501_5_7_0_auth_cancelled{501, "5.7.0", "Authentication cancelled", "RFC 4954 §4"};
inline constexpr Reply k502_5_5_1_not_smtp{502, "5.5.1", "This is an SMTP server", "our reason: cross-protocol requests"};
inline constexpr Reply k502_5_5_1_not_offered{502, "5.5.1", "Command not offered", "RFC 5321 §4.2.4"};
inline constexpr Reply k503_5_5_1_bad_sequence{503, "5.5.1", "Not now: commands are out of order", "RFC 5321 §4.1.4"};
inline constexpr Reply k503_5_5_1_no_recipients{503, "5.5.1", "No recipient was accepted", "RFC 5321 §3.3"};
inline constexpr Reply k504_5_5_4_unknown_mechanism{504, "5.5.4", "Mechanism not offered: PLAIN and LOGIN are", "RFC 4954 §4"};
inline constexpr Reply k553_5_6_7_needs_smtputf8{553, "5.6.7", "The address needs SMTPUTF8, or holds characters that no address may", "RFC 6531 §3.5"};
inline constexpr Reply k554_5_6_0_bad_content{554, "5.6.0", "The message holds a NUL or a line longer than 65536 octets", "RFC 5321 §2.3.8, §4.5.3.1.6"};
inline constexpr Reply k555_5_5_4_unknown_parameter{555, "5.5.4", "Parameter not recognised", "RFC 5321 §4.1.1.11"};
}  // namespace replies

// All of them, for the docs.
std::span<const Reply* const> reply_catalogue();

Status to_status(const Reply& reply);

// One line with CRLF.
void append_reply(std::string& output, const Reply& reply);
void append_reply(std::string& output, const Status& status);
// "code-line … code line": the EHLO reply; no enhanced codes (RFC 2034 §4).
void append_multiline_reply(std::string& output, std::uint16_t code, const std::vector<std::string>& lines);

}  // namespace postern::smtp
