// Of what the store holds (store/records.h): whom the mail is for that comes in for a domain, and what came in. Enumerators are
// stored: never renumber.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/message_id.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace postern::store {

// Which addresses of a domain there are, and what is done with their mail. Every active route that matches runs.
enum class RouteAction : std::uint8_t { Store = 1, Webhook = 2, Drop = 3, Forward = 4 };
inline constexpr std::size_t kMaxRoutesOfDomain = 100;
struct InboundRoute {
  std::string id;      // "rte_" and 16 characters of base32hex
  std::string match;   // the local part, with at most one "*": "sales", "ticket+*", "*-jobs", "*"
  RouteAction action = RouteAction::Store;
  bool is_active = true;
  std::string destination = {};  // Forward: the address. Since the domain's record version 4

  friend bool operator==(const InboundRoute&, const InboundRoute&) = default;
};

// What becomes of mail that fails its checks (reception/door_checks). Observe: it is noted; Tag: a field on top says so as well;
// Reject: what its author's domain wants rejected, or has no clear author, is refused.
enum class InboundPolicy : std::uint8_t { Observe = 1, Tag = 2, Reject = 3 };

// What the checks found of mail that came in: results in the words of RFC 8601.
struct InboundVerdicts {
  std::string spf;
  std::string spf_domain;            // that was asked
  std::string dkim;                  // "pass" if one of the signatures did, else the topmost one's
  std::vector<std::string> signers;  // domains whose signatures passed
  std::string dmarc;
  std::string author_domain;  // of the From field; empty: there is no one
  bool is_dkim_aligned = false;  // a signature of that domain passed: it goes on proving the author wherever the message goes
  std::string asked_for;      // by the author's domain for this message: "none", "quarantine", "reject"
  std::string arc;
  std::string suspicion;  // what is wrong with it, for people; empty: nothing

  friend bool operator==(const InboundVerdicts&, const InboundVerdicts&) = default;
};

// One message that a route sends on.
enum class ForwardState : std::uint8_t { Waiting = 1, Queued = 2, Refused = 3 };
struct InboundForward {
  std::string route;        // its id
  std::string recipient;    // the address that it came to
  std::string destination;  // whom it is sent to
  MessageId message;        // the one that goes out, once it is queued
  ForwardState state = ForwardState::Waiting;
  std::string why = {};     // Refused: for people

  friend bool operator==(const InboundForward&, const InboundForward&) = default;
};

// What came in for an account beside its message: for lists, and for what it turned out to be.
inline constexpr std::size_t kMaxInboundFindings = 100;
inline constexpr std::size_t kMaxForwardsOfInbound = 10;
struct InboundRecord {
  MessageId id;
  AccountId account;
  Instant received_at = {};
  std::optional<MessageId> about;       // it came to the return path of that message
  std::string from;                     // as the header has it, at most kMaxSummaryOctets
  std::string subject = {};             // the same
  std::string reverse_path = {};        // without angle brackets; empty: the null one
  std::vector<std::string> recipients;  // of this account
  std::uint64_t octets = 0;
  std::string kind;                     // "mail", reception's name of what came back, or nothing: it was not read yet
  std::vector<std::string> findings;    // a sentence each, at most kMaxInboundFindings
  // Since record version 2:
  std::optional<InboundVerdicts> verdicts = {};  // nullopt: it was not checked, as what came back is not
  std::vector<InboundForward> forwards = {};     // at most kMaxForwardsOfInbound

  // Somebody has to read it: what came back, or what is to be sent on.
  bool is_unread() const {
    return (about && kind.empty()) ||
           std::any_of(forwards.begin(), forwards.end(), [](const auto& one) { return one.state == ForwardState::Waiting; });
  }
  friend bool operator==(const InboundRecord&, const InboundRecord&) = default;
};

}  // namespace postern::store
