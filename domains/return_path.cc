#include "domains/return_path.h"

#include "core/bytes.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <span>
#include <utility>

namespace postern::domains {
namespace {

constexpr std::string_view kPrefix = "b+";
constexpr std::size_t kMessageOctets = 26;                 // format_message_id()
constexpr std::size_t kMacOctets = 10;                     // 80 bits: nobody gets more than a few thousand guesses a second
constexpr std::string_view kMacPurpose = "return path: ";  // the key has other uses

std::span<const std::uint8_t> octets_of_text(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

ReturnPaths::ReturnPaths(const std::array<std::uint8_t, 16>& secret, std::string domain, Duration lifetime)
    : secret_(secret), domain_(std::move(domain)), lifetime_(lifetime) {}

std::string ReturnPaths::mac_of(std::string_view message) const {
  const std::string text = std::string(kMacPurpose).append(message);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const auto octets = octets_of_text(text);
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), octets.data(), octets.size(), digest.data(), &length);
  return format_base32hex(std::span<const std::uint8_t>(digest).first(kMacOctets));
}

Mailbox ReturnPaths::path_of(const MessageId& message) const {
  const std::string id = format_message_id(message);
  return {.local_part = std::string(kPrefix).append(id).append(".").append(mac_of(id)), .domain = domain_};
}

std::variant<MessageId, ReturnPaths::Refusal> ReturnPaths::read(const Mailbox& recipient, Instant now) const {
  if (!is_used() || normalised_domain(recipient.domain) != domain_) return Refusal::Elsewhere;
  const std::string local = to_ascii_lower(recipient.local_part);
  const std::size_t dot = kPrefix.size() + kMessageOctets;
  if (!local.starts_with(kPrefix) || local.size() <= dot || local[dot] != '.') return Refusal::Forged;
  const std::string id = local.substr(kPrefix.size(), kMessageOctets);
  const std::string mac = mac_of(id);
  const auto message = parse_message_id(id);
  const bool is_ours = equals_in_constant_time(octets_of_text(mac), octets_of_text(std::string_view(local).substr(dot + 1)));
  if (!is_ours || !message) return Refusal::Forged;
  if (message->created() + lifetime_ < now) return Refusal::Expired;
  return *message;
}

}  // namespace postern::domains
