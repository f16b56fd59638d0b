#include "provenance/signature.h"

#include "core/base64.h"
#include "core/bytes.h"
#include "core/mailbox.h"
#include "provenance/tag_list.h"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::provenance {
namespace {

constexpr std::size_t kMaxSelectorOctets = 253;

SignatureFault is_wrong(std::string why) {
  return {SignatureResult::PermError, std::move(why)};
}

// "relaxed/simple"; the second is simple where it is not said (RFC 6376 §3.5, c=).
bool read_forms(std::string_view text, Signature& signature) {
  const auto form = [](std::string_view name) -> std::optional<Canonical> {
    if (name == "simple") return Canonical::Simple;
    return name == "relaxed" ? std::optional(Canonical::Relaxed) : std::nullopt;
  };
  const std::size_t slash = text.find('/');
  const auto header = form(text.substr(0, slash));
  const auto body = slash == std::string_view::npos ? std::optional(Canonical::Simple) : form(text.substr(slash + 1));
  if (!header || !body) return false;
  signature.header_form = *header;
  signature.body_form = *body;
  return true;
}

bool read_number(const TagList& tags, std::string_view name, std::optional<std::uint64_t>& place) {
  const auto text = tags.find_compact(name);
  if (!text) return true;
  place = parse_unsigned(*text);
  return place.has_value();
}

bool is_selector(std::string_view text) {
  if (text.empty() || text.size() > kMaxSelectorOctets || text.front() == '.' || text.back() == '.') return false;
  return text.find("..") == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return is_ascii_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_below(std::string_view name, std::string_view domain) {
  return name == domain || (name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

// RFC 6376 §3.5: "i=", a local part or none, and a domain within d=.
std::string identity_domain(const Signature& signature) {
  const std::size_t at = signature.identity.rfind('@');
  return at == std::string::npos ? std::string() : normalised_domain(signature.identity.substr(at + 1));
}

std::optional<SignatureFault> read_dkim_tags(const TagList& tags, Signature& signature) {
  if (tags.find("v") != "1") return is_wrong("the signature is of another version");
  const auto methods = tags.find_compact("q");
  if (methods) {
    const std::vector<std::string> words = split_colons(*methods);
    if (std::ranges::find(words, "dns/txt") == words.end()) return is_wrong("its key is not in the DNS");
  }
  signature.identity = tags.find("i").value_or("");
  if (!signature.identity.empty() && !is_below(identity_domain(signature), signature.domain)) {
    return is_wrong("its identity is not within its domain");
  }
  const bool signs_author =
      std::ranges::any_of(signature.names, [](const auto& name) { return equals_ignoring_case(name, "From"); });
  if (!signs_author) return is_wrong("it does not sign From");
  std::optional<std::uint64_t> signed_at;
  if (!read_number(tags, "t", signed_at) || !read_number(tags, "x", signature.expires)) return is_wrong("its times are no numbers");
  if (signed_at && signature.expires && *signature.expires < *signed_at) return is_wrong("it expired before it was made");
  return std::nullopt;
}

std::optional<SignatureFault> read_tags(std::string_view value, SignatureKind kind, Signature& signature) {
  if (auto fault = read_common_tags(value, signature)) return fault;
  const auto tags = TagList::parse(value);
  if (!read_forms(tags->find_compact("c").value_or("simple/simple"), signature))
    return is_wrong("its canonicalization is not known");
  const auto names = tags->find("h");
  if (!names || names->empty()) return is_wrong("it does not say what it signs");
  signature.names = split_colons(*names);
  if (signature.names.size() > kMaxSignedFields) return is_wrong("it names too many fields");
  const auto hash = decode_base64(tags->find_compact("bh").value_or(""));
  if (!hash || hash->size() != 32) return is_wrong("its body hash is none of SHA-256");
  signature.body_hash = *hash;
  if (!read_number(*tags, "l", signature.body_length)) return is_wrong("its body length is no number");
  if (kind == SignatureKind::Dkim) return read_dkim_tags(*tags, signature);
  // RFC 8617 §4.1.2: seals change with each hop.
  const bool signs_seal =
      std::ranges::any_of(signature.names, [](const auto& one) { return equals_ignoring_case(one, "ARC-Seal"); });
  return signs_seal ? std::optional(is_wrong("it signs ARC-Seal")) : std::nullopt;
}

}  // namespace

std::string_view signature_result_name(SignatureResult result) {
  constexpr std::array<std::string_view, 7> kNames = {"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"};
  return kNames[static_cast<std::size_t>(result)];
}

std::optional<SignatureFault> read_common_tags(std::string_view value, Signature& signature) {
  const auto tags = TagList::parse(value);
  if (!tags) return is_wrong("it is no list of tags");
  signature.algorithm = to_ascii_lower(tags->find_compact("a").value_or(""));
  const std::string domain = tags->find_compact("d").value_or("");
  signature.domain = normalised_domain(domain);
  signature.selector = to_ascii_lower(tags->find_compact("s").value_or(""));
  if (!is_valid_domain(domain, true) || domain.starts_with('[')) return is_wrong("its domain is none");
  if (!is_selector(signature.selector)) return is_wrong("its selector is none");
  // RFC 8301 §3.1: rsa-sha1 proves nothing.
  if (signature.algorithm != "rsa-sha256" && signature.algorithm != "ed25519-sha256") {
    return is_wrong("its algorithm is not to be trusted");
  }
  const auto signed_octets = decode_base64(tags->find_compact("b").value_or(""));
  if (!signed_octets || signed_octets->empty()) return is_wrong("it has no value");
  signature.value = *signed_octets;
  return std::nullopt;
}

Signature read_signature(const mime::HeaderScan& header, std::size_t field, SignatureKind kind) {
  Signature signature;
  signature.field = field;
  signature.fault = read_tags(header.fields()[field].value, kind, signature);
  return signature;
}

FoundKey find_key(const KeyAnswer& answer, const Signature& signature) {
  if (!dns::is_answer(answer.finding)) return {std::nullopt, {SignatureResult::TempError, "the DNS gives no answer for its key"}};
  if (answer.texts.empty()) return {std::nullopt, is_wrong("no key is published")};
  FoundKey found;
  found.fault = is_wrong("several keys are published");
  std::size_t count = 0;
  for (const std::string& text : answer.texts) {
    auto key = read_key_record(text);
    if (!key) {
      if (count == 0) found.fault.why = key.error().context();
      continue;
    }
    found.key = std::move(*key);
    ++count;
  }
  if (count > 1) return {std::nullopt, is_wrong("several keys are published")};  // RFC 6376 §3.6.2.2
  if (!found.key) return found;
  if (found.key->key == nullptr) return {std::nullopt, is_wrong("its key was revoked")};
  const bool is_rsa = found.key->algorithm == SignatureAlgorithm::RsaSha256;
  if (is_rsa != (signature.algorithm == "rsa-sha256")) return {std::nullopt, is_wrong("its key is for another algorithm")};
  if (is_rsa && (found.key->bits < kMinRsaBits || found.key->bits > kMaxRsaBits)) {
    return {std::nullopt, {SignatureResult::Policy, "its key has " + std::to_string(found.key->bits) + " bits"}};
  }
  return found;
}

std::optional<SignatureFault> find_fault(const mime::HeaderScan& header, const Signature& signature, const BodyHashes& body,
                                         const SigningKey& key, Instant now) {
  if (key.is_for_domain_alone && !signature.identity.empty() && identity_domain(signature) != signature.domain) {
    return is_wrong("its key is not for identities below its domain");
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  if (signature.expires && *signature.expires < static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0))) {
    return SignatureFault{SignatureResult::Fail, "it has expired"};
  }
  const bool is_relaxed = signature.body_form == Canonical::Relaxed;
  if (signature.body_length && *signature.body_length < (is_relaxed ? body.relaxed_octets : body.simple_octets)) {
    return SignatureFault{SignatureResult::Policy, "it leaves the end of the body unsigned (l=)"};
  }
  if (signature.body_hash != (is_relaxed ? body.relaxed : body.simple)) {
    return SignatureFault{SignatureResult::Fail, "the body was changed"};
  }
  const mime::HeaderField& field = header.fields()[signature.field];
  const std::string_view raw = std::string_view(header.section()).substr(field.begin, field.end - field.begin);
  const std::size_t value = raw.find(':') + 1;
  std::string own(raw.substr(0, value));
  own += without_signature(raw.substr(value));
  std::string octets = canonical_fields(header, signature.names, signature.header_form);
  octets += canonical_field(own, signature.header_form);
  octets.resize(octets.size() - 2);  // RFC 6376 §3.7: its own field without the last CR LF
  if (is_signed(key, octets, signature.value)) return std::nullopt;
  return SignatureFault{SignatureResult::Fail, "the signed fields were changed, or it is of another key"};
}

}  // namespace postern::provenance
