// A stranger's message: its signatures and its chain are read and judged, and nothing that is made up passes; the body hashes the
// same in any pieces; no result of its own is taken for ours.
#include "provenance/arc.h"
#include "provenance/dkim.h"
#include "provenance/tag_list.h"
#include "tests/fuzz/fuzz.h"

namespace postern::fuzz {

POSTERN_FUZZ(message_origin) {
  const std::size_t piece = take_octet(input) + std::size_t{1};
  mime::HeaderScan header;
  const std::size_t taken = header.feed(input);
  header.finish();
  if (header.state() != mime::HeaderScan::State::Complete) return;
  provenance::BodyHashes body;
  for (const auto form : {provenance::Canonical::Simple, provenance::Canonical::Relaxed}) {
    provenance::BodyHash whole(form);
    provenance::BodyHash cut(form);
    whole.append(input.substr(taken));
    for (std::size_t i = taken; i < input.size(); i += piece) cut.append(input.substr(i, piece));
    const std::string hash = whole.finish();
    POSTERN_CHECK(hash == cut.finish() && whole.octets() == cut.octets());
    (form == provenance::Canonical::Simple ? body.simple : body.relaxed) = hash;
  }
  // Of a key that signed nothing.
  const provenance::KeyAnswer key{dns::Finding::Found, {"v=DKIM1; k=ed25519; p=D75aGAGCt8SGbBhqt0JDcPq3l4VBEkOdZI8NuEqkTqc="}};
  const auto signatures = provenance::read_dkim_signatures(header);
  POSTERN_CHECK(signatures.size() <= provenance::kMaxSignatures);
  for (const provenance::Signature& one : signatures) {
    const auto verdict = provenance::judge_dkim(header, one, body, key, Instant());
    POSTERN_CHECK(verdict.result != provenance::SignatureResult::Pass);
  }
  const provenance::ArcChain chain = provenance::read_arc(header);
  POSTERN_CHECK(chain.sets.size() <= provenance::kMaxArcSets);
  const auto arc = provenance::judge_arc(
      header, chain, body, [&key](const std::string&) { return key; }, Instant());
  POSTERN_CHECK(arc.result != provenance::ArcResult::Pass);
  for (const mime::HeaderField& field : header.fields()) {
    const std::string unsigned_value = provenance::without_signature(field.value);
    POSTERN_CHECK(unsigned_value.size() <= field.value.size());
  }
}

}  // namespace postern::fuzz
