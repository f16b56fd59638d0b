// A message that a program hands over: what it wrote → envelope and content as a relay takes them. Pure.
// Programs write "root" where they mean an address, no From, no Date, and lines that end with LF: that is completed here.
#pragma once

#include "core/clock.h"
#include "core/mailbox.h"
#include "core/result.h"
#include "sendmail/words.h"

#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::sendmail {

// The relay's own default for max_message_octets: what is bigger is refused there.
inline constexpr std::size_t kMaxLetterOctets = 52'428'800;
// RFC 5321 §4.5.3.1.8 asks for 100 at least; the relay's default.
inline constexpr std::size_t kMaxRecipients = 1'000;

struct Letter {
  std::string id;     // a MessageId; names it in the outbox and is its Idempotency-Key: what is sent twice is taken once
  unsigned part = 1;  // goes up when some of the recipients have it: the rest are another submission
  std::optional<Mailbox> sender{};  // nullopt: the null reverse-path
  std::vector<Mailbox> recipients{};
  std::string content{};  // lines end with CR LF

  friend bool operator==(const Letter&, const Letter&) = default;
};

// Who writes, and what completes an address without a domain.
struct Writer {
  std::string login;            // "www-data"
  std::string full_name{};      // empty: none
  std::string domain{};         // "web1.example.org"
  std::string local_mail_to{};  // an address that gets what is for "root" and the like; empty: root@domain
};

// Until the end, or a line of one dot unless `ignores_dots`. LimitExceeded: more than kMaxLetterOctets.
Result<std::string> read_input(std::istream& in, bool ignores_dots);

// `text` as the program wrote it; `id` names it. InvalidArgument: there is no recipient, an address that is none, too many;
// Malformed: the header section is too big.
Result<Letter> make_letter(std::string_view text, const Call& call, const Writer& writer, std::string id, Instant now);

// What is sent: the content with the field that lets the relay know it again.
std::string content_to_send(const Letter& letter);

}  // namespace postern::sendmail
