#include "core/idna.h"

#include "core/bytes.h"

#include <idn2.h>

namespace postern {

namespace {

std::optional<std::string> a_labels(const std::string& domain, int flags) {
  if (domain.find('\0') != std::string::npos) return std::nullopt;
  char* ascii = nullptr;
  if (idn2_to_ascii_8z(domain.c_str(), &ascii, flags) != IDN2_OK) return std::nullopt;
  std::string result(ascii);
  idn2_free(ascii);
  return result;
}

}  // namespace

std::optional<std::string> domain_to_ascii(std::string_view domain) {
  return a_labels(std::string(domain), IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
}

bool is_unmapped_domain(std::string_view domain) {
  const std::string lower = to_ascii_lower(domain);
  const auto plain = a_labels(lower, IDN2_NO_TR46);
  return plain && plain == a_labels(lower, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) &&
         plain == a_labels(lower, IDN2_TRANSITIONAL | IDN2_NFC_INPUT);
}

}  // namespace postern
