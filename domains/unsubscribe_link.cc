// A token is base32hex, which survives whoever changes the case of letters, of: account (10), message (16), octets of the stream
// (1; 128 more of test mail), stream, address, MAC over all that (16).
#include "domains/unsubscribe_link.h"

#include "core/bytes.h"
#include "store/records.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <span>
#include <utility>

namespace postern::domains {
namespace {

constexpr std::string_view kLinkPurpose = "unsubscribe: ";  // the key has other uses
constexpr std::size_t kLinkMacOctets = 16;
constexpr std::size_t kTestMail = 128;
constexpr std::size_t kMaxTokenOctets = 800;  // of text: the longest stream and address fit

std::span<const std::uint8_t> link_octets(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
template <std::size_t N>
std::string_view text_of(const std::array<std::uint8_t, N>& octets) {
  return {reinterpret_cast<const char*>(octets.data()), N};
}
template <std::size_t N>
std::array<std::uint8_t, N> take(std::string_view& text) {
  std::array<std::uint8_t, N> octets{};
  std::copy_n(text.begin(), N, octets.begin());
  text.remove_prefix(N);
  return octets;
}

}  // namespace

bool is_stream(std::string_view text) {
  return !text.empty() && text.size() <= store::kMaxStreamOctets &&
         std::ranges::all_of(text, [](char c) { return is_ascii_alnum(c) || c == '_' || c == '-'; });
}

Result<std::optional<std::string>> stream_to_unsubscribe(const mime::HeaderScan& header) {
  const mime::HeaderField* const field = header.find(kUnsubscribeField);
  if (field == nullptr) return std::optional<std::string>();
  const std::string_view stream = trim_ascii_space(field->value);
  if (header.count(kUnsubscribeField) != 1 || !is_stream(stream)) {
    return Error(ErrorCode::InvalidArgument,
                 std::string(kUnsubscribeField) + " names one stream: up to 64 letters, digits, \"-\" and \"_\"");
  }
  return std::optional(std::string(stream));
}

std::array<std::uint8_t, 16> UnsubscribeLinks::mac_of(std::string_view octets) const {
  const std::string text = std::string(kLinkPurpose).append(octets);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const auto input = link_octets(text);
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), input.data(), input.size(), digest.data(), &length);
  std::array<std::uint8_t, kLinkMacOctets> mac{};
  std::copy_n(digest.begin(), mac.size(), mac.begin());
  return mac;
}

std::string UnsubscribeLinks::token_of(const Unsubscription& unsubscription) const {
  std::string octets(text_of(unsubscription.account.octets));
  octets.append(text_of(unsubscription.message.octets));
  const bool is_test = unsubscription.environment == Environment::Test;
  octets.push_back(static_cast<char>(unsubscription.stream.size() | (is_test ? kTestMail : 0)));
  octets.append(unsubscription.stream).append(unsubscription.address);
  octets.append(text_of(mac_of(octets)));
  return format_base32hex(link_octets(octets));
}

std::string UnsubscribeLinks::fields_of(const Unsubscription& unsubscription) const {
  return "List-Unsubscribe: <" + base_url_ + "/v1/unsubscribe/" + token_of(unsubscription) +
         ">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
}

std::optional<Unsubscription> UnsubscribeLinks::read(std::string_view token) const {
  if (token.size() > kMaxTokenOctets) return std::nullopt;
  const auto octets = parse_base32hex(to_ascii_lower(token));
  constexpr std::size_t kHead = 10 + 16 + 1;
  if (!octets || octets->size() < kHead + kLinkMacOctets) return std::nullopt;
  std::string_view text(reinterpret_cast<const char*>(octets->data()), octets->size());
  const std::string_view mac = text.substr(text.size() - kLinkMacOctets);
  text.remove_suffix(kLinkMacOctets);
  if (!equals_in_constant_time(mac_of(text), link_octets(mac))) return std::nullopt;
  Unsubscription found;
  found.account = {take<10>(text)};
  found.message = {take<16>(text)};
  const std::size_t number = static_cast<std::uint8_t>(text.front());
  text.remove_prefix(1);
  if ((number & kTestMail) != 0) found.environment = Environment::Test;
  const std::size_t stream = number & ~kTestMail;
  if (stream > text.size()) return std::nullopt;
  found.stream = text.substr(0, stream);
  found.address = text.substr(stream);
  return found;
}

}  // namespace postern::domains
