// The body of POST /v1/emails, in the Resend API's shape → a mail to compose, its envelope and its summary; or the field that is
// wrong. Pure. Fields that Resend has and Postern has not are refused by name rather than passed over.
#pragma once

#include "api/api.h"
#include "core/envelope.h"
#include "core/refusals.h"
#include "mime/message_composer.h"
#include "store/records.h"

#include <boost/json/value.hpp>

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace postern::api {

inline constexpr std::size_t kMaxBatchEmails = 100;         // Resend's
inline constexpr std::size_t kMaxTags = 75;                 // Resend's
inline constexpr std::size_t kMaxTagOctets = 256;           // Resend's; of a name and of a value
inline constexpr std::size_t kMaxAttachments = 100;         // each is a part to be walked over by every reader
inline constexpr std::size_t kMaxCustomHeaders = 50;        // above what any list or tracker sets
inline constexpr std::size_t kMaxHeaderNameOctets = 76;     // so that a name and a part of its value fit one line
inline constexpr std::size_t kMaxHeaderValueCharacters = 32'768;  // References of 200 long ids; one field, not the whole header
inline constexpr std::size_t kMaxUnfoldableOctets = 900;    // without a blank: a line can hold it (RFC 5322 §2.1.1)
inline constexpr std::size_t kMaxSubjectCharacters = 900;   // above what any list or phone shows
inline constexpr std::size_t kMaxDisplayNameOctets = 320;   // quoted, with its address, it fits a line
inline constexpr std::size_t kMaxFilenameCharacters = 255;  // what file systems take
inline constexpr std::size_t kMaxContentIdCharacters = 128;    // Resend's
inline constexpr std::size_t kMaxContentTypeCharacters = 512;  // RFC 6838 §4.2: 127 for both halves; the rest for parameters
inline constexpr std::size_t kMaxRunCharacters = 255;       // of a run's name: what any client gives as a user name
inline constexpr std::size_t kMaxAddressFieldEntries = 1'000;  // of `reply_to`; recipients have the server's own bound

struct EmailRequest {
  mime::OutgoingMail mail;
  std::vector<Mailbox> recipients;  // of to, cc and bcc, in this order, each address once
  // Where bounces go; nullopt: nowhere. By default the sender's address, or else the author's.
  std::optional<Mailbox> reverse_path;
  Notify notify;    // of every recipient (RFC 3461 §4.1)
  std::optional<Hold> hold = {};  // `scheduled_at`
  std::string run;  // of a test key: the test run; may be empty
  store::MessageSummary summary;
};

// What is wrong and where: "to[1]: …".
struct EmailFault {
  std::variant<ApiProblem, Refusal> kind;
  std::string detail;

  ApiResponse response() const;
};

struct EmailLimits {
  std::size_t max_recipients = 1000;
  bool takes_attachments = true;
};

using EmailRequestOrFault = std::variant<EmailRequest, EmailFault>;
EmailRequestOrFault parse_email_request(const boost::json::value& body, const EmailLimits& limits);

// An object's field as addresses: a string or a list of strings; absent or null: none. For `from`: exactly one.
using AddressesOrFault = std::variant<std::vector<mime::NamedMailbox>, EmailFault>;
AddressesOrFault parse_addresses(const boost::json::object& body, std::string_view field, std::size_t max_entries);
// "from": one address.
std::variant<mime::NamedMailbox, EmailFault> parse_sender(const boost::json::object& body);

// `scheduled_at`: "2026-11-21T09:30:00Z", or "in 10 minutes". nullopt: neither.
std::optional<Hold> parse_schedule(std::string_view text);

// What is wrong with a header field's name or value as such; nullopt: nothing.
std::optional<std::string> header_fault(std::string_view name, std::string_view value);

}  // namespace postern::api
