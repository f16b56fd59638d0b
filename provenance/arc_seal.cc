#include "provenance/arc_seal.h"

#include "core/base64.h"
#include "core/bytes.h"
#include "provenance/arc.h"
#include "provenance/canonical.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <vector>

namespace postern::provenance {
namespace {

constexpr std::size_t kBase64Line = 72;
constexpr std::size_t kMaxNamed = 200;  // fields in h=: of a message with more the rest is not covered

// RFC 8617 §4.1.2, RFC 6376 §5.4.1: what gives the message its meaning, and the signatures that were there.
constexpr std::array<std::string_view, 23> kCovered = {
    "From", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "To", "Cc", "MIME-Version", "Content-Type",
    "Content-Transfer-Encoding", "In-Reply-To", "References", "List-Id", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post",
    "List-Subscribe", "List-Post", "List-Owner", "List-Archive", "DKIM-Signature", "Delivered-To"};

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeKey>;

PrivateKey read_private_key(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  PrivateKey key(memory ? PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr) : nullptr);
  ERR_clear_error();
  if (key && EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA) key.reset();
  return key;
}

// Base64, folded; empty: it cannot be signed.
std::string signature_of(EVP_PKEY* key, std::string_view octets) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const auto* const message = reinterpret_cast<const unsigned char*>(octets.data());
  std::size_t size = 0;
  std::string value;
  if (context != nullptr && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
      EVP_DigestSign(context.get(), nullptr, &size, message, octets.size()) == 1) {
    value.resize(size);
    const int done = EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(value.data()), &size, message, octets.size());
    value.resize(done == 1 ? size : 0);
  }
  ERR_clear_error();
  const std::string text = encode_base64(value);
  std::string folded;
  for (std::size_t i = 0; i < text.size(); i += kBase64Line) folded += "\r\n\t" + text.substr(i, kBase64Line);
  return folded;
}

// Each as often as it is there; From once more, so that nobody adds another (RFC 6376 §8.15).
std::vector<std::string> covered_names(const mime::HeaderScan& header) {
  std::vector<std::string> names = {"From"};
  for (const std::string_view name : kCovered) {
    for (std::size_t i = header.count(name); i > 0 && names.size() < kMaxNamed; --i) names.emplace_back(name);
  }
  return names;
}

std::string joined_names(const std::vector<std::string>& names) {
  std::string text;
  std::size_t column = 0;
  for (const std::string& name : names) {
    if (!text.empty()) text += ':';
    if (column + name.size() >= kBase64Line) {
      text += "\r\n\t";
      column = 0;
    }
    text += name;
    column += name.size() + 1;
  }
  return text;
}

// What a signature in `field` signs of the field itself: without its last CR LF.
std::string own_octets(const std::string& field) {
  std::string octets = canonical_field(field, Canonical::Relaxed);
  octets.resize(octets.size() - 2);
  return octets;
}

std::string earlier_sets(const mime::HeaderScan& header, const ArcChain& chain) {
  std::string octets;
  for (const ArcSet& set : chain.sets) {
    for (const std::size_t field : {set.results, set.signature, set.seal}) {
      octets += canonical_field(raw_field(header, field), Canonical::Relaxed);
    }
  }
  return octets;
}

}  // namespace

Result<std::string> seal_arc(const mime::HeaderScan& header, std::string_view body_hash, const ArcSealing& sealing) {
  const ArcChain chain = read_arc(header);
  if (!chain.fault.empty() || chain.sets.size() >= kMaxArcSets) return std::string();
  const PrivateKey key = read_private_key(sealing.private_key);
  if (!key) return Error(ErrorCode::InvalidArgument, "no RSA key to seal with");
  const std::string instance = "i=" + std::to_string(chain.sets.size() + 1);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(sealing.now.time_since_epoch()).count();
  const std::string who = "d=" + std::string(sealing.domain) + "; s=" + std::string(sealing.selector);
  const std::string when = "t=" + std::to_string(seconds);

  const std::string seen(trim_ascii_space(sealing.results));
  const std::string results = "ARC-Authentication-Results: " + instance + "; " + seen + "\r\n";
  const std::vector<std::string> names = covered_names(header);
  std::string signature = "ARC-Message-Signature: " + instance + "; a=rsa-sha256; c=relaxed/relaxed;\r\n\t" + who + "; " + when +
                          ";\r\n\th=" + joined_names(names) + ";\r\n\tbh=" + encode_base64(body_hash) + ";\r\n\tb=";
  signature += signature_of(key.get(), canonical_fields(header, names, Canonical::Relaxed) + own_octets(signature)) + "\r\n";
  const std::string chain_result = chain.sets.empty() ? "none" : "pass";
  std::string seal =
      "ARC-Seal: " + instance + "; a=rsa-sha256; cv=" + chain_result + ";\r\n\t" + who + "; " + when + ";\r\n\tb=";
  const std::string sealed = earlier_sets(header, chain) + canonical_field(results, Canonical::Relaxed) +
                             canonical_field(signature, Canonical::Relaxed) + own_octets(seal);
  seal += signature_of(key.get(), sealed) + "\r\n";
  return seal + signature + results;
}

}  // namespace postern::provenance
