#include "provenance/dkim.h"

#include "core/base64.h"
#include "core/bytes.h"

#include <algorithm>

namespace postern::provenance {
namespace {

constexpr std::size_t kShownValueOctets = 12;

}  // namespace

std::vector<Signature> read_dkim_signatures(const mime::HeaderScan& header) {
  std::vector<Signature> signatures;
  for (std::size_t i = 0; i < header.fields().size() && signatures.size() < kMaxSignatures; ++i) {
    if (equals_ignoring_case(header.fields()[i].name, "DKIM-Signature")) {
      signatures.push_back(read_signature(header, i, SignatureKind::Dkim));
    }
  }
  return signatures;
}

DkimVerdict judge_dkim(const mime::HeaderScan& header, const Signature& signature, const BodyHashes& body, const KeyAnswer& key,
                       Instant now) {
  DkimVerdict verdict;
  verdict.domain = signature.domain;
  verdict.selector = signature.selector;
  verdict.algorithm = signature.algorithm;
  verdict.identity = signature.identity;
  verdict.value_start = encode_base64(signature.value).substr(0, kShownValueOctets);
  std::optional<SignatureFault> fault = signature.fault;
  if (!fault) {
    const FoundKey found = find_key(key, signature);
    fault = found.fault;
    if (found.key) {
      verdict.key_bits = found.key->bits;
      verdict.is_testing = found.key->is_testing;
      fault = find_fault(header, signature, body, *found.key, now);
    }
  }
  verdict.result = fault ? fault->result : SignatureResult::Pass;
  if (fault) verdict.why = fault->why;
  return verdict;
}

}  // namespace postern::provenance
