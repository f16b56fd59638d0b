// Whom a TLS client expects at the other end: the name that it asks for, and what the certificate has to show. What a handshake
// that failed says of the peer's certificate.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace postern::net {

// RFC 6698 §2.1.
struct TlsaRecord {
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching = 0;
  std::string data;  // octets

  friend bool operator==(const TlsaRecord&, const TlsaRecord&) = default;
};

struct TlsPeer {
  TlsPeer() = default;
  // Converts: most have nothing but a name.
  TlsPeer(std::string name) : server_name(std::move(name)) {}
  TlsPeer(const char* name) : server_name(name) {}

  std::string server_name;                 // a name or an address; sent as SNI, and what a verified certificate is for
  std::vector<std::string> other_names{};  // that it may be for instead (RFC 7672 §3.2.3)
  std::vector<TlsaRecord> tlsa{};          // for a context that verifies by DANE; of others nothing is looked at
};

// What was wrong with a handshake, as far as RFC 8460 §4.3 wants it told apart.
enum class TlsFault { None, Handshake, Expired, WrongName, NotTrusted, NoTlsaMatch };

// Those by which OpenSSL can authenticate a mail server: usages DANE-TA and DANE-EE (RFC 7672 §3.1), with data that fits selector
// and matching type.
std::vector<TlsaRecord> find_usable(const std::vector<TlsaRecord>& records);

}  // namespace postern::net
