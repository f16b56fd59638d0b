#include "provenance/arc.h"

#include "core/bytes.h"
#include "provenance/tag_list.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace postern::provenance {
namespace {

constexpr std::array<std::string_view, 3> kArcFields = {"ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"};
constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

// 0: it has none that is allowed.
std::size_t instance_of(std::string_view value, bool is_results) {
  // Of the results only the beginning is a list of tags (RFC 8617 §4.1.1).
  const auto tags = TagList::parse(is_results ? value.substr(0, value.find(';')) : value);
  if (!tags) return 0;
  const auto number = parse_unsigned(tags->find_compact("i").value_or(""));
  return number && *number <= kMaxArcSets ? static_cast<std::size_t>(*number) : 0;
}

std::size_t& place_of(ArcSet& set, std::size_t kind) {
  return kind == 0 ? set.results : kind == 1 ? set.signature : set.seal;
}

// The sets by instance; the second is why the chain is broken.
std::pair<std::vector<ArcSet>, std::string> collect(const mime::HeaderScan& header) {
  std::vector<ArcSet> sets;
  std::size_t fields = 0;
  for (std::size_t i = 0; i < header.fields().size(); ++i) {
    const mime::HeaderField& field = header.fields()[i];
    const auto* const name =
        std::ranges::find_if(kArcFields, [&](std::string_view one) { return equals_ignoring_case(one, field.name); });
    if (name == kArcFields.end()) continue;
    const auto kind = static_cast<std::size_t>(name - kArcFields.begin());
    const std::size_t instance = instance_of(field.value, kind == 0);
    if (instance == 0) return {{}, "a field of the chain has no instance"};
    if (sets.size() < instance) sets.resize(instance, {kNowhere, kNowhere, kNowhere});
    std::size_t& place = place_of(sets[instance - 1], kind);
    if (std::exchange(place, i) != kNowhere) return {{}, "instance " + std::to_string(instance) + " is there twice"};
    ++fields;
  }
  if (fields != sets.size() * kArcFields.size()) return {{}, "the chain is not whole"};
  return {std::move(sets), {}};
}

// What the seal of `set` says of the hops before it.
std::string find_seal_fault(const mime::HeaderScan& header, const ArcSet& set, std::size_t instance, Signature& seal) {
  const std::string_view value = header.fields()[set.seal].value;
  const std::string of = "the seal of instance " + std::to_string(instance);
  if (const auto fault = read_common_tags(value, seal)) return of + ": " + fault->why;
  const auto tags = TagList::parse(value);
  if (tags->find("h")) return of + " names fields";  // RFC 8617 §4.1.3
  const std::string chain = to_ascii_lower(tags->find_compact("cv").value_or(""));
  if (chain == "fail") return of + " says that the chain was broken";
  if (chain != (instance == 1 ? "none" : "pass")) return of + " says nothing valid of the chain";
  return {};
}

// RFC 8617 §5.1.1: all sets up to this one, its own seal last and without its value.
std::string sealed_octets(const mime::HeaderScan& header, const std::vector<ArcSet>& sets, std::size_t count) {
  std::string octets;
  for (std::size_t i = 0; i < count; ++i) {
    octets += canonical_field(raw_field(header, sets[i].results), Canonical::Relaxed);
    octets += canonical_field(raw_field(header, sets[i].signature), Canonical::Relaxed);
    if (i + 1 < count) octets += canonical_field(raw_field(header, sets[i].seal), Canonical::Relaxed);
  }
  const std::string raw = raw_field(header, sets[count - 1].seal);
  const std::size_t value = raw.find(':') + 1;
  octets += canonical_field(raw.substr(0, value) + without_signature(std::string_view(raw).substr(value)), Canonical::Relaxed);
  octets.resize(octets.size() - 2);
  return octets;
}

std::string claimed_results(const mime::HeaderScan& header, const ArcSet& set) {
  const std::string text = canonical_field(raw_field(header, set.results), Canonical::Relaxed);
  const std::size_t semicolon = text.find(';');
  return std::string(trim_ascii_space(semicolon == std::string::npos ? "" : std::string_view(text).substr(semicolon + 1)));
}

}  // namespace

std::string_view arc_result_name(ArcResult result) {
  constexpr std::array<std::string_view, 4> kNames = {"none", "pass", "fail", "temperror"};
  return kNames[static_cast<std::size_t>(result)];
}

ArcChain read_arc(const mime::HeaderScan& header) {
  ArcChain chain;
  std::tie(chain.sets, chain.fault) = collect(header);
  chain.seals.resize(chain.sets.size());
  for (std::size_t i = chain.sets.size(); i > 0 && chain.fault.empty(); --i) {
    chain.fault = find_seal_fault(header, chain.sets[i - 1], i, chain.seals[i - 1]);
  }
  if (chain.fault.empty() && !chain.sets.empty()) {
    chain.newest = read_signature(header, chain.sets.back().signature, SignatureKind::ArcMessage);
    if (chain.newest.fault) chain.fault = "the newest message signature: " + chain.newest.fault->why;
  }
  return chain;
}

ArcVerdict judge_arc(const mime::HeaderScan& header, const ArcChain& chain, const BodyHashes& body, const FindKeyAnswer& find,
                     Instant now) {
  if (!chain.is_there()) return {};
  if (!chain.fault.empty()) return {.result = ArcResult::Fail, .why = chain.fault};
  const auto broken = [](const SignatureFault& fault, const std::string& what) {
    const bool is_temporary = fault.result == SignatureResult::TempError;
    return ArcVerdict{.result = is_temporary ? ArcResult::TempError : ArcResult::Fail, .why = what + ": " + fault.why};
  };
  const FoundKey newest = find_key(find(chain.newest.key_name()), chain.newest);
  if (!newest.key) return broken(newest.fault, "the newest message signature");
  if (const auto fault = find_fault(header, chain.newest, body, *newest.key, now)) {
    return broken(*fault, "the newest message signature");
  }
  ArcVerdict verdict{.result = ArcResult::Pass};
  for (std::size_t i = 0; i < chain.sets.size(); ++i) {
    const Signature& seal = chain.seals[i];
    const std::string of = "the seal of instance " + std::to_string(i + 1);
    const FoundKey key = find_key(find(seal.key_name()), seal);
    if (!key.key) return broken(key.fault, of);
    if (!is_signed(*key.key, sealed_octets(header, chain.sets, i + 1), seal.value)) {
      return broken({SignatureResult::Fail, "it does not hold"}, of);
    }
    verdict.sealers.push_back({seal.domain, seal.selector, claimed_results(header, chain.sets[i])});
  }
  return verdict;
}

}  // namespace postern::provenance
