// Status: a basic reply code, an enhanced status code and a text (RFC 5321 §4.2, RFC 3463). What a verdict says, what a
// next hop said, what a DSN reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern {

// class.subject.detail of RFC 3463 §2; class is 2, 4 or 5; subject and detail are 0 to 999.
struct EnhancedCode {
  std::uint8_t klass = 0;
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;

  friend bool operator==(const EnhancedCode&, const EnhancedCode&) = default;
};

// "5.7.1" → value; nullopt if it is not exactly that form.
std::optional<EnhancedCode> parse_enhanced_code(std::string_view text);
std::string format_enhanced_code(EnhancedCode code);

struct Status {
  std::uint16_t code = 0;                // 200 to 599
  std::optional<EnhancedCode> enhanced;  // absent where RFC 2034 allows none, or the peer sent none
  std::string text;                      // one line, printable; without code and enhanced code

  bool is_positive() const { return code >= 200 && code < 400; }
  bool is_transient() const { return code >= 400 && code < 500; }
  bool is_permanent() const { return code >= 500 && code < 600; }

  friend bool operator==(const Status&, const Status&) = default;
};

// "550 5.7.1 recipient_not_whitelisted: …"
std::string format_status(const Status& status);

// What a DSN's Status field says: the enhanced code, or class.0.0 made from the basic code.
EnhancedCode effective_enhanced_code(const Status& status);

}  // namespace postern
