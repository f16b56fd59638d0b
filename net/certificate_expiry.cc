#include "net/certificate_expiry.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <chrono>
#include <ctime>

namespace postern::net {

std::optional<Instant> certificate_expiry(const TlsServerContext& context) {
  const X509* certificate = SSL_CTX_get0_certificate(static_cast<SSL_CTX*>(context.native()));
  std::tm parts{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return std::nullopt;
  return Instant{std::chrono::seconds(::timegm(&parts))};
}

}  // namespace postern::net
