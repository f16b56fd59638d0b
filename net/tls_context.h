// TLS contexts: TLS 1.2 and 1.3 only, AEAD suites with forward secrecy, no renegotiation, no compression (RFC 8996, RFC 9325).
#pragma once

#include "core/clock.h"
#include "core/result.h"

#include <memory>
#include <string>
#include <vector>

namespace postern::net {

// Certificate and key of a listener. Copies share the OpenSSL context; a reload makes a new one, sessions under way keep theirs.
class TlsServerContext {
 public:
  // PEM files; the certificate file holds the chain. Fails with what is wrong and which file (key does not fit, unreadable …).
  static Result<TlsServerContext> load(const std::string& certificate_file, const std::string& key_file);
  // What a client that looks would object to, a sentence each: expired, not valid yet, expires soon, does not name `hostname`.
  // Self-signed or unknown authorities are not looked for.
  std::vector<std::string> find_problems(const std::string& hostname, Instant now) const;
  // SHA-256 of the certificate (not of its chain): the same for the same.
  std::string fingerprint() const;
  // The SSL_CTX, for net/stream only.
  void* native() const;

 private:
  std::shared_ptr<void> context_;
};

enum class TlsVerification {
  None,
  Required,  // chain and host name (RFC 6125)
  Dane,      // by the TLSA records that each connection is given, and by nothing else (RFC 7672)
};

class TlsClientContext {
 public:
  // `ca_file` empty: the system's store. Dane looks at none.
  static Result<TlsClientContext> create(TlsVerification verification, const std::string& ca_file);
  void* native() const;
  bool verifies() const { return verification_ != TlsVerification::None; }
  TlsVerification verification() const { return verification_; }

 private:
  std::shared_ptr<void> context_;
  TlsVerification verification_ = TlsVerification::None;
};

// Writes a self-signed ECDSA P-256 certificate for `hostname` (also localhost, 127.0.0.1, ::1), valid for ten years, and its
// key (mode 0600). For development; the app decides when that is allowed.
Result<void> write_self_signed_certificate(const std::string& hostname, const std::string& certificate_file,
                                           const std::string& key_file);

}  // namespace postern::net
