// What a failed attempt was about: one of a closed set, from what the next hop said. Suppression, events, metrics and people act
// on it; nothing that it says changes whether an attempt is repeated, which the reply code alone decides (RFC 5321 §4.2.1).
#pragma once

#include "core/status.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::relay {

// Never stored: derived from the status that is.
enum class FailureClass : std::uint8_t {
  Recipient,            // no such mailbox
  RecipientDisabled,    // the mailbox is there and closed: suspended, inactive
  RecipientMoved,
  RecipientDomain,      // no such domain, or one that takes no mail
  RecipientRestricted,  // the mailbox takes mail of some senders only
  RecipientFilter,      // refused after the content, or without a server's words: perhaps no such mailbox, perhaps a filter
  MailboxFull,
  MessageTooBig,
  Content,              // form: header, encoding, attachment
  Spam,
  Virus,
  Policy,
  Reputation,           // of the address or network that mail comes from: block lists
  Authentication,       // SPF, DKIM, DMARC
  ReverseDns,
  Sender,               // the reverse-path or From is refused
  Relaying,             // the next hop is not for this domain
  Credentials,          // the next hop wants AUTH, or refuses ours
  Greylisting,
  Rate,
  Connections,          // too many at once
  Recipients,           // too many in one message
  Tls,
  Dns,
  Network,
  Expired,              // the next hop's own queue gave up
  Loop,
  Storage,              // the next hop's disk
  System,
  Mailer,               // a program that the recipient's mail is handed to
  Capability,           // the next hop lacks an extension that the message needs
  Protocol,
  Undetermined,
};
inline constexpr std::size_t kFailureClassCount = static_cast<std::size_t>(FailureClass::Undetermined) + 1;

struct FailureClassRow {
  FailureClass value;
  std::string_view name;         // "recipient_disabled": in events, lists, logs, metric labels
  bool concerns_address = false;  // whether mail to this address will fail whoever sends it and whatever it says
  std::string_view meaning;       // for people
};
// In the order of the enumeration.
const std::array<FailureClassRow, kFailureClassCount>& failure_class_table();
std::string_view failure_class_name(FailureClass value);
bool concerns_address(FailureClass value);

// `remote`: the next hop as events name it ("mx.example.net [192.0.2.1]:25"); empty: the status is a word of ours. What a next
// hop says is read by its text before its enhanced code, since codes are used loosely (5.7.1 says everything) and texts less so;
// some providers' words mean something of their own. Our words are read by their codes. Time linear in the text, of which the
// first kMaxClassifiedOctets are read. Any thread.
FailureClass classify_failure(const Status& status, std::string_view remote);
inline constexpr std::size_t kMaxClassifiedOctets = 1'024;

// By the words alone, in the same way; nullopt: they say nothing.
std::optional<FailureClass> classify_words(const Status& status, std::string_view remote);

}  // namespace postern::relay
