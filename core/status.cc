#include "core/status.h"

#include "core/bytes.h"

#include <array>

namespace postern {

std::optional<EnhancedCode> parse_enhanced_code(std::string_view text) {
  std::array<std::uint64_t, 3> parts{};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t dot = i < 2 ? text.find('.') : text.size();
    if (dot == std::string_view::npos || dot > 3) return std::nullopt;
    const auto part = parse_unsigned(text.substr(0, dot));
    // RFC 3463 §2: no leading zeros.
    if (!part || (dot > 1 && text.front() == '0')) return std::nullopt;
    parts[i] = *part;
    text.remove_prefix(i < 2 ? dot + 1 : dot);
  }
  if (parts[0] != 2 && parts[0] != 4 && parts[0] != 5) return std::nullopt;
  return EnhancedCode{static_cast<std::uint8_t>(parts[0]), static_cast<std::uint16_t>(parts[1]),
                      static_cast<std::uint16_t>(parts[2])};
}

std::string format_enhanced_code(EnhancedCode code) {
  return std::to_string(code.klass) + '.' + std::to_string(code.subject) + '.' + std::to_string(code.detail);
}

std::string format_status(const Status& status) {
  std::string text = std::to_string(status.code);
  if (status.enhanced) text.append(" ").append(format_enhanced_code(*status.enhanced));
  if (!status.text.empty()) text.append(" ").append(status.text);
  return text;
}

EnhancedCode effective_enhanced_code(const Status& status) {
  if (status.enhanced) return *status.enhanced;
  return EnhancedCode{static_cast<std::uint8_t>(status.code / 100), 0, 0};
}

}  // namespace postern
