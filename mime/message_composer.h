// A mail given by its parts → RFC 5322 and MIME. All of the content comes from an API client: the caller has checked that no
// field holds a control character, and whatever it does hold is encoded here, so that it can make no header field of its own.
#pragma once

#include "core/mailbox.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::mime {

struct NamedMailbox {
  std::string name;  // UTF-8, may be empty
  Mailbox mailbox;
};

struct OutgoingAttachment {
  std::string filename;      // UTF-8, may be empty
  std::string content_type;  // "type/subtype", also with parameters; empty: by the file name's extension
  std::string content_id;    // without angle brackets; not empty: shown within the HTML part
  std::string content;       // any octets
};

// Requires: valid UTF-8 without controls everywhere but in `text` and `html` (line ends of any kind, no NUL) and an attachment's
// content; header names of printable ASCII without a colon; at least one of `text` and `html`.
struct OutgoingMail {
  NamedMailbox from;
  std::optional<NamedMailbox> sender;  // who sent it in the author's place
  std::vector<NamedMailbox> to;
  std::vector<NamedMailbox> cc;
  std::vector<NamedMailbox> reply_to;
  std::string subject;
  std::optional<std::string> text;
  std::optional<std::string> html;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<OutgoingAttachment> attachments;
};

// Lines end with CR LF and hold at most 998 octets (RFC 5322 §2.1.1); 7-bit, but for addresses with a UTF-8 local part
// (RFC 6532). Without Date and Message-ID, which the submission adds, and the same octets for the same mail at any time: the
// boundaries are digests. Any thread.
std::string compose_mail(const OutgoingMail& mail);

// "Name <local@domain>", "local@domain" as an API client writes it. The domain becomes A-labels where IDNA takes it, so that only
// a UTF-8 local part needs SMTPUTF8. nullopt: no address, or a control character.
std::optional<NamedMailbox> parse_named_mailbox(std::string_view text);
// The reverse, for people: not encoded.
std::string format_named_mailbox(const NamedMailbox& mailbox);

}  // namespace postern::mime
