// A signature over a message: a DKIM-Signature (RFC 6376 §3.5), or ARC's ARC-Message-Signature (RFC 8617 §4.1.2), which is the
// same with an instance. Read, and verified against a key; pure but for OpenSSL.
#pragma once

#include "core/clock.h"
#include "dns/records.h"
#include "mime/header_scan.h"
#include "provenance/canonical.h"
#include "provenance/signing_key.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::provenance {

inline constexpr std::size_t kMaxSignedFields = 1'000;  // names in h=

// RFC 8601 §2.7.1.
enum class SignatureResult { None, Pass, Fail, Policy, Neutral, TempError, PermError };
std::string_view signature_result_name(SignatureResult result);

// Why a signature is no pass.
struct SignatureFault {
  SignatureResult result = SignatureResult::PermError;
  std::string why;
};

struct Signature {
  std::size_t field = 0;  // in HeaderScan::fields()
  std::string algorithm;  // "rsa-sha256"
  Canonical header_form = Canonical::Simple;
  Canonical body_form = Canonical::Simple;
  std::string domain;  // d=, A-labels in lower case
  std::string selector;
  std::string identity;  // i=, as it is written; empty: none
  std::vector<std::string> names;
  std::string body_hash;  // octets
  std::string value;      // b=, octets
  std::optional<std::uint64_t> body_length;
  std::optional<std::uint64_t> expires;  // seconds since 1970
  // What is already known to be wrong; what could be read is there all the same, for the report.
  std::optional<SignatureFault> fault;

  std::string key_name() const { return selector + "._domainkey." + domain; }
};

enum class SignatureKind { Dkim, ArcMessage };
Signature read_signature(const mime::HeaderScan& header, std::size_t field, SignatureKind kind);

// Tags that a signature and a seal (RFC 8617 §4.1.3) have in common: a, b, d, s.
std::optional<SignatureFault> read_common_tags(std::string_view value, Signature& signature);

// What the DNS said of a key.
struct KeyAnswer {
  dns::Finding finding = dns::Finding::Failed;
  std::vector<std::string> texts;
};
// The one usable key record there is, or why there is none.
struct FoundKey {
  std::optional<SigningKey> key;
  SignatureFault fault{};
};
FoundKey find_key(const KeyAnswer& answer, const Signature& signature);

// Of each form of the body.
struct BodyHashes {
  std::string simple;
  std::string relaxed;
  std::uint64_t simple_octets = 0;
  std::uint64_t relaxed_octets = 0;
};

// nullopt: it is right.
std::optional<SignatureFault> find_fault(const mime::HeaderScan& header, const Signature& signature, const BodyHashes& body,
                                         const SigningKey& key, Instant now);

}  // namespace postern::provenance
