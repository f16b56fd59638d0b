// Links by which a recipient unsubscribes from a stream (RFC 8058): on request of the message's sender, one in its header. The link
// says all that it takes, signed with a secret of this store's: it is good for as long as somebody keeps the message. Pure.
#pragma once

#include "core/envelope.h"
#include "core/ids.h"
#include "core/message_id.h"
#include "core/result.h"
#include "mime/header_scan.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::domains {

// "X-Postern-Unsubscribe: newsletter" asks for the fields and says which stream the message is of. It goes no further.
inline constexpr std::string_view kUnsubscribeField = "X-Postern-Unsubscribe";

// The stream that the header names; nullopt: it asks for no link. InvalidArgument: for more than one, or it is no word of at most
// store::kMaxStreamOctets letters, digits, "-" and "_".
Result<std::optional<std::string>> stream_to_unsubscribe(const mime::HeaderScan& header);

// Whether the text is a stream's name.
bool is_stream(std::string_view text);

struct Unsubscription {
  AccountId account;
  Environment environment = Environment::Live;  // of the message
  MessageId message;
  std::string stream;
  std::string address;  // normalised

  friend bool operator==(const Unsubscription&, const Unsubscription&) = default;
};

// Any thread.
class UnsubscribeLinks {
 public:
  UnsubscribeLinks() = default;
  // `base_url`: "https://relay.example.net", without a slash at its end.
  UnsubscribeLinks(const std::array<std::uint8_t, 16>& secret, std::string base_url)
      : secret_(secret), base_url_(std::move(base_url)) {}

  // List-Unsubscribe and List-Unsubscribe-Post, each with its line end. `stream` and `address` as above, of at most 64 and 320
  // octets: the line stays below 998.
  std::string fields_of(const Unsubscription& unsubscription) const;
  // What stands behind the last slash of a link. nullopt: not one of ours.
  std::optional<Unsubscription> read(std::string_view token) const;

 private:
  std::string token_of(const Unsubscription& unsubscription) const;
  std::array<std::uint8_t, 16> mac_of(std::string_view octets) const;

  std::array<std::uint8_t, 16> secret_{};
  std::string base_url_;
};

}  // namespace postern::domains
