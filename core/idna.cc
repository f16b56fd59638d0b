#include "core/idna.h"

#include <idn2.h>

namespace postern {

std::optional<std::string> domain_to_ascii(std::string_view domain) {
  const std::string terminated(domain);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  char* ascii = nullptr;
  const int flags = IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT;
  if (idn2_to_ascii_8z(terminated.c_str(), &ascii, flags) != IDN2_OK) return std::nullopt;
  std::string result(ascii);
  idn2_free(ascii);
  return result;
}

}  // namespace postern
