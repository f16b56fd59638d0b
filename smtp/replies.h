// Every reply of the protocol itself, named code first, with its source. What refuses by a rule of the product comes from
// core/refusals instead. Both kinds of refusal begin their text with a token. No reply ever repeats an octet that the client sent.
#pragma once

#include "core/status.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::smtp {

// Literals only. What a verdict says is a Status instead.
struct FixedReply {
  std::uint16_t code;
  std::string_view enhanced;  // empty where RFC 2034 §4 allows none
  std::string_view text;
  std::string_view source;    // for the docs
};

namespace replies {
inline constexpr FixedReply k214_2_0_0_help{214, "2.0.0", "Submission relay: EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, BDAT, QUIT",
                                            "RFC 5321 §4.1.1.8"};
inline constexpr FixedReply k220_2_0_0_ready_for_tls{220, "2.0.0", "Ready to start TLS", "RFC 3207 §4"};
inline constexpr FixedReply k221_2_0_0_bye{221, "2.0.0", "Goodbye", "RFC 5321 §4.1.1.10"};
inline constexpr FixedReply k235_2_7_0_authenticated{235, "2.7.0", "Authenticated", "RFC 4954 §6"};
inline constexpr FixedReply k250_2_0_0_ok{250, "2.0.0", "OK", "RFC 5321 §4.2.3"};
inline constexpr FixedReply k250_2_1_0_sender_ok{250, "2.1.0", "Sender accepted", "RFC 5321 §4.1.1.2"};
inline constexpr FixedReply k250_2_1_5_recipient_ok{250, "2.1.5", "Recipient accepted", "RFC 5321 §4.1.1.3"};
inline constexpr FixedReply k252_2_5_0_cannot_verify{252, "2.5.0", "Not verified; send the message and see", "RFC 5321 §3.5.3"};
inline constexpr FixedReply k354_send_content{354, "", "Send the message, end with a dot on a line of its own",
                                              "RFC 5321 §4.1.1.4"};
inline constexpr FixedReply k421_4_4_2_timeout{421, "4.4.2", "timeout: Nothing came for too long", "RFC 5321 §4.5.3.2"};
inline constexpr FixedReply k421_4_7_0_proxies_only{421, "4.7.0", "proxies_only: This port serves proxies only: connect to another",
                                                    "our reason: proxy_networks"};
inline constexpr FixedReply k421_4_7_0_too_many_errors{421, "4.7.0", "too_many_errors: Too many errors", "RFC 5321 §4.3.2"};
inline constexpr FixedReply k421_4_7_0_too_much_junk{421, "4.7.0", "too_much_junk: Too many commands without a message",
                                                     "RFC 5321 §4.3.2"};
inline constexpr FixedReply k500_5_5_1_unknown_command{500, "5.5.1", "unknown_command: Command not recognised", "RFC 5321 §4.2.4"};
inline constexpr FixedReply k500_5_5_2_bad_line{500, "5.5.2", "bad_line: A line holds a NUL, or a CR or LF on its own",
                                                "RFC 5321 §2.3.8"};
inline constexpr FixedReply k500_5_5_6_line_too_long{500, "5.5.6", "line_too_long: Line too long",
                                                     "RFC 5321 §4.5.3.1.4, RFC 4954 §4"};
inline constexpr FixedReply k501_5_5_2_bad_base64{501, "5.5.2", "invalid_base64: Not valid base64", "RFC 4954 §4"};
inline constexpr FixedReply k501_5_5_4_bad_argument{501, "5.5.4", "invalid_argument: Syntax error in the argument",
                                                    "RFC 5321 §4.2.2"};
inline constexpr FixedReply k501_5_5_4_bad_parameter{501, "5.5.4", "invalid_parameter: A parameter has a bad value or stands twice",
                                                     "RFC 5321 §4.1.1.11"};
// RFC 2034 §4: no enhanced code in any reply to EHLO or HELO.
inline constexpr FixedReply k501_bad_helo{501, "", "invalid_helo: Give your name", "RFC 5321 §4.1.1.1"};
inline constexpr FixedReply k501_5_7_0_auth_cancelled{501, "5.7.0", "auth_cancelled: Authentication cancelled", "RFC 4954 §4"};
inline constexpr FixedReply k502_5_5_1_not_smtp{502, "5.5.1", "not_smtp: This is an SMTP server",
                                                "our reason: cross-protocol requests"};
inline constexpr FixedReply k502_5_5_1_not_offered{502, "5.5.1", "not_offered: Command not offered", "RFC 5321 §4.2.4"};
inline constexpr FixedReply k503_5_5_1_ehlo_first{503, "5.5.1", "bad_sequence: Send EHLO first", "RFC 5321 §4.1.4"};
inline constexpr FixedReply k503_5_5_1_in_transaction{503, "5.5.1", "bad_sequence: Not within a transaction",
                                                      "RFC 5321 §4.1.4, RFC 4954 §4"};
inline constexpr FixedReply k503_5_5_1_mail_first{503, "5.5.1", "bad_sequence: Send MAIL first", "RFC 5321 §4.1.4"};
inline constexpr FixedReply k503_5_5_1_rcpt_first{503, "5.5.1", "bad_sequence: Send RCPT first", "RFC 5321 §4.1.4"};
inline constexpr FixedReply k503_5_5_1_after_bdat{503, "5.5.1", "bad_sequence: Not after BDAT: send the next chunk or RSET",
                                                  "RFC 3030 §2"};
inline constexpr FixedReply k503_5_5_1_already_tls{503, "5.5.1", "bad_sequence: TLS is active already", "RFC 3207 §4.2"};
inline constexpr FixedReply k503_5_5_1_already_authenticated{503, "5.5.1", "bad_sequence: Authenticated already", "RFC 4954 §4"};
inline constexpr FixedReply k504_5_5_4_unknown_mechanism{
    504, "5.5.4", "unknown_mechanism: Mechanism not offered: PLAIN and LOGIN are", "RFC 4954 §4"};
// RFC 3207 §4: the reply where TLS is required; the token is the one AUTH gets for the same reason.
inline constexpr FixedReply k530_5_7_0_starttls_first{530, "5.7.0", "tls_required: send STARTTLS first", "RFC 3207 §4"};
inline constexpr FixedReply k553_5_6_7_needs_smtputf8{
    553, "5.6.7", "smtputf8_required: The address needs SMTPUTF8, or holds characters that no address may", "RFC 6531 §3.5"};
inline constexpr FixedReply k554_5_5_1_no_valid_recipients{554, "5.5.1", "no_valid_recipients: No recipient was accepted",
                                                           "RFC 5321 §3.3"};
inline constexpr FixedReply k555_5_5_4_unknown_parameter{555, "5.5.4", "unknown_parameter: Parameter not recognised",
                                                         "RFC 5321 §4.1.1.11"};
}  // namespace replies

// Of a refusal: what stands before the colon of its text, for metrics and logs.
std::string_view token_of(const FixedReply& reply);

// All of them, for the docs.
std::span<const FixedReply* const> reply_catalogue();

Status to_status(const FixedReply& reply);

// One line with CRLF.
void append_reply(std::string& output, const FixedReply& reply);
// What a verdict says. Octets outside printable ASCII become '?', and a text that does not fit into one line (RFC 5321
// §4.5.3.1.5) is folded into several, each with the enhanced code (RFC 2034 §4).
void append_reply(std::string& output, const Status& status);
// "code-line … code line": the EHLO reply; no enhanced codes (RFC 2034 §4).
void append_multiline_reply(std::string& output, std::uint16_t code, const std::vector<std::string>& lines);

}  // namespace postern::smtp
