// Envelope: what MAIL and RCPT said (RFC 5321 §2.3.1) with the delivery parameters of RFC 1870, 6152, 6531, 3461, 8689 and 4865.
#pragma once

#include "core/clock.h"
#include "core/mailbox.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace postern {

// Stored values: never renumber.
enum class BodyType : std::uint8_t { SevenBit = 0, EightBitMime = 1, BinaryMime = 2 };
enum class DsnReturn : std::uint8_t { Unspecified = 0, Full = 1, Headers = 2 };

// NOTIFY of RFC 3461 §4.1. Not given at all is its own case: failure notices only.
struct Notify {
  bool is_given = false;
  bool never = false;
  bool success = false;
  bool failure = false;
  bool delay = false;

  bool wants_failure() const { return !never && (!is_given || failure); }
  bool wants_success() const { return !never && success; }
  bool wants_delay() const { return !never && delay; }

  friend bool operator==(const Notify&, const Notify&) = default;
};

struct Recipient {
  Mailbox mailbox;
  Notify notify;
  std::string orcpt;  // "rfc822;addr" as it came, xtext still encoded (RFC 3461 §4.2); empty if not given

  friend bool operator==(const Recipient&, const Recipient&) = default;
};

// RFC 4865 §4: for so long, or until then.
using Hold = std::variant<std::chrono::seconds, Instant>;

// MAIL's parameters.
struct EnvelopeParameters {
  std::optional<std::uint64_t> declared_size;  // octets (RFC 1870)
  BodyType body = BodyType::SevenBit;
  bool smtputf8 = false;
  bool require_tls = false;  // onward under verified TLS only, or not at all (RFC 8689)
  DsnReturn ret = DsnReturn::Unspecified;
  std::string envid;  // xtext as it came (RFC 3461 §4.4)
  std::optional<Hold> hold = {};  // not stored: what comes of it is the delivery's

  friend bool operator==(const EnvelopeParameters&, const EnvelopeParameters&) = default;
};

struct Envelope {
  std::optional<Mailbox> reverse_path;  // nullopt: the null reverse-path
  EnvelopeParameters parameters;
  std::vector<Recipient> recipients;

  friend bool operator==(const Envelope&, const Envelope&) = default;
};

}  // namespace postern
