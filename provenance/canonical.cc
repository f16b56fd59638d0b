#include "provenance/canonical.h"

#include "core/bytes.h"
#include "core/check.h"

#include <openssl/evp.h>

#include <algorithm>
#include <map>
#include <utility>

namespace postern::provenance {
namespace {

constexpr std::size_t kHashedAtOnce = 16 * 1024;

// §3.4.2: unfolded, runs of blanks as one, none at the ends.
std::string relaxed_value(std::string_view value) {
  std::string text;
  bool is_space = false;
  for (const char c : value) {
    if (c == '\r' || c == '\n') continue;
    if (c == ' ' || c == '\t') {
      is_space = true;
      continue;
    }
    if (is_space && !text.empty()) text += ' ';
    is_space = false;
    text += c;
  }
  return text;
}

}  // namespace

std::string canonical_field(std::string_view raw, Canonical form) {
  if (raw.ends_with("\r\n")) raw.remove_suffix(2);
  if (form == Canonical::Simple) return std::string(raw) + "\r\n";
  const std::size_t colon = raw.find(':');
  std::string_view name = raw.substr(0, colon);
  while (name.ends_with(' ') || name.ends_with('\t')) name.remove_suffix(1);
  const std::string_view value = colon == std::string_view::npos ? "" : raw.substr(colon + 1);
  return to_ascii_lower(name) + ":" + relaxed_value(value) + "\r\n";
}

std::string raw_field(const mime::HeaderScan& header, std::size_t index) {
  const mime::HeaderField& field = header.fields()[index];
  return header.section().substr(field.begin, field.end - field.begin);
}

std::string canonical_fields(const mime::HeaderScan& header, const std::vector<std::string>& names, Canonical form) {
  std::map<std::string, std::vector<const mime::HeaderField*>> by_name;
  for (const mime::HeaderField& field : header.fields()) by_name[to_ascii_lower(field.name)].push_back(&field);
  std::string text;
  for (const std::string& name : names) {
    const auto found = by_name.find(to_ascii_lower(name));
    if (found == by_name.end() || found->second.empty()) continue;
    const mime::HeaderField& field = *found->second.back();
    found->second.pop_back();
    text += canonical_field(std::string_view(header.section()).substr(field.begin, field.end - field.begin), form);
  }
  return text;
}

void BodyHash::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

BodyHash::BodyHash(Canonical form) : form_(form), context_(EVP_MD_CTX_new()) {
  POSTERN_CHECK(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}
BodyHash::~BodyHash() = default;
BodyHash::BodyHash(BodyHash&&) noexcept = default;

void BodyHash::append(std::string_view body) {
  for (const char c : body) {
    if (std::exchange(has_cr_, false)) {
      if (c == '\n') {
        ++newlines_;
        has_space_ = false;
        continue;
      }
      put('\r');  // one by itself; our door takes none
    }
    if (c == '\r') {
      has_cr_ = true;
    } else if (form_ == Canonical::Relaxed && (c == ' ' || c == '\t')) {
      has_space_ = true;
    } else {
      put(c);
    }
  }
}

void BodyHash::put_waiting() {
  for (; newlines_ > 0; --newlines_) {
    buffer_ += "\r\n";
    if (buffer_.size() >= kHashedAtOnce) flush();
  }
  if (std::exchange(has_space_, false)) buffer_ += ' ';
}

void BodyHash::put(char c) {
  if (newlines_ > 0 || has_space_) put_waiting();
  buffer_ += c;
  if (buffer_.size() >= kHashedAtOnce) flush();
}

void BodyHash::flush() {
  octets_ += buffer_.size();
  POSTERN_CHECK(EVP_DigestUpdate(context_.get(), buffer_.data(), buffer_.size()) == 1);
  buffer_.clear();
}

std::string BodyHash::finish() {
  if (std::exchange(has_cr_, false)) put('\r');
  const bool is_empty = octets_ == 0 && buffer_.empty();
  // §3.4.3: a body without anything is one CR LF; §3.4.4: nothing. Else the last line has its end.
  if (!is_empty || form_ == Canonical::Simple) buffer_ += "\r\n";
  flush();
  std::string hash(32, '\0');
  POSTERN_CHECK(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(hash.data()), nullptr) == 1);
  return hash;
}

std::string sha256(std::string_view octets) {
  std::string hash(32, '\0');
  POSTERN_CHECK(
      EVP_Digest(octets.data(), octets.size(), reinterpret_cast<unsigned char*>(hash.data()), nullptr, EVP_sha256(), nullptr) == 1);
  return hash;
}

}  // namespace postern::provenance
